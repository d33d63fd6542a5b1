// The elements of the cluster as they are known, and what has changed of them since that was last taken.

import { ClusterChanges, type Departure } from './cluster-changes.ts';
import type { Agent, Framework, Task } from './model.ts';
import { sameAgent, sameFramework, sameTask } from './same.ts';

/** What is known of a framework besides its tasks. */
export type FrameworkInfo = Omit<Framework, 'tasks'>;

export interface LiveFramework {
  /** Null while only tasks of it are known: their events may come first. */
  info: FrameworkInfo | null;
  /** By task id. Ids that stand in a document twice get a key of their own. */
  readonly tasks: Map<string, Task>;
}

/** Tasks that frameworks nobody knows may have; more are not remembered. */
const MAX_ORPHANS = 100_000;

export class LiveElements {
  /** By id; agents of a document with the id of another one have a key of their own. */
  readonly agents = new Map<string, Agent>();
  readonly frameworks = new Map<string, LiveFramework>();
  /**
   * Called before a change that would not be told apart from one that has not been taken yet: who counts changes takes them
   * then, so that the count is the same however often they are taken.
   */
  beforeMerge: (() => void) | null = null;
  #changes = new ClusterChanges();
  /** See asWhole(). */
  #isWhole = false;
  #orphanCount = 0;

  /** What has changed since the last call. */
  takeChanges(): ClusterChanges {
    const changes = this.#changes;
    this.#changes = new ClusterChanges();
    return changes;
  }

  get changes(): ClusterChanges {
    return this.#changes;
  }

  /** Has `take` change many elements, each once: they hide no changes of each other. */
  asWhole(take: () => void): void {
    this.#merge(!this.#changes.isEmpty);
    this.#isWhole = true;
    try {
      take();
    } finally {
      this.#isWhole = false;
    }
  }

  /** A task of a framework that nobody knows comes. @returns whether there is room for it */
  addOrphan(): boolean {
    if (this.#orphanCount >= MAX_ORPHANS) return false;
    this.#orphanCount += 1;
    return true;
  }

  framework(key: string): LiveFramework {
    let framework = this.frameworks.get(key);
    if (framework === undefined) {
      framework = { info: null, tasks: new Map() };
      this.frameworks.set(key, framework);
    }
    return framework;
  }

  setInfo(key: string, framework: LiveFramework, info: FrameworkInfo): void {
    if (framework.info !== null && sameFramework(framework.info, info)) return;
    const { frameworks, frameworkTraffic, tasks } = this.#changes;
    const isNew = framework.info === null;
    const isRenamed = !isNew && framework.info?.name !== info.name;
    const pending = [...(tasks.get(key)?.values() ?? [])];
    const isEntangled = isRenamed ? pending.length > 0 : isNew && pending.some((was) => was !== undefined);
    // Where schedulers are is looked up for many at a time, and mostly adds records.
    const isMore = isNew || (framework.info?.pid === null && info.pid !== null);
    this.#merge(frameworks.has(key) || isEntangled || isCrossed(frameworkTraffic, isMore));
    if (framework.info === null) this.#orphanCount = Math.max(0, this.#orphanCount - framework.tasks.size);
    framework.info = info;
    this.#changes.frameworks.add(key);
    this.#changes.frameworkTraffic.came = true;
    if (!isMore) this.#changes.frameworkTraffic.went = true;
  }

  deleteFramework(key: string): void {
    this.#merge(this.#changes.frameworks.has(key) || this.#changes.frameworkTraffic.came);
    this.frameworks.delete(key);
    this.#changes.frameworks.add(key);
    this.#changes.frameworkTraffic.went = true;
  }

  setAgent(key: string, agent: Agent): void {
    const known = this.agents.get(key);
    if (known !== undefined && sameAgent(known, agent)) return;
    const isElsewhere = known === undefined || known.pidHost !== agent.pidHost;
    const how = known === undefined ? 'added' : 'moved';
    const { agents, agentTraffic } = this.#changes;
    const isCrossing = isCrossed(agentTraffic, known === undefined);
    this.#merge(agents.has(key) || isCrossing || (isElsewhere && this.#isEntangled(key, how)));
    this.agents.set(key, agent);
    this.#changes.agents.add(key);
    this.#changes.agentTraffic.came = true;
    if (known !== undefined) this.#changes.agentTraffic.went = true;
  }

  /** An agent without tasks of its own that end with it: Mesos tells of those one by one, or not at all. */
  deleteAgent(key: string, agent: Agent): void {
    if (this.agents.get(key) !== agent) return;
    const { agents, agentTraffic } = this.#changes;
    this.#merge(agents.has(key) || agentTraffic.came || this.#isEntangled(key, 'removed'));
    this.agents.delete(key);
    this.#changes.agents.add(key);
    this.#changes.agentTraffic.went = true;
  }

  /** @returns whether anything has changed. */
  setTask(
    frameworkKey: string,
    framework: LiveFramework,
    taskKey: string,
    task: Task,
    known = framework.tasks.get(taskKey),
  ): boolean {
    if (known !== undefined && sameTask(known, task)) return false;
    this.#merge(this.#changes.tasks.get(frameworkKey)?.has(taskKey) ?? false);
    framework.tasks.set(taskKey, task);
    this.#changes.task(frameworkKey, taskKey, known);
    return true;
  }

  deleteTask(frameworkKey: string, framework: LiveFramework, taskKey: string, how: Departure): void {
    const task = framework.tasks.get(taskKey);
    if (task === undefined) return;
    this.#merge(this.#changes.tasks.get(frameworkKey)?.has(taskKey) ?? false);
    framework.tasks.delete(taskKey);
    this.#changes.left(task, how);
    if (framework.info === null) {
      this.#orphanCount = Math.max(0, this.#orphanCount - 1);
      if (framework.tasks.size === 0) this.frameworks.delete(frameworkKey);
    }
    this.#changes.task(frameworkKey, taskKey, task);
  }

  /** Lets changes be taken that a coming one would hide. */
  #merge(hides: boolean): void {
    if (hides && !this.#isWhole) this.beforeMerge?.();
  }

  /**
   * Whether a change of an agent and changes of its tasks, or their frameworks, that have not been taken would make others
   * together than one after the other: they are taken agents first.
   */
  #isEntangled(agentKey: string, how: 'added' | 'moved' | 'removed'): boolean {
    const { frameworks, frameworkTraffic } = this.#changes;
    if (how === 'added' ? frameworkTraffic.went : frameworks.size > 0) return true;
    for (const [frameworkKey, tasks] of this.#changes.tasks) {
      const framework = this.frameworks.get(frameworkKey);
      for (const [taskKey, was] of tasks) {
        if (how !== 'removed' && was?.agentId === agentKey) return true;
        if (how !== 'added' && framework?.tasks.get(taskKey)?.agentId === agentKey) return true;
      }
    }
    return false;
  }
}

/** Whether records that have come or gone before may be those that go or come now: an agent in another's place. */
function isCrossed({ came, went }: { readonly came: boolean; readonly went: boolean }, isMore: boolean): boolean {
  return went || (came && !isMore);
}
