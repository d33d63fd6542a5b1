// When snapshots are written, and which ones are served.

import assert from 'node:assert/strict';
import { beforeEach, describe, it, mock } from 'node:test';
import { MesosDnsError } from '../../src/errors.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { ClusterSnapshot } from '../../src/snapshot/snapshot.ts';
import type { StoredSnapshot } from '../../src/snapshot/snapshot-file.ts';
import { SnapshotKeeper } from '../../src/snapshot/snapshot-keeper.ts';
import { recordedLog } from '../support/log.ts';
import { state } from '../support/model.ts';

const NOW_MS = 1_700_000_000_000;

const snapshotOf = (serial: number): ClusterSnapshot => ({ state: state({}), masters: [], hosts: {}, serial });

function setUp(stored: StoredSnapshot | Error | null = null) {
  const written: number[] = [];
  const confirmed: number[] = [];
  const world = { failure: null as Error | null };
  const { log, lines } = recordedLog();
  const metrics = createMetrics();
  const keeper = new SnapshotKeeper({
    file: {
      path: '/var/lib/mesos-dns/cluster.snapshot',
      read: async () => {
        if (stored instanceof Error) throw stored;
        return stored;
      },
      peek: () => {
        if (stored instanceof Error) throw stored;
        return stored === null ? null : { serial: stored.snapshot.serial, confirmedAtMs: stored.confirmedAtMs };
      },
      write: async ({ serial }) => {
        if (world.failure !== null) throw world.failure;
        written.push(serial);
        return 100;
      },
      confirm: async (atMs) => void confirmed.push(atMs),
    },
    maxAgeSeconds: 3600,
    logger: log,
    metrics,
  });
  const failures = async () => (await metrics.snapshotFailures.get()).values[0]?.value;
  return { keeper, written, confirmed, world, lines, failures };
}

/** Lets what has been started go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('SnapshotKeeper', () => {
  beforeEach(() => {
    mock.timers.reset();
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: NOW_MS });
  });

  it('writes ten seconds after a change, the newest of several at once', async () => {
    const { keeper, written } = setUp();
    for (const serial of [1, 2, 3]) keeper.confirm(serial, () => snapshotOf(serial));
    mock.timers.tick(9_999);
    await settle();
    assert.deepEqual(written, []);
    mock.timers.tick(1);
    await settle();
    assert.deepEqual(written, [3]);
  });

  it('writes what is waiting at the end', async () => {
    const { keeper, written } = setUp();
    keeper.confirm(1, () => snapshotOf(1));
    await keeper.close();
    keeper.confirm(2, () => snapshotOf(2));
    await keeper.close();
    assert.deepEqual(written, [1]);
  });

  it('notes once a minute that the masters still say the same, without writing it anew', async () => {
    const { keeper, written, confirmed } = setUp();
    keeper.confirm(1, () => snapshotOf(1));
    mock.timers.tick(10_000);
    await settle();
    for (let second = 0; second < 130; second += 10) {
      keeper.confirm(1, () => snapshotOf(1));
      mock.timers.tick(10_000);
    }
    assert.deepEqual(written, [1]);
    assert.deepEqual(confirmed, [NOW_MS + 70_000, NOW_MS + 130_000]);
  });

  it('goes on after a failure, which it logs and counts', async () => {
    const { keeper, written, world, lines, failures } = setUp();
    world.failure = new MesosDnsError('ERR_SNAPSHOT', 'no space left on device');
    keeper.confirm(1, () => snapshotOf(1));
    mock.timers.tick(10_000);
    await settle();
    assert.match(lines.at(-1) ?? '', /no space left/);
    assert.equal(await failures(), 1);
    world.failure = null;
    keeper.confirm(1, () => snapshotOf(1));
    mock.timers.tick(10_000);
    await settle();
    assert.deepEqual(written, [1]);
  });

  it('restores what the masters confirmed within the allowed age, and nothing older', async () => {
    const young = setUp({ snapshot: snapshotOf(7), confirmedAtMs: NOW_MS - 3_600_000 });
    assert.deepEqual(await young.keeper.restore(NOW_MS), snapshotOf(7));
    const old = setUp({ snapshot: snapshotOf(7), confirmedAtMs: NOW_MS - 3_602_000 });
    assert.equal(await old.keeper.restore(NOW_MS), null);
    assert.match(old.lines.at(-1) ?? '', /not served: no master has confirmed it for 3602 s/);
  });

  it('restores nothing where there is none or it cannot be used, and says why', async () => {
    const none = setUp();
    assert.equal(await none.keeper.restore(NOW_MS), null);
    assert.equal(await none.failures(), 0);
    const damaged = setUp(new MesosDnsError('ERR_SNAPSHOT', '/x/cluster.snapshot is damaged'));
    assert.equal(await damaged.keeper.restore(NOW_MS), null);
    assert.match(damaged.lines.at(-1) ?? '', /not served: .*is damaged/);
    assert.equal(await damaged.failures(), 1);
  });

  it('does not write what it has just restored', async () => {
    const { keeper, written, confirmed } = setUp({ snapshot: snapshotOf(7), confirmedAtMs: NOW_MS });
    await keeper.restore(NOW_MS);
    keeper.confirm(7, () => snapshotOf(7));
    mock.timers.tick(20_000);
    await settle();
    assert.deepEqual([written, confirmed], [[], [NOW_MS]]);
  });
});
