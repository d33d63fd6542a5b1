// The records kept up to date change by change are those that the whole derivation makes of the same cluster.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Config } from '../../src/config/config.ts';
import { changesBetween } from '../../src/records/record-changes.ts';
import { RecordIndex, type Surroundings } from '../../src/records/record-index.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import { anEvent, aState, copyOf, historyAddresses, sorted, whole } from '../support/histories.ts';
import { deriveInput, discoveryModel, runningStatus, stateOf, taskModel } from '../support/states.ts';

const SURROUNDINGS: Surroundings = {
  hostAddresses: historyAddresses,
  masters: ['10.0.0.1:5050'],
  nameServerAddresses: [],
  warn: () => undefined,
};

const CONFIGS: readonly Partial<Config>[] = [
  {},
  { reverseDNSOn: true, slaveNamedPorts: true },
  { dottedNames: false, enforceRFC952: true, IPSources: ['host'] },
  { healthAware: true, reverseDNSOn: true, IPSources: ['autoip', 'host'] },
];

function indexOf(cluster: LiveCluster, config: Partial<Config>): RecordIndex {
  cluster.takeChanges();
  return new RecordIndex(deriveInput(cluster.toState(), config).config, cluster, SURROUNDINGS);
}

function update(index: RecordIndex, cluster: LiveCluster) {
  const changes = cluster.takeChanges();
  const isOnlyTasks = !changes.agents && !changes.leader && changes.frameworks.size === 0;
  if (isOnlyTasks) index.updateTasks(cluster, changes);
  else index.update(cluster, changes, SURROUNDINGS);
  return index.takeChanges();
}

describe('the record index', () => {
  for (const config of CONFIGS) {
    it(`has after any history the records of the whole derivation, and names what changed: ${JSON.stringify(config)}`, () => {
      fc.assert(
        fc.property(fc.array(fc.array(anEvent, { maxLength: 6 }), { maxLength: 12 }), (batches) => {
          const cluster = new LiveCluster();
          cluster.setLeader({ host: '10.0.0.1', port: '5050' });
          const index = indexOf(cluster, config);
          for (const batch of batches) {
            for (const event of batch) cluster.apply(event);
            const before = copyOf(index.records);
            const changes = update(index, cluster);
            if (changes !== null) assert.deepEqual(sorted(changes.before()), sorted(before));
            assert.deepEqual(sorted(index.records), sorted(whole(cluster.toState(), config)));
            const expected = changesBetween(before, index.records);
            if (expected === null) {
              assert.equal(changes, null);
              continue;
            }
            for (const name of expected.names) assert.ok(changes?.names.has(name), `${name} is not named`);
            assert.deepEqual([...(changes?.pointers ?? [])].sort(), [...expected.pointers].sort());
          }
          const again = indexOf(LiveCluster.from(cluster.toState()), config);
          assert.deepEqual(sorted(again.records), sorted(index.records));
        }),
        { numRuns: 300 },
      );
    });
  }

  for (const config of CONFIGS) {
    it(`goes on from any cluster, whether anybody has looked at its records or not: ${JSON.stringify(config)}`, () => {
      const batches = fc.array(fc.array(anEvent, { maxLength: 6 }), { maxLength: 5 });
      fc.assert(
        fc.property(aState, batches, fc.boolean(), (first, later, isLookedAt) => {
          const cluster = LiveCluster.from(first);
          const index = indexOf(cluster, config);
          if (isLookedAt) assert.deepEqual(sorted(index.records), sorted(whole(cluster.toState(), config)));
          for (const batch of later) {
            for (const event of batch) cluster.apply(event);
            update(index, cluster);
            assert.deepEqual(sorted(index.records), sorted(whole(cluster.toState(), config)));
          }
        }),
        { numRuns: 300 },
      );
    });
  }

  it('has the addresses of canonical names apart until somebody asks for them', () => {
    const { records } = indexOf(LiveCluster.from(stateOf([taskModel({ name: 'web' })])), {});
    const { own, as } = records.apart ?? assert.fail('they are not apart');
    assert.equal(own.names.length, 2);
    for (const name of own.names) assert.equal(as.has(name), false);
    assert.deepEqual(
      own.names.map((name) => records.as.get(name)),
      own.addresses.map(({ ipv4 }) => ipv4),
    );
    assert.equal(records.apart, null);
  });

  it('keeps a record that two tasks yield until both are gone', () => {
    const task = (id: string) => taskModel({ id, statuses: [runningStatus({ networkAddresses: ['10.0.0.5'] })] });
    const cluster = LiveCluster.from(stateOf([task('one'), task('two'), task('three')]));
    const index = indexOf(cluster, {});
    for (const [taskId, left] of [
      ['one', ['10.0.0.5']],
      ['two', ['10.0.0.5']],
      ['three', undefined],
    ] as const) {
      cluster.apply({
        kind: 'task-updated',
        frameworkId: 'c0-0000',
        taskId,
        state: 'TASK_KILLED',
        status: null,
        reason: '',
      });
      update(index, cluster);
      assert.deepEqual(index.records.as.get('web.marathon.mesos.'), left);
    }
  });

  it('names the services of a task whose address alone has changed', () => {
    const before = taskModel({
      discovery: discoveryModel('web', [{ number: '80' }]),
      statuses: [runningStatus({ networkAddresses: ['10.0.0.5'] })],
    });
    const cluster = LiveCluster.from(stateOf([before]));
    const index = indexOf(cluster, {});
    const status = runningStatus({ timestamp: 2, networkAddresses: ['10.0.0.6'] });
    cluster.apply({
      kind: 'task-updated',
      frameworkId: 'c0-0000',
      taskId: 'web.1',
      state: 'TASK_RUNNING',
      status,
      reason: '',
    });
    const changes = update(index, cluster);
    assert.ok(changes?.names.has('_web._tcp.marathon.mesos.'));
    assert.ok(!changes?.names.has('slave.mesos.'));
  });

  it('forgets the names of tasks that are gone', () => {
    const cluster = LiveCluster.from(stateOf([]));
    const index = indexOf(cluster, { reverseDNSOn: true });
    const empty = sorted(index.records);
    for (let i = 0; i < 1000; i++) {
      const task = taskModel({ id: `t${i}`, name: `job-${i}.batch`, discovery: discoveryModel(`Job${i}.x`, [{}]) });
      cluster.apply({ kind: 'task-added', frameworkId: 'c0-0000', task });
      update(index, cluster);
      cluster.apply({
        kind: 'task-updated',
        frameworkId: 'c0-0000',
        taskId: task.id,
        state: 'TASK_FINISHED',
        status: null,
        reason: '',
      });
      update(index, cluster);
    }
    assert.deepEqual(sorted(index.records), empty);
    assert.equal(index.rememberedCount, 0);
  });
});
