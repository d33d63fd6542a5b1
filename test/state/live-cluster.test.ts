// What stays of the agents that a new leader still expects, told of by a document or by the stream alike.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import type { Framework, MesosState, Task } from '../../src/state/model.ts';
import { agent, framework, state, task } from '../support/model.ts';

const BEFORE = state({
  agents: [agent('S1'), agent('S2')],
  frameworks: [framework('F1', task('a', 'S1'), task('b', 'S2'), task('c', 'S2', 'TASK_STAGING')), framework('F2')],
});

/** Takes a state as a document. */
function byDocument(cluster: LiveCluster, next: MesosState): void {
  cluster.take(next);
}

/** Takes the same as the first record of a stream. */
function byStream(cluster: LiveCluster, { agents, recoveredAgentIds, frameworks }: MesosState): void {
  const tasks = frameworks.flatMap(({ id, tasks: list }) =>
    list.map((each: Task) => ({ frameworkId: id, task: each })),
  );
  const news = frameworks.map(({ tasks: _, pid: __, ...rest }: Framework) => rest);
  cluster.takeSnapshot({ agents, recoveredAgentIds, frameworks: news, tasks });
}

const agentIds = (cluster: LiveCluster) =>
  cluster
    .toState()
    .agents.map(({ id }) => id)
    .sort();
const taskIds = (cluster: LiveCluster) =>
  cluster
    .toState()
    .frameworks.map(({ id, tasks }) => `${id}: ${tasks.map((each) => each.id).join(' ')}`)
    .sort();

function setUp(recoveryMs = 600_000) {
  const clock = { now: 0 };
  const cluster = new LiveCluster({ recoveryMs: () => recoveryMs, now: () => clock.now });
  cluster.take(BEFORE);
  return { cluster, clock };
}

for (const [source, take] of [
  ['a document', byDocument],
  ['the stream', byStream],
] as const) {
  describe(`agents that a master expects back, by ${source}`, () => {
    it('stay with their running tasks', () => {
      const { cluster } = setUp();
      take(
        cluster,
        state({ agents: [agent('S1')], recoveredAgentIds: ['S2'], frameworks: [framework('F1', task('a', 'S1'))] }),
      );
      assert.deepEqual(agentIds(cluster), ['S1', 'S2']);
      assert.deepEqual(taskIds(cluster), ['F1: a b', 'F2: ']);
      assert.deepEqual([cluster.awaitedAgentCount, cluster.awaitedTaskCount], [1, 1]);
    });

    it('stay with a framework that nobody has told the master of yet, until no agent is awaited any more', () => {
      const { cluster } = setUp();
      take(cluster, state({ recoveredAgentIds: ['S1', 'S2'] }));
      assert.deepEqual(taskIds(cluster), ['F1: a b', 'F2: ']);
      take(cluster, state({ agents: [agent('S1'), agent('S2')], frameworks: [framework('F1', task('b', 'S2'))] }));
      assert.deepEqual(taskIds(cluster), ['F1: b']);
    });

    it('do not keep a framework that the same leader has told of, and does not any more', () => {
      const { cluster } = setUp();
      const expecting = state({ leader: { host: '10.0.0.2', port: '5050' }, recoveredAgentIds: ['S1', 'S2'] });
      cluster.setLeader(expecting.leader);
      take(cluster, { ...expecting, frameworks: [framework('F1')] });
      assert.deepEqual(taskIds(cluster), ['F1: a b', 'F2: ']);
      take(cluster, expecting);
      assert.deepEqual(taskIds(cluster), ['F2: ']);
    });

    it('keep the address of a scheduler that has not come back', () => {
      const { cluster } = setUp();
      const waiting = { ...framework('F1'), pid: null, active: false };
      take(cluster, state({ recoveredAgentIds: ['S1', 'S2'], frameworks: [waiting] }));
      const pid = () => cluster.toState().frameworks.find(({ id }) => id === 'F1')?.pid;
      assert.deepEqual(pid(), { host: '10.0.0.5', port: '1' });
    });

    it('lose a task as soon as the master says of it anything else', () => {
      const { cluster } = setUp();
      const frameworks = [framework('F1', task('b', 'S2', 'TASK_FAILED'))];
      take(cluster, state({ recoveredAgentIds: ['S1', 'S2'], frameworks }));
      assert.deepEqual(taskIds(cluster), ['F1: a', 'F2: ']);
    });

    it('are gone where they are not expected, and with a time of 0', () => {
      const { cluster } = setUp();
      take(cluster, state({ agents: [agent('S1')], frameworks: [framework('F1', task('a', 'S1'))] }));
      assert.deepEqual([agentIds(cluster), taskIds(cluster)], [['S1'], ['F1: a']]);
      const never = setUp(0).cluster;
      take(never, state({ recoveredAgentIds: ['S1', 'S2'] }));
      assert.deepEqual([agentIds(never), taskIds(never)], [[], []]);
    });

    it('stay over several states, and no longer than the time allows', () => {
      const { cluster, clock } = setUp(60_000);
      take(cluster, state({ recoveredAgentIds: ['S1', 'S2'] }));
      clock.now = 30_000;
      take(cluster, state({ agents: [agent('S1')], recoveredAgentIds: ['S2'] }));
      assert.deepEqual(
        [agentIds(cluster), taskIds(cluster)],
        [
          ['S1', 'S2'],
          ['F1: b', 'F2: '],
        ],
      );
      clock.now = 59_999;
      cluster.expire();
      assert.deepEqual(taskIds(cluster), ['F1: b', 'F2: ']);
      clock.now = 60_000;
      cluster.expire();
      assert.deepEqual([agentIds(cluster), taskIds(cluster)], [['S1'], []]);
      take(cluster, state({ agents: [agent('S1')], recoveredAgentIds: ['S2'] }));
      assert.deepEqual([agentIds(cluster), cluster.awaitedAgentCount], [['S1'], 0]);
    });

    it('stay after a restart, from what was written of them, and are gone when their time is over', () => {
      const { cluster } = setUp();
      take(cluster, state({ recoveredAgentIds: ['S1', 'S2'] }));
      const written = cluster.toState();
      const clock = { now: 0 };
      const restarted = new LiveCluster({ recoveryMs: () => 60_000, now: () => clock.now });
      restarted.take(written);
      assert.deepEqual([restarted.awaitedAgentCount, restarted.awaitedTaskCount], [2, 2]);
      take(restarted, state({ recoveredAgentIds: ['S1', 'S2'] }));
      assert.deepEqual(taskIds(restarted), ['F1: a b', 'F2: ']);
      clock.now = 60_000;
      restarted.expire();
      assert.deepEqual([agentIds(restarted), taskIds(restarted)], [[], []]);
    });
  });
}

describe('an agent that is back', () => {
  it('has a moment to tell of its tasks, and is awaited anew where the next leader expects it again', () => {
    const { cluster, clock } = setUp(60_000);
    byStream(cluster, state({ recoveredAgentIds: ['S1', 'S2'] }));
    cluster.apply({ kind: 'agent-added', agent: agent('S1') });
    cluster.apply({ kind: 'agent-added', agent: agent('S2') });
    cluster.apply({ kind: 'task-added', frameworkId: 'F1', task: task('b', 'S2') });
    clock.now = 500;
    byStream(
      cluster,
      state({ agents: [agent('S2')], recoveredAgentIds: ['S1'], frameworks: [framework('F1', task('b', 'S2'))] }),
    );
    clock.now = 60_000;
    cluster.expire();
    assert.deepEqual(taskIds(cluster), ['F1: a b', 'F2: ']);
    cluster.apply({ kind: 'agent-added', agent: agent('S1') });
    clock.now = 61_000;
    cluster.expire();
    assert.deepEqual(taskIds(cluster), ['F1: b']);
    assert.equal(cluster.awaitedAgentCount, 0);
  });
});

describe('running tasks that go', () => {
  const gone = (cluster: LiveCluster) => {
    const { endedCount, lost } = cluster.takeChanges();
    return { ended: endedCount, lost: Object.fromEntries(lost) };
  };
  const update = (taskId: string, to: string) =>
    ({ kind: 'task-updated', frameworkId: 'F1', taskId, state: to, status: null, reason: '' }) as const;

  it('have ended where the master says so or their agent is there, and are lost with an agent', () => {
    for (const [to, expected] of [
      ['TASK_KILLED', { ended: 1, lost: {} }],
      ['TASK_FINISHED', { ended: 1, lost: {} }],
      ['TASK_UNREACHABLE', { ended: 0, lost: { S1: 1 } }],
      ['TASK_LOST', { ended: 0, lost: { S1: 1 } }],
    ] as const) {
      const { cluster } = setUp();
      cluster.takeChanges();
      cluster.apply(update('a', to));
      assert.deepEqual(gone(cluster), expected, to);
    }
    const { cluster } = setUp();
    cluster.takeChanges();
    cluster.take(state({ agents: [agent('S1')], frameworks: [framework('F1')] }));
    assert.deepEqual(gone(cluster), { ended: 1, lost: { S2: 1 } });
  });
});

describe('a task of a framework that nobody has announced', () => {
  it('has the whole state asked for, which knows the framework', () => {
    const { cluster } = setUp();
    cluster.apply({ kind: 'task-added', frameworkId: 'F1', task: task('d', 'S1') });
    assert.equal(cluster.reconciliationWanted, false);
    cluster.apply({ kind: 'task-added', frameworkId: 'F9', task: task('e', 'S1') });
    assert.equal(cluster.reconciliationWanted, true);
  });
});
