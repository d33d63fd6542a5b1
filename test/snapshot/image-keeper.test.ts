// When images are written, and which ones are served.

import assert from 'node:assert/strict';
import { beforeEach, describe, it, mock } from 'node:test';
import type { TableImage } from '../../src/engine/table-image.ts';
import { MesosDnsError } from '../../src/errors.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { StoredImage } from '../../src/snapshot/image-file.ts';
import { ImageKeeper } from '../../src/snapshot/image-keeper.ts';
import { recordedLog } from '../support/log.ts';

const CONTENT = '["mesos",60]';

const imageOf = (serial: number): TableImage => ({
  serial,
  pages: [],
  segments: [],
  negativeSoa: { address: 0, size: 0 },
  serialsAt: [],
  hasPointers: false,
});

function setUp(stored: number | string | Error = 'there is none') {
  const world = { inForce: 0, failure: null as Error | null, held: 0, hangs: false };
  const written: number[] = [];
  const contents: (string | undefined)[] = [];
  const { log, lines } = recordedLog();
  const metrics = createMetrics();
  const keeper = new ImageKeeper({
    file: {
      path: '/var/lib/mesos-dns/cluster.image',
      read: (_identity, use) => {
        if (stored instanceof Error) throw stored;
        return typeof stored === 'string' ? stored : use({ image: imageOf(stored), fill: () => undefined });
      },
      write: async ({ content }, { serial }, _parts, signal) => {
        if (world.failure !== null) throw world.failure;
        if (world.hangs) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        signal.throwIfAborted();
        written.push(serial);
        contents.push(content);
        return 100;
      },
    },
    identity: (content) => ({ content }),
    take: () => {
      if (world.inForce === 0) return null;
      world.held += 1;
      return { image: imageOf(world.inForce), parts: [], release: () => (world.held -= 1) };
    },
    logger: log,
    metrics,
  });
  const serve = (serial: number, content = CONTENT) => {
    world.inForce = serial;
    keeper.served(serial, content);
  };
  const failures = async () => (await metrics.snapshotFailures.get()).values[0]?.value;
  return { keeper, serve, written, contents, world, lines, failures };
}

/** Lets what has been started go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('ImageKeeper', () => {
  beforeEach(() => {
    mock.timers.reset();
    mock.timers.enable({ apis: ['setTimeout'] });
  });

  it('writes the zone when it has been the same for twenty seconds', async () => {
    const { serve, written, world } = setUp();
    for (const serial of [1, 2, 3]) {
      serve(serial);
      mock.timers.tick(19_999);
    }
    serve(3);
    await settle();
    assert.deepEqual(written, []);
    mock.timers.tick(1);
    await settle();
    assert.deepEqual(written, [3]);
    assert.equal(world.held, 0);
  });

  it('writes at the end what has not been written, once', async () => {
    const { keeper, serve, written } = setUp();
    serve(1);
    await keeper.close();
    serve(2);
    await keeper.close();
    assert.deepEqual(written, [1]);
  });

  it('writes nothing where no master has confirmed a zone, or the zone is dropped', async () => {
    const { keeper, serve, written } = setUp();
    await keeper.close();
    const dropped = setUp();
    dropped.serve(1);
    dropped.keeper.drop();
    mock.timers.tick(60_000);
    await dropped.keeper.close();
    serve(1);
    assert.deepEqual([written, dropped.written], [[], []]);
  });

  it('goes on after a failure, which it logs and counts', async () => {
    const { serve, written, world, lines, failures } = setUp();
    world.failure = new MesosDnsError('ERR_SNAPSHOT', 'no space left on device');
    serve(1);
    mock.timers.tick(20_000);
    await settle();
    assert.match(lines.at(-1) ?? '', /no space left/);
    assert.deepEqual([await failures(), world.held], [1, 0]);
    world.failure = null;
    serve(2);
    mock.timers.tick(20_000);
    await settle();
    assert.deepEqual(written, [2]);
  });

  it('lets a zone go whose image takes longer than thirty seconds to write', async () => {
    const { serve, written, world, lines, failures } = setUp();
    world.hangs = true;
    serve(1);
    mock.timers.tick(20_000);
    await settle();
    mock.timers.tick(29_999);
    await settle();
    assert.equal(world.held, 1);
    mock.timers.tick(1);
    assert.equal(world.held, 0);
    await settle();
    assert.deepEqual([written, await failures()], [[], 1]);
    assert.match(lines.at(-2) ?? '', /cluster\.image is not written yet after 30 s/);
    assert.match(lines.at(-1) ?? '', /it takes longer than 30 s/);
    world.hangs = false;
    serve(2);
    mock.timers.tick(20_000);
    await settle();
    assert.deepEqual([written, world.held], [[2], 0]);
  });

  it('notes of which settings the zone in force was made', async () => {
    const { serve, contents } = setUp();
    serve(1, '["mesos",60]');
    serve(2, '["mesos",5]');
    mock.timers.tick(20_000);
    await settle();
    assert.deepEqual(contents, ['["mesos",5]']);
  });

  it('writes the zone anew where its image on disk could not be served', async () => {
    const damaged = new MesosDnsError('ERR_SNAPSHOT', 'it is damaged');
    const refused = setUp(7);
    assert.equal(
      refused.keeper.restore(7, CONTENT, () => false),
      false,
    );
    const broken = setUp(7);
    const fail = () => {
      throw damaged;
    };
    assert.equal(broken.keeper.restore(7, CONTENT, fail), false);
    for (const { serve, written } of [refused, broken]) {
      serve(7);
      mock.timers.tick(20_000);
      await settle();
      assert.deepEqual(written, [7]);
    }
  });

  it('has the image of the snapshot served, and does not write it again', async () => {
    const { keeper, serve, written, lines } = setUp(7);
    const seen: StoredImage[] = [];
    assert.equal(
      keeper.restore(7, CONTENT, (stored) => seen.push(stored) > 0),
      true,
    );
    assert.equal(seen[0]?.image.serial, 7);
    assert.match(lines.at(-1) ?? '', /cluster\.image is served while the snapshot is read/);
    serve(7);
    mock.timers.tick(60_000);
    await settle();
    assert.deepEqual(written, []);
  });

  it('has no other image served: of another serial, of somebody else, without room, or damaged', async () => {
    const never = () => assert.fail('it is not to be served');
    assert.equal(setUp(6).keeper.restore(7, CONTENT, never), false);
    const ofOthers = setUp('"domain" is another');
    assert.equal(ofOthers.keeper.restore(7, CONTENT, never), false);
    assert.deepEqual([await ofOthers.failures(), ofOthers.lines.length], [0, 0], 'not worth a line');
    assert.equal(
      setUp(7).keeper.restore(7, CONTENT, () => false),
      false,
    );
    const damaged = setUp(new MesosDnsError('ERR_SNAPSHOT', '/x/cluster.image could not be read: it is damaged'));
    assert.equal(damaged.keeper.restore(7, CONTENT, never), false);
    assert.match(damaged.lines.at(-1) ?? '', /it is damaged; the zone is made from the snapshot/);
    assert.equal(await damaged.failures(), 1);
  });
});
