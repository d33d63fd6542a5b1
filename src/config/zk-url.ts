// Reads the key `zk`: ZooKeeper's servers, the election path, and the older forms that name a master.
//
//   zk://[user:password@]host[:port],host[:port],…/path    host is a name, IPv4, or [IPv6]; the default port is 2181
//   file:///path                                           the file holds one of the other forms
//   master@host:port, host:port                            one master, without an election
//
// By hand, because URL refuses several hosts with ports. As in Mesos, the path starts at the first `/`, the
// credentials end at the last `@` before it, and nothing is percent-decoded.

import { formatHostPort, type HostPort, isHost, isHostName, isPort, parseHostPort } from '../dns/endpoint.ts';
import { parseIp } from '../dns/ip-text.ts';
import { MesosDnsError } from '../errors.ts';

export interface ZooKeeperSource {
  readonly kind: 'zookeeper';
  /** At least one, distinct, in the order given. */
  readonly servers: readonly HostPort[];
  /** Absolute, without a final `/` (ZooKeeper refuses it), never the root. */
  readonly path: string;
  /** `user:password` for the digest scheme, verbatim; null when not given. Never log it. */
  readonly credentials: string | null;
}

export type ZkSource =
  | ZooKeeperSource
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'master'; readonly master: HostPort };

/** `trouble` says what is wrong; it never quotes the text, which may hold a password. */
export interface UnusableZk {
  readonly kind: 'unusable';
  readonly trouble: string;
}

const SCHEME = /^zk:\/\//i;
const DEFAULT_PORT = 2181;
/** What ZooKeeper refuses in a path: control characters, surrogates with the private area, specials. */
const FORBIDDEN_IN_PATH = /[\s\p{Cc}\ud800-\uf8ff\ufff0-\uffff]/u;

/** @param text the value of the key, not empty */
export function parseZk(text: string): ZkSource | UnusableZk {
  const value = text.trim();
  if (SCHEME.test(value)) return parseZooKeeper(value.replace(SCHEME, ''));
  if (/^file:\/\//i.test(value)) {
    const file = value.slice('file://'.length);
    return file.startsWith('/') ? { kind: 'file', file } : unusable('file:// takes an absolute path');
  }
  const master = parseHostPort(value.replace(/^master@/, ''));
  return master !== null && isHost(master.host)
    ? { kind: 'master', master }
    : unusable('it does not begin with zk:// or file:// and is no host:port');
}

/** parseZk for who cannot go on without. @throws MesosDnsError ERR_CONFIG; the message never holds the credentials */
export function requireZk(text: string): ZkSource {
  const source = parseZk(text);
  if (source.kind !== 'unusable') return source;
  throw new MesosDnsError('ERR_CONFIG', `configuration key "zk": ${source.trouble}; got "${redactZk(text)}"`);
}

/** The value with its user and password replaced by `***`, for logs and for the HTTP API. */
export function redactZk(text: string): string {
  // Everything before the last '@' of the whole text goes, and so does a port that is not a number: a password that
  // was put in the wrong place is still a password.
  const [, scheme = '', rest = ''] = /^([a-z]+:\/\/)?(.*)$/is.exec(text.trim()) ?? [];
  const at = rest.lastIndexOf('@');
  const shown = rest
    .slice(at + 1)
    .replace(/(^|,)([^,:/[\]]+):([^,/]*)/g, (all, comma: string, host: string, port: string) =>
      /^\d*$/.test(port) ? all : `${comma}${host}:***`,
    );
  return `${scheme}${at < 0 ? '' : '***@'}${shown}`;
}

/** @param rest what stands behind `zk://` */
function parseZooKeeper(rest: string): ZooKeeperSource | UnusableZk {
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? '' : rest.slice(slash).replace(/\/+$/, '');
  const at = authority.lastIndexOf('@');
  const servers = parseServers(authority.slice(at + 1));
  if ('kind' in servers) return servers;
  const trouble = pathTrouble(path);
  if (trouble !== null) return unusable(trouble);
  return { kind: 'zookeeper', servers, path, credentials: at > 0 ? authority.slice(0, at) : null };
}

function parseServers(list: string): readonly HostPort[] | UnusableZk {
  const servers = new Map<string, HostPort>();
  const parts = list.split(',');
  for (const [index, part] of parts.entries()) {
    const text = part.trim();
    if (text === '') continue; // Mesos's own client skips empty entries too
    const server = parseServer(text);
    if (typeof server === 'string') return unusable(`host ${index + 1} of ${parts.length} ${server}`);
    servers.set(formatHostPort(server), server);
  }
  return servers.size > 0 ? [...servers.values()] : unusable('it names no ZooKeeper host');
}

/** A server, or what is wrong with it. */
function parseServer(text: string): HostPort | string {
  if (/\s/.test(text)) return 'has white space in it';
  if (parseIp(text)?.family === 6) return 'is an IPv6 address without brackets';
  const [portText] = /:[^\]]*$/.exec(text) ?? [];
  const host = portText === undefined ? text : text.slice(0, -portText.length);
  const port = portText === undefined ? DEFAULT_PORT : /^:\d{1,5}$/.test(portText) ? Number(portText.slice(1)) : 0;
  if (!isPort(port)) return 'has a port that is not a number from 1 to 65535';
  const [, bracketed] = /^\[(.*)\]$/.exec(host) ?? [];
  const address = parseIp(bracketed ?? host);
  const isUsable = bracketed === undefined ? address !== null || isHostName(host) : bracketed.includes(':') && address;
  return isUsable ? { host: address?.text ?? host, port } : 'is neither a host name nor an IP address';
}

function pathTrouble(path: string): string | null {
  if (path === '') return 'its path is missing';
  if (path.includes('@')) return 'there is an @ in its path (a password cannot contain a slash)';
  if (FORBIDDEN_IN_PATH.test(path)) return 'its path has white space or a character that ZooKeeper refuses';
  const isOdd = (segment: string) => /^\.{0,2}$/.test(segment);
  return path.slice(1).split('/').some(isOdd) ? 'its path has an empty segment or a dot segment' : null;
}

function unusable(trouble: string): UnusableZk {
  return { kind: 'unusable', trouble };
}
