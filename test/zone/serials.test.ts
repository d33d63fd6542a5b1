// The SOA serial counts changes: instances that begin with the same snapshot and hear of the same changes have the same one,
// however they hear of them and however many they publish together.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isAfter, laterSerial } from '../../src/dns/serial.ts';
import type { PublishedTable } from '../../src/engine/engine.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { ClusterSnapshot } from '../../src/snapshot/snapshot.ts';
import type { MasterEvent } from '../../src/state/events.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import type { MesosState } from '../../src/state/model.ts';
import { Zone } from '../../src/zone/zone.ts';
import { load } from '../config/support.ts';
import { anEvent, copyOf, historyAddresses, sorted } from '../support/histories.ts';
import { recordedLog } from '../support/log.ts';
import { agentModel, frameworkModel, stateOf, taskModel } from '../support/states.ts';

const SERIAL = 4_294_967_290;
const { config } = await load({ masters: ['10.0.0.1:5050'], domain: 'mesos', healthAware: true });

/** Task ids that are unique in the cluster, as schedulers make them: two equal tasks are one in the zone. */
const aChange = anEvent.map((event): MasterEvent => {
  if (event.kind === 'task-added') {
    return { ...event, task: { ...event.task, id: `${event.frameworkId}-${event.task.id}` } };
  }
  return event.kind === 'task-updated' ? { ...event, taskId: `${event.frameworkId}-${event.taskId}` } : event;
});

const SNAPSHOT: ClusterSnapshot = {
  state: stateOf([taskModel()], { agents: [agentModel(), agentModel({ id: 'c0-S0', pidHost: '10.1.0.9' })] }),
  masters: ['10.0.0.1:5050'],
  hosts: {},
  serial: SERIAL,
};

function start(snapshot: ClusterSnapshot | null, nowMs = () => 1_700_000_000_000) {
  const cluster = new LiveCluster();
  const { log } = recordedLog();
  const published: number[] = [];
  const publish = (): PublishedTable => ({ sizeBytes: 1, nameCount: 1, unwritable: [], cut: [], overlong: [] });
  const zone = new Zone({
    config,
    cluster,
    engine: { expect: () => undefined, publish, change: publish, publishImage: () => false },
    hosts: { resolve: async () => undefined, lookup: historyAddresses, learn: () => undefined },
    guard: { admit: (state) => state, holdsLoss: () => false, noteAwaited: () => undefined },
    masters: () => null,
    interfaceAddresses: () => [],
    onPublished: (serial) => published.push(serial),
    logger: log,
    metrics: createMetrics(),
    now: nowMs,
  });
  if (snapshot !== null) zone.restore(snapshot);
  return {
    zone,
    cluster,
    published,
    get serial(): number {
      return zone.served?.serial ?? 0;
    },
  };
}

async function confirmed(snapshot: ClusterSnapshot) {
  const instance = start(snapshot);
  await instance.zone.update(snapshot.state);
  assert.equal(instance.serial, snapshot.serial, 'the masters say what the snapshot does');
  return instance;
}

describe('the serials of instances that began with the same snapshot', () => {
  it('are the same after the same events, published one by one, together, or read as documents', async () => {
    const history = fc.array(fc.tuple(aChange, fc.boolean()), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(history, async (events) => {
        const single = await confirmed(SNAPSHOT);
        const bundled = await confirmed(SNAPSHOT);
        const polled = await confirmed(SNAPSHOT);
        for (const [event, isPublished] of events) {
          single.cluster.apply(event);
          single.zone.refresh();
          bundled.cluster.apply(event);
          if (isPublished) bundled.zone.refresh();
          await polled.zone.update(single.cluster.toState());
          if (isPublished) assert.equal(bundled.serial, single.serial);
          assert.equal(polled.serial, single.serial);
        }
        bundled.zone.refresh();
        assert.equal(bundled.serial, single.serial);
      }),
      { numRuns: 300 },
    );
  });

  it('move if and only if the records do, forward, where each change is published', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aChange, { maxLength: 40 }), async (events) => {
        const { zone, cluster } = await confirmed(SNAPSHOT);
        for (const event of events) {
          const { records, serial } = zone.served ?? assert.fail();
          const before = sorted(copyOf(records));
          cluster.apply(event);
          zone.refresh();
          const after = zone.served ?? assert.fail();
          const isSame = JSON.stringify(sorted(after.records)) === JSON.stringify(before);
          assert.equal(after.serial === serial, isSame);
          assert.ok(isSame || isAfter(after.serial, serial));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('are the same for one that streams a rollout and one that reads the states before and after it', async () => {
    const [streamed, polled] = [await confirmed(SNAPSHOT), await confirmed(SNAPSHOT)];
    const frameworkId = frameworkModel().id;
    for (let i = 0; i < 5; i++) {
      const task = taskModel({ id: `next.${i}`, state: 'TASK_STAGING' });
      streamed.cluster.apply({ kind: 'task-added', frameworkId, task });
      for (const state of ['TASK_STARTING', 'TASK_RUNNING']) {
        streamed.cluster.apply({ kind: 'task-updated', frameworkId, taskId: task.id, state, status: null, reason: '' });
      }
      streamed.zone.refresh();
    }
    const killed = { kind: 'task-updated', frameworkId, taskId: 'web.1', state: 'TASK_KILLED', status: null } as const;
    streamed.cluster.apply({ ...killed, reason: '' });
    streamed.cluster.apply({ kind: 'agent-added', agent: agentModel({ id: 'c0-S7', pidHost: '10.1.0.77' }) });
    streamed.zone.refresh();
    await polled.zone.update(streamed.cluster.toState());
    assert.equal(polled.serial, streamed.serial);
    // Six tasks, and one address of slave.mesos.
    assert.equal(streamed.serial, laterSerial(SERIAL, 7));
  });

  it('do not depend on the clock, which may go back', async () => {
    let now = 1_700_000_000_000;
    const instance = start(SNAPSHOT, () => now);
    await instance.zone.update(SNAPSHOT.state);
    now = 0;
    instance.cluster.apply({ kind: 'agent-removed', agentId: 'c0-S0' });
    instance.zone.refresh();
    assert.equal(instance.serial, laterSerial(SERIAL, 1));
  });
});

describe('the first serial without a snapshot', () => {
  const stateNow: MesosState = SNAPSHOT.state;
  it('is the time, or the one behind those that were used before', async () => {
    const fresh = start(null);
    await fresh.zone.update(stateNow);
    assert.equal(fresh.serial, 1_700_000_000);
    const later = start(null);
    later.zone.startAfter(1_800_000_000);
    await later.zone.update(stateNow);
    assert.equal(later.serial, 1_800_000_001);
  });
});
