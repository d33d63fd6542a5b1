// Where a master's redirect leads. Masters that do not lead answer 307 with the *host name* of the leader, which need not
// resolve where the client runs; the election often knows the address behind it.

import { canonicalIp } from '../dns/ip-text.ts';
import type { Master } from '../leader/leader.ts';

export type Scheme = 'http' | 'https';

/** One request on the way to the state. */
export interface Hop {
  readonly scheme: Scheme;
  readonly master: Master;
  /** Path and query. */
  readonly path: string;
}

const DEFAULT_PORT: Record<Scheme, number> = { http: 80, https: 443 };

/**
 * The next hop that a `Location` header names, in any form: `//host:port/path` (masters since 0.23), an absolute URL
 * (older ones, proxies) or a path.
 *
 * @param known the masters of the election: a host name that one of them carries becomes its address.
 * @throws Error with a readable message where the header cannot be followed.
 */
export function nextHop(location: string, from: Hop, known: readonly Master[]): Hop {
  let url: URL;
  try {
    url = new URL(location, `${originOf(from)}${from.path}`);
  } catch (error) {
    throw new Error(`redirects to ${quoted(location)}, which is not an address`, { cause: error });
  }
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'http' && scheme !== 'https') throw new Error(`redirects to ${quoted(location)}, which is not HTTP`);
  if (scheme === 'http' && from.scheme === 'https') throw new Error(`redirects from https to ${quoted(location)}`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? DEFAULT_PORT[scheme] : Number(url.port);
  return { scheme, master: findMaster(host, port, known), path: `${url.pathname}${url.search}` };
}

/** `http://host:port`, IPv6 literals in brackets. */
export function originOf({ scheme, master }: Pick<Hop, 'scheme' | 'master'>): string {
  return `${scheme}://${master.host.includes(':') ? `[${master.host}]` : master.host}:${master.port}`;
}

/** Whether two host texts are the same address or the same name. */
export function sameHost(one: string, other: string): boolean {
  return (canonicalIp(one) ?? one.toLowerCase()) === (canonicalIp(other) ?? other.toLowerCase());
}

/** The known master of that name; the port decides where several share one host. The port asked is the redirect's own. */
function findMaster(host: string, port: number, known: readonly Master[]): Master {
  const named = known.filter(
    (master) => sameHost(master.host, host) || (master.hostname !== undefined && sameHost(master.hostname, host)),
  );
  const found = named.find((master) => master.port === port) ?? named[0];
  if (found === undefined) return { host, port };
  return found.port === port ? found : { ...found, port };
}

/** A header of unknown origin in a log line: printable and short. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
