// The v1 operator API's JSON of agents, frameworks and tasks: protobuf names, ids as objects, labels nested, resources as
// lists. Names and defaults follow what a running Mesos sends.

import { text, writePortMappings } from './json-writer.ts';
import type { MesosFeatures } from './mesos-version.ts';
import type { Agent, AttributeValue, Discovery, Framework, Label, NetworkInfo, Task, TaskStatus } from './model.ts';
import { TaskTexts } from './task-texts.ts';

export class V1Writer {
  readonly #features: MesosFeatures;
  readonly tasks = new TaskTexts((task) => this.#writeTask(task));

  constructor(features: MesosFeatures) {
    this.#features = features;
  }

  /** @param reason of the update; absent for ordinary ones. */
  status(task: Task, status: TaskStatus, reason?: string): string {
    const networks = status.networks?.map(writeNetwork).join(',');
    const container =
      networks === undefined
        ? ''
        : `,"container_status":{${status.containerId === undefined ? '' : `"container_id":${id(status.containerId)},`}"network_infos":[${networks}]}`;
    return (
      `{"task_id":${id(task.id)},"state":"${status.state}"` +
      `,"source":"${networks === undefined ? 'SOURCE_MASTER' : 'SOURCE_EXECUTOR'}"` +
      `${reason === undefined ? '' : `,"reason":"${reason}"`},"agent_id":${id(task.agentId)}` +
      `,"timestamp":${double(status.timestamp)}${container}` +
      `${status.healthy === undefined ? '' : `,"healthy":${status.healthy}`}` +
      `${status.labels === undefined ? '' : `,"labels":${labels(status.labels)}`}}`
    );
  }

  framework(framework: Framework, recovered: boolean): string {
    return (
      `{"framework_info":${this.frameworkInfo(framework)},"active":${framework.active && !recovered}` +
      `,"connected":${framework.connected && !recovered},"recovered":${recovered}` +
      `,"registered_time":${nanoseconds(framework.registeredTime)}}`
    );
  }

  frameworkInfo(framework: Framework): string {
    return (
      `{"user":${text(framework.user)},"name":${text(framework.name)},"id":${id(framework.id)}` +
      `,"failover_timeout":${double(framework.failoverTimeout)},"checkpoint":true,"roles":[${text(framework.role)}]` +
      `${framework.hostname === '' ? '' : `,"hostname":${text(framework.hostname)}`}` +
      `${framework.principal === undefined ? '' : `,"principal":${text(framework.principal)}`}` +
      `${framework.webuiUrl === '' ? '' : `,"webui_url":${text(framework.webuiUrl)}`}` +
      `,"capabilities":[${framework.capabilities.map((type) => `{"type":${text(type)}}`).join(',')}]}`
    );
  }

  agent(agent: Agent): string {
    return (
      `{"agent_info":${this.agentInfo(agent)},"active":${agent.active}` +
      `${this.#features.deactivated ? `,"deactivated":${agent.deactivated}` : ''}` +
      `,"version":${text(this.#features.version)},"pid":${text(`slave(1)@${agent.ip}:${agent.port}`)}` +
      `,"registered_time":${nanoseconds(agent.registeredTime)}}`
    );
  }

  /** All that is known of an agent that has not come back: no pid. */
  agentInfo(agent: Agent): string {
    const attributes = Object.entries(agent.attributes).map(([name, value]) => attribute(name, value));
    const [begin, end] = agent.portRange;
    return (
      `{"hostname":${text(agent.hostname)},"port":${agent.port},"resources":[${scalar('cpus', agent.cpus)}` +
      `,${scalar('mem', agent.memMb)},{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":${begin},"end":${end}}]}}]` +
      `${attributes.length === 0 ? '' : `,"attributes":[${attributes.join(',')}]`}` +
      `,"id":${id(agent.id)},"checkpoint":true}`
    );
  }

  #writeTask(task: Task): string {
    const role = `"allocation_info":{"role":${text(task.role)}}`;
    const ranges = portRanges(task.ports).map(([begin, end]) => `{"begin":${begin},"end":${end}}`);
    const ports =
      ranges.length === 0 ? '' : `,{"name":"ports","type":"RANGES","ranges":{"range":[${ranges.join(',')}]},${role}}`;
    const statuses = task.statuses.map((status) => this.status(task, status)).join(',');
    const networks = task.containerNetworks?.map((name) => `{"name":${text(name)}}`).join(',');
    return (
      `{"name":${text(task.name)},"task_id":${id(task.id)},"framework_id":${id(task.frameworkId)}` +
      `${task.executorId === '' ? '' : `,"executor_id":${id(task.executorId)}`},"agent_id":${id(task.agentId)}` +
      `,"state":"${task.state}","resources":[${scalar('cpus', task.cpus, role)},${scalar('mem', task.memMb, role)}${ports}]` +
      `${statuses === '' ? '' : `,"statuses":[${statuses}]`}` +
      `${task.labels === undefined ? '' : `,"labels":${labels(task.labels)}`}` +
      `${task.discovery === undefined ? '' : `,"discovery":${writeDiscovery(task.discovery)}`}` +
      `${networks === undefined ? '' : `,"container":{"type":"MESOS","network_infos":[${networks}]}`}}`
    );
  }
}

/** Protobuf's id messages. */
function id(value: string): string {
  return `{"value":${text(value)}}`;
}

function double(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : `${value}`;
}

/** 64-bit integers are bare numbers. */
function nanoseconds(seconds: number): string {
  return `{"nanoseconds":${BigInt(Math.round(seconds * 1e6)) * 1000n}}`;
}

function scalar(name: string, value: number, more?: string): string {
  return `{"name":"${name}","type":"SCALAR","scalar":{"value":${double(value)}}${more === undefined ? '' : `,${more}`}}`;
}

function attribute(name: string, value: AttributeValue): string {
  return typeof value === 'number'
    ? `{"name":${text(name)},"type":"SCALAR","scalar":{"value":${double(value)}}}`
    : `{"name":${text(name)},"type":"TEXT","text":{"value":${text(value)}}}`;
}

function portRanges(ports: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const port of [...ports].sort((one, other) => one - other)) {
    const last = ranges.at(-1);
    if (last !== undefined && port <= last[1] + 1) last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges;
}

function labels(list: readonly Label[]): string {
  const written = list.map(({ key, value }) =>
    value === undefined ? `{"key":${text(key)}}` : `{"key":${text(key)},"value":${text(value)}}`,
  );
  return `{"labels":[${written.join(',')}]}`;
}

function writeNetwork(network: NetworkInfo): string {
  const addresses = network.addresses.map(
    (address) => `{"protocol":"${address.includes(':') ? 'IPv6' : 'IPv4'}","ip_address":${text(address)}}`,
  );
  return (
    `{"ip_addresses":[${addresses.join(',')}]${network.name === undefined ? '' : `,"name":${text(network.name)}`}` +
    `${network.portMappings === undefined ? '' : `,"port_mappings":[${writePortMappings(network.portMappings)}]`}` +
    `${network.labels === undefined ? '' : `,"labels":${labels(network.labels)}`}}`
  );
}

function writeDiscovery(discovery: Discovery): string {
  const ports = discovery.ports?.map(
    (port) =>
      `{"number":${port.number}${port.name === undefined ? '' : `,"name":${text(port.name)}`}` +
      `${port.protocol === undefined ? '' : `,"protocol":${text(port.protocol)}`}` +
      `${port.labels === undefined ? '' : `,"labels":${labels(port.labels)}`}}`,
  );
  return (
    `{"visibility":"${discovery.visibility}"${discovery.name === undefined ? '' : `,"name":${text(discovery.name)}`}` +
    `${ports === undefined ? '' : `,"ports":{"ports":[${ports.join(',')}]}`}` +
    `${discovery.labels === undefined ? '' : `,"labels":${labels(discovery.labels)}`}}`
  );
}
