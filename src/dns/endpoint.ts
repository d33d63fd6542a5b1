// `host:port` as text, in one spelling for each endpoint, so that endpoints can be compared as text.

import { canonicalIp } from './ip-text.ts';

export interface HostPort {
  /** An IP literal in its one spelling (IPv6 without brackets), or a host name as written. */
  readonly host: string;
  /** 1–65535. */
  readonly port: number;
}

/**
 * Takes `host:port` or `[IPv6]:port` apart. An address behind which a zone stands (`[fe80::1%eth0]:53`) is kept as written.
 *
 * @returns null where the text is not of that form or the port is not 1–65535. Host names are not checked (isHostName).
 */
export function parseHostPort(text: string): HostPort | null {
  const [, bracketed, plain, digits] = /^(?:\[([^[\]]+)\]|([^\s:@/[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const written = bracketed ?? plain;
  const port = Number(digits);
  if (written === undefined || !isPort(port)) return null;
  if (bracketed !== undefined && canonicalIp(bracketed.replace(/%.+$/, '')) === null) return null;
  return { host: canonicalHost(written), port };
}

/** Takes an IP address with or without a port apart, with or without brackets; null for anything else. */
export function parseIpPort(text: string, defaultPort: number): HostPort | null {
  const bare = canonicalIp(/^\[(.*)\]$/.exec(text)?.[1] ?? text);
  if (bare !== null) return { host: bare, port: defaultPort };
  const pair = parseHostPort(text);
  return pair !== null && canonicalIp(pair.host) !== null ? pair : null;
}

/** `host:port`, with brackets around anything with a colon. The port may be text that nobody has checked. */
export function formatHostPort({ host, port }: { readonly host: string; readonly port: number | string }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An IP literal in its one spelling; anything else as it is. */
export function canonicalHost(host: string): string {
  return canonicalIp(host) ?? host;
}

export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535;
}

/** Whether a text can name a host: not an IP literal, and not a mistyped one such as 10.0.0.256. */
export function isHostName(text: string): boolean {
  return /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/.test(text) && text.length <= 254 && !/(?:^|\.)\d+\.?$/.test(text);
}

/** Whether something can be asked under this text: an IP literal or a host name. */
export function isHost(text: string): boolean {
  return canonicalIp(text) !== null || isHostName(text);
}
