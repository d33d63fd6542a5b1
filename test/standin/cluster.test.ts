import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cluster } from '../../src/standin/cluster.ts';
import type { ClusterChange, Task } from '../../src/standin/model.ts';
import { ManualClock } from './support.ts';

function clusterWithTask(capabilities: readonly string[] = ['PARTITION_AWARE']) {
  const cluster = new Cluster({ clock: new ManualClock(), maxCompletedTasks: 2 });
  const agent = cluster.addAgent({ ip: '10.0.0.1' });
  const framework = cluster.addFramework({ name: 'marathon', capabilities });
  const launch = (id: string): Task =>
    cluster.launchTask({
      id,
      name: 'web',
      frameworkId: framework.id,
      agentId: agent.id,
      cpus: 0.1,
      memMb: 32,
      ports: [31000],
    });
  const changes: string[] = [];
  const note = (change: ClusterChange): number =>
    changes.push('task' in change ? `${change.kind} ${change.task.state}` : change.kind);
  launch('web.1');
  cluster.onChange(note);
  return { cluster, agent, framework, launch, changes, entry: () => cluster.frameworks.get(framework.id) };
}

describe('statuses of a task', () => {
  it('keeps one status per run of equal states', () => {
    const { cluster, framework } = clusterWithTask();
    cluster.updateTask(framework.id, 'web.1', 'TASK_STARTING');
    cluster.updateTask(framework.id, 'web.1', 'TASK_RUNNING', { healthy: false });
    const task = cluster.updateTask(framework.id, 'web.1', 'TASK_RUNNING', { healthy: true });
    assert.deepEqual(
      task.statuses.map((status) => [status.state, status.healthy]),
      [
        ['TASK_STARTING', undefined],
        ['TASK_RUNNING', true],
      ],
    );
  });

  it('tells whether an update only repeated the state', () => {
    const { cluster, framework } = clusterWithTask();
    const repeated: boolean[] = [];
    cluster.onChange((change) => {
      if (change.kind === 'task-updated') repeated.push(change.repeated);
    });
    cluster.updateTask(framework.id, 'web.1', 'TASK_RUNNING');
    cluster.updateTask(framework.id, 'web.1', 'TASK_RUNNING');
    assert.deepEqual(repeated, [false, true]);
  });

  it('lets the latest state run ahead of the last status', () => {
    const { cluster, framework } = clusterWithTask();
    cluster.updateTask(framework.id, 'web.1', 'TASK_STARTING');
    const task = cluster.setLatestState(framework.id, 'web.1', 'TASK_RUNNING');
    assert.equal(task.state, 'TASK_RUNNING');
    assert.equal(task.statuses.at(-1)?.state, 'TASK_STARTING');
  });
});

describe('the end of a task', () => {
  it('keeps a terminal task until it is acknowledged, then lists it as completed', () => {
    const { cluster, framework, entry } = clusterWithTask();
    cluster.updateTask(framework.id, 'web.1', 'TASK_FINISHED');
    assert.equal(entry()?.tasks.size, 1);
    cluster.completeTask(framework.id, 'web.1');
    assert.equal(entry()?.tasks.size, 0);
    assert.equal(entry()?.completed.length, 1);
  });

  it('forgets the oldest completed tasks beyond the limit', () => {
    const { cluster, framework, launch, entry } = clusterWithTask();
    for (const id of ['web.2', 'web.3', 'web.4']) {
      launch(id);
      cluster.updateTask(framework.id, id, 'TASK_FAILED');
      cluster.completeTask(framework.id, id);
    }
    assert.deepEqual(
      entry()?.completed.map((task) => task.id),
      ['web.3', 'web.4'],
    );
  });

  it('kills the tasks of a framework before it is removed', () => {
    const { cluster, framework, changes } = clusterWithTask();
    cluster.removeFramework(framework.id);
    assert.deepEqual(changes, ['task-updated TASK_KILLED', 'task-completed TASK_KILLED', 'framework-removed']);
    assert.equal(cluster.completedFrameworks.length, 1);
  });
});

describe('loss of an agent', () => {
  it('makes its tasks unreachable and brings them back running when it returns', () => {
    const { cluster, agent, framework, changes, entry } = clusterWithTask();
    cluster.updateTask(framework.id, 'web.1', 'TASK_RUNNING');
    changes.length = 0;
    cluster.removeAgent(agent.id, 'unreachable');
    assert.equal(entry()?.unreachable.get('web.1')?.state, 'TASK_UNREACHABLE');
    cluster.returnAgent(agent.id);
    assert.equal(entry()?.tasks.get('web.1')?.state, 'TASK_RUNNING');
    assert.deepEqual(changes, [
      'task-updated TASK_UNREACHABLE',
      'agent-left',
      'task-returned TASK_RUNNING',
      'agent-returned',
    ]);
  });

  it('calls the tasks of frameworks that know nothing of partitions lost', () => {
    const { cluster, agent, framework, entry } = clusterWithTask([]);
    cluster.updateTask(framework.id, 'web.1', 'TASK_RUNNING');
    cluster.removeAgent(agent.id, 'unreachable');
    assert.equal(entry()?.unreachable.get('web.1')?.state, 'TASK_LOST');
  });

  it('ends the tasks of an agent that shuts down or is gone for good', () => {
    for (const [loss, state] of [
      ['shut-down', 'TASK_LOST'],
      ['gone', 'TASK_GONE_BY_OPERATOR'],
    ] as const) {
      const { cluster, agent, entry } = clusterWithTask();
      cluster.removeAgent(agent.id, loss);
      assert.equal(cluster.agents.size, 0);
      assert.equal(entry()?.completed[0]?.state, state);
    }
  });
});

it('is the same cluster every time for the same clock and seed', () => {
  const ids = (): readonly string[] => {
    const { cluster } = clusterWithTask();
    return [...cluster.agents.keys(), ...cluster.frameworks.keys()];
  };
  assert.deepEqual(ids(), ids());
});
