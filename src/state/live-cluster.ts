// The cluster as it is known now: changed by events one at a time, or by a whole state, of which only the differences count.
//
// After a failover a master knows its agents' ids from its registry, and nothing of their tasks until each has come back: at
// least ten minutes may pass (`--agent_reregister_timeout`). The tasks run on meanwhile. So what was known of these agents stays,
// whoever tells of the failover, a document or a stream, until the agent has told of its tasks or too much time has passed.

import { AwaitedAgents } from './awaited-agents.ts';
import type { ClusterChanges, Departure } from './cluster-changes.ts';
import type { FrameworkNews, MasterEvent, Snapshot } from './events.ts';
import { type FrameworkInfo, LiveElements, type LiveFramework } from './live-elements.ts';
import type { Agent, Endpoint, Framework, KnownTask, MesosState, Task, TaskStatus } from './model.ts';
import { sameTask } from './same.ts';

export interface LiveClusterOptions {
  /** How long tasks of an agent are kept that a new leader expects back, milliseconds. */
  readonly recoveryMs?: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

const RECOVERY_MS = 600_000;
/** Statuses of one task that are remembered; Mesos keeps one for each change of its state. */
const MAX_STATUSES = 32;
/** States in which a task is lost with its agent, as far as the master knows. */
const LOST = new Set(['TASK_LOST', 'TASK_GONE', 'TASK_GONE_BY_OPERATOR', 'TASK_UNREACHABLE']);
/** A state in which Mesos has dropped the task from its list, or will without another word. */
const ENDED = new Set([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_UNREACHABLE',
]);

export class LiveCluster {
  readonly #elements = new LiveElements();
  version = '';
  /** Null until a first state was taken. */
  leader: Endpoint | null = null;
  /** Frameworks whose scheduler may be elsewhere than known: the stream does not tell. */
  readonly pidsWanted = new Set<string>();
  /** Something has happened of which the stream tells only a part. */
  reconciliationWanted = false;
  /** Frameworks that the leader has not heard of yet. */
  #absent = new Set<string>();
  /** The leader whose whole state was taken last, `host:port`; null: none since the start. */
  #toldBy: string | null = null;
  #recovered: ReadonlySet<string> = new Set();
  readonly #awaited: AwaitedAgents;
  readonly #now: () => number;

  constructor(options: LiveClusterOptions = {}) {
    this.#now = options.now ?? (() => performance.now());
    this.#awaited = new AwaitedAgents(options.recoveryMs ?? (() => RECOVERY_MS), this.#now);
  }

  /** A cluster as a state shows it. */
  static from(state: MesosState): LiveCluster {
    const cluster = new LiveCluster();
    cluster.take(state);
    return cluster;
  }

  /** See LiveElements. */
  get agents(): ReadonlyMap<string, Agent> {
    return this.#elements.agents;
  }

  get frameworks(): ReadonlyMap<string, LiveFramework> {
    return this.#elements.frameworks;
  }

  get changes(): ClusterChanges {
    return this.#elements.changes;
  }

  takeChanges(): ClusterChanges {
    return this.#elements.takeChanges();
  }

  /** See LiveElements. */
  set beforeMerge(taken: () => void) {
    this.#elements.beforeMerge = taken;
  }

  /** Agents that the leader has not heard of yet. */
  get awaitedAgentCount(): number {
    return this.#awaited.size;
  }

  /** Running tasks of theirs. */
  get awaitedTaskCount(): number {
    return this.#awaited.taskCount;
  }

  /** Whether what is known of an agent would outlast a state of a leader that expects it back. */
  mayAwait(agentId: string): boolean {
    return this.#awaited.mayAwait(agentId);
  }

  /** When the next awaited agent is given up, or its tasks; null where none is awaited. */
  get nextExpiryMs(): number | null {
    return this.#awaited.nextExpiryMs;
  }

  get taskCount(): number {
    let count = 0;
    for (const { tasks } of this.frameworks.values()) count += tasks.size;
    return count;
  }

  /** Where an id stands in a document twice, only the first task is looked up. */
  readonly knownTask: KnownTask = (frameworkId, read) => {
    const known = this.frameworks.get(frameworkId)?.tasks.get(read.id);
    return known !== undefined && sameTask(known, withChecks(read, known)) ? known : read;
  };

  /** The same in the form of a document. */
  toState(): MesosState {
    const frameworks: Framework[] = [];
    for (const { info, tasks } of this.frameworks.values()) {
      if (info !== null) frameworks.push({ ...info, tasks: [...tasks.values()] });
    }
    return {
      version: this.version,
      leader: this.leader ?? { host: '', port: '' },
      agents: [...this.agents.values()],
      recoveredAgentIds: [...this.#recovered],
      frameworks,
    };
  }

  // --- whole states ---

  /**
   * Takes what a document says. Of agents that its master only expects back, what is known stays for a time; what it says of
   * one of their tasks counts, whatever it says. An agent that it both has and expects was added to it: by toState().
   * The tasks of a first state are no changes.
   */
  take(state: MesosState): void {
    this.#elements.asWhole(() => this.#take(state));
  }

  #take(state: MesosState): void {
    const isFirst = this.leader === null && this.agents.size === 0 && this.frameworks.size === 0;
    this.version = state.version;
    this.setLeader(state.leader);
    const agents = new Map<string, Agent>();
    const agentKeys = new Keys(agents);
    for (const agent of state.agents) agents.set(agentKeys.of(agent.id), agent);
    const frameworks = new Map<string, LiveFramework>();
    const keys = new Keys(frameworks);
    for (const { tasks, ...info } of state.frameworks) {
      const framework: LiveFramework = { info, tasks: new Map() };
      frameworks.set(keys.of(info.id), framework);
      const taskKeys = new Keys(framework.tasks);
      for (const task of tasks) if (!ENDED.has(task.state)) framework.tasks.set(taskKeys.of(task.id), task);
    }
    this.#keepExpected(agents, frameworks, state);
    this.pidsWanted.clear();
    this.#replace(agents, frameworks, state.recoveredAgentIds, isFirst);
  }

  /** Adds to a state's elements what is known of the agents that its master expects back. */
  #keepExpected(agents: Map<string, Agent>, frameworks: Map<string, LiveFramework>, state: MesosState): void {
    const { leader, recoveredAgentIds } = state;
    const wereAbsent = this.#absent;
    if (recoveredAgentIds.some((id) => agents.has(id))) {
      // Put together by toState(): nobody has told anything new.
      this.#absent = new Set([...wereAbsent].filter((key) => frameworks.has(key)));
      return;
    }
    const toldBy = `${leader.host}:${leader.port}`;
    // What this leader has told of, and does not any more, is gone; but one that has begun anew expects agents again.
    let isToldBefore = toldBy === this.#toldBy;
    this.#toldBy = toldBy;
    this.#absent = new Set();
    const expected = new Set(recoveredAgentIds);
    const kept = new Set<string>();
    for (const [key, agent] of this.agents) {
      if (!expected.has(key) || agents.has(key) || !this.mayAwait(key)) continue;
      kept.add(key);
      agents.set(key, agent);
      if (!this.#awaited.isAway(key)) isToldBefore = false;
    }
    if (kept.size === 0) return;
    const reported = taskIdsOf(state);
    const absent = new Set<string>();
    for (const [key, { info, tasks }] of this.frameworks) {
      let framework = frameworks.get(key);
      if (framework === undefined) {
        if (isToldBefore && !wereAbsent.has(key)) continue;
        framework = { info, tasks: new Map() };
        frameworks.set(key, framework);
        absent.add(key);
      } else if (framework.info !== null && info !== null) {
        framework.info = withScheduler(framework.info, info);
      }
      const said = reported.get(key);
      for (const [taskKey, task] of tasks) {
        if (task.state !== 'TASK_RUNNING' || !kept.has(task.agentId) || said?.has(task.id)) continue;
        framework.tasks.set(taskKey, task);
      }
    }
    this.#absent = absent;
  }

  /**
   * Takes what SUBSCRIBED says: like a document, save that it does not know where schedulers are.
   * @param take what to do with that document; it ends in take()
   */
  takeSnapshot(
    { agents, frameworks, tasks, recoveredAgentIds }: Snapshot,
    take = (state: MesosState) => this.take(state),
  ): void {
    const lists = new Map<string, Task[]>(frameworks.map(({ id }) => [id, []]));
    for (const { frameworkId, task } of tasks) lists.get(frameworkId)?.push(task);
    const unknown = frameworks.filter(({ id }) => (this.frameworks.get(id)?.info ?? null) === null);
    take({
      version: this.version,
      leader: this.leader ?? { host: '', port: '' },
      agents,
      recoveredAgentIds,
      frameworks: frameworks.map((news) => ({
        ...news,
        pid: this.frameworks.get(news.id)?.info?.pid ?? null,
        tasks: lists.get(news.id) ?? [],
      })),
    });
    for (const { id } of unknown) this.pidsWanted.add(id);
    for (const { frameworkId, task } of tasks) {
      if (!lists.has(frameworkId)) this.#addTask(frameworkId, task, this.#now());
    }
  }

  setLeader(leader: Endpoint): void {
    if (leader.host === this.leader?.host && leader.port === this.leader.port) return;
    this.leader = leader;
    this.changes.leader = true;
  }

  /** Where a framework's scheduler is; null: nowhere, it uses the HTTP API. */
  setPid(frameworkId: string, pid: Endpoint | null): void {
    this.pidsWanted.delete(frameworkId);
    const framework = this.frameworks.get(frameworkId);
    if (framework === undefined || framework.info === null) return;
    this.#elements.setInfo(frameworkId, framework, { ...framework.info, pid });
  }

  #replace(
    agents: ReadonlyMap<string, Agent>,
    frameworks: ReadonlyMap<string, LiveFramework>,
    recoveredAgentIds: readonly string[],
    isFirst: boolean,
  ): void {
    this.#recovered = new Set(recoveredAgentIds);
    const isAwaited = (id: string) => this.#recovered.has(id) && agents.has(id);

    for (const [key, agent] of this.agents) if (!agents.has(key)) this.#elements.deleteAgent(key, agent);
    this.#awaited.retain(isAwaited);
    for (const [key, agent] of agents) {
      this.#elements.setAgent(key, agent);
      if (isAwaited(key)) this.#awaited.expect(key);
    }
    for (const [key, framework] of this.frameworks) {
      const now = frameworks.get(key);
      for (const [taskKey, { agentId }] of framework.tasks) {
        if (now?.tasks.has(taskKey)) continue;
        this.#elements.deleteTask(key, framework, taskKey, agents.has(agentId) ? 'ended' : 'lost');
      }
      if (now === undefined) this.#deleteFramework(key);
    }
    for (const [key, told] of frameworks) {
      const { info, tasks } = told;
      if (isFirst) this.#elements.frameworks.set(key, { info: null, tasks });
      const framework = this.#elements.framework(key);
      if (info !== null) this.#elements.setInfo(key, framework, info);
      // Whoever is there for changes reads a first state as a whole: its tasks are none.
      if (isFirst && this.#awaited.size === 0) continue;
      for (const [taskKey, task] of tasks) {
        const known = framework.tasks.get(taskKey);
        if (task !== known) this.#elements.setTask(key, framework, taskKey, withChecks(task, known), known);
        if (isAwaited(task.agentId)) this.#awaited.keep(key, taskKey, task.agentId);
      }
    }
  }

  // --- events ---

  /** Applies one event; those that repeat or come in another order than expected change what they can. */
  apply(event: MasterEvent, receivedAtMs = this.#now()): void {
    switch (event.kind) {
      case 'subscribed':
        this.takeSnapshot(event.snapshot);
        return;
      case 'task-added':
        this.#addTask(event.frameworkId, event.task, receivedAtMs);
        return;
      case 'task-updated':
        this.#updateTask(event, receivedAtMs);
        return;
      case 'framework': {
        const { id } = event.framework;
        this.#absent.delete(id);
        this.#elements.setInfo(id, this.#elements.framework(id), this.#withPid(event.framework));
        // Its scheduler may have moved.
        this.pidsWanted.add(id);
        return;
      }
      case 'framework-removed': {
        const framework = this.frameworks.get(event.frameworkId);
        if (framework === undefined) return;
        for (const taskKey of [...framework.tasks.keys()]) {
          this.#elements.deleteTask(event.frameworkId, framework, taskKey, 'ended');
        }
        this.#absent.delete(event.frameworkId);
        this.#deleteFramework(event.frameworkId);
        return;
      }
      case 'agent-added':
        this.#elements.setAgent(event.agent.id, event.agent);
        this.#settle(event.agent.id);
        return;
      case 'agent-removed': {
        const agent = this.agents.get(event.agentId);
        if (agent === undefined) return;
        this.#awaited.drop(event.agentId);
        this.#elements.deleteAgent(event.agentId, agent);
        this.#dropAbsent();
        return;
      }
      case 'heartbeat':
      case 'other':
        return;
      default:
        event satisfies never;
    }
  }

  #addTask(frameworkId: string, task: Task, receivedAtMs: number): void {
    const known = this.frameworks.get(frameworkId);
    this.#absent.delete(frameworkId);
    if (ENDED.has(task.state)) {
      if (known !== undefined) this.#elements.deleteTask(frameworkId, known, task.id, departureBy(task.state));
      return;
    }
    if ((known?.info ?? null) === null && known?.tasks.has(task.id) !== true) {
      // Masters before 1.7.3 and 1.9 do not announce frameworks that they know through an agent (MESOS-9785).
      this.reconciliationWanted = true;
      if (!this.#elements.addOrphan()) return;
    }
    const framework = known ?? this.#elements.framework(frameworkId);
    this.#awaited.unkeep(frameworkId, task.id, task.agentId);
    const isAnswered = task.state === 'TASK_RUNNING' || framework.tasks.get(task.id)?.state === 'TASK_RUNNING';
    const isChanged = this.#elements.setTask(frameworkId, framework, task.id, task);
    // A task that is added with statuses is an old one on an agent that is back: they say nothing of when that was.
    if (isChanged && isAnswered) this.changes.arrivals.push({ receivedAtMs, happenedAt: null });
  }

  #updateTask(update: Extract<MasterEvent, { kind: 'task-updated' }>, receivedAtMs: number): void {
    const { frameworkId, taskId, state, status, reason } = update;
    if (reason === 'REASON_AGENT_REMOVED') this.reconciliationWanted = true;
    const framework = this.frameworks.get(frameworkId);
    const task = framework?.tasks.get(taskId);
    if (framework === undefined || task === undefined) {
      if (!ENDED.has(state)) this.reconciliationWanted = true;
      return;
    }
    this.#awaited.unkeep(frameworkId, taskId, task.agentId);
    const isAnswered = task.state === 'TASK_RUNNING' || state === 'TASK_RUNNING';
    const arrival = { receivedAtMs, happenedAt: status?.timestamp ?? null };
    if (ENDED.has(state)) {
      this.#elements.deleteTask(frameworkId, framework, taskId, departureBy(state));
      if (isAnswered) this.changes.arrivals.push(arrival);
      return;
    }
    const statuses = status === null ? task.statuses : withStatus(task.statuses, status);
    const isChanged = this.#elements.setTask(frameworkId, framework, taskId, { ...task, state, statuses });
    if (isChanged && isAnswered) this.changes.arrivals.push(arrival);
  }

  // --- agents that a new leader expects back ---

  /** Gives up what has been awaited for too long. */
  expire(): void {
    const due = this.#awaited.takeDue();
    if (due.length === 0) return;
    this.#elements.asWhole(() => {
      for (const [agentId, { tasks, isBack }] of due) {
        for (const [frameworkKey, taskKeys] of tasks) {
          const framework = this.frameworks.get(frameworkKey);
          if (framework === undefined) continue;
          for (const taskKey of taskKeys) {
            this.#elements.deleteTask(frameworkKey, framework, taskKey, isBack ? 'ended' : 'lost');
          }
        }
        const agent = this.agents.get(agentId);
        if (!isBack && agent !== undefined) this.#elements.deleteAgent(agentId, agent);
      }
      this.#dropAbsent();
    });
  }

  /** Nobody is awaited any more: a framework that the leader has not heard of is gone. */
  #dropAbsent(): void {
    if (this.#awaited.size > 0) return;
    for (const key of this.#absent) {
      const framework = this.frameworks.get(key);
      if (framework === undefined) continue;
      for (const taskKey of [...framework.tasks.keys()]) this.#elements.deleteTask(key, framework, taskKey, 'lost');
      this.#deleteFramework(key);
    }
    this.#absent.clear();
  }

  /** A framework as it is known, its scheduler where it was known to be. */
  #withPid(news: FrameworkNews): FrameworkInfo {
    const known = this.frameworks.get(news.id)?.info;
    if (known === undefined || known === null) this.pidsWanted.add(news.id);
    return { ...news, pid: known?.pid ?? null };
  }

  #deleteFramework(key: string): void {
    this.#elements.deleteFramework(key);
    this.pidsWanted.delete(key);
  }

  #settle(agentId: string): void {
    if (this.#awaited.settle(agentId)) this.#recovered = new Set([...this.#recovered].filter((id) => id !== agentId));
  }
}

/** A framework that the master knows from its tasks alone has no pid yet. */
function withScheduler(now: FrameworkInfo, before: FrameworkInfo): FrameworkInfo {
  return now.active || now.pid !== null ? now : { ...now, pid: before.pid };
}

function departureBy(state: string): Departure {
  return LOST.has(state) ? 'lost' : 'ended';
}

/** Mesos keeps one status for each run of equal states: a new one replaces the last where the state is the same. */
function withStatus(statuses: readonly TaskStatus[], status: TaskStatus): readonly TaskStatus[] {
  const kept = statuses.at(-1)?.state === status.state ? statuses.slice(0, -1) : statuses;
  return [...kept.slice(-(MAX_STATUSES - 1)), status];
}

/** A task of a document, which does not tell of checks, with what is known of those from the stream. */
function withChecks(task: Task, known: Task | undefined): Task {
  if (known === undefined || known.statuses.every(({ checkPassed }) => checkPassed === null)) return task;
  const statuses = task.statuses.map((status) => {
    if (status.checkPassed !== null) return status;
    const same = known.statuses.find(
      ({ state, timestamp }) => state === status.state && timestamp === status.timestamp,
    );
    return same === undefined ? status : { ...status, checkPassed: same.checkPassed };
  });
  return { ...task, statuses };
}

/** Framework key to the ids of all tasks that a state tells of. */
function taskIdsOf({ frameworks }: MesosState): ReadonlyMap<string, ReadonlySet<string>> {
  const ids = new Map<string, ReadonlySet<string>>();
  const keys = new Keys(ids);
  for (const { id, tasks } of frameworks) ids.set(keys.of(id), new Set(tasks.map((task) => task.id)));
  return ids;
}

/** Gives each element that is put into a map a key: its id, or where an element before has that, one that no id is. */
class Keys {
  readonly #taken: ReadonlyMap<string, unknown>;
  readonly #next = new Map<string, number>();

  constructor(taken: ReadonlyMap<string, unknown>) {
    this.#taken = taken;
  }

  of(id: string): string {
    if (!this.#taken.has(id)) return id;
    const n = this.#next.get(id) ?? 2;
    this.#next.set(id, n + 1);
    return `${id}\n${n}`;
  }
}
