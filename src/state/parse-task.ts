// Reads the tasks of a framework from unknown JSON. Kept small in memory: of a status only the addresses stay.

import { isObject, type JsonObject, readList, readObject, readText, typeName } from './fields.ts';
import { Interner } from './interner.ts';
import { LazyList } from './lazy-document.ts';
import type { Discovery, DiscoveryPort, PortRange, Task, TaskStatus } from './model.ts';
import { type Oddities, quoted } from './oddities.ts';

const DOCKER_ADDRESS_LABEL = 'Docker.NetworkSettings.IPAddress';
const MESOS_ADDRESS_LABEL = 'MesosContainerizer.NetworkSettings.IPAddress';

/** Text fields that no record needs, but whose type the original checks: odd ones deserve their warning. */
const UNREAD_DISCOVERY_TEXTS = ['visibility', 'version', 'location', 'environment'] as const;

/** The label of a discovery port, and its value, that say it is one of the agent's: Marathon writes them. */
const SCOPE_LABEL = 'network-scope';
const HOST_SCOPE = 'host';

const NONE: readonly never[] = [];
const MAX_INT64 = 2n ** 63n;

export class TaskReader {
  private readonly odd: Oddities;
  private readonly interner = new Interner();

  constructor(odd: Oddities) {
    this.odd = odd;
  }

  readAll(list: LazyList<Task> | readonly unknown[], describeFramework: () => string): readonly Task[] {
    const all = list instanceof LazyList ? list.read : null;
    if (all !== null) return all;
    const tasks: Task[] = [];
    for (let number = 1; number <= list.length; number += 1) {
      const read = list instanceof LazyList ? list.elementAt(number - 1) : null;
      if (read !== null) {
        tasks.push(read);
        continue;
      }
      const value = list instanceof LazyList ? list.valueAt(number - 1) : list[number - 1];
      const task = isObject(value) ? this.readTask(value) : null;
      if (!isObject(value)) this.odd.note(`is ${typeName(value)}, not an object`);
      if (task !== null) tasks.push(task);
      this.odd.endElement(() => {
        const id = isObject(value) && value['id'] ? quoted(value['id']) : `number ${number}`;
        return `task ${id} of ${describeFramework()}`;
      });
    }
    return tasks;
  }

  /** @returns null where the task cannot be told apart, named or placed: an id, name, agent or state that is not text. */
  readTask(value: JsonObject): Task | null {
    const id = readText(value, 'id', this.odd);
    const name = readText(value, 'name', this.odd);
    const agentId = readText(value, 'slave_id', this.odd);
    const state = readText(value, 'state', this.odd);
    readText(value, 'framework_id', this.odd);
    const resources = readObject(value, 'resources', this.odd);
    const ports = resources === null ? NONE : this.readPorts(resources);
    const statuses = readList(value, 'statuses', this.odd);
    const discovery = readObject(value, 'discovery', this.odd);
    const container = readObject(value, 'container', this.odd);
    if (id === null || name === null || agentId === null || state === null) return null;
    return {
      id,
      name: this.interner.text(name),
      agentId: this.interner.text(agentId),
      state: this.interner.text(state),
      ports,
      statuses: statuses.length === 0 ? NONE : this.readStatuses(statuses),
      mapsPorts: (container !== null && mapsPorts(container)) || (discovery !== null && hasHostPort(discovery)),
      discovery: discovery === null ? null : this.readDiscovery(discovery),
    };
  }

  readPorts(resources: JsonObject): readonly PortRange[] {
    const text = readText(resources, 'ports', this.odd, 'resources.ports') ?? '';
    if (text === '') return NONE;
    const { ranges, oddity } = this.interner.ports(text);
    if (oddity !== null) this.odd.note(oddity);
    return ranges;
  }

  readStatuses(list: readonly unknown[]): readonly TaskStatus[] {
    const statuses: TaskStatus[] = [];
    for (const value of list) {
      if (!isObject(value)) {
        this.odd.note(`a status is ${typeName(value)}, not an object`);
        continue;
      }
      const state = readText(value, 'state', this.odd);
      const timestamp = value['timestamp'] ?? 0;
      if (typeof timestamp !== 'number' || !Number.isFinite(timestamp)) {
        this.odd.note(`a status has the timestamp ${quoted(timestamp)}`);
        continue;
      }
      if (state === null) continue;
      const container = readObject(value, 'container_status', this.odd);
      const labels = readList(value, 'labels', this.odd);
      statuses.push({
        state: this.interner.text(state),
        timestamp,
        networkAddresses: container === null ? NONE : this.readNetworks(container),
        dockerAddresses: this.readLabels(labels, DOCKER_ADDRESS_LABEL),
        mesosAddresses: this.readLabels(labels, MESOS_ADDRESS_LABEL),
        mapsPorts: container !== null && networksMapPorts(container),
        healthy: this.readHealth(value),
        checkPassed: checkPassed(value['check_status']),
      });
    }
    return statuses.slice();
  }

  private readHealth({ healthy }: JsonObject): boolean | null {
    if (typeof healthy === 'boolean') return healthy;
    if (healthy !== undefined && healthy !== null) this.odd.note(`healthy is ${typeName(healthy)}, not true or false`);
    return null;
  }

  private readNetworks(container: JsonObject): readonly string[] {
    const networks = readList(container, 'network_infos', this.odd);
    if (networks.length === 0) return NONE;
    const addresses: string[] = [];
    for (const network of networks) {
      if (!isObject(network)) {
        this.odd.note(`a network info is ${typeName(network)}, not an object`);
        continue;
      }
      const list = readList(network, 'ip_addresses', this.odd);
      // Masters before 0.26 knew one address a network.
      for (const element of list.length === 0 ? [network] : list) {
        const address = isObject(element) ? readText(element, 'ip_address', this.odd) : null;
        if (!isObject(element)) this.odd.note(`an IP address is ${typeName(element)}, not an object`);
        if (address !== null && address !== '') addresses.push(address);
      }
    }
    return this.interner.list(addresses);
  }

  private readLabels(labels: readonly unknown[], key: string): readonly string[] {
    if (labels.length === 0) return NONE;
    const values: string[] = [];
    for (const label of labels) {
      if (!isObject(label) || label['key'] !== key) continue;
      const value = readText(label, 'value', this.odd);
      if (value !== null && value !== '') values.push(value);
    }
    return this.interner.list(values);
  }

  readDiscovery(value: JsonObject): Discovery {
    const name = readText(value, 'name', this.odd, 'discovery.name') ?? '';
    for (const key of UNREAD_DISCOVERY_TEXTS) readText(value, key, this.odd);
    const outer = readObject(value, 'ports', this.odd, 'discovery.ports');
    const list = outer === null ? NONE : readList(outer, 'ports', this.odd, 'discovery.ports.ports');
    const ports: DiscoveryPort[] = [];
    for (const element of list) {
      const port = this.readDiscoveryPort(element);
      if (port !== null) ports.push(port);
    }
    return this.interner.discovery(name, ports);
  }

  /** Like the original, a port that is null is port 0 without protocol and name. */
  private readDiscoveryPort(value: unknown): DiscoveryPort | null {
    if (!isObject(value) && value !== null) {
      this.odd.note(`a discovery port is ${typeName(value)}, not an object`);
      return null;
    }
    const object = value ?? {};
    const number = this.readPortNumber(object['number'] ?? 0);
    const protocol = readText(object, 'protocol', this.odd, 'the protocol of a discovery port');
    const name = readText(object, 'name', this.odd, 'the name of a discovery port');
    if (number === null || protocol === null || name === null) return null;
    return { number, protocol: this.interner.text(protocol), name: this.interner.text(name) };
  }

  /** Text stands for a number of more digits than JSON.parse keeps; those come in quotes (see LazyList). */
  private readPortNumber(value: unknown): string | null {
    if (Number.isSafeInteger(value)) return String(value === 0 ? 0 : value);
    if (typeof value === 'string' && /^-?\d{16,20}$/.test(value)) {
      const exact = BigInt(value);
      if (exact >= -MAX_INT64 && exact < MAX_INT64) return String(exact);
    }
    this.odd.note(`a discovery port has the number ${quoted(value)}`);
    return null;
  }
}

/** Whether a ContainerInfo maps ports. Odd ones map none: nothing else is read of it. */
export function mapsPorts(container: JsonObject): boolean {
  const { docker } = container;
  return networksMapPorts(container) || (isObject(docker) && isFilledList(docker['port_mappings']));
}

function networksMapPorts({ network_infos: networks }: JsonObject): boolean {
  return Array.isArray(networks) && networks.some((each) => isObject(each) && isFilledList(each['port_mappings']));
}

export function hasHostPort({ ports: outer }: JsonObject): boolean {
  const list = isObject(outer) ? outer['ports'] : undefined;
  return Array.isArray(list) && list.some((port) => isObject(port) && isOfHost(port['labels']));
}

function isOfHost(outer: unknown): boolean {
  const list = isObject(outer) ? outer['labels'] : undefined;
  return (
    Array.isArray(list) &&
    list.some((label) => isObject(label) && label['key'] === SCOPE_LABEL && label['value'] === HOST_SCOPE)
  );
}

function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** A command that ended with 0, an HTTP answer from 200 to 399, a TCP connection; null where there is no result. */
function checkPassed(status: unknown): boolean | null {
  if (!isObject(status)) return null;
  const { command, http, tcp } = status;
  const exitCode = isObject(command) ? command['exit_code'] : undefined;
  if (typeof exitCode === 'number') return exitCode === 0;
  const statusCode = isObject(http) ? http['status_code'] : undefined;
  if (typeof statusCode === 'number') return statusCode >= 200 && statusCode < 400;
  const succeeded = isObject(tcp) ? tcp['succeeded'] : undefined;
  return typeof succeeded === 'boolean' ? succeeded : null;
}
