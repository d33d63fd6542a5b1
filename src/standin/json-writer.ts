// Mesos's JSON of agents, frameworks and tasks, written by hand: at 100,000 tasks a general serialiser would cost
// seconds, and it could not print whole doubles as `2.0`. Names follow the writers of `src/common/http.cpp`.

import type { MesosFeatures } from './mesos-version.ts';
import type { Agent, Discovery, Framework, Label, NetworkInfo, PortMapping, Task, TaskStatus } from './model.ts';
import { TaskTexts } from './task-texts.ts';
import { portRanges, type Usage } from './usage.ts';

export class JsonWriter {
  readonly #features: MesosFeatures;
  readonly tasks = new TaskTexts((task) => this.#writeTask(task));

  constructor(features: MesosFeatures) {
    this.#features = features;
  }

  /** A double: `2.0` from Mesos 1.0 on, `2` before. */
  double(value: number): string {
    return this.#features.floats && Number.isInteger(value) ? `${value}.0` : `${value}`;
  }

  agent(agent: Agent, used: Usage, reregisteredTime: number | undefined): string {
    const { agentPort, deactivated, agentCapabilities } = this.#features;
    const total: Usage = { cpus: agent.cpus, memMb: agent.memMb, ports: [] };
    const range = `[${agent.portRange[0]}-${agent.portRange[1]}]`;
    const resources = this.#resources(total, range, agent.diskMb);
    const reregistered = reregisteredTime === undefined ? '' : `,"reregistered_time":${this.double(reregisteredTime)}`;
    return (
      `{"id":${text(agent.id)},"hostname":${text(agent.hostname)}${agentPort ? `,"port":${agent.port}` : ''}` +
      `,"attributes":${this.#attributes(agent)},"pid":${text(`slave(1)@${agent.ip}:${agent.port}`)}` +
      `,"registered_time":${this.double(agent.registeredTime)}${reregistered}` +
      `,"resources":${resources},"used_resources":${this.#resources(used)},"offered_resources":${this.#nothing()}` +
      `,"reserved_resources":{},"unreserved_resources":${resources},"active":${agent.active}` +
      `${deactivated ? `,"deactivated":${agent.deactivated}` : ''},"version":${text(this.#features.version)}` +
      `${agentCapabilities ? `,"capabilities":["MULTI_ROLE","HIERARCHICAL_ROLE","RESERVATION_REFINEMENT"]` : ''}}`
    );
  }

  /** An agent that the registry knows and that has not come back: no pid. */
  recoveredAgent(agent: Agent): string {
    return `{"id":${text(agent.id)},"hostname":${text(agent.hostname)},"port":${agent.port},"attributes":${this.#attributes(agent)}}`;
  }

  /** A framework up to its task lists. @param recovered its scheduler has not subscribed to this master yet. */
  frameworkHead(framework: Framework, used: Usage, recovered: boolean, reregisteredTime: number | undefined): string {
    const { frameworkPid, recovery } = this.#features;
    const pid = frameworkPid && framework.pid !== undefined && !recovered ? `,"pid":${text(framework.pid)}` : '';
    const flags = recovery ? `,"connected":${framework.connected && !recovered},"recovered":${recovered}` : '';
    const roles = framework.capabilities.includes('MULTI_ROLE')
      ? `"roles":[${text(framework.role)}]`
      : `"role":${text(framework.role)}`;
    const resources = this.#resources(used);
    return (
      `{"id":${text(framework.id)},"name":${text(framework.name)}${pid},"used_resources":${resources}` +
      `,"offered_resources":${this.#nothing()},"capabilities":[${framework.capabilities.map(text).join(',')}]` +
      `,"hostname":${text(framework.hostname)},"webui_url":${text(framework.webuiUrl)}` +
      `,"active":${framework.active && !recovered}${flags},"user":${text(framework.user)}` +
      `,"failover_timeout":${this.double(framework.failoverTimeout)},"checkpoint":true` +
      `,"registered_time":${this.double(recovered ? 0 : framework.registeredTime)}` +
      `,"unregistered_time":${this.double(framework.unregisteredTime)}` +
      `${framework.principal === undefined ? '' : `,"principal":${text(framework.principal)}`},"resources":${resources}` +
      `${reregisteredTime === undefined ? '' : `,"reregistered_time":${this.double(reregisteredTime)}`},${roles}`
    );
  }

  #writeTask(task: Task): string {
    const { taskRole, container } = this.#features;
    const labels = task.labels === undefined ? '' : `,"labels":${flatLabels(task.labels)}`;
    const discovery = task.discovery === undefined ? '' : `,"discovery":${writeDiscovery(task.discovery)}`;
    const networks = task.containerNetworks?.map((name) => `{"name":${text(name)}}`).join(',');
    return (
      `{"id":${text(task.id)},"name":${text(task.name)},"framework_id":${text(task.frameworkId)}` +
      `,"executor_id":${text(task.executorId)},"slave_id":${text(task.agentId)},"state":"${task.state}"` +
      `,"resources":${this.#resources(task)}${taskRole ? `,"role":${text(task.role)}` : ''}` +
      `,"statuses":[${task.statuses.map((status) => this.#status(status)).join(',')}]${labels}${discovery}` +
      `${container && networks !== undefined ? `,"container":{"type":"MESOS","network_infos":[${networks}]}` : ''}}`
    );
  }

  #status(status: TaskStatus): string {
    const { statusDetails, healthy, recovery } = this.#features;
    let written = `{"state":"${status.state}","timestamp":${this.double(status.timestamp)}`;
    if (statusDetails && status.labels !== undefined) written += `,"labels":${flatLabels(status.labels)}`;
    if (statusDetails && status.networks !== undefined) {
      const id =
        recovery && status.containerId !== undefined ? `"container_id":{"value":${text(status.containerId)}},` : '';
      const networks = status.networks.map((network) => this.#network(network)).join(',');
      written += `,"container_status":{${id}"network_infos":[${networks}]}`;
    }
    if (healthy && status.healthy !== undefined) written += `,"healthy":${status.healthy}`;
    return `${written}}`;
  }

  #network(network: NetworkInfo): string {
    const { addressList, singleAddress, addressProtocol } = this.#features;
    const parts: string[] = [];
    if (network.labels !== undefined) parts.push(`"labels":${flatLabels(network.labels)}`);
    const [first] = network.addresses;
    if (singleAddress && first !== undefined) parts.push(`"ip_address":${text(first)}`);
    if (addressList) {
      const addresses = network.addresses.map((address) => {
        const protocol = addressProtocol ? `"protocol":"${address.includes(':') ? 'IPv6' : 'IPv4'}",` : '';
        return `{${protocol}"ip_address":${text(address)}}`;
      });
      parts.push(`"ip_addresses":[${addresses.join(',')}]`);
    }
    if (network.name !== undefined) parts.push(`"name":${text(network.name)}`);
    if (network.portMappings !== undefined) parts.push(`"port_mappings":[${writePortMappings(network.portMappings)}]`);
    return `{${parts.join(',')}}`;
  }

  /** Resources with all ports united, coalesced and ascending; no `ports` key without ports. */
  #resources(usage: Usage, ranges: string | null = portRanges(usage.ports), diskMb = 0): string {
    const gpus = this.#features.gpus ? `,"gpus":${this.double(0)}` : '';
    const ports = ranges === null ? '' : `,"ports":"${ranges}"`;
    return `{"disk":${this.double(diskMb)},"mem":${this.double(usage.memMb)}${gpus},"cpus":${this.double(usage.cpus)}${ports}}`;
  }

  #nothing(): string {
    return this.#resources({ cpus: 0, memMb: 0, ports: [] });
  }

  #attributes(agent: Agent): string {
    const pairs = Object.entries(agent.attributes).map(
      ([name, value]) => `${text(name)}:${typeof value === 'number' ? this.double(value) : text(value)}`,
    );
    return `{${pairs.join(',')}}`;
  }
}

/** A JSON string. */
export const text = (value: string): string => JSON.stringify(value);

/** Hand-written parts of Mesos's JSON list labels flat, those derived from protobuf nest them in `labels`. */
function flatLabels(labels: readonly Label[]): string {
  const written = labels.map((label) =>
    label.value === undefined
      ? `{"key":${text(label.key)}}`
      : `{"key":${text(label.key)},"value":${text(label.value)}}`,
  );
  return `[${written.join(',')}]`;
}

function writeDiscovery(discovery: Discovery): string {
  const ports = discovery.ports?.map(
    (port) =>
      `{"number":${port.number}${port.name === undefined ? '' : `,"name":${text(port.name)}`}` +
      `${port.protocol === undefined ? '' : `,"protocol":${text(port.protocol)}`}` +
      `${port.labels === undefined ? '' : `,"labels":{"labels":${flatLabels(port.labels)}}`}}`,
  );
  return (
    `{"visibility":"${discovery.visibility}"${discovery.name === undefined ? '' : `,"name":${text(discovery.name)}`}` +
    `${ports === undefined ? '' : `,"ports":{"ports":[${ports.join(',')}]}`}` +
    `${discovery.labels === undefined ? '' : `,"labels":{"labels":${flatLabels(discovery.labels)}}`}}`
  );
}

/** The elements of a list. */
export function writePortMappings(mappings: readonly PortMapping[]): string {
  return mappings
    .map(
      ({ hostPort, containerPort }) => `{"host_port":${hostPort},"container_port":${containerPort},"protocol":"tcp"}`,
    )
    .join(',');
}
