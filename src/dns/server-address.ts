// Upstream servers as they are written: `ip:port`, or `tls://ip:port@name` for DNS over TLS.

import { DNS_PORT } from '../dns/constants.ts';
import { formatHostPort, isHostName, parseIpPort } from '../dns/endpoint.ts';

export interface ServerAddress {
  /** An IP literal, IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
  /** null: plain DNS over UDP and TCP. */
  readonly tls: {
    /** What the certificate must be for; null: the address. */
    readonly name: string | null;
  } | null;
}

/** RFC 7858. */
const TLS_PORT = 853;

/** @returns null where the text is neither `ip`, `ip:port` (IPv6 with port in brackets), nor `tls://` with such, and `@name` or not */
export function parseServer(text: string): ServerAddress | null {
  const [, rest = '', name] = /^tls:\/\/([^@]*)(?:@(.*))?$/.exec(text) ?? [];
  const isTls = rest !== '';
  const pair = parseIpPort(isTls ? rest : text, isTls ? TLS_PORT : DNS_PORT);
  if (pair === null || (name !== undefined && !isHostName(name))) return null;
  const { host: address, port } = pair;
  return { address, port, family: address.includes(':') ? 6 : 4, tls: isTls ? { name: name ?? null } : null };
}

/** The one spelling of a server, with its port. */
export function formatServer({ address, port, tls }: ServerAddress): string {
  const endpoint = formatHostPort({ host: address, port });
  if (tls === null) return endpoint;
  return `tls://${endpoint}${tls.name === null ? '' : `@${tls.name}`}`;
}
