// Turns host names into addresses while loading: of masters, of listeners, and of the system's own name servers.

import { isIP } from 'node:net';
import { DNS_PORT } from '../dns/constants.ts';
import { formatHostPort, type HostPort, isHostName, parseIpPort } from '../dns/endpoint.ts';
import { canonicalIp } from '../dns/ip-text.ts';
import { messageOf } from '../errors.ts';
import { fileTrouble, type Problems, quote } from './problems.ts';
import type { Surroundings } from './surroundings.ts';

/** An entry of `masters`, in its one spelling and as it was written. */
export interface ConfiguredMaster extends HostPort {
  readonly written: string;
}

/**
 * One `host:port` per configured master, as written: records of masters show addresses in the spelling of the file. A name becomes its first IPv4 address (every Mesos release listens on IPv4),
 * else its first IPv6 address; a name that does not resolve stays, with a warning. Two entries that turn out to be one
 * master count once, with a warning.
 */
export async function resolveMasters(
  masters: readonly ConfiguredMaster[],
  surroundings: Surroundings,
  problems: Problems,
): Promise<readonly string[]> {
  const resolved = await Promise.all(masters.map((master) => resolveMaster(master, surroundings)));
  const endpoints = new Map<string, ResolvedMaster>();
  for (const master of resolved) {
    const { written, endpoint, trouble } = master;
    if (trouble !== null) problems.warn('masters', `${quote(written)} does not resolve (${trouble}); kept as it is`);
    const twin = endpoints.get(endpoint)?.written;
    // Equal texts are duplicates that were refused before.
    if (twin !== undefined && twin !== written) {
      problems.warn('masters', `${quote(written)} and ${quote(twin)} are both ${endpoint}; counted once`);
    }
    if (twin === undefined) endpoints.set(endpoint, master);
  }
  return [...endpoints.values()].map(({ text }) => text);
}

interface ResolvedMaster {
  readonly written: string;
  /** What stands for it from now on. */
  readonly text: string;
  /** Equal for equal endpoints. */
  readonly endpoint: string;
  readonly trouble: string | null;
}

async function resolveMaster(master: ConfiguredMaster, surroundings: Surroundings): Promise<ResolvedMaster> {
  const { written } = master;
  const asWritten = { written, text: written, endpoint: formatHostPort(master) };
  if (isIP(master.host) !== 0) return { ...asWritten, trouble: null };
  const found = await addressesOf(master.host, surroundings);
  if (typeof found === 'string') return { ...asWritten, trouble: found };
  const host = found.find((address) => isIP(address) === 4) ?? found[0] ?? master.host;
  const endpoint = formatHostPort({ host, port: master.port });
  return { written, text: endpoint, endpoint, trouble: null };
}

/**
 * IP literals to listen on. A name stands for those of its addresses that this machine has, or for all of them where it
 * has none (an address that is yet to come). A name that does not resolve is a problem.
 */
export async function resolveListeners(
  key: 'listener' | 'httpListener',
  texts: readonly string[],
  surroundings: Surroundings,
  problems: Problems,
): Promise<readonly string[]> {
  if (texts.length === 0) problems.refuse(key, 'at least one address', 'an empty list');
  const lists = await Promise.all(texts.map((text) => resolveListener(key, text, surroundings, problems)));
  const addresses = lists.flat();
  const twins = new Set(addresses.filter((address, index) => addresses.indexOf(address) !== index));
  for (const twin of twins) problems.refuse(key, 'no duplicates', `${quote(twin)} more than once`);
  for (const wildcard of ['0.0.0.0', '::']) {
    const covered = addresses.filter((other) => other !== wildcard && other.includes(':') === wildcard.includes(':'));
    if (addresses.includes(wildcard) && covered.length > 0) {
      problems.refuse(key, `no address beside ${wildcard}, which stands for all of them`, quote(covered[0] ?? ''));
    }
  }
  return [...new Set(addresses)];
}

async function resolveListener(
  key: string,
  text: string,
  surroundings: Surroundings,
  problems: Problems,
): Promise<readonly string[]> {
  const literal = listenerLiteral(text);
  if (literal !== null) return [literal];
  if (!isHostName(text)) {
    problems.refuse(key, 'an IP address (without a port) or a host name', quote(text));
    return [];
  }
  const found = await addressesOf(text, surroundings);
  if (typeof found === 'string') {
    problems.refuse(key, 'an IP address or a host name that resolves', `${quote(text)} (${found})`);
    return [];
  }
  const own = found.filter((address) => isOwnAddress(address, surroundings));
  return own.length > 0 ? own : found;
}

/** A link-local address needs its interface behind it: `fe80::1%eth0`. Brackets are forgiven. */
function listenerLiteral(text: string): string | null {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  const [, address = bare, zone = ''] = /^([^%]*)(%[A-Za-z0-9_.-]+)$/.exec(bare) ?? [];
  const normal = canonicalIp(address);
  return normal === null || (zone !== '' && !normal.includes(':')) ? null : normal + zone;
}

/**
 * The `ip:port` of the name servers in /etc/resolv.conf that are not addresses of this machine. Without any, outside
 * names cannot be resolved, which is a warning: the names of the cluster still can.
 */
export async function systemResolvers(surroundings: Surroundings, problems: Problems): Promise<readonly string[]> {
  let text: string;
  try {
    text = await surroundings.resolvConf();
  } catch (error) {
    problems.warn(
      'resolvers',
      `empty, and /etc/resolv.conf cannot be read (${fileTrouble(error)}); nothing to forward to`,
    );
    return [];
  }
  const servers = nameServersIn(text, surroundings.interfaceAddresses());
  if (servers.length === 0) {
    problems.warn('resolvers', 'empty, and /etc/resolv.conf names no server but this machine; nothing to forward to');
  }
  return servers;
}

/** The `ip:port` of the name servers that the text of a resolv.conf names, without the machine's own addresses. */
export function nameServersIn(text: string, ownAddresses: readonly string[]): readonly string[] {
  const servers = text
    .split('\n')
    .flatMap((line) => /^nameserver[ \t]+([^\s#;]+)/.exec(line)?.[1] ?? [])
    .flatMap((server) => parseIpPort(server, DNS_PORT) ?? [])
    .filter(({ host }) => !ownAddresses.includes(host));
  return [...new Set(servers.map(formatHostPort))];
}

/** Whether a packet to this address comes back to this machine; all of 127.0.0.0/8 does. */
function isOwnAddress(address: string, surroundings: Surroundings): boolean {
  return address.startsWith('127.') || surroundings.interfaceAddresses().includes(address);
}

/** The normalised addresses of a name, at least one, or why there are none. */
async function addressesOf(host: string, surroundings: Surroundings): Promise<readonly string[] | string> {
  try {
    const found = (await surroundings.lookup(host)).flatMap((address) => canonicalIp(address) ?? []);
    return found.length > 0 ? [...new Set(found)] : 'no addresses';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
  }
}
