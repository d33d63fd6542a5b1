// What runs in the cluster of the failover drill. Every master has a copy, as every master hears from the same agents; what
// it tells of it is its own matter (src/standin/view.ts).

import { seededRandom } from '../../src/standin/clock.ts';
import { Cluster } from '../../src/standin/cluster.ts';

export interface DrillTask {
  readonly id: string;
  /** Without the framework's part. */
  readonly name: string;
  readonly framework: number;
  readonly agent: number;
  readonly address: string;
}

export type Change =
  | { readonly kind: 'launch'; readonly task: DrillTask }
  | { readonly kind: 'kill'; readonly task: DrillTask };

export const FRAMEWORKS = ['marathon', 'chronos'] as const;
const AGENTS = 20;
/** Names with one task, and names with three. */
const SINGLE = 400;
const SHARED = 100;
const SHARED_INSTANCES = 3;

/** Tasks that run from the beginning: 500 names. */
export function firstTasks(): DrillTask[] {
  const tasks: DrillTask[] = [];
  for (let n = 0; n < SINGLE; n += 1) tasks.push(taskOf(`job-${n}`, tasks.length));
  for (let n = 0; n < SHARED; n += 1) {
    for (let i = 0; i < SHARED_INSTANCES; i += 1) tasks.push(taskOf(`app-${n}`, tasks.length));
  }
  return tasks;
}

/** @param number of all tasks that there ever were: it makes id and address */
export function taskOf(name: string, number: number): DrillTask {
  return {
    id: `${name}.${number}`,
    name,
    framework: name.startsWith('app') ? 0 : 1,
    agent: number % AGENTS,
    address: `10.100.${number >>> 8}.${number & 255}`,
  };
}

/** The name that DNS has. */
export function dnsName({ name, framework }: DrillTask): string {
  return `${name}.${FRAMEWORKS[framework]}.mesos`;
}

export class Truth {
  readonly cluster = new Cluster({ random: seededRandom(7) });
  readonly #agentIds: readonly string[];
  readonly #frameworkIds: readonly string[];

  constructor() {
    this.#agentIds = Array.from({ length: AGENTS }, (_, n) => this.cluster.addAgent({ ip: `10.1.0.${n + 1}` }).id);
    this.#frameworkIds = FRAMEWORKS.map((name) => this.cluster.addFramework({ name, hostname: '10.9.0.1' }).id);
    for (const task of firstTasks()) this.apply({ kind: 'launch', task });
  }

  agentId({ agent }: DrillTask): string {
    return this.#agentIds[agent] ?? '';
  }

  apply({ kind, task }: Change): void {
    const { id, name, address } = task;
    const frameworkId = this.#frameworkIds[task.framework] ?? '';
    if (kind === 'kill') {
      this.cluster.updateTask(frameworkId, id, 'TASK_KILLED');
      this.cluster.completeTask(frameworkId, id);
      return;
    }
    const agentId = this.agentId(task);
    this.cluster.launchTask({ id, name, frameworkId, agentId, cpus: 0.1, memMb: 32, ports: [] });
    this.cluster.updateTask(frameworkId, id, 'TASK_RUNNING', { containerId: id, networks: [{ addresses: [address] }] });
  }
}
