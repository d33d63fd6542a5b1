// The documents that a master serves of its view of the cluster: `/state`, `/slaves`, `/frameworks`, `/state-summary`.

import type { Cluster, FrameworkEntry } from './cluster.ts';
import { JsonWriter, text } from './json-writer.ts';
import type { MesosFeatures } from './mesos-version.ts';
import type { Agent, Task } from './model.ts';
import { type Usage, UsageSum } from './usage.ts';
import type { MasterView } from './view.ts';

/** Who a master is. */
export interface MasterIdentity {
  /** UUID of this run of the master. */
  readonly id: string;
  /** IPv4 literal. */
  readonly ip: string;
  readonly port: number;
  /** What redirects of its peers name; may not resolve. */
  readonly hostname: string;
  /** Unix time, seconds. */
  readonly startTime: number;
}

const NOTHING: Usage = { cpus: 0, memMb: 0, ports: [] };
const BUILD = '"build_date":"2020-11-24 10:00:00 UTC","build_time":1606212000.0,"build_user":"mesos"';
const SOURCE = '"git_sha":"0000000000000000000000000000000000000000"';

export function masterPid(master: MasterIdentity): string {
  return `master@${master.ip}:${master.port}`;
}

/** Writes documents for the masters of one cluster and one Mesos version. What it wrote of a task is kept. */
export class StateDocument {
  readonly #cluster: Cluster;
  readonly #features: MesosFeatures;
  readonly #writer: JsonWriter;

  constructor(cluster: Cluster, features: MesosFeatures) {
    this.#cluster = cluster;
    this.#features = features;
    this.#writer = new JsonWriter(features);
  }

  /** Gives back the memory of what was written. */
  forget(): void {
    this.#writer.tasks.forget();
  }

  /**
   * `/state`.
   * @param leader null while nobody leads; the keys `leader` and `leader_info` are left out then.
   * @param restricted leave out what an ACL can hide: frameworks, tasks and flags. Agents are always shown.
   */
  state(view: MasterView, self: MasterIdentity, leader: MasterIdentity | null, restricted = false): string {
    const { recovery, leaderInfo } = this.#features;
    const usage = this.#usageByAgent(view);
    const agents = this.#knownAgents(view);
    const head = [
      `"version":${text(this.#features.version)},${SOURCE},${BUILD}`,
      ...(this.#features.agentCapabilities ? ['"capabilities":["AGENT_UPDATE"]'] : []),
      `"start_time":${this.#writer.double(self.startTime)}`,
      ...(view.electedTime === 0 ? [] : [`"elected_time":${this.#writer.double(view.electedTime)}`]),
      `"id":${text(self.id)},"pid":${text(masterPid(self))},"hostname":${text(self.hostname)}`,
      `"activated_slaves":${this.#writer.double(agents.filter((agent) => !agent.deactivated && agent.active).length)}`,
      `"deactivated_slaves":${this.#writer.double(agents.filter((agent) => agent.deactivated || !agent.active).length)}`,
      ...(recovery ? [`"unreachable_slaves":${this.#writer.double(this.#unreachableCount(view))}`] : []),
      ...(leader === null ? [] : [`"leader":${text(masterPid(leader))}`]),
      ...(leader === null || !leaderInfo ? [] : [`"leader_info":${leaderInfoOf(leader)}`]),
      ...(restricted ? [] : [`"cluster":"standin","flags":{"port":"${self.port}","ip":${text(self.ip)}}`]),
      `"slaves":[${agents.map((agent) => this.#agent(agent, view, usage)).join(',')}]`,
      ...(recovery ? [this.#recoveredAgents(view)] : []),
    ];
    const frameworks = restricted ? '"frameworks":[],"completed_frameworks":[]' : this.#frameworkLists(view);
    return `{${head.join(',')},${frameworks},"orphan_tasks":[],"unregistered_frameworks":[]}`;
  }

  /** `/slaves`. */
  slaves(view: MasterView): string {
    const usage = this.#usageByAgent(view);
    const agents = this.#knownAgents(view).map((agent) => this.#agent(agent, view, usage));
    return `{"slaves":[${agents.join(',')}]${this.#features.recovery ? `,${this.#recoveredAgents(view)}` : ''}}`;
  }

  /** `/frameworks`. @param only the framework with this id, as `?framework_id=` asks; all by default. */
  frameworks(view: MasterView, restricted = false, only: string | null = null): string {
    const lists = restricted ? '"frameworks":[],"completed_frameworks":[]' : this.#frameworkLists(view, only);
    return `{${lists},"unregistered_frameworks":[]}`;
  }

  /** `/version`. */
  version(): string {
    return `{${BUILD},${SOURCE},"version":${text(this.#features.version)}}`;
  }

  #knownAgents(view: MasterView): readonly Agent[] {
    return [...this.#cluster.agents.values()].filter((agent) => agent.reachable && view.knowsAgent(agent));
  }

  #unreachableCount(view: MasterView): number {
    if (view.phase !== 'recovered') return 0;
    return [...this.#cluster.agents.values()].filter((agent) => !agent.reachable).length;
  }

  #agent(agent: Agent, view: MasterView, usage: ReadonlyMap<string, Usage>): string {
    // An agent that registered with an earlier leader has come back to this one.
    const back = agent.registeredTime < view.electedTime ? view.electedTime : undefined;
    return this.#writer.agent(agent, usage.get(agent.id) ?? NOTHING, agent.reregisteredTime ?? back);
  }

  #recoveredAgents(view: MasterView): string {
    return `"recovered_slaves":[${view.recoveredAgents.map((agent) => this.#writer.recoveredAgent(agent)).join(',')}]`;
  }

  #usageByAgent(view: MasterView): ReadonlyMap<string, Usage> {
    const sums = new Map<string, UsageSum>();
    if (view.phase !== 'recovered') return sums;
    for (const entry of this.#cluster.frameworks.values()) {
      for (const task of entry.tasks.values()) {
        let sum = sums.get(task.agentId);
        if (sum === undefined) {
          sum = new UsageSum();
          sums.set(task.agentId, sum);
        }
        sum.add(task);
      }
    }
    return sums;
  }

  #frameworkLists(view: MasterView, only: string | null = null): string {
    if (view.phase !== 'recovered') return '"frameworks":[],"completed_frameworks":[]';
    const present: string[] = [];
    const isWanted = ({ framework }: FrameworkEntry) => only === null || framework.id === only;
    for (const entry of [...this.#cluster.frameworks.values()].filter(isWanted)) {
      const recovered = view.awaitsFramework(entry.framework);
      const tasks = this.#visibleTasks(entry, view);
      // A framework is known once its scheduler, or an agent with one of its tasks, has come back.
      if (!recovered || tasks.length > 0) present.push(this.#framework(entry, tasks, recovered, view));
    }
    const completed = this.#cluster.completedFrameworks
      .filter((entry) => isWanted(entry) && entry.framework.unregisteredTime >= view.electedTime)
      .map((entry) => this.#framework(entry, [], false, view));
    return `"frameworks":[${present.join(',')}],"completed_frameworks":[${completed.join(',')}]`;
  }

  #visibleTasks(entry: FrameworkEntry, view: MasterView): readonly Task[] {
    const tasks = [...entry.tasks.values()];
    const awaited = new Set(view.recoveredAgents.map((agent) => agent.id));
    return awaited.size === 0 ? tasks : tasks.filter((task) => !awaited.has(task.agentId));
  }

  #framework(entry: FrameworkEntry, tasks: readonly Task[], recovered: boolean, view: MasterView): string {
    const { framework } = entry;
    const used = new UsageSum();
    for (const task of tasks) used.add(task);
    const back = !recovered && framework.registeredTime < view.electedTime ? view.electedTime : undefined;
    // A new leader has never seen what ended under the one before.
    const completed = entry.completed.filter((task) => (task.statuses.at(-1)?.timestamp ?? 0) >= view.electedTime);
    const unreachable = [...entry.unreachable.values()];
    const write = (list: readonly Task[]): string => list.map((task) => this.#writer.tasks.of(task)).join(',');
    return (
      `${this.#writer.frameworkHead(framework, used, recovered, framework.reregisteredTime ?? back)}` +
      `,"tasks":[${write(tasks)}]${this.#features.recovery ? `,"unreachable_tasks":[${write(unreachable)}]` : ''}` +
      `,"completed_tasks":[${write(completed)}],"offers":[],"executors":[]` +
      `${this.#features.offerConstraints ? ',"offer_constraints":{}' : ''}}`
    );
  }
}

function leaderInfoOf(leader: MasterIdentity): string {
  return `{"id":${text(leader.id)},"pid":${text(masterPid(leader))},"port":${leader.port},"hostname":${text(leader.hostname)}}`;
}
