// Which addresses a host, an agent or a task has.

import type { IpSource } from '../config/config.ts';
import { type IpAddress, parseIp } from '../dns/ip-text.ts';
import { splitHostPort } from '../state/endpoint.ts';
import type { Agent, Framework, Task, TaskStatus } from '../state/model.ts';

/** IP texts of a host name; none where it cannot be resolved. Never asked for IP literals and ''. */
export type HostAddresses = (host: string) => readonly string[];

/** The address that a host text itself is, a zone index (`fe80::1%eth0`) not counted; null for host names. */
export function hostLiteral(host: string): IpAddress | null {
  const percent = host.lastIndexOf('%');
  return parseIp(percent > 0 && host.includes(':') ? host.slice(0, percent) : host);
}

/** All distinct addresses of a host name or IP literal, in the resolver's order. */
export function addressesOf(host: string, lookUp: HostAddresses): readonly IpAddress[] {
  const literal = hostLiteral(host);
  if (literal !== null) return [literal];
  if (host === '') return [];
  const addresses = new Map<string, IpAddress>();
  for (const text of lookUp(host)) {
    const address = parseIp(text);
    if (address !== null) addresses.set(address.text, address);
  }
  return [...addresses.values()];
}

/** The distinct host names (no IP literals) that deriving records from this state will ask for. */
export function hostsToResolve(
  state: {
    readonly agents: readonly Pick<Agent, 'pidHost'>[];
    readonly frameworks: readonly Pick<Framework, 'pid' | 'hostname'>[];
  },
  masters: readonly string[] = [],
): string[] {
  const hosts = new Set<string>();
  for (const framework of state.frameworks) {
    if (framework.pid !== null) hosts.add(framework.pid.host);
    // Also beside a pid: it stands in where the pid's host has no address.
    hosts.add(framework.hostname);
  }
  for (const agent of state.agents) hosts.add(agent.pidHost ?? '');
  for (const master of masters) hosts.add(splitHostPort(master)?.host ?? '');
  return [...hosts].filter((host) => host !== '' && hostLiteral(host) === null);
}

/** The addresses of an agent or a task. Equal sets are one object as a rule, so that their lists can be shared. */
export interface AddressSet {
  /** In the order reported; may hold an address twice. */
  readonly all: readonly IpAddress[];
  /** Distinct texts, as A records have them. */
  readonly ipv4: readonly string[];
  /** Distinct texts, as AAAA records have them. */
  readonly ipv6: readonly string[];
}

const NO_ADDRESSES: AddressSet = { all: [], ipv4: [], ipv6: [] };

/** Finds the addresses of tasks. */
export class AddressSets {
  private readonly sources: readonly IpSource[];
  private readonly byText = new Map<string, AddressSet>();
  /** Of reports of one address, as nearly all are. */
  private readonly byReported = new Map<string, AddressSet>();

  /** @param sources the configuration's `IPSources`. */
  constructor(sources: readonly IpSource[]) {
    this.sources = sources;
  }

  /** How many sets are remembered. */
  get size(): number {
    return this.byText.size + this.byReported.size;
  }

  /** The set of some addresses. */
  of(all: readonly IpAddress[]): AddressSet {
    if (all.length === 0) return NO_ADDRESSES;
    const text = all.map((address) => address.text).join(' ');
    let set = this.byText.get(text);
    if (set === undefined) {
      set = { all, ipv4: distinctTexts(all, 4), ipv6: distinctTexts(all, 6) };
      this.byText.set(text, set);
    }
    return set;
  }

  /** All addresses of the first source that has any. */
  ofTask(task: Task, agent: AddressSet): AddressSet {
    const status = latestRunningStatus(task.statuses);
    for (const source of this.sources) {
      const addresses = this.from(source, task, status, agent);
      if (addresses.all.length > 0) return addresses;
    }
    return NO_ADDRESSES;
  }

  /** The source that ofTask() takes the addresses from; null where none has any. */
  sourceOf(task: Task, agent: AddressSet): IpSource | null {
    const status = latestRunningStatus(task.statuses);
    return this.sources.find((source) => this.from(source, task, status, agent).all.length > 0) ?? null;
  }

  private from(source: IpSource, task: Task, status: TaskStatus | null, agent: AddressSet): AddressSet {
    switch (source) {
      case 'host':
        return agent;
      case 'autoip':
        // From elsewhere a container behind port mappings is reached at its agent, as in dcos-net.
        return mapsPorts(task, status) ? agent : this.reported(reportedBy(status, 'netinfo'));
      default:
        return this.reported(reportedBy(status, source));
    }
  }

  private reported(texts: readonly string[]): AddressSet {
    if (texts.length === 0) return NO_ADDRESSES;
    const [only = ''] = texts;
    let set = texts.length === 1 ? this.byReported.get(only) : undefined;
    if (set === undefined) {
      set = this.of(texts.map(reportedAddress).filter((address) => address !== null));
      if (texts.length === 1) this.byReported.set(only, set);
    }
    return set;
  }
}

function distinctTexts(all: readonly IpAddress[], family: IpAddress['family']): readonly string[] {
  const texts = new Set<string>();
  for (const address of all) if (address.family === family) texts.add(address.text);
  return [...texts];
}

/** Whether ports of the agent lead to a task's container. */
export function mapsPorts(task: Task, status: TaskStatus | null = latestRunningStatus(task.statuses)): boolean {
  return task.mapsPorts || (status?.mapsPorts ?? false);
}

function reportedBy(status: TaskStatus | null, source: Exclude<IpSource, 'host' | 'autoip'>): readonly string[] {
  if (status === null) return [];
  switch (source) {
    case 'netinfo':
      return status.networkAddresses;
    case 'docker':
      return status.dockerAddresses;
    case 'mesos':
      return status.mesosAddresses;
  }
}

/** The `TASK_RUNNING` status with the greatest timestamp above -1, the first of equal ones: old masters do not sort them. */
export function latestRunningStatus(statuses: readonly TaskStatus[]): TaskStatus | null {
  let latest: TaskStatus | null = null;
  for (const status of statuses) {
    if (status.state === 'TASK_RUNNING' && status.timestamp > (latest?.timestamp ?? -1)) latest = status;
  }
  return latest;
}

/**
 * An address as a container network reports it. CNI plugins add a prefix length; behind an IPv6 address it does not count
 * (the original drops the address), behind an IPv4 address it makes the text no address, as ever.
 */
function reportedAddress(text: string): IpAddress | null {
  const slash = text.indexOf('/');
  if (slash < 0) return parseIp(text);
  const address = parseIp(text.slice(0, slash));
  const prefix = text.slice(slash + 1);
  return address?.family === 6 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= 128 ? address : null;
}
