// A Marathon-like scheduler: keeps applications at their number of instances by launching and killing tasks.
// It picks agents in turn, gives out their host ports, and gives container networks their addresses.

import { AddressBook, PortBook } from './allocation.ts';
import { uuid } from './clock.ts';
import { type Cluster, hostNetworks } from './cluster.ts';
import type { Agent, Discovery, DiscoveryPort, Framework, Label, NetworkInfo, Task } from './model.ts';
import type { NewFramework } from './newcomers.ts';

export interface PortSpec {
  readonly name?: string;
  /** Default `tcp`. */
  readonly protocol?: string;
  /** Set on container networks without a host port: the number that discovery announces. */
  readonly containerPort?: number;
  /** Marathon's VIP label, `/name:80`. */
  readonly vip?: string;
}

export interface AppSpec {
  /** The task name. Marathon's `/dev/myapp` becomes `myapp.dev`: see `marathonTaskName`. */
  readonly name: string;
  readonly instances: number;
  /** Host ports to ask for, each named or not. */
  readonly ports?: readonly PortSpec[];
  /** Announce the ports as DiscoveryInfo, as Marathon 1.x does; with `name` under another name than the task's. */
  readonly discovery?: { readonly name?: string; readonly visibility?: Discovery['visibility'] };
  /** A container network that gives each task an own address; absent: the agent's network. */
  readonly network?: { readonly name: string; readonly ipv6?: boolean };
  readonly labels?: readonly Label[];
  readonly cpus?: number;
  readonly memMb?: number;
  /** Has a Mesos-native health check: its statuses carry `healthy`. */
  readonly healthChecked?: boolean;
}

export interface SchedulerOptions {
  /** From TASK_STAGING to TASK_STARTING and from there to TASK_RUNNING, milliseconds each (default 0: at once). */
  readonly startDelayMs?: number;
  /** Leave out the TASK_STARTING status, as older executors did; documents get smaller. */
  readonly withoutStarting?: boolean;
}

interface App {
  spec: AppSpec;
  /** Ids of the tasks that live, oldest first. */
  readonly taskIds: Set<string>;
}

export class Scheduler {
  readonly cluster: Cluster;
  readonly framework: Framework;
  readonly #options: SchedulerOptions;
  readonly #apps = new Map<string, App>();
  readonly #ports: PortBook;
  readonly #addresses: AddressBook;
  /** The agents that take tasks; null when it must be looked up again. */
  #candidates: readonly Agent[] | null = null;
  #turn = 0;

  constructor(cluster: Cluster, framework: NewFramework, options: SchedulerOptions = {}) {
    this.cluster = cluster;
    this.#options = options;
    this.framework = cluster.addFramework(framework);
    this.#ports = PortBook.of(cluster);
    this.#addresses = AddressBook.of(cluster);
    cluster.onChange((change) => {
      if (change.kind.startsWith('agent-')) this.#candidates = null;
      if (change.kind !== 'task-completed' || change.task.frameworkId !== this.framework.id) return;
      this.#ports.release(change.task);
      this.#apps.get(change.task.name)?.taskIds.delete(change.task.id);
    });
  }

  get apps(): readonly AppSpec[] {
    return [...this.#apps.values()].map((app) => app.spec);
  }

  /** The live tasks of an application, oldest first. */
  tasks(name: string): readonly Task[] {
    const tasks = this.cluster.frameworks.get(this.framework.id)?.tasks;
    return [...this.#app(name).taskIds].flatMap((id) => tasks?.get(id) ?? []);
  }

  /** Starts an application with its instances. */
  launch(spec: AppSpec): readonly Task[] {
    if (this.#apps.has(spec.name)) throw new Error(`application ${spec.name} exists already`);
    this.#apps.set(spec.name, { spec, taskIds: new Set() });
    return this.scale(spec.name, spec.instances);
  }

  /** Launches or kills (the newest first) until the application has so many instances. Returns its tasks. */
  scale(name: string, instances: number): readonly Task[] {
    const app = this.#app(name);
    app.spec = { ...app.spec, instances };
    while (app.taskIds.size < instances) this.#launchOne(app);
    for (const task of this.tasks(name).slice(instances).reverse()) this.kill(task.id);
    return this.tasks(name);
  }

  /** Replaces every instance, launching the new one before it kills the old one, so that none is missed. */
  restart(name: string): readonly Task[] {
    const app = this.#app(name);
    for (const task of this.tasks(name)) {
      this.#launchOne(app);
      this.kill(task.id);
    }
    return this.tasks(name);
  }

  /** Ends an application and all its tasks. */
  destroy(name: string): void {
    this.scale(name, 0);
    this.#apps.delete(name);
  }

  /** Kills one task; the application does not replace it by itself. */
  kill(taskId: string, as: 'TASK_KILLED' | 'TASK_FAILED' | 'TASK_FINISHED' = 'TASK_KILLED'): void {
    const { id } = this.framework;
    const task = this.cluster.frameworks.get(id)?.tasks.get(taskId);
    const details = lastContainer(task);
    if (as === 'TASK_KILLED' && this.framework.capabilities.includes('TASK_KILLING_STATE')) {
      this.cluster.updateTask(id, taskId, 'TASK_KILLING', details);
    }
    this.cluster.updateTask(id, taskId, as, details);
    this.cluster.completeTask(id, taskId);
  }

  #app(name: string): App {
    const app = this.#apps.get(name);
    if (app === undefined) throw new Error(`there is no application ${name}`);
    return app;
  }

  #launchOne(app: App): void {
    const { spec } = app;
    const portSpecs = spec.ports ?? [];
    const agent = this.#nextAgent(portSpecs.length, new Set(this.tasks(spec.name).map((task) => task.agentId)));
    const ports = this.#ports.take(
      agent,
      portSpecs.filter((port) => port.containerPort === undefined || spec.network === undefined).length,
    );
    const discovery = spec.discovery === undefined ? undefined : discoveryOf(spec, portSpecs, ports);
    const task = this.cluster.launchTask({
      id: `${spec.name.split('.').reverse().join('_')}.instance-${uuid(this.cluster.random)}._app.1`,
      name: spec.name,
      frameworkId: this.framework.id,
      agentId: agent.id,
      cpus: spec.cpus ?? 0.1,
      memMb: spec.memMb ?? 32,
      ports,
      ...(spec.labels === undefined ? {} : { labels: spec.labels }),
      ...(discovery === undefined ? {} : { discovery }),
      ...(spec.network === undefined ? {} : { containerNetworks: [spec.network.name] }),
    });
    app.taskIds.add(task.id);
    this.#start(task, agent, spec);
  }

  #start(task: Task, agent: Agent, spec: AppSpec): void {
    const containerId = uuid(this.cluster.random);
    const networks = spec.network === undefined ? hostNetworks(agent) : this.#addresses.give(spec.network);
    const health = spec.healthChecked === true ? { healthy: true } : {};
    const update = (state: 'TASK_STARTING' | 'TASK_RUNNING'): void => {
      const current = this.cluster.frameworks.get(task.frameworkId)?.tasks.get(task.id);
      if (current === undefined) return; // killed while it started
      // The executor starts on the agent's network; the container's addresses come with TASK_RUNNING.
      const seen = state === 'TASK_STARTING' ? hostNetworks(agent) : networks;
      this.cluster.updateTask(task.frameworkId, task.id, state, {
        containerId,
        networks: seen,
        ...(state === 'TASK_RUNNING' ? health : {}),
      });
    };
    const delayMs = this.#options.startDelayMs ?? 0;
    const starting = (): void => {
      if (this.#options.withoutStarting !== true) update('TASK_STARTING');
    };
    if (delayMs === 0) {
      starting();
      update('TASK_RUNNING');
      return;
    }
    this.cluster.clock.after(delayMs, starting);
    this.cluster.clock.after(2 * delayMs, () => update('TASK_RUNNING'));
  }

  /** The next agent in turn with enough free ports, one without a task of the application if there is one. */
  #nextAgent(portCount: number, used: ReadonlySet<string>): Agent {
    this.#candidates ??= [...this.cluster.agents.values()].filter((agent) => agent.active && !agent.deactivated);
    const agents = this.#candidates;
    let second: Agent | undefined;
    for (let tried = 0; tried < agents.length; tried += 1) {
      const agent = agents[this.#turn++ % agents.length];
      if (agent === undefined || this.#ports.free(agent) < portCount) continue;
      if (!used.has(agent.id)) return agent;
      second ??= agent;
    }
    if (second === undefined) throw new Error(`no agent has ${portCount} free ports`);
    return second;
  }
}

/** The task name that Marathon gives the tasks of an application: `/dev/myapp` becomes `myapp.dev`. */
export function marathonTaskName(path: string): string {
  return path
    .split('/')
    .filter((segment) => segment !== '')
    .reverse()
    .join('.');
}

function discoveryOf(spec: AppSpec, portSpecs: readonly PortSpec[], hostPorts: readonly number[]): Discovery {
  const remaining = [...hostPorts];
  const ports = portSpecs.map((port): DiscoveryPort => {
    const inContainer = spec.network !== undefined && port.containerPort !== undefined;
    const labels: Label[] = [];
    if (port.vip !== undefined) labels.push({ key: 'VIP_0', value: port.vip });
    if (inContainer) labels.push({ key: 'network-scope', value: 'container' });
    return {
      number: inContainer ? (port.containerPort ?? 0) : (remaining.shift() ?? 0),
      ...(port.name === undefined ? {} : { name: port.name }),
      protocol: port.protocol ?? 'tcp',
      ...(labels.length === 0 ? {} : { labels }),
    };
  });
  return {
    visibility: spec.discovery?.visibility ?? 'FRAMEWORK',
    name: spec.discovery?.name ?? spec.name,
    ...(ports.length === 0 ? {} : { ports }),
  };
}

function lastContainer(task: Task | undefined): { containerId?: string; networks?: readonly NetworkInfo[] } {
  const status = task?.statuses.findLast((each) => each.networks !== undefined);
  return {
    ...(status?.containerId === undefined ? {} : { containerId: status.containerId }),
    ...(status?.networks === undefined ? {} : { networks: status.networks }),
  };
}
