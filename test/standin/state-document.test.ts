import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../src/standin/cluster.ts';
import { type DemoCluster, demoCluster } from '../../src/standin/demo-cluster.ts';
import { featuresOf, MIDDLE, MODERN, OLD } from '../../src/standin/mesos-version.ts';
import { type MasterIdentity, StateDocument } from '../../src/standin/state-document.ts';
import { portRanges } from '../../src/standin/usage.ts';
import { MasterView } from '../../src/standin/view.ts';
import { assertSameShape, capture, type Json, ManualClock, objectsAt } from './support.ts';

const SELF: MasterIdentity = { id: 'm-1', ip: '127.0.0.1', port: 5050, hostname: 'master-1.example', startTime: 1.5e9 };
const LISTS = ['slaves', 'frameworks', 'frameworks.tasks', 'frameworks.tasks.statuses'];

function leading(cluster: Cluster): MasterView {
  const view = new MasterView(cluster);
  view.lead(cluster.startTime);
  view.recover(true);
  return view;
}

function stateText(demo: DemoCluster, version: string, view = leading(demo.cluster)): string {
  return new StateDocument(demo.cluster, featuresOf(version)).state(view, SELF, SELF);
}

const parse = (text: string): Json => JSON.parse(text) as Json;
const demo = (): DemoCluster => demoCluster({ clock: new ManualClock() });

describe('the state of a leading master', () => {
  it('has the keys and types of a real one in agents, frameworks, tasks, statuses and networks', () => {
    const state = parse(stateText(demo(), '1.12.0'));
    const real = ['running', 'container-networks', 'driver-framework', 'failover-agents-back'].map((name) =>
      capture(`${name}.json`),
    );
    const networks = 'frameworks.tasks.statuses.container_status.network_infos';
    const nested = [networks, `${networks}.ip_addresses`, 'frameworks.tasks.resources', 'slaves.resources'];
    const discovery = ['frameworks.tasks.discovery', 'frameworks.tasks.discovery.ports.ports'];
    for (const path of [...LISTS, ...nested, ...discovery, 'leader_info', 'slaves.used_resources']) {
      assertSameShape(
        objectsAt(state, path),
        real.flatMap((each) => objectsAt(each, path)),
        path,
      );
    }
  });

  it('has no top-level key that a real one lacks, and lacks only the branch it was built from', () => {
    const state = parse(stateText(demo(), '1.12.0'));
    const real = Object.keys(capture('running.json')).filter((key) => key !== 'git_branch');
    assert.deepEqual(Object.keys(state).sort(), real.sort());
  });

  it('shows unreachable and lost tasks as a real one does', () => {
    const cluster = demo();
    const [agent] = [...cluster.cluster.agents.values()];
    cluster.cluster.removeAgent(agent?.id ?? '', 'unreachable');
    const state = parse(stateText(cluster, '1.12.0'));
    const path = 'frameworks.unreachable_tasks';
    const real = [
      ...objectsAt(capture('agent-unreachable.json'), path),
      ...objectsAt(capture('running.json'), 'frameworks.tasks'),
    ];
    assertSameShape(objectsAt(state, path), real, path);
    assert.equal(objectsAt(state, 'slaves').length, 2);
    assert.equal(state['unreachable_slaves'], 1);
    const states = new Set(objectsAt(state, path).map((task) => task['state']));
    assert.ok(states.has('TASK_UNREACHABLE'));
  });

  it('lists completed tasks and frameworks', () => {
    const cluster = demo();
    cluster.marathon.scale('nginx', 0);
    cluster.cluster.removeFramework(cluster.chronos.framework.id);
    const state = parse(stateText(cluster, '1.12.0'));
    assert.deepEqual(
      objectsAt(state, 'frameworks.completed_tasks').map((task) => [task['name'], task['state']]),
      [['nginx', 'TASK_KILLED']],
    );
    assert.deepEqual(
      objectsAt(state, 'completed_frameworks').map((framework) => [framework['name'], framework['active']]),
      [['chronos', false]],
    );
    assertSameShape(
      objectsAt(state, 'completed_frameworks'),
      objectsAt(capture('driver-framework.json'), 'frameworks'),
      'completed',
    );
  });

  it('prints whole doubles with a fraction from Mesos 1.0 on', () => {
    assert.match(stateText(demo(), MODERN), /"failover_timeout":604800\.0,/);
    assert.match(stateText(demo(), OLD), /"failover_timeout":604800,/);
  });

  it('hides frameworks and flags, and never agents, from a restricted reader', () => {
    const { cluster } = demo();
    const text = new StateDocument(cluster, featuresOf(MODERN)).state(leading(cluster), SELF, SELF, true);
    const state = parse(text);
    assert.deepEqual(state['frameworks'], []);
    assert.equal(objectsAt(state, 'slaves').length, 3);
    assert.equal('flags' in state, false);
  });
});

describe('the state after a failover', () => {
  it('is empty until the registry is read, and then fills as agents and frameworks return', () => {
    const cluster = demo();
    const view = new MasterView(cluster.cluster);
    const [first, ...others] = [...cluster.cluster.agents.keys()];
    const counts = (): unknown => {
      const state = parse(stateText(cluster, MODERN, view));
      return ['slaves', 'recovered_slaves', 'frameworks.tasks'].map((path) => objectsAt(state, path).length);
    };
    view.lead(cluster.cluster.seconds() + 1);
    assert.deepEqual(counts(), [0, 0, 0]);
    view.recover(false);
    assert.deepEqual(counts(), [0, 3, 0]);
    const early = parse(stateText(cluster, MODERN, view));
    const real = objectsAt(capture('failover-early.json'), 'recovered_slaves');
    assertSameShape(objectsAt(early, 'recovered_slaves'), real, 'recovered_slaves');
    view.agentBack(first ?? '');
    const onFirst = objectsAt(parse(stateText(cluster, MODERN, view)), 'frameworks.tasks');
    assert.ok(onFirst.length > 0 && onFirst.every((task) => task['slave_id'] === first));
    for (const id of others) view.agentBack(id);
    assert.deepEqual(counts(), [3, 0, cluster.cluster.taskCount]);
  });

  it('shows a framework that has not subscribed again as a real one, then as connected', () => {
    const cluster = demo();
    const view = new MasterView(cluster.cluster);
    view.lead(cluster.cluster.seconds() + 1);
    view.recover(false);
    for (const id of cluster.cluster.agents.keys()) view.agentBack(id);
    const flags = (): unknown => {
      const state = parse(stateText(cluster, '1.12.0', view));
      const marathon = objectsAt(state, 'frameworks').find((framework) => framework['name'] === 'marathon');
      return ['active', 'connected', 'recovered', 'registered_time', 'pid'].map((key) => marathon?.[key] ?? null);
    };
    assert.deepEqual(flags(), [false, false, true, 0, null]);
    const real = objectsAt(capture('failover-agents-back.json'), 'frameworks');
    assert.deepEqual(
      ['active', 'connected', 'recovered', 'registered_time', 'pid'].map((key) => real[0]?.[key] ?? null),
      flags(),
    );
    view.frameworkBack(cluster.marathon.framework.id);
    assert.deepEqual((flags() as unknown[]).slice(0, 3), [true, true, false]);
  });
});

describe('the state of other Mesos versions', () => {
  it('lacks in 1.0 to 1.6 what came later', () => {
    const state = parse(stateText(demo(), MIDDLE));
    assert.equal('port' in (objectsAt(state, 'slaves')[0] ?? {}), false);
    assert.equal('deactivated' in (objectsAt(state, 'slaves')[0] ?? {}), false);
    assert.ok('leader_info' in state && 'recovered_slaves' in state);
    const addresses = objectsAt(state, 'frameworks.tasks.statuses.container_status.network_infos.ip_addresses');
    assert.ok(addresses.length > 0 && addresses.every((address) => !('protocol' in address)));
  });

  it('has before 1.0 a single address beside the list, and neither leader_info nor recovery', () => {
    const state = parse(stateText(demo(), OLD));
    assert.equal('leader_info' in state, false);
    assert.equal('recovered_slaves' in state, false);
    assert.equal('unreachable_tasks' in (objectsAt(state, 'frameworks')[0] ?? {}), false);
    assert.equal(typeof state['leader'], 'string');
    const [network] = objectsAt(state, 'frameworks.tasks.statuses.container_status.network_infos');
    assert.equal(network?.['ip_address'], objectsAt(network, 'ip_addresses')[0]?.['ip_address']);
    assert.equal('container_id' in (objectsAt(state, 'frameworks.tasks.statuses.container_status')[0] ?? {}), false);
  });

  it('has no container status before 0.25', () => {
    const statuses = objectsAt(parse(stateText(demo(), '0.24.0')), 'frameworks.tasks.statuses');
    assert.ok(statuses.length > 0 && statuses.every((status) => !('container_status' in status)));
  });
});

it('unites and sorts ports', () => {
  assert.equal(portRanges([31005, 31001, 31000]), '[31000-31001, 31005-31005]');
  assert.equal(portRanges([]), null);
});
