// What a task says of port mappings, health and checks, in documents and in events alike.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import type { Task } from '../../src/state/model.ts';
import { parseState } from '../../src/state/parse.ts';
import { EventParser } from '../../src/state/parse-event.ts';

/** The same task as `/state` shows it and as the event stream does. */
function bothForms(parts: Readonly<Record<string, unknown>>): Task[] {
  const document = {
    leader: 'master@10.0.0.1:5050',
    frameworks: [
      { id: 'f', name: 'f', tasks: [{ id: 't', name: 't', slave_id: 'a', state: 'TASK_RUNNING', ...parts }] },
    ],
  };
  const task = {
    task_id: { value: 't' },
    framework_id: { value: 'f' },
    agent_id: { value: 'a' },
    name: 't',
    state: 'TASK_RUNNING',
    ...parts,
  };
  const record = JSON.stringify({ type: 'TASK_ADDED', task_added: { task } });
  const { event } = new EventParser().parse(Buffer.from(record));
  assert.ok(event.kind === 'task-added');
  const [framework] = parseState(JSON.stringify(document)).state.frameworks;
  return [...(framework?.tasks ?? []), event.task];
}

const MAPPINGS = [{ host_port: 31000, container_port: 80 }];

describe('port mappings', () => {
  const hostScope = { labels: { labels: [{ key: 'network-scope', value: 'host' }] } };
  for (const [name, parts, expected] of [
    ['of the Docker containerizer', { container: { type: 'DOCKER', docker: { port_mappings: MAPPINGS } } }, true],
    ['of a container network', { container: { network_infos: [{ name: 'n' }, { port_mappings: MAPPINGS }] } }, true],
    ['of discovery ports', { discovery: { ports: { ports: [{ number: 1 }, { number: 80, ...hostScope }] } } }, true],
    ['that are none', { container: { docker: { port_mappings: [] }, network_infos: [{ port_mappings: [] }] } }, false],
    ['of odd form', { container: { docker: 5, network_infos: [5, { port_mappings: 'no' }] } }, false],
    ['of container scope', { discovery: { ports: { ports: [{ labels: { labels: [{ key: 'x' }] } }] } } }, false],
  ] as const) {
    it(`${name} are ${expected ? 'known' : 'none'}`, () => {
      assert.deepEqual(
        bothForms(parts).map(({ mapsPorts }) => mapsPorts),
        [expected, expected],
      );
    });
  }

  it('of a status are known', () => {
    const statuses = [{ state: 'TASK_RUNNING', container_status: { network_infos: [{ port_mappings: MAPPINGS }] } }];
    assert.deepEqual(
      bothForms({ statuses }).map((task) => task.statuses[0]?.mapsPorts),
      [true, true],
    );
  });
});

describe('health and checks', () => {
  const findings = (status: object) =>
    bothForms({ statuses: [{ state: 'TASK_RUNNING', ...status }] }).map(({ statuses: [only] }) => [
      only?.healthy,
      only?.checkPassed,
    ]);

  for (const [status, healthy, checkPassed] of [
    [{}, null, null],
    [{ healthy: true }, true, null],
    [{ healthy: false }, false, null],
    [{ healthy: 'yes' }, null, null],
    [{ check_status: { type: 'COMMAND', command: {} } }, null, null],
    [{ check_status: { type: 'COMMAND', command: { exit_code: 0 } } }, null, true],
    [{ check_status: { type: 'COMMAND', command: { exit_code: 2 } } }, null, false],
    [{ check_status: { type: 'HTTP', http: { status_code: 302 } } }, null, true],
    [{ check_status: { type: 'HTTP', http: { status_code: 503 } } }, null, false],
    [{ check_status: { type: 'TCP', tcp: { succeeded: false } }, healthy: true }, true, false],
  ] as const) {
    it(`are read from ${JSON.stringify(status)}`, () => {
      assert.deepEqual(findings(status), [
        [healthy, checkPassed],
        [healthy, checkPassed],
      ]);
    });
  }

  it('of checks stay when a document, which does not tell of them, shows the same status', () => {
    const state = (statuses: readonly object[]) =>
      parseState(
        JSON.stringify({
          leader: 'master@10.0.0.1:5050',
          frameworks: [
            { id: 'f', name: 'f', tasks: [{ id: 't', name: 't', slave_id: 'a', state: 'TASK_RUNNING', statuses }] },
          ],
        }),
      ).state;
    const cluster = LiveCluster.from(state([]));
    const status = {
      task_id: { value: 't' },
      state: 'TASK_RUNNING',
      timestamp: 5,
      check_status: { tcp: { succeeded: false } },
    };
    const updated = { framework_id: { value: 'f' }, state: 'TASK_RUNNING', status };
    const record = JSON.stringify({ type: 'TASK_UPDATED', task_updated: updated });
    cluster.apply(new EventParser().parse(Buffer.from(record)).event);
    const checks = () => cluster.toState().frameworks[0]?.tasks[0]?.statuses.map(({ checkPassed }) => checkPassed);
    assert.deepEqual(checks(), [false]);
    cluster.take(state([{ state: 'TASK_RUNNING', timestamp: 5 }]));
    assert.deepEqual(checks(), [false]);
    cluster.take(state([{ state: 'TASK_RUNNING', timestamp: 6 }]));
    assert.deepEqual(checks(), [null]);
  });
});
