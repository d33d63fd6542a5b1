// The records of a cluster that changes: at any moment those that deriveRecords() makes of the whole, brought up to date by
// what has changed. Each task's records are taken back and added anew; where several tasks yield the same one, it is
// counted.

import { foldCase } from '../dns/name.ts';
import type { ClusterChanges } from '../state/cluster-changes.ts';
import type { LiveFramework } from '../state/live-elements.ts';
import type { Agent, Endpoint, MesosState, Task } from '../state/model.ts';
import { AddressSets, type HostAddresses } from './addresses.ts';
import { CanonicalNames } from './canonical-names.ts';
import { addAgents, addFrameworks, addMasters, addNameServer, type Warn } from './cluster.ts';
import { Contribution, ValueCounts } from './contribution.ts';
import { type CountedChanges, CountedRecords, TYPES, type ValuesByType } from './counted-records.ts';
import type { RecordConfig } from './derive.ts';
import { FrameworkNames } from './framework-names.ts';
import { isReserve } from './health.ts';
import { domainFragment, type LabelRule, RFC952, RFC1123 } from './labels.ts';
import { OwnNames } from './own-names.ts';
import type { RecordSet } from './record-set.ts';
import type { Alias, NamesOfFramework, ServiceNames } from './service-names.ts';
import { type AgentPlace, labelSource, type PtrSink, TaskRecords } from './task.ts';
import type { ZoneBuilder } from './zone-builder.ts';

/** The cluster as it is now. */
export interface IndexedCluster {
  readonly leader: Endpoint | null;
  readonly agents: ReadonlyMap<string, Agent>;
  readonly frameworks: ReadonlyMap<string, LiveFramework>;
}

/** What records are made of besides the cluster. */
export interface Surroundings {
  readonly hostAddresses: HostAddresses;
  /** See DeriveInput. */
  readonly masters: readonly string[];
  readonly nameServerAddresses: readonly string[];
  readonly warn: Warn;
}

/** A running task. */
interface Entry {
  task: Task;
  framework: IndexedFramework;
  /** Null where the agent is not known: then it has no records. */
  place: AgentPlace | null;
}

interface IndexedFramework {
  /** Null while the framework is not known. */
  fragment: string | null;
  readonly entries: Map<string, Entry>;
}

/** What changes need to find of the tasks that the whole was made of. */
interface Unsettled {
  /** Parallel lists, since there are many: the tasks with their keys in their frameworks, and how many canonical names each has. */
  readonly entries: readonly Entry[];
  readonly taskKeys: readonly string[];
  readonly canonicalCounts: Uint32Array;
  /** One task's behind the other's. */
  readonly own: OwnNames;
  /** Tasks whose records only stand in for others; they are added last, one by one. */
  readonly reserve: Entry[];
}

/** Canonical names of a task, as a rule: of its one form. */
const NAMES_PER_TASK = 2;
/** Address sets that are remembered beside those of agents, which many tasks have; those of containers come once. */
const MAX_FORGOTTEN_SETS = 1000;

export class RecordIndex {
  readonly #config: RecordConfig;
  readonly #rule: LabelRule;
  readonly #records = new CountedRecords();
  readonly #frameworks = new Map<string, IndexedFramework>();
  readonly #names: FrameworkNames;
  #places: ReadonlyMap<string, AgentPlace> = new Map();
  readonly #byAgent = new Map<string, Set<Entry>>();
  readonly #byCanonical = new CanonicalNames<Entry>();
  #sets: AddressSets;
  #cluster = new ValueCounts();
  /** Folded targets of the SRV records of the cluster itself, to their owners. */
  #clusterTargets = new Map<string, string[]>();
  /** Null once that is done. */
  #unsettled: Unsettled | null = null;

  /** Derives the whole. What only changes need is left for settle(), so that the records are at hand sooner. */
  constructor(config: RecordConfig, cluster: IndexedCluster, surroundings: Surroundings) {
    this.#config = config;
    this.#rule = config.enforceRFC952 ? RFC952 : RFC1123;
    this.#names = new FrameworkNames(config.domain, this.#rule, config.dottedNames);
    this.#sets = new AddressSets(config.IPSources);
    this.#deriveClusterRecords(cluster, surroundings);
    const whole = this.#enterTasks(cluster);
    this.#unsettled = whole;
    this.#records.derive(whole.own, (builder, own) => {
      this.#addClusterTo(builder);
      this.#addTasksTo(builder, own, whole);
    });
    if (whole.reserve.length > 0) this.#records.putTogether();
    for (const entry of whole.reserve) this.#contribute(entry);
    this.#records.begin();
  }

  /** All records; the same maps from the first look on, which change with update(). Lists in them never change. */
  get records(): RecordSet {
    return this.#records.all;
  }

  /**
   * How many changes there were: one for each record of the cluster itself that came or went, and one for each time that the
   * records of a task changed others. It does not depend on how many changes of different elements are taken over together.
   */
  get steps(): number {
    return this.#records.steps;
  }

  /** Gets ready for changes: the first one does it where nobody has before. Called again, it does nothing. */
  settle(): void {
    const unsettled = this.#unsettled;
    if (unsettled === null) return;
    this.#records.settle();
    this.#unsettled = null;
    const { entries, taskKeys, canonicalCounts, own } = unsettled;
    let next = 0;
    for (const [i, entry] of entries.entries()) {
      this.#remember(entry, taskKeys[i] ?? '');
      const end = next + (canonicalCounts[i] ?? 0);
      for (; next < end; next += 1) this.#byCanonical.add(own.names[next] ?? '', entry);
    }
  }

  /** Takes over what has changed in the cluster, and around it. */
  update(cluster: IndexedCluster, changes: ClusterChanges, surroundings: Surroundings): void {
    this.settle();
    const moved = this.#updateCluster(cluster, surroundings);
    this.#records.countStep();
    for (const entry of moved) {
      this.#place(entry);
      this.#records.endStep();
    }
    for (const key of changes.frameworks) this.#updateFramework(key, cluster.frameworks.get(key));
    this.updateTasks(cluster, changes);
    for (const key of changes.frameworks) this.#dropEmpty(key, cluster);
  }

  /** Like update(), where the records of the cluster itself are surely as before: costs only what changed. */
  updateTasks(cluster: IndexedCluster, changes: ClusterChanges): void {
    this.settle();
    for (const { frameworkKey, taskKey } of changes.order) {
      const framework = cluster.frameworks.get(frameworkKey);
      this.#updateTask(frameworkKey, framework, taskKey, framework?.tasks.get(taskKey));
      this.#records.endStep();
    }
    for (const key of changes.tasks.keys()) this.#dropEmpty(key, cluster);
  }

  /** How many names had records at the last takeChanges(), and how many of them have none any more. */
  losses(): ReturnType<CountedRecords['losses']> {
    return this.#records.losses();
  }

  /** What has changed since the last call; null: nothing. */
  takeChanges(): CountedChanges | null {
    return this.#records.takeChanges((host) => this.#ownersOfTarget(host));
  }

  /** Tasks, and names of tasks, that are remembered: none without tasks. */
  get rememberedCount(): number {
    this.settle();
    return this.#byCanonical.size + this.#byAgent.size + this.#names.filledCount;
  }

  // --- the whole ---

  #deriveClusterRecords(cluster: IndexedCluster, surroundings: Surroundings): void {
    const { counts, places } = this.#deriveCluster(cluster, surroundings);
    this.#cluster = counts;
    this.#places = places;
    this.#clusterTargets = targetsOf(counts);
  }

  #addClusterTo(builder: ZoneBuilder): void {
    for (const type of TYPES) {
      for (const [name, values] of this.#cluster[type]) {
        for (const [value, count] of values) for (let i = 0; i < count; i++) builder.add(type, name, value);
      }
    }
  }

  /** The running tasks, without their records. */
  #enterTasks(cluster: IndexedCluster): Unsettled {
    let taskCount = 0;
    for (const { tasks } of cluster.frameworks.values()) taskCount += tasks.size;
    // Lists that grow are copied again and again, and memory that is new to the process is what takes the time here.
    const entries = new Array<Entry>(taskCount);
    const taskKeys = new Array<string>(taskCount);
    let count = 0;
    for (const [key, framework] of cluster.frameworks) {
      const indexed = this.#indexFramework(key, framework);
      for (const [taskKey, task] of framework.tasks) {
        if (task.state !== 'TASK_RUNNING') continue;
        entries[count] = this.#makeEntry(indexed, task);
        taskKeys[count] = taskKey;
        count += 1;
      }
    }
    entries.length = count;
    taskKeys.length = count;
    const own = new OwnNames(NAMES_PER_TASK * count);
    return { entries, taskKeys, canonicalCounts: new Uint32Array(count), own, reserve: [] };
  }

  /** @param own see Fill; null the second time */
  #addTasksTo(builder: ZoneBuilder, own: OwnNames | null, { entries, canonicalCounts, reserve }: Unsettled): void {
    const records = new TaskRecords(
      builder,
      own === null ? null : this.#pointerSink(),
      this.#config,
      own === null ? null : (name, addresses) => own.add(name, addresses),
    );
    for (const [i, entry] of entries.entries()) {
      const { task, framework, place } = entry;
      const names = this.#namesOf(framework);
      if (place === null || names === null) continue;
      if (isReserve(task, this.#config)) {
        if (own !== null) reserve.push(entry);
        continue;
      }
      const nameCountBefore = own?.count ?? 0;
      const labelled = records.add({ task, agent: place, addresses: this.#sets.ofTask(task, place.addresses) }, names);
      if (own === null) continue;
      this.#useNames(task, names, labelled);
      canonicalCounts[i] = own.count - nameCountBefore;
    }
    own?.end();
  }

  #pointerSink(): PtrSink | null {
    if (!this.#config.reverseDNSOn) return null;
    return (reverseName, name) => this.#records.pointers.add(reverseName, name);
  }

  // --- the cluster itself ---

  #deriveCluster(
    cluster: IndexedCluster,
    { hostAddresses, masters, nameServerAddresses, warn }: Surroundings,
  ): { counts: ValueCounts; places: Map<string, AgentPlace> } {
    const { domain, SOAMname } = this.#config;
    const leader = cluster.leader ?? { host: '', port: '' };
    const frameworks = [...cluster.frameworks.values()].flatMap(({ info }) =>
      info === null ? [] : [{ ...info, tasks: [] }],
    );
    const agents = [...cluster.agents.values()];
    const state: MesosState = { version: '', leader, agents, recoveredAgentIds: [], frameworks };
    const counts = new ValueCounts();
    addFrameworks(state, domain, this.#rule, hostAddresses, counts, warn);
    const places = addAgents(state, domain, this.#rule, hostAddresses, this.#sets, counts, warn);
    addNameServer(SOAMname, nameServerAddresses, counts);
    addMasters(leader, masters, domain, hostAddresses, counts, warn);
    return { counts, places };
  }

  /** @returns the tasks whose agent is another, somewhere else, known or unknown now. */
  #updateCluster(cluster: IndexedCluster, surroundings: Surroundings): Set<Entry> {
    const { counts, places } = this.#deriveCluster(cluster, surroundings);
    for (const type of TYPES) this.#records.values[type].exchange(this.#cluster[type], counts[type]);
    this.#cluster = counts;
    this.#clusterTargets = targetsOf(counts);
    const moved = new Set<Entry>();
    for (const [agentId, entries] of this.#byAgent) {
      const before = this.#places.get(agentId);
      const after = places.get(agentId);
      if (before !== undefined && after !== undefined && samePlace(before, after)) places.set(agentId, before);
      else if (before !== after) for (const entry of entries) moved.add(entry);
    }
    this.#places = places;
    return moved;
  }

  // --- frameworks ---

  #indexFramework(key: string, framework: LiveFramework | undefined): IndexedFramework {
    let indexed = this.#frameworks.get(key);
    if (indexed === undefined) {
      indexed = { fragment: null, entries: new Map() };
      this.#frameworks.set(key, indexed);
    }
    const info = framework?.info ?? null;
    this.#setFragment(indexed, info === null ? null : domainFragment(info.name, this.#rule));
    return indexed;
  }

  #updateFramework(key: string, framework: LiveFramework | undefined): void {
    const info = framework?.info ?? null;
    const fragment = info === null ? null : domainFragment(info.name, this.#rule);
    const indexed = this.#frameworks.get(key);
    if (indexed === undefined || indexed.fragment === fragment) return;
    for (const entry of indexed.entries.values()) this.#takeBack(entry);
    this.#setFragment(indexed, fragment);
    for (const entry of indexed.entries.values()) this.#contribute(entry);
    this.#records.endStep([...indexed.entries.values()].filter(({ place }) => place !== null).length);
  }

  #setFragment(indexed: IndexedFramework, fragment: string | null): void {
    const before = indexed.fragment;
    if (before === fragment) return;
    indexed.fragment = fragment;
    if (fragment !== null) this.#names.use(fragment);
    if (before !== null) this.#names.leave(before);
  }

  #namesOf({ fragment }: IndexedFramework): NamesOfFramework | null {
    return fragment === null ? null : this.#names.of(fragment);
  }

  /** Forgets a framework that is gone. */
  #dropEmpty(key: string, cluster: IndexedCluster): void {
    const indexed = this.#frameworks.get(key);
    if (indexed === undefined || indexed.entries.size > 0 || cluster.frameworks.has(key)) return;
    this.#setFragment(indexed, null);
    this.#frameworks.delete(key);
  }

  // --- tasks ---

  #updateTask(
    frameworkKey: string,
    framework: LiveFramework | undefined,
    taskKey: string,
    task: Task | undefined,
  ): void {
    const known = this.#frameworks.get(frameworkKey);
    const entry = known?.entries.get(taskKey);
    const isRunning = task !== undefined && task.state === 'TASK_RUNNING';
    if (entry !== undefined && isRunning && entry.task === task) return;
    if (entry !== undefined) {
      this.#takeBack(entry);
      known?.entries.delete(taskKey);
      this.#leaveAgent(entry);
    }
    if (!isRunning) return;
    const indexed = known ?? this.#indexFramework(frameworkKey, framework);
    const next = this.#makeEntry(indexed, task);
    this.#remember(next, taskKey);
    this.#contribute(next);
  }

  #makeEntry(framework: IndexedFramework, task: Task): Entry {
    return { task, framework, place: this.#places.get(task.agentId) ?? null };
  }

  #remember(entry: Entry, taskKey: string): void {
    const { agentId } = entry.task;
    entry.framework.entries.set(taskKey, entry);
    const others = this.#byAgent.get(agentId);
    if (others === undefined) this.#byAgent.set(agentId, new Set([entry]));
    else others.add(entry);
  }

  #leaveAgent(entry: Entry): void {
    const { agentId } = entry.task;
    const entries = this.#byAgent.get(agentId);
    entries?.delete(entry);
    if (entries?.size === 0) this.#byAgent.delete(agentId);
  }

  /** Gives a task the place that its agent has now. */
  #place(entry: Entry): void {
    this.#takeBack(entry);
    entry.place = this.#places.get(entry.task.agentId) ?? null;
    this.#contribute(entry);
  }

  #contribute(entry: Entry): void {
    const collected = this.#collect(entry, (canonical) => this.#byCanonical.add(canonical, entry));
    if (collected === null) return;
    const { values, addresses, services, pointers } = collected.contribution;
    const to = this.#valuesOf(entry);
    for (const { type, name, value } of values) to[type].add([name], value);
    for (const { name, set } of addresses) {
      to.A.addList(name, set.ipv4);
      to.AAAA.addList(name, set.ipv6);
    }
    for (const { names, target } of services) to.SRV.add(names, target);
    for (const { reverseName, name } of pointers) this.#records.pointers.add(reverseName, name);
    this.#useNames(entry.task, collected.names);
  }

  #takeBack(entry: Entry): void {
    const collected = this.#collect(entry, (canonical) => this.#byCanonical.remove(canonical, entry));
    if (collected === null) return;
    const { values, addresses, services, pointers } = collected.contribution;
    const from = this.#valuesOf(entry);
    for (const { type, name, value } of values) from[type].remove([name], value);
    for (const { name, set } of addresses) {
      from.A.removeList(name, set.ipv4);
      from.AAAA.removeList(name, set.ipv6);
    }
    for (const { names, target } of services) from.SRV.remove(names, target);
    for (const { reverseName, name } of pointers) this.#records.pointers.remove(reverseName, name);
    this.#leaveNames(entry.task, collected.names);
  }

  /** Where a task's records go. */
  #valuesOf({ task }: Entry): ValuesByType {
    return isReserve(task, this.#config) ? this.#records.reserve : this.#records.values;
  }

  /** The records of a task as it is placed; null where it has none. */
  #collect(
    { task, framework, place }: Entry,
    canonical: ((name: string) => void) | null,
  ): { readonly contribution: Contribution; readonly names: NamesOfFramework } | null {
    const names = this.#namesOf(framework);
    if (place === null || names === null) return null;
    const contribution = new Contribution();
    const records = new TaskRecords(
      contribution,
      this.#config.reverseDNSOn ? (reverseName, name) => contribution.pointers.push({ reverseName, name }) : null,
      this.#config,
      canonical === null
        ? null
        : (name, addresses) => {
            canonical(name);
            contribution.addAddresses(name, addresses);
          },
    );
    if (this.#sets.size > MAX_FORGOTTEN_SETS + 2 * this.#byAgent.size) {
      this.#sets = new AddressSets(this.#config.IPSources);
    }
    records.add({ task, agent: place, addresses: this.#sets.ofTask(task, place.addresses) }, names);
    return { contribution, names };
  }

  /** @param labelled the task's names below its label, where they are at hand */
  #useNames(task: Task, framework: NamesOfFramework, labelled = framework.ofLabel(labelSource(task))): void {
    const verbatim = verbatimOf(task, framework, labelled);
    if (labelled.users === 0) this.#records.aliases.add(labelled.aliases);
    labelled.users += 1;
    if (verbatim !== null) verbatim.users += 1;
    this.#records.aliases.add(portAliases(task, labelled));
  }

  #leaveNames(task: Task, framework: NamesOfFramework): void {
    const labelled = framework.ofLabel(labelSource(task));
    const verbatim = verbatimOf(task, framework, labelled);
    this.#records.aliases.remove(portAliases(task, labelled));
    labelled.users -= 1;
    if (labelled.users === 0) {
      this.#records.aliases.remove(labelled.aliases);
      framework.forget(labelled);
    }
    if (verbatim === null) return;
    verbatim.users -= 1;
    if (verbatim.users === 0) framework.forget(verbatim);
  }

  // --- what came of it ---

  /** Names with SRV records that lead to a host. */
  #ownersOfTarget(host: string): Set<string> {
    const owners = new Set(this.#clusterTargets.get(foldCase(host)) ?? []);
    for (const entry of this.#byCanonical.of(host)) {
      for (const { names } of this.#collect(entry, null)?.contribution.services ?? []) {
        for (const name of names) owners.add(name);
      }
    }
    return owners;
  }
}

/** The names under a task's discovery name as it is, where they are others than those under its label; see TaskRecords. */
function verbatimOf({ discovery }: Task, framework: NamesOfFramework, { t }: ServiceNames): ServiceNames | null {
  const discoveryName = discovery?.name ?? '';
  return discoveryName === '' || discoveryName === t ? null : framework.ofVerbatim(discoveryName);
}

function portAliases({ discovery }: Task, names: ServiceNames): readonly Alias[] {
  if (discovery === null || discovery.name === '' || names.aliases.length === 0) return [];
  return discovery.ports.flatMap((port) => names.ofDiscoveryPort(port).aliases);
}

function samePlace(one: AgentPlace, other: AgentPlace): boolean {
  const texts = ({ addresses }: AgentPlace) => addresses.all.map(({ text }) => text).join(' ');
  return one.tail === other.tail && one.substitute === other.substitute && texts(one) === texts(other);
}

function targetsOf({ SRV }: ValueCounts): Map<string, string[]> {
  const targets = new Map<string, string[]>();
  for (const [name, counts] of SRV) {
    for (const value of counts.keys()) {
      const target = foldCase(value.slice(0, value.lastIndexOf(':')));
      const owners = targets.get(target);
      if (owners === undefined) targets.set(target, [name]);
      else if (!owners.includes(name)) owners.push(name);
    }
  }
  return targets;
}
