// The records of the cluster itself: frameworks, agents, the name server, the leader and the masters.

import type { Config } from '../config/config.ts';
import { type IpAddress, isUnspecified, parseIp } from '../dns/ip-text.ts';
import { fqdn } from '../dns/name.ts';
import { joinHostPort, splitHostPort } from '../state/endpoint.ts';
import type { Endpoint, Framework, MesosState } from '../state/model.ts';
import { type AddressSets, addressesOf, type HostAddresses } from './addresses.ts';
import { agentTail, domainFragment, type LabelRule } from './labels.ts';
import type { AgentPlace } from './task.ts';
import type { RecordSink } from './zone-builder.ts';

/** Told, on one line, of what could not be resolved. */
export type Warn = (message: string) => void;

/** `F.D.` and `_framework._tcp.F.D.` */
export function addFrameworks(
  state: MesosState,
  domain: string,
  rule: LabelRule,
  lookUp: HostAddresses,
  sink: RecordSink,
  warn: Warn,
): void {
  for (const framework of state.frameworks) {
    const name = `${domainFragment(framework.name, rule)}.${domain}.`;
    const { addresses, port } = schedulerOf(framework, lookUp, warn);
    for (const { family, text } of addresses) sink.add(family === 4 ? 'A' : 'AAAA', name, text);
    if (addresses.length > 0 && port !== '') sink.add('SRV', `_framework._tcp.${name}`, `${name}:${port}`);
  }
}

function schedulerOf(
  framework: Framework,
  lookUp: HostAddresses,
  warn: Warn,
): { readonly addresses: readonly IpAddress[]; readonly port: string } {
  const { pid } = framework;
  if (pid !== null) {
    const addresses = addressesOf(pid.host, lookUp);
    if (addresses.length > 0 || pid.host === '') return { addresses, port: pid.port };
    warn(`framework ${JSON.stringify(framework.name)}: the host of its pid, ${pid.host}, has no address`);
  }
  return { addresses: addressesOf(framework.hostname, lookUp), port: '' };
}

/**
 * `slave.D.` and `_slave._tcp.D.`
 *
 * @returns where the tasks of each agent id run.
 */
export function addAgents(
  state: MesosState,
  domain: string,
  rule: LabelRule,
  lookUp: HostAddresses,
  sets: AddressSets,
  sink: RecordSink,
  warn: Warn,
): Map<string, AgentPlace> {
  const places = new Map<string, AgentPlace>();
  const name = `slave.${domain}.`;
  for (const agent of state.agents) {
    const host = agent.pidHost ?? '';
    const addresses = sets.of(addressesOf(host, lookUp));
    const isPlaced = addresses.all.length > 0;
    sink.addAddresses(name, addresses);
    if (!isPlaced) {
      if (host !== '') warn(`agent ${JSON.stringify(agent.id)}: the host of its pid, ${host}, has no address`);
    } else if (agent.pidPort !== null) {
      sink.add('SRV', `_slave._tcp.${domain}.`, `${name}:${agent.pidPort}`);
    }
    places.set(agent.id, {
      addresses,
      tail: agentTail(agent.id),
      substitute: isPlaced ? '' : domainFragment(host, rule),
    });
  }
  return places;
}

/** The name server's own name, `SOAMname`. */
export function addNameServer(soaMname: string, addresses: readonly string[], sink: RecordSink): void {
  for (const text of addresses) addText(sink, fqdn(soaMname), text);
}

/**
 * `leader.D.`, `master.D.`, `masterN.D.` and `_leader._tcp.D.` / `_leader._udp.D.` Addresses keep the spelling of the state
 * and the list, as in the original: the API shows it, and endpoints are the same only if their texts are.
 *
 * @param masters `ip:port` or `host:port`, in the order in which they are numbered.
 */
export function addMasters(
  leader: Endpoint,
  masters: readonly string[],
  domain: string,
  lookUp: HostAddresses,
  sink: RecordSink,
  warn: Warn,
): void {
  const all = `master.${domain}.`;
  addText(sink, `leader.${domain}.`, leader.host);
  addText(sink, all, leader.host);
  for (const protocol of ['tcp', 'udp']) {
    sink.add('SRV', `_leader._${protocol}.${domain}.`, `leader.${domain}.:${leader.port}`);
  }

  const leaderText = joinHostPort(leader.host, leader.port);
  let leaderIsNumbered = false;
  let count = 0;
  for (const master of masters) {
    const texts = addressTexts(master, lookUp, warn);
    const isLeader = texts.some(({ text, port }) => joinHostPort(text, port) === leaderText);
    if (isLeader && leaderIsNumbered) continue;
    const added = texts.filter(({ text }) => addText(sink, all, text));
    if (!isLeader && added.length === 0) continue;
    for (const { text } of texts) addText(sink, `master${count}.${domain}.`, text);
    count += 1;
    leaderIsNumbered ||= isLeader;
  }
  if (!leaderIsNumbered) addText(sink, `master${count}.${domain}.`, leader.host);
}

function addressTexts(
  master: string,
  lookUp: HostAddresses,
  warn: Warn,
): readonly { readonly text: string; readonly port: string }[] {
  const endpoint = splitHostPort(master);
  if (endpoint === null) {
    warn(`master ${JSON.stringify(master)} is not host:port`);
    return [];
  }
  const { host, port } = endpoint;
  if (parseIp(host) !== null) return [{ text: host, port }];
  const addresses = addressesOf(host, lookUp);
  if (addresses.length === 0) warn(`master ${master}: its host has no address`);
  return addresses.map(({ text }) => ({ text, port }));
}

/** Adds an address as it is spelled. */
function addText(sink: RecordSink, name: string, text: string): boolean {
  const address = parseIp(text);
  return address !== null && sink.add(address.family === 4 ? 'A' : 'AAAA', name, text);
}

/**
 * The addresses under which the name server is known: those it listens on, and for a wildcard every address of this machine
 * that is not a loopback address.
 *
 * @param interfaceAddresses of all interfaces, as `os.networkInterfaces()` reports them.
 */
export function nameServerAddresses(
  config: Pick<Config, 'listener'>,
  interfaceAddresses: readonly string[],
): readonly string[] {
  const addresses = new Set<string>();
  for (const listener of config.listener) {
    if (!isWildcard(listener)) {
      addresses.add(listener);
      continue;
    }
    for (const text of interfaceAddresses) {
      const address = parseIp(text.replace(/%.*$/, ''));
      if (address !== null && !isLoopback(address)) addresses.add(address.text);
    }
  }
  return [...addresses];
}

function isWildcard(listener: string): boolean {
  const address = parseIp(listener);
  return address !== null && isUnspecified(address);
}

function isLoopback({ text }: IpAddress): boolean {
  return text.startsWith('127.') || text === '::1';
}
