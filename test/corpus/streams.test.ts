// The event streams of a running Mesos, replayed beside its own state documents.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClusterGuard } from '../../src/guard/cluster-guard.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { domainFragment, RFC1123 } from '../../src/records/labels.ts';
import { RecordIndex, type Surroundings } from '../../src/records/record-index.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import type { MasterEvent } from '../../src/state/events.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import type { MesosState } from '../../src/state/model.ts';
import { parseState } from '../../src/state/parse.ts';
import { EventParser } from '../../src/state/parse-event.ts';
import { sorted, whole } from '../support/histories.ts';
import { recordedLog } from '../support/log.ts';
import { deriveInput } from '../support/states.ts';
import { capture, document, linesOf, recordsOf } from './replay.ts';

const SURROUNDINGS: Surroundings = {
  hostAddresses: () => [],
  masters: ['10.0.0.1:5050'],
  nameServerAddresses: [],
  warn: () => undefined,
};

function eventsOf(path: string): MasterEvent[] {
  const parser = new EventParser();
  return recordsOf(path).map((record) => {
    const { event, warnings } = parser.parse(record);
    assert.deepEqual(warnings, []);
    return event;
  });
}

function stateOf(path: string): MesosState {
  return parseState(path.endsWith('early.json') ? capture(path) : document(path)).state;
}

/** A record set without the records of agents, frameworks and masters. */
function ofTasks(records: RecordSet, state: MesosState): unknown {
  const own = new Set(['slave.mesos.', '_slave._tcp.mesos.', 'leader.mesos.', 'master.mesos.', 'master0.mesos.']);
  for (const { name } of state.frameworks) {
    const fragment = domainFragment(name, RFC1123);
    own.add(`${fragment}.mesos.`).add(`_framework._tcp.${fragment}.mesos.`);
  }
  const rest = <V>(map: ReadonlyMap<string, V>) => new Map([...map].filter(([name]) => !own.has(name)));
  return sorted({ ...records, as: rest(records.as), aaaas: rest(records.aaaas), srvs: rest(records.srvs) });
}

function indexOf(cluster: LiveCluster): RecordIndex {
  cluster.takeChanges();
  return new RecordIndex(deriveInput(cluster.toState(), {}).config, cluster, SURROUNDINGS);
}

/** Applies an event as the zone's guard lets it. */
function applyGuarded(cluster: LiveCluster, guard: ClusterGuard, event: MasterEvent): void {
  if (event.kind !== 'subscribed') cluster.apply(event);
  else cluster.takeSnapshot(event.snapshot, (state) => takeGuarded(cluster, guard, state));
}

function takeGuarded(cluster: LiveCluster, guard: ClusterGuard, state: MesosState): void {
  cluster.take(guard.admit(state, cluster.toState()));
}

function newGuard(now: () => number): ClusterGuard {
  const config = { agentReregisterSeconds: 600, holdSeconds: 600, holdLossPercent: 50 };
  return new ClusterGuard({ config, logger: recordedLog().log, metrics: createMetrics(), now });
}

function newCluster(now?: () => number): LiveCluster {
  const cluster = new LiveCluster(now === undefined ? {} : { now });
  cluster.setLeader({ host: '10.0.0.1', port: '5050' });
  return cluster;
}

describe('captured event streams', () => {
  it('give at every quiet moment the task records of that moment, and after reconciliation all of them', () => {
    const events = eventsOf('churn-1/subscribe-json.recordio');
    const cluster = newCluster();
    const index = indexOf(cluster);
    let applied = 0;
    let compared = 0;
    for (const { n, records_before: until, quiet } of linesOf<{ n: number; records_before: number; quiet: boolean }>(
      'churn-1/snapshots.jsonl',
    )) {
      for (; applied < until; applied++) {
        cluster.apply(events[applied] as MasterEvent);
        index.update(cluster, cluster.takeChanges(), SURROUNDINGS);
        index.takeChanges();
        assert.deepEqual(sorted(index.records), sorted(whole(cluster.toState(), {})), `after record ${applied}`);
      }
      if (!quiet) continue;
      const state = { ...stateOf(`churn-1/state-${String(n).padStart(2, '0')}.json`), leader: cluster.leader as never };
      assert.deepEqual(ofTasks(index.records, state), ofTasks(whole(state, {}), state), `at snapshot ${n}`);
      const reconciled = LiveCluster.from(cluster.toState());
      reconciled.take(state);
      assert.deepEqual(sorted(whole(reconciled.toState(), {})), sorted(whole(state, {})), `reconciled at ${n}`);
      compared += 1;
    }
    assert.equal(compared, 14);
  });

  for (const folder of ['failover-1-kill9', 'failover-3-stopcont']) {
    it(`keep every name over ${folder}`, () => {
      let now = 0;
      const cluster = newCluster(() => now);
      const guard = newGuard(() => now);
      for (const event of eventsOf(`failover/${folder}/old-leader-subscribe.recordio`)) cluster.apply(event);
      const index = indexOf(cluster);
      const names = () => [...index.records.as.keys(), ...index.records.srvs.keys()];
      const before = names().filter((name) => !/^(_framework|_slave|leader|master|slave)/.test(name));
      assert.ok(before.length > 20);
      const keeps = (when: string) => {
        cluster.expire();
        index.update(cluster, cluster.takeChanges(), SURROUNDINGS);
        index.takeChanges();
        const has = new Set(names());
        for (const name of before) assert.ok(has.has(name), `${name} is gone ${when}`);
      };
      const events = eventsOf(`failover/${folder}/new-leader-subscribe.recordio`);
      for (const { i, t } of linesOf<{ i?: number; t: number }>(
        `failover/${folder}/new-leader-subscribe.timeline.jsonl`,
      )) {
        now = t * 1000;
        if (i !== undefined) applyGuarded(cluster, guard, events[i] as MasterEvent);
        keeps(`at ${t} s`);
      }
      now += 5000;
      keeps('in the end');
      assert.equal(cluster.awaitedAgentCount, 0);
      for (const moment of ['agents-back', 'framework-back']) {
        takeGuarded(cluster, guard, stateOf(`failover/${folder}/new-leader-state-${moment}.json`));
        keeps(`with the state ${moment}`);
      }
    });

    it(`keep every name over ${folder}, polled`, () => {
      let now = 0;
      const cluster = newCluster(() => now);
      const guard = newGuard(() => now);
      for (const event of eventsOf(`failover/${folder}/old-leader-subscribe.recordio`)) cluster.apply(event);
      const running = () =>
        cluster
          .toState()
          .frameworks.flatMap(({ tasks }) => tasks.map(({ id }) => id))
          .sort()
          .join();
      const before = running();
      for (const moment of ['early', 'agents-back', 'framework-back']) {
        now += 1000;
        takeGuarded(cluster, guard, stateOf(`failover/${folder}/new-leader-state-${moment}.json`));
        cluster.expire();
        assert.equal(running(), before, moment);
      }
    });
  }

  for (const [stream, documents] of [
    [
      'agent-lifecycle/subscribe-json',
      [
        'state-0-running',
        'state-1-agent2-unreachable',
        'state-3-agent2-killed-unreachable',
        'state-5-agent2-deactivated',
        'state-6-agent2-draining',
        'state-8-agent1-gone',
      ],
    ],
    ['cni/subscribe-json', ['state']],
    ['docker/subscribe-json', ['state']],
    [
      'single-master/subscribe-json',
      [
        'state-02-running',
        'state-04-unhealthy',
        'state-05-healthy-again',
        'state-07-framework-c-disconnected',
        'state-12-agent2-shut-down',
        'state-14-framework-a-torn-down',
      ],
    ],
  ] as const) {
    it(`go in ${stream} through the task records of each state in turn, and by change through those of the whole`, () => {
      const cluster = newCluster();
      const index = indexOf(cluster);
      const folder = stream.slice(0, stream.indexOf('/'));
      const states = documents.map((name) => ({
        ...stateOf(`${folder}/${name}.json`),
        leader: cluster.leader as never,
      }));
      let met = 0;
      for (const event of eventsOf(`${stream}.recordio`)) {
        cluster.apply(event);
        index.update(cluster, cluster.takeChanges(), SURROUNDINGS);
        index.takeChanges();
        assert.deepEqual(sorted(index.records), sorted(whole(cluster.toState(), {})));
        for (let state = states[met]; state !== undefined; state = states[met]) {
          const then = JSON.stringify(ofTasks(whole(state, {}), state));
          if (JSON.stringify(ofTasks(index.records, state)) !== then) break;
          met += 1;
        }
      }
      assert.equal(met, documents.length, `${documents[met]} was not met`);
    });
  }
});
