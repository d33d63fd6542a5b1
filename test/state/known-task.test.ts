// A whole state that is read again gives the tasks that are kept already, where they say the same.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import type { Task } from '../../src/state/model.ts';
import { parseState } from '../../src/state/parse.ts';
import { EventParser } from '../../src/state/parse-event.ts';

const STATUS = { state: 'TASK_RUNNING', timestamp: 5 };

function document(states: Readonly<Record<string, string>>, status: object = STATUS, idFirst = true): string {
  const tasks = Object.entries(states).map(([id, state]) => ({
    id,
    name: 'web',
    slave_id: 'a',
    state,
    statuses: [status],
  }));
  const framework = idFirst ? { id: 'f', name: 'marathon', tasks } : { name: 'marathon', tasks, id: 'f' };
  return JSON.stringify({ leader: 'master@10.0.0.1:5050', frameworks: [framework] });
}

function snapshot(states: Readonly<Record<string, string>>): Buffer {
  const tasks = Object.entries(states).map(([id, state]) => ({
    task_id: { value: id },
    framework_id: { value: 'f' },
    agent_id: { value: 'a' },
    name: 'web',
    state,
    statuses: [STATUS],
  }));
  const frameworks = [{ framework_info: { id: { value: 'f' }, name: 'marathon' } }];
  const state = { get_tasks: { tasks }, get_frameworks: { frameworks }, get_agents: {} };
  return Buffer.from(JSON.stringify({ type: 'SUBSCRIBED', subscribed: { get_state: state } }));
}

function tasksOf(cluster: LiveCluster): ReadonlyMap<string, Task> {
  return cluster.frameworks.get('f')?.tasks ?? new Map();
}

/** What is read anew of the task `t` and whether it is the object that the cluster has. */
function reread(cluster: LiveCluster, text: string): { readonly task: Task | undefined; readonly isKnown: boolean } {
  const [framework] = parseState(text, cluster.knownTask).state.frameworks;
  const task = framework?.tasks.find(({ id }) => id === 't');
  return { task, isKnown: task !== undefined && task === tasksOf(cluster).get('t') };
}

describe('a task that is read again', () => {
  const cluster = () => LiveCluster.from(parseState(document({ t: 'TASK_RUNNING' })).state);

  it('is the one that is known, in a document', () => {
    assert.equal(reread(cluster(), document({ s: 'TASK_RUNNING', t: 'TASK_RUNNING' })).isKnown, true);
  });

  it('is the one that is known, in a snapshot of the stream', () => {
    const known = cluster();
    const { event } = new EventParser(known.knownTask).parse(snapshot({ t: 'TASK_RUNNING', u: 'TASK_STAGING' }));
    assert.ok(event.kind === 'subscribed');
    const [t, u] = event.snapshot.tasks;
    assert.equal(t?.task, tasksOf(known).get('t'));
    assert.equal(u?.task.state, 'TASK_STAGING');
    known.apply(event);
    assert.deepEqual([...tasksOf(known).keys()], ['t', 'u']);
  });

  it('is another where anything has changed', () => {
    const { task, isKnown } = reread(cluster(), document({ t: 'TASK_KILLING' }));
    assert.equal(isKnown, false);
    assert.equal(task?.state, 'TASK_KILLING');
    assert.equal(reread(cluster(), document({ t: 'TASK_RUNNING' }, { ...STATUS, healthy: false })).isKnown, false);
  });

  it('is another one of the same id in another framework', () => {
    const text = document({ t: 'TASK_RUNNING' }).replace('"id":"f"', '"id":"g"');
    const { task, isKnown } = reread(cluster(), text);
    assert.equal(isKnown, false);
    assert.equal(task?.id, 't');
  });

  it('is read as ever where the id of its framework comes behind it', () => {
    const { task, isKnown } = reread(cluster(), document({ t: 'TASK_RUNNING' }, STATUS, false));
    assert.equal(isKnown, false);
    assert.deepEqual(task, tasksOf(cluster()).get('t'));
  });

  it('is the one that is known where a document does not tell of its check', () => {
    const known = cluster();
    const status = { task_id: { value: 't' }, ...STATUS, check_status: { tcp: { succeeded: false } } };
    const updated = { framework_id: { value: 'f' }, state: 'TASK_RUNNING', status };
    const record = JSON.stringify({ type: 'TASK_UPDATED', task_updated: updated });
    known.apply(new EventParser().parse(Buffer.from(record)).event);
    assert.equal(tasksOf(known).get('t')?.statuses[0]?.checkPassed, false);
    assert.equal(reread(known, document({ t: 'TASK_RUNNING' })).isKnown, true);
  });
});
