// The records of one running task. T stands for the task's label, C for its canonical name T-hash-tail, F for the
// framework's domain fragment, D for the domain.

import type { Config } from '../config/config.ts';
import { reverseName } from '../dns/ip-text.ts';
import { UNWRITABLE, wireSize } from '../dns/name.ts';
import type { DiscoveryPort, Task } from '../state/model.ts';
import type { AddressSet } from './addresses.ts';
import { flat } from './flat.ts';
import { taskHash } from './labels.ts';
import type { NamePair, NamesOfFramework, ServiceNames } from './service-names.ts';
import type { RecordSink } from './zone-builder.ts';

/** An agent as its tasks see it. */
export interface AgentPlace {
  readonly addresses: AddressSet;
  /** See agentTail(). */
  readonly tail: string;
  /**
   * Where it has no address: the text that stands in as the value of an A record. The API lists such records, as the
   * original's does; they are never answered.
   */
  readonly substitute: string;
}

/** Takes a reverse name and the name of the task that has the address. */
export type PtrSink = (reverseName: string, name: string) => void;

/** Takes the canonical names with their addresses, which the RecordSink is not told of then; a name with any counts as new. */
export type CanonicalSink = (canonicalName: string, addresses: AddressSet) => void;

/** So many ports of a task are compared with each other; whether the targets of further ones are known is looked up. */
const LOOK_BACK = 16;

/** A task and what was found out about it. */
export interface PlacedTask {
  readonly task: Task;
  readonly agent: AgentPlace;
  readonly addresses: AddressSet;
}

export class TaskRecords {
  private readonly sink: RecordSink;
  private readonly addPtr: PtrSink | null;
  private readonly slaveNamedPorts: boolean;
  private readonly canonicalSink: CanonicalSink | null;
  /** Canonical names that may be in use although no address shows it. */
  private readonly addressless = new Set<string>();

  /** @param addPtr null for no PTR records. */
  constructor(
    sink: RecordSink,
    addPtr: PtrSink | null,
    config: Pick<Config, 'slaveNamedPorts'>,
    canonicalSink: CanonicalSink | null = null,
  ) {
    this.sink = sink;
    this.addPtr = addPtr;
    this.slaveNamedPorts = config.slaveNamedPorts;
    this.canonicalSink = canonicalSink;
  }

  /** @returns the names under the task's label */
  add(placed: PlacedTask, framework: NamesOfFramework): ServiceNames {
    const { task, agent, addresses } = placed;
    const identity = `-${taskHash(task.id)}-${agent.tail}`;
    const discoveryName = task.discovery?.name ?? '';
    const names = framework.ofLabel(labelSource(task));
    // The original derives everything from the discovery name as it is, too, and clients came to use both forms.
    if (discoveryName !== '' && discoveryName !== names.t) {
      this.addForm(placed, framework, framework.ofVerbatim(discoveryName), identity);
    }
    this.addForm(placed, framework, names, identity);
    if (this.addPtr !== null && wireSize(names.host.plain) !== UNWRITABLE) {
      for (const address of addresses.all) this.addPtr(reverseName(address), names.host.plain);
    }
    return names;
  }

  private addForm(placed: PlacedTask, framework: NamesOfFramework, names: ServiceNames, identity: string): void {
    const { task, agent, addresses } = placed;
    const canonical = framework.pair(names.t + identity);
    this.sink.addAddresses(names.host.plain, addresses);
    const plainIsNew = this.addCanonical(canonical.plain, addresses);
    this.sink.addAddresses(names.host.slave, agent.addresses);
    const slaveIsNew = this.addCanonical(canonical.slave, agent.addresses);
    if (agent.addresses.all.length === 0) {
      this.sink.add('A', names.host.slave, agent.substitute);
      this.sink.add('A', canonical.slave, agent.substitute);
    }
    const isNew = this.isNew(canonical, plainIsNew && slaveIsNew);
    const hasDiscovery = task.discovery !== null && task.discovery.name !== '';
    this.addResourcePorts(task, names, canonical.slave, !hasDiscovery, isNew);
    if (!hasDiscovery) return;
    for (const [i, port] of task.discovery.ports.entries()) {
      const { plain, slave } = names.ofDiscoveryPort(port);
      const isFirst = i === 0 || (i < LOOK_BACK && !hasNumber(task.discovery.ports, i, port.number));
      this.sink.addServices(plain, flat(`${canonical.plain}:${port.number}`), isNew && isFirst);
      // The agent's port may be one of the resources as well.
      if (this.slaveNamedPorts) this.sink.addServices(slave, flat(`${canonical.slave}:${port.number}`), false);
    }
  }

  /** @returns whether the name had no addresses before, and has some now */
  private addCanonical(canonicalName: string, addresses: AddressSet): boolean {
    if (this.canonicalSink === null) return this.sink.addAddresses(canonicalName, addresses);
    this.canonicalSink(canonicalName, addresses);
    return addresses.ipv4.length > 0 || addresses.ipv6.length > 0;
  }

  /**
   * Whether surely no task before had a canonical name: then its targets are new wherever they are added. The five characters
   * of the task's id can be the same for two tasks, and the names of a framework can end like the twins of another's.
   *
   * @param isAddressed whether both names have got their first addresses.
   */
  private isNew({ plain, slave }: NamePair, isAddressed: boolean): boolean {
    const { addressless } = this;
    if (isAddressed) return addressless.size === 0 || !(addressless.has(plain) || addressless.has(slave));
    addressless.add(plain).add(slave);
    return false;
  }

  /** SRV records of the `ports` resource; below F itself only where no DiscoveryInfo says which ports are meant. */
  private addResourcePorts(
    task: Task,
    names: ServiceNames,
    host: string,
    belowFramework: boolean,
    isNew: boolean,
  ): void {
    const { slave, all } = names.anyProtocol;
    const owners = belowFramework ? all : slave;
    let last = -1;
    for (const { begin, end } of task.ports) {
      // Ranges overlap in odd documents only.
      const isBehind = begin > last;
      for (let port = begin; port <= end; port++)
        this.sink.addServices(owners, flat(`${host}:${port}`), isNew && isBehind);
      last = Math.max(last, end);
    }
  }
}

/** What the label of a task is made of. */
export function labelSource({ name, discovery }: Pick<Task, 'name' | 'discovery'>): string {
  return discovery === null || discovery.name === '' ? name : discovery.name;
}

function hasNumber(ports: readonly DiscoveryPort[], before: number, number: string): boolean {
  for (let i = 0; i < before; i++) if (ports[i]?.number === number) return true;
  return false;
}
