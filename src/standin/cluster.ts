// The model of a running cluster: which agents, frameworks and tasks exist, and what the operations on them do.
// It is the truth that every stand-in master reports from; what a master knows of it after a failover is in view.ts.

import { type Clock, type Random, seededRandom, systemClock, uuid } from './clock.ts';
import {
  type Agent,
  type AgentLoss,
  type ClusterChange,
  type Framework,
  isTerminal,
  type NetworkInfo,
  type Task,
  type TaskState,
  type TaskStatus,
} from './model.ts';
import { agentFrom, frameworkFrom, type NewAgent, type NewFramework, type NewTask, taskFrom } from './newcomers.ts';

export interface ClusterOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Mesos's `--max_completed_tasks_per_framework` (default 1000). */
  readonly maxCompletedTasks?: number;
  /** Mesos's `--max_completed_frameworks` (default 50). */
  readonly maxCompletedFrameworks?: number;
}

/** The parts of a status update that a test may choose; the rest follows from the task. */
export type StatusDetails = Partial<Omit<TaskStatus, 'state'>>;

/** A framework and what belongs to it. The maps are keyed by task id, in order of launch. */
export interface FrameworkEntry {
  readonly framework: Framework;
  readonly tasks: ReadonlyMap<string, Task>;
  readonly unreachable: ReadonlyMap<string, Task>;
  /** Oldest first. */
  readonly completed: readonly Task[];
}

interface MutableEntry extends FrameworkEntry {
  framework: Framework;
  readonly tasks: Map<string, Task>;
  readonly unreachable: Map<string, Task>;
  readonly completed: Task[];
}

export class Cluster {
  readonly clock: Clock;
  readonly random: Random;
  /** Unix time, seconds. */
  readonly startTime: number;
  /** Moves with every change. */
  generation = 0;
  readonly #options: ClusterOptions;
  readonly #agents = new Map<string, Agent>();
  readonly #frameworks = new Map<string, MutableEntry>();
  readonly #completedFrameworks: FrameworkEntry[] = [];
  readonly #listeners = new Set<(change: ClusterChange) => void>();
  readonly #firstMasterId: string;
  #agentCount = 0;
  #frameworkCount = 0;

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? seededRandom(1);
    this.#firstMasterId = uuid(this.random);
    this.startTime = this.seconds();
  }

  /** In order of registration, unreachable ones included. */
  get agents(): ReadonlyMap<string, Agent> {
    return this.#agents;
  }

  /** By framework id, in order of registration. */
  get frameworks(): ReadonlyMap<string, FrameworkEntry> {
    return this.#frameworks;
  }

  get completedFrameworks(): readonly FrameworkEntry[] {
    return this.#completedFrameworks;
  }

  get taskCount(): number {
    let count = 0;
    for (const entry of this.#frameworks.values()) count += entry.tasks.size;
    return count;
  }

  /** Calls `listener` after every change, synchronously; the returned function ends that. */
  onChange(listener: (change: ClusterChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Unix time of the model, seconds. */
  seconds(): number {
    return Math.round(this.clock.now() * 1000) / 1e6;
  }

  // --- agents ---

  addAgent(spec: NewAgent): Agent {
    const agent = agentFrom(spec, `${this.#firstMasterId}-S${this.#agentCount++}`, this.seconds());
    this.#agents.set(agent.id, agent);
    this.#emit({ kind: 'agent-added', agent });
    return agent;
  }

  /** Replaces what an agent reports of itself, or its `active`/`deactivated` flags. */
  updateAgent(agentId: string, changes: Partial<Omit<Agent, 'id' | 'reachable'>>): Agent {
    const agent = { ...this.#agent(agentId), ...changes };
    this.#agents.set(agentId, agent);
    this.#emit({ kind: 'agent-updated', agent });
    return agent;
  }

  /**
   * Takes an agent away. Lost contact keeps its tasks as unreachable ones, until `returnAgent`; after an orderly
   * shut-down or the operator's "gone" they end.
   */
  removeAgent(agentId: string, loss: AgentLoss): void {
    const agent = this.#agent(agentId);
    for (const entry of this.#frameworks.values()) {
      const partitionAware = entry.framework.capabilities.includes('PARTITION_AWARE');
      for (const task of [...entry.tasks.values()]) {
        if (task.agentId !== agentId || isTerminal(task.state)) continue;
        if (loss === 'unreachable') {
          this.#markUnreachable(entry, task, partitionAware ? 'TASK_UNREACHABLE' : 'TASK_LOST');
        } else if (loss === 'gone' && !partitionAware) {
          this.#markUnreachable(entry, task, 'TASK_LOST');
        } else {
          this.updateTask(task.frameworkId, task.id, loss === 'gone' ? 'TASK_GONE_BY_OPERATOR' : 'TASK_LOST');
          this.completeTask(task.frameworkId, task.id);
        }
      }
    }
    if (loss === 'unreachable') {
      const lost = { ...agent, reachable: false, active: false };
      this.#agents.set(agentId, lost);
      this.#emit({ kind: 'agent-left', agent: lost, loss });
    } else {
      this.#agents.delete(agentId);
      this.#emit({ kind: 'agent-left', agent, loss });
    }
  }

  /** Brings an unreachable agent back, with its tasks running as before. */
  returnAgent(agentId: string): Agent {
    const agent = this.#agent(agentId);
    if (agent.reachable) throw new Error(`agent ${agentId} is not away`);
    for (const entry of this.#frameworks.values()) {
      for (const task of [...entry.unreachable.values()]) {
        if (task.agentId !== agentId) continue;
        const statuses = task.statuses.filter((status) => !isAbsence(status.state));
        const returned: Task = { ...task, state: statuses.at(-1)?.state ?? 'TASK_RUNNING', statuses };
        entry.unreachable.delete(task.id);
        entry.tasks.set(task.id, returned);
        this.#emit({ kind: 'task-returned', task: returned });
      }
    }
    const back: Agent = { ...agent, reachable: true, active: true, reregisteredTime: this.seconds() };
    this.#agents.set(agentId, back);
    this.#emit({ kind: 'agent-returned', agent: back });
    return back;
  }

  // --- frameworks ---

  addFramework(spec: NewFramework): Framework {
    const id = `${this.#firstMasterId}-${String(this.#frameworkCount++).padStart(4, '0')}`;
    const framework = frameworkFrom(spec, id, this.seconds());
    this.#frameworks.set(framework.id, { framework, tasks: new Map(), unreachable: new Map(), completed: [] });
    this.#emit({ kind: 'framework-added', framework });
    return framework;
  }

  updateFramework(frameworkId: string, changes: Partial<Omit<Framework, 'id'>>): Framework {
    const entry = this.#entry(frameworkId);
    entry.framework = { ...entry.framework, ...changes };
    this.#emit({ kind: 'framework-updated', framework: entry.framework });
    return entry.framework;
  }

  /** Tears a framework down: its tasks are killed, then it moves to the completed ones. */
  removeFramework(frameworkId: string): void {
    const entry = this.#entry(frameworkId);
    for (const task of [...entry.tasks.values()]) {
      if (!isTerminal(task.state)) this.updateTask(frameworkId, task.id, 'TASK_KILLED');
      this.completeTask(frameworkId, task.id);
    }
    const unregisteredTime = this.seconds();
    entry.framework = { ...entry.framework, active: false, connected: false, unregisteredTime };
    this.#frameworks.delete(frameworkId);
    this.#completedFrameworks.push(entry);
    const limit = this.#options.maxCompletedFrameworks ?? 50;
    this.#completedFrameworks.splice(0, this.#completedFrameworks.length - limit);
    this.#emit({ kind: 'framework-removed', framework: entry.framework });
  }

  // --- tasks ---

  /** Accepts a task: it is staging, without any status yet. */
  launchTask(spec: NewTask): Task {
    const entry = this.#entry(spec.frameworkId);
    this.#agent(spec.agentId);
    if (entry.tasks.has(spec.id)) throw new Error(`framework ${spec.frameworkId} has a task ${spec.id} already`);
    const task = taskFrom(spec, entry.framework.role);
    entry.tasks.set(task.id, task);
    this.#emit({ kind: 'task-added', task });
    return task;
  }

  /**
   * A status update. Mesos keeps one status per run of equal states: an update replaces the last one if the state is
   * the same and is appended otherwise.
   */
  updateTask(frameworkId: string, taskId: string, state: TaskState, details: StatusDetails = {}): Task {
    const entry = this.#entry(frameworkId);
    const task = entry.tasks.get(taskId);
    if (task === undefined) throw new Error(`framework ${frameworkId} has no task ${taskId}`);
    const status: TaskStatus = { ...details, state, timestamp: details.timestamp ?? this.seconds() };
    const repeated = task.statuses.at(-1)?.state === state;
    const updated = withStatus(task, status);
    entry.tasks.set(taskId, updated);
    this.#emit({ kind: 'task-updated', task: updated, status, repeated });
    return updated;
  }

  /** Lets the latest state run ahead of the acknowledged status, as an agent reports it upon registration. */
  setLatestState(frameworkId: string, taskId: string, state: TaskState): Task {
    const entry = this.#entry(frameworkId);
    const task = entry.tasks.get(taskId);
    if (task === undefined) throw new Error(`framework ${frameworkId} has no task ${taskId}`);
    const updated = { ...task, state };
    entry.tasks.set(taskId, updated);
    const status = task.statuses.at(-1) ?? { state: 'TASK_STAGING', timestamp: this.seconds() };
    this.#emit({ kind: 'task-updated', task: updated, status, repeated: true });
    return updated;
  }

  /** The scheduler acknowledges a terminal state: the task moves to the completed ones. */
  completeTask(frameworkId: string, taskId: string): void {
    const entry = this.#entry(frameworkId);
    const task = entry.tasks.get(taskId);
    if (task === undefined) throw new Error(`framework ${frameworkId} has no task ${taskId}`);
    if (!isTerminal(task.state)) throw new Error(`task ${taskId} is ${task.state}, not at an end`);
    entry.tasks.delete(taskId);
    entry.completed.push(task);
    const limit = this.#options.maxCompletedTasks ?? 1000;
    if (entry.completed.length > limit) entry.completed.splice(0, entry.completed.length - limit);
    this.#emit({ kind: 'task-completed', task });
  }

  #markUnreachable(entry: MutableEntry, task: Task, state: TaskState): void {
    const status: TaskStatus = { state, timestamp: this.seconds() };
    const updated = withStatus(task, status);
    entry.tasks.delete(task.id);
    entry.unreachable.set(task.id, updated);
    this.#emit({ kind: 'task-updated', task: updated, status, repeated: false });
  }

  #agent(agentId: string): Agent {
    const agent = this.#agents.get(agentId);
    if (agent === undefined) throw new Error(`there is no agent ${agentId}`);
    return agent;
  }

  #entry(frameworkId: string): MutableEntry {
    const entry = this.#frameworks.get(frameworkId);
    if (entry === undefined) throw new Error(`there is no framework ${frameworkId}`);
    return entry;
  }

  #emit(change: ClusterChange): void {
    this.generation += 1;
    for (const listener of this.#listeners) listener(change);
  }
}

/** What a task on the host network reports: the agent's addresses. */
export function hostNetworks(agent: Agent): readonly NetworkInfo[] {
  return [{ addresses: agent.ip6 === undefined ? [agent.ip] : [agent.ip, agent.ip6] }];
}

function withStatus(task: Task, status: TaskStatus): Task {
  const kept = task.statuses.at(-1)?.state === status.state ? task.statuses.slice(0, -1) : task.statuses;
  return { ...task, state: status.state, statuses: [...kept, status] };
}

function isAbsence(state: TaskState): boolean {
  return state === 'TASK_UNREACHABLE' || state === 'TASK_LOST';
}
