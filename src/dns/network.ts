// Networks in CIDR notation.

import { parseIPv4, parseIp, writeIPv6 } from './ip-text.ts';

/** Loopback, RFC 1918, RFC 6598 (shared), link-local, and unique local addresses (RFC 4193). */
export const PRIVATE_NETWORKS = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
] as const;

/** Stands for the networks of this machine's interfaces. */
export const LOCAL_NETWORKS = 'localnets';

export interface Network {
  readonly family: 4 | 6;
  /** 16 octets, left-aligned, clear behind the prefix. */
  readonly address: Uint8Array;
  readonly prefix: number;
}

/** Reads `address/prefix`, or an address alone; bits behind the prefix are ignored. Null where it is neither. */
export function parseNetwork(text: string): Network | null {
  const [, host = '', digits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const ip = parseIp(host);
  if (ip === null) return null;
  const { family } = ip;
  const most = family === 4 ? 32 : 128;
  const prefix = digits === undefined ? most : Number(digits);
  if (prefix > most) return null;
  const address = new Uint8Array(16);
  if (family === 4) new DataView(address.buffer).setUint32(0, parseIPv4(ip.text));
  else writeIPv6(ip.text, address, 0);
  const mask = maskOf(prefix);
  for (const [i, octet] of mask.entries()) address[i] = (address[i] ?? 0) & octet;
  return { family, address, prefix };
}

/** 16 octets with so many leading ones. */
export function maskOf(prefix: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => 0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i)));
}
