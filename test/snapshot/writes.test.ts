// What becomes of writes that fail, or hang.

import assert from 'node:assert/strict';
import { beforeEach, describe, it, mock } from 'node:test';
import { createMetrics } from '../../src/observability/metrics.ts';
import { Writes } from '../../src/snapshot/writes.ts';
import { recordedLog } from '../support/log.ts';

function setUp() {
  const { log, lines } = recordedLog();
  const metrics = createMetrics();
  const writes = new Writes({ path: '/x/cluster.snapshot', logger: log, metrics });
  const written: string[] = [];
  /** A write that ends when it is told to. */
  const slow = (name: string) => {
    let end = () => {};
    let fail = (_error: Error) => {};
    const ended = new Promise<void>((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
    const write = async () => {
      await ended;
      written.push(name);
    };
    return { write, end, fail };
  };
  const failures = async () => (await metrics.snapshotFailures.get()).values[0]?.value;
  return { writes, written, slow, lines, failures };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('Writes', () => {
  beforeEach(() => {
    mock.timers.reset();
    mock.timers.enable({ apis: ['setTimeout'] });
  });

  it('come one behind the other, and of those that wait only the newest', async () => {
    const { writes, written, slow } = setUp();
    const [first, second, third] = [slow('first'), slow('second'), slow('third')];
    const done = writes.add(first.write);
    await settle();
    void writes.add(second.write);
    void writes.add(third.write);
    third.end();
    await settle();
    assert.equal(written.length, 0);
    first.end();
    await done;
    assert.deepEqual(written, ['first', 'third']);
    await writes.done;
    await writes.add(async () => void written.push('later'));
    assert.deepEqual(written, ['first', 'third', 'later']);
  });

  it('that fail are told and counted, and the next one comes', async () => {
    const { writes, written, slow, lines, failures } = setUp();
    const first = slow('first');
    const done = writes.add(first.write);
    await settle();
    void writes.add(async () => void written.push('second'));
    first.fail(new Error('no space left on device'));
    await done;
    assert.match(lines.join('\n'), /no space left on device/);
    assert.deepEqual([written, await failures()], [['second'], 1]);
  });

  it('that hang are told and counted while they do, once, and may end well', async () => {
    const { writes, written, slow, lines, failures } = setUp();
    const first = slow('first');
    const done = writes.add(first.write);
    await settle();
    mock.timers.tick(29_999);
    assert.deepEqual(lines, []);
    mock.timers.tick(1);
    assert.match(lines.at(-1) ?? '', /\/x\/cluster\.snapshot is not written yet after 30 s/);
    mock.timers.tick(600_000);
    assert.equal(await failures(), 1);
    first.end();
    await done;
    assert.match(lines.at(-1) ?? '', /cluster\.snapshot is written after all/);
    assert.deepEqual([written, lines.length, await failures()], [['first'], 2, 1]);
  });

  it('wait for those who wrote the same file before', async () => {
    const { log } = recordedLog();
    let leave = () => {};
    const after = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const order: string[] = [];
    const writes = new Writes({ path: '/x/cluster.snapshot', after, logger: log, metrics: createMetrics() });
    const done = writes.add(async () => void order.push('written'));
    await settle();
    order.push('left');
    leave();
    await done;
    assert.deepEqual(order, ['left', 'written']);
  });

  it('that hang and then fail are counted once', async () => {
    const { writes, slow, lines, failures } = setUp();
    const first = slow('first');
    const done = writes.add(first.write);
    await settle();
    mock.timers.tick(30_000);
    first.fail(new Error('input/output error'));
    await done;
    assert.match(lines.at(-1) ?? '', /input\/output error/);
    assert.equal(await failures(), 1);
  });
});
