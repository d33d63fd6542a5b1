// `HOST:PORT` and libprocess PIDs (`slave(1)@10.0.0.5:5051`), split as Mesos-DNS splits them.

import { formatHostPort } from '../dns/endpoint.ts';
import type { Endpoint } from './model.ts';

/**
 * Splits `host:port` or `[host]:port` (Go's `net.SplitHostPort`). Neither part is checked; both may be empty.
 *
 * @returns null without a colon, and for an IPv6 literal without brackets.
 */
export function splitHostPort(text: string): Endpoint | null {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return null;
  const port = text.slice(colon + 1);
  let host = text.slice(0, colon);
  if (host.startsWith('[')) {
    if (!host.endsWith(']')) return null;
    host = host.slice(1, -1);
  } else if (host.includes(':')) {
    return null;
  }
  return /[[\]]/.test(host) || /[[\]]/.test(port) ? null : { host, port };
}

/** The reverse of splitHostPort: brackets around anything with a colon. */
export function joinHostPort(host: string, port: string): string {
  return formatHostPort({ host, port });
}

/** Splits `NAME@HOST:PORT`; spaces around it do not count. Null where it has another form. */
export function parsePid(text: string): Endpoint | null {
  const parts = text.replace(/^ +| +$/g, '').split('@');
  const [, address] = parts;
  return parts.length === 2 && address !== undefined ? splitHostPort(address) : null;
}

/** Whether a PID may have this port: nothing, a number up to 65535 (a sign is allowed), or what may be a service's name. */
export function isPidPort(port: string): boolean {
  if (port === '' || /^[A-Za-z][\w.+-]*$/.test(port)) return true;
  return /^[+-]?\d{1,20}$/.test(port) && Number(port) >= 0 && Number(port) <= 65535;
}
