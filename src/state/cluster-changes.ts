// What has changed in the cluster since it was last looked at: which elements, not how. So a thousand updates of one task
// are one change, and who looks sees the newest state of each.

import type { Task } from './model.ts';

/** When news of the cluster came, for measuring how long they take to be answered. */
export interface Arrival {
  /** `performance.now()` when its last octet was read. */
  readonly receivedAtMs: number;
  /** Unix time in seconds that the news itself carries (that of a status); null where it carries none. */
  readonly happenedAt: number | null;
}

/** How running tasks went: by themselves or by somebody's will, or lost together with their agent. */
export type Departure = 'ended' | 'lost';

/** What changes of agents, or of frameworks, may have done to the records that they share. */
interface Traffic {
  came: boolean;
  went: boolean;
}

export class ClusterChanges {
  /** Agents that have come, gone or changed. */
  readonly agents = new Set<string>();
  /** The leader is another one. */
  leader = false;
  /** Frameworks that have come, gone, or changed in what stands in their own records. */
  readonly frameworks = new Set<string>();
  readonly agentTraffic: Traffic = { came: false, went: false };
  readonly frameworkTraffic: Traffic = { came: false, went: false };
  /** Framework key to the keys of tasks, each with what it was before. */
  readonly tasks = new Map<string, Map<string, Task | undefined>>();
  /** The same tasks in the order in which they have changed. */
  readonly order: { readonly frameworkKey: string; readonly taskKey: string }[] = [];
  readonly arrivals: Arrival[] = [];
  /** Running tasks that have ended. */
  endedCount = 0;
  /** Agent id to how many running tasks were lost with it. */
  readonly lost = new Map<string, number>();

  get isEmpty(): boolean {
    return this.isOnlyTasks && this.tasks.size === 0;
  }

  /** Nothing but tasks has changed. */
  get isOnlyTasks(): boolean {
    return this.agents.size === 0 && !this.leader && this.frameworks.size === 0;
  }

  task(frameworkKey: string, taskKey: string, before: Task | undefined): void {
    let keys = this.tasks.get(frameworkKey);
    if (keys === undefined) {
      keys = new Map();
      this.tasks.set(frameworkKey, keys);
    }
    if (!keys.has(taskKey)) this.order.push({ frameworkKey, taskKey });
    keys.set(taskKey, before);
  }

  left(task: Task, how: Departure): void {
    if (task.state !== 'TASK_RUNNING') return;
    if (how === 'ended') this.endedCount += 1;
    else this.lost.set(task.agentId, (this.lost.get(task.agentId) ?? 0) + 1);
  }
}
