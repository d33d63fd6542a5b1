import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cluster } from '../../src/standin/cluster.ts';
import { marathonTaskName, Scheduler, type SchedulerOptions } from '../../src/standin/scheduler.ts';
import { ManualClock } from './support.ts';

function marathon(options: SchedulerOptions = {}) {
  const clock = new ManualClock();
  const cluster = new Cluster({ clock });
  for (const ip of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) cluster.addAgent({ ip });
  return { clock, cluster, scheduler: new Scheduler(cluster, { name: 'marathon' }, options) };
}

const addresses = (task: { statuses: readonly { networks?: readonly { addresses: readonly string[] }[] }[] }) =>
  task.statuses.at(-1)?.networks?.flatMap((network) => network.addresses) ?? [];

describe('applications', () => {
  it('scale up and down, on an agent each while there are enough', () => {
    const { scheduler } = marathon();
    scheduler.launch({ name: 'nginx', instances: 1, ports: [{}] });
    const three = scheduler.scale('nginx', 3);
    assert.equal(new Set(three.map((task) => task.agentId)).size, 3);
    assert.deepEqual(
      scheduler.scale('nginx', 1).map((task) => task.id),
      [three[0]?.id],
    );
  });

  it('never have fewer running tasks during a restart, and none of the old ones after it', () => {
    const { cluster, scheduler } = marathon();
    const before = scheduler.launch({ name: 'web', instances: 2, ports: [{}] });
    let fewest = 2;
    cluster.onChange(() => {
      const running = scheduler.tasks('web').filter((task) => task.state === 'TASK_RUNNING').length;
      fewest = Math.min(fewest, running);
    });
    const after = scheduler.restart('web');
    assert.equal(fewest, 2);
    assert.equal(after.length, 2);
    assert.ok(after.every((task) => !before.some((old) => old.id === task.id)));
  });

  it('get host ports of their agent that no other task has, and give them back', () => {
    const { scheduler } = marathon();
    const [first] = scheduler.launch({ name: 'one', instances: 1, ports: [{}, {}] });
    assert.deepEqual(first?.ports, [31000, 31001]);
    scheduler.launch({ name: 'others', instances: 2, ports: [{}] });
    scheduler.destroy('one');
    const [again] = scheduler.launch({ name: 'again', instances: 1, ports: [{}] });
    assert.deepEqual(again?.ports, [31000]);
  });

  it('announce named ports, and container ports on a container network', () => {
    const { scheduler } = marathon();
    const [host] = scheduler.launch({
      name: 'api',
      instances: 1,
      ports: [{ name: 'http' }, { name: 'admin', protocol: 'udp' }],
      discovery: {},
    });
    assert.deepEqual(host?.discovery?.ports, [
      { number: 31000, name: 'http', protocol: 'tcp' },
      { number: 31001, name: 'admin', protocol: 'udp' },
    ]);
    const [container] = scheduler.launch({
      name: 'search',
      instances: 1,
      ports: [{ name: 'http', containerPort: 9200 }],
      discovery: {},
      network: { name: 'dual', ipv6: true },
    });
    assert.equal(container?.discovery?.ports?.[0]?.number, 9200);
    assert.deepEqual(container.ports, []);
    assert.deepEqual(addresses(container), ['9.0.0.2', 'fd01::2']);
  });

  it('report the agent while starting and the container once running', () => {
    const { clock, scheduler } = marathon({ startDelayMs: 100 });
    scheduler.launch({ name: 'search', instances: 1, network: { name: 'overlay' } });
    const state = (): unknown[] => scheduler.tasks('search').flatMap((task) => [task.state, ...addresses(task)]);
    assert.deepEqual(state(), ['TASK_STAGING']);
    clock.advance(100);
    assert.deepEqual(state(), ['TASK_STARTING', '10.0.0.1']);
    clock.advance(100);
    assert.deepEqual(state(), ['TASK_RUNNING', '9.0.0.2']);
  });

  it('start nothing more of a task that was killed while it started', () => {
    const { clock, scheduler } = marathon({ startDelayMs: 100 });
    scheduler.launch({ name: 'web', instances: 1 });
    scheduler.scale('web', 0);
    clock.advance(1000);
    assert.deepEqual(scheduler.tasks('web'), []);
  });
});

it('names tasks as Marathon does, the path reversed and dotted', () => {
  assert.equal(marathonTaskName('/dev/myapp'), 'myapp.dev');
  assert.equal(marathonTaskName('nginx'), 'nginx');
});
