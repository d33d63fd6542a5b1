// How long news takes to be answered, as the metric tells it: of every change of a burst, and of those alone that are answered.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PublishedTable } from '../../src/engine/engine.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import { Zone } from '../../src/zone/zone.ts';
import { load } from '../config/support.ts';
import { recordedLog } from '../support/log.ts';
import { frameworkModel, runningStatus, stateOf, taskModel } from '../support/states.ts';

const NOW_MS = 1_700_000_000_000;
const FRAMEWORK = frameworkModel().id;

async function setUp() {
  const { config } = await load({ masters: ['10.0.0.1:5050'], domain: 'mesos' });
  const cluster = new LiveCluster();
  const metrics = createMetrics();
  const publish = (): PublishedTable => ({ sizeBytes: 1, nameCount: 1, unwritable: [], cut: [], overlong: [] });
  const zone = new Zone({
    config,
    cluster,
    engine: { expect: () => undefined, publish, change: publish, publishImage: () => false },
    hosts: { resolve: async () => undefined, lookup: () => [], learn: () => undefined },
    guard: { admit: (state) => state, holdsLoss: () => false, noteAwaited: () => undefined },
    masters: () => null,
    interfaceAddresses: () => [],
    logger: recordedLog().log,
    metrics,
    now: () => NOW_MS,
  });
  await zone.update(stateOf([]));
  /** Count and sum of what was observed. */
  const observed = async (since: 'event' | 'receipt') => {
    const { values } = await metrics.propagation.get();
    const of = (suffix: string) =>
      values.find(({ metricName, labels }) => metricName?.endsWith(suffix) && labels['since'] === since)?.value ?? 0;
    return { count: of('_count'), sum: of('_sum') };
  };
  const update = (taskId: string, state: string, status = runningStatus(), receivedAtMs = performance.now()) =>
    cluster.apply(
      { kind: 'task-updated', frameworkId: FRAMEWORK, taskId, state, status: { ...status, state }, reason: '' },
      receivedAtMs,
    );
  return { cluster, zone, observed, update };
}

describe('the propagation metric', () => {
  it('has every change of a burst, since its receipt and since the time stamp of its status', async () => {
    const { cluster, zone, observed, update } = await setUp();
    const ids = Array.from({ length: 6000 }, (_, i) => `burst.${i}`);
    for (const id of ids) {
      cluster.apply({ kind: 'task-added', frameworkId: FRAMEWORK, task: taskModel({ id, state: 'TASK_STAGING' }) });
    }
    zone.refresh();
    assert.deepEqual(await observed('receipt'), { count: 0, sum: 0 }, 'nothing was there to be answered');
    const receivedAtMs = performance.now() - 2000;
    for (const id of ids) update(id, 'TASK_RUNNING', runningStatus({ timestamp: NOW_MS / 1000 - 3 }), receivedAtMs);
    zone.refresh();
    const [receipt, event] = [await observed('receipt'), await observed('event')];
    assert.deepEqual([receipt.count, event.count], [6000, 6000]);
    assert.ok(receipt.sum >= 6000 * 2, 'the time until they were taken over counts');
    assert.equal(Math.round(event.sum / 6000), 3);
    zone.refresh();
    assert.equal((await observed('receipt')).count, 6000, 'each is counted once');
  });

  it('has changes of one task that follow each other within one publication', async () => {
    const { cluster, zone, observed, update } = await setUp();
    cluster.apply({
      kind: 'task-added',
      frameworkId: FRAMEWORK,
      task: taskModel({ id: 'web.9', state: 'TASK_STAGING' }),
    });
    update('web.9', 'TASK_RUNNING');
    update('web.9', 'TASK_KILLED');
    zone.refresh();
    assert.equal((await observed('receipt')).count, 2);
  });

  it('does not take the old statuses of a task on an agent that is back for news', async () => {
    const { cluster, zone, observed } = await setUp();
    const task = taskModel({ id: 'old', statuses: [runningStatus({ timestamp: NOW_MS / 1000 - 86_400 })] });
    cluster.apply({ kind: 'task-added', frameworkId: FRAMEWORK, task });
    zone.refresh();
    assert.deepEqual([(await observed('receipt')).count, (await observed('event')).count], [1, 0]);
  });
});
