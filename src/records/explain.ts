// Why a name has the records that it has, or has none: the derivation once more, for one name or task, with what led to each
// record. Nothing is kept for it; only the tasks that may have to do with the name are derived.

import type { IpSource } from '../config/config.ts';
import { parseIp } from '../dns/ip-text.ts';
import { foldCase } from '../dns/name.ts';
import type { Framework, Task } from '../state/model.ts';
import { type AddressSet, AddressSets, latestRunningStatus, mapsPorts } from './addresses.ts';
import { addAgents, addFrameworks, addMasters, addNameServer } from './cluster.ts';
import type { DeriveInput } from './derive.ts';
import { failureOf, isReserve } from './health.ts';
import { agentTail, domainFragment, type LabelRule, label, RFC952, RFC1123, taskHash } from './labels.ts';
import type { RecordSet } from './record-set.ts';
import { NamesOfFramework, type ServiceNames } from './service-names.ts';
import { type AgentPlace, TaskRecords } from './task.ts';
import type { RecordSink, RecordType } from './zone-builder.ts';

export interface ExplainedRecord {
  readonly name: string;
  readonly type: RecordType;
  readonly value: string;
}

export interface ExplainedTask {
  readonly id: string;
  readonly name: string;
  readonly discoveryName: string | null;
  readonly state: string;
  readonly framework: { readonly id: string; readonly name: string };
  readonly agent: { readonly id: string; readonly hostname: string | null; readonly active: boolean | null };
  /** The status that addresses are taken from. */
  readonly status: { readonly state: string; readonly timestamp: number } | null;
  /** Of `IPSources`, the one that the addresses come from. */
  readonly ipSource: IpSource | null;
  /** Whether ports of the agent lead to its container, by which `autoip` decides. */
  readonly mapsPorts: boolean;
  /** False where its health check or check fails, which counts with `healthAware`; null: nothing is known of it. */
  readonly healthy: boolean | null;
  readonly records: readonly ExplainedRecord[];
  /** With `healthAware`: records that it does not have, since it fails and others at these names do not. */
  readonly withheld: readonly ExplainedRecord[];
  /** Why there are none, or not all. */
  readonly reason: string | null;
}

export interface Explanation {
  readonly name: string;
  /** The names whose records it answers with: it is the dotted alias of a task name. */
  readonly aliasOf: readonly string[];
  /** Records that the cluster itself has, and what of it. */
  readonly cluster: readonly (ExplainedRecord & { readonly of: 'framework' | 'agent' | 'name server' | 'master' })[];
  readonly tasks: readonly ExplainedTask[];
  /** There are more tasks than are listed. */
  readonly more: boolean;
}

/** So many tasks are listed at most. */
const TASKS_MAX = 100;

/** @param published the records of the zone in force */
export function explainName(input: DeriveInput, text: string, published: RecordSet): Explanation {
  const name = foldCase(text);
  const aliasOf = published.aliases.get(name) ?? [];
  const wanted = new Set([name, ...aliasOf.map(foldCase)]);
  const cluster = new ClusterView(input, published);
  const list = cluster.records.filter((record) => wanted.has(foldCase(record.name)));
  const tasks: ExplainedTask[] = [];
  for (const framework of input.state.frameworks) {
    const view = cluster.of(framework);
    if (![...wanted].some((each) => each.endsWith(view.names.tail) || each.endsWith(view.names.slaveTail))) continue;
    for (const task of framework.tasks) {
      if (!view.mayHave(task, wanted)) continue;
      const explained = view.explain(task, (each) => wanted.has(foldCase(each)));
      if (explained === null) continue;
      if (tasks.length === TASKS_MAX) return { name, aliasOf, cluster: list, tasks, more: true };
      tasks.push(explained);
    }
  }
  return { name, aliasOf, cluster: list, tasks, more: false };
}

/** Every task with this id or name, with all its records. */
export function explainTask(
  input: DeriveInput,
  idOrName: string,
  published: RecordSet,
): { tasks: ExplainedTask[]; more: boolean } {
  const tasks: ExplainedTask[] = [];
  const cluster = new ClusterView(input, published);
  for (const framework of input.state.frameworks) {
    for (const task of framework.tasks) {
      if (task.id !== idOrName && task.name !== idOrName) continue;
      if (tasks.length === TASKS_MAX) return { tasks, more: true };
      const explained = cluster.of(framework).explain(task, null);
      if (explained !== null) tasks.push(explained);
    }
  }
  return { tasks, more: false };
}

/** The tasks that the targets of SRV records mean: `T-hash-tail.F.D.` to its task. */
export function tasksOfTargets(
  input: DeriveInput,
  targets: readonly string[],
): ReadonlyMap<string, { readonly framework: Framework; readonly task: Task }> {
  const byIdentity = new Map<string, string[]>();
  for (const target of targets) {
    const identity = /-([a-z0-9]{5})-([^.]*)\./.exec(target.slice(target.lastIndexOf('-', target.indexOf('.')) - 6));
    if (identity === null) continue;
    const [, hash = '', tail = ''] = identity;
    byIdentity.set(tail, [...(byIdentity.get(tail) ?? []), `${hash} ${target}`]);
  }
  const found = new Map<string, { readonly framework: Framework; readonly task: Task }>();
  for (const framework of input.state.frameworks) {
    for (const task of framework.tasks) {
      const candidates = byIdentity.get(agentTail(task.agentId));
      if (candidates === undefined) continue;
      const hash = taskHash(task.id);
      for (const candidate of candidates) {
        const space = candidate.indexOf(' ');
        if (candidate.slice(0, space) === hash) found.set(candidate.slice(space + 1), { framework, task });
      }
    }
  }
  return found;
}

/** What the records of tasks depend on. */
class ClusterView {
  readonly input: DeriveInput;
  readonly published: RecordSet;
  readonly rule: LabelRule;
  readonly sets: AddressSets;
  readonly places: ReadonlyMap<string, AgentPlace>;
  /** Those of the cluster itself. */
  readonly records: readonly Explanation['cluster'][number][];
  readonly #agents: ReadonlyMap<string, { readonly hostname: string; readonly active: boolean }>;
  #last: { readonly framework: Framework; readonly view: FrameworkView } | null = null;

  constructor(input: DeriveInput, published: RecordSet) {
    this.input = input;
    this.published = published;
    const { state, config, hostAddresses } = input;
    this.rule = config.enforceRFC952 ? RFC952 : RFC1123;
    this.sets = new AddressSets(config.IPSources);
    const records: Explanation['cluster'][number][] = [];
    const sinkOf = (of: Explanation['cluster'][number]['of']) => collector((record) => records.push({ ...record, of }));
    const silent = () => undefined;
    addFrameworks(state, config.domain, this.rule, hostAddresses, sinkOf('framework'), silent);
    this.places = addAgents(state, config.domain, this.rule, hostAddresses, this.sets, sinkOf('agent'), silent);
    addNameServer(config.SOAMname, input.nameServerAddresses, sinkOf('name server'));
    addMasters(state.leader, input.masters, config.domain, hostAddresses, sinkOf('master'), silent);
    this.records = records;
    this.#agents = new Map(state.agents.map((agent) => [agent.id, agent]));
  }

  agent(id: string): { readonly id: string; readonly hostname: string | null; readonly active: boolean | null } {
    const agent = this.#agents.get(id);
    return { id, hostname: agent?.hostname ?? null, active: agent?.active ?? null };
  }

  of(framework: Framework): FrameworkView {
    if (this.#last?.framework !== framework) this.#last = { framework, view: new FrameworkView(this, framework) };
    return this.#last.view;
  }
}

class FrameworkView {
  readonly names: NamesOfFramework;
  readonly #cluster: ClusterView;
  readonly #framework: Framework;
  readonly #labels = new Map<string, string>();

  constructor(cluster: ClusterView, framework: Framework) {
    const { config } = cluster.input;
    this.#cluster = cluster;
    this.#framework = framework;
    this.names = new NamesOfFramework(domainFragment(framework.name, cluster.rule), config.domain, cluster.rule, null);
  }

  /** Whether a task may have one of some names; cheap, so that it can be asked of every task. */
  mayHave(task: Task, wanted: ReadonlySet<string>): boolean {
    const name = nameOf(task);
    let folded = this.#labels.get(name);
    if (folded === undefined) {
      folded = label(name, this.#cluster.rule);
      this.#labels.set(name, folded);
    }
    for (const each of wanted) if (each.includes(folded) || each.includes(foldCase(name))) return true;
    return false;
  }

  /** @returns null where the task has nothing to do with the names asked for (null: all are) */
  explain(task: Task, isWanted: ((name: string) => boolean) | null): ExplainedTask | null {
    const cluster = this.#cluster;
    const { config } = cluster.input;
    const place = cluster.places.get(task.agentId);
    const addresses = place === undefined ? null : cluster.sets.ofTask(task, place.addresses);
    const records: ExplainedRecord[] = [];
    const withheld: ExplainedRecord[] = [];
    const mayWithhold = isReserve(task, config);
    if (place !== undefined && addresses !== null && task.state === 'TASK_RUNNING') {
      const sink = collector((record) => {
        if (isWanted !== null && !isWanted(record.name)) return;
        (mayWithhold && !isPublished(record, cluster.published) ? withheld : records).push(record);
      });
      new TaskRecords(sink, null, config).add({ task, agent: place, addresses }, this.names);
    }
    if (records.length + withheld.length === 0 && isWanted !== null && !this.#wouldHave(task).some(isWanted))
      return null;
    const status = latestRunningStatus(task.statuses);
    return {
      id: task.id,
      name: task.name,
      discoveryName: task.discovery?.name ?? null,
      state: task.state,
      framework: { id: this.#framework.id, name: this.#framework.name },
      agent: cluster.agent(task.agentId),
      status: status === null ? null : { state: status.state, timestamp: status.timestamp },
      ipSource: place === undefined ? null : cluster.sets.sourceOf(task, place.addresses),
      mapsPorts: mapsPorts(task, status),
      healthy: failureOf(task) === null ? (status?.healthy ?? status?.checkPassed ?? null) : false,
      records,
      withheld,
      reason:
        withheld.length > 0
          ? `${failureOf(task)}: other tasks are published at these names instead (healthAware)`
          : this.#reason(task, place, addresses),
    };
  }

  #reason(task: Task, place: AgentPlace | undefined, addresses: AddressSet | null): string | null {
    const { IPSources } = this.#cluster.input.config;
    if (task.state !== 'TASK_RUNNING') return `its state is ${task.state}, and only TASK_RUNNING is published`;
    if (place === undefined) return 'its agent is not registered with the master';
    if (place.addresses.all.length === 0) return 'its agent has no address: the host of its pid does not resolve';
    if (addresses?.all.length === 0) return `none of the IPSources (${IPSources.join(', ')}) has an address of it`;
    return null;
  }

  /** The names that the task would have if all went well. */
  #wouldHave(task: Task): string[] {
    const name = nameOf(task);
    const identity = `-${taskHash(task.id)}-${agentTail(task.agentId)}`;
    const hasDiscovery = (task.discovery?.name ?? '') !== '';
    const forms: ServiceNames[] = [this.names.ofLabel(name), ...(hasDiscovery ? [this.names.ofVerbatim(name)] : [])];
    return forms.flatMap((form) => {
      const canonical = this.names.pair(form.t + identity);
      const ports = task.discovery?.ports.flatMap((port) => form.ofDiscoveryPort(port).plain) ?? [];
      return [form.host.plain, form.host.slave, canonical.plain, canonical.slave, ...form.anyProtocol.all, ...ports];
    });
  }
}

function isPublished({ name, type, value }: ExplainedRecord, { as, aaaas, srvs }: RecordSet): boolean {
  const map = type === 'A' ? as : type === 'AAAA' ? aaaas : srvs;
  return map.get(name)?.includes(value) ?? false;
}

function nameOf({ name, discovery }: Task): string {
  return discovery === null || discovery.name === '' ? name : discovery.name;
}

/** Hands every distinct record on. */
function collector(use: (record: ExplainedRecord) => void): RecordSink {
  const seen = new Set<string>();
  const add = (type: RecordType, name: string, value: string): boolean => {
    const key = `${type} ${name} ${value}`;
    if (value === '' || seen.has(key)) return false;
    seen.add(key);
    use({ name, type, value });
    return true;
  };
  return {
    add,
    addAddresses(name, { all }) {
      for (const { text } of all) add(parseIp(text)?.family === 6 ? 'AAAA' : 'A', name, text);
      return false;
    },
    addServices(names, target) {
      for (const name of names) add('SRV', name, target);
    },
  };
}
