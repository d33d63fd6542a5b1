// Socket addresses of the C library from and to text.

import { networkInterfaces } from 'node:os';
import { canonicalIp, NOT_IPV4, parseIPv4, writeIPv6 } from '../dns/ip-text.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SOCKADDR_FAMILY,
  SOCKADDR_IN_ADDRESS,
  SOCKADDR_IN_SIZE,
  SOCKADDR_IN6_ADDRESS,
  SOCKADDR_IN6_SCOPE,
  SOCKADDR_IN6_SIZE,
  SOCKADDR_PORT,
  SOCKADDR_UN_PATH,
  SOCKADDR_UN_SIZE,
} from './libc.ts';

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** The address of every interface: `0.0.0.0`, `::`. */
export function isWildcard(address: string): boolean {
  return encodeAddress(address, 0).every((octet, i) => i === SOCKADDR_FAMILY || octet === 0);
}

/** @param address an IP literal; a link-local one with its interface, `fe80::1%eth0` */
export function encodeAddress(address: string, port: number): Uint8Array<ArrayBuffer> {
  const [literal = '', zone] = address.split('%');
  const family = familyOf(literal);
  const bytes = new Uint8Array(new ArrayBuffer(family === 4 ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE));
  const view = new DataView(bytes.buffer);
  view.setUint16(SOCKADDR_FAMILY, family === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(SOCKADDR_PORT, port);
  if (family === 4) {
    const number = parseIPv4(literal);
    if (number === NOT_IPV4) throw new TypeError(`expected an IP literal, got ${address}`);
    view.setUint32(SOCKADDR_IN_ADDRESS, number);
    return bytes;
  }
  if (!writeIPv6(literal, bytes, SOCKADDR_IN6_ADDRESS)) throw new TypeError(`expected an IP literal, got ${address}`);
  if (zone !== undefined) view.setUint32(SOCKADDR_IN6_SCOPE, scopeOf(zone), true);
  return bytes;
}

export function portOf(socketAddress: ArrayBuffer): number {
  return new DataView(socketAddress).getUint16(SOCKADDR_PORT);
}

/** The address and port of a `struct sockaddr_in` or `sockaddr_in6`; null for other families. */
export function decodeAddress(socketAddress: ArrayBuffer): { readonly address: string; readonly port: number } | null {
  const view = new DataView(socketAddress);
  const port = view.getUint16(SOCKADDR_PORT);
  switch (view.getUint16(SOCKADDR_FAMILY, true)) {
    case AF_INET: {
      const octets = [0, 1, 2, 3].map((i) => view.getUint8(SOCKADDR_IN_ADDRESS + i));
      return { address: octets.join('.'), port };
    }
    case AF_INET6: {
      const groups = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => view.getUint16(SOCKADDR_IN6_ADDRESS + 2 * i).toString(16));
      const address = canonicalIp(groups.join(':')) ?? '::';
      const scope = view.getUint32(SOCKADDR_IN6_SCOPE, true);
      return { address: scope === 0 ? address : `${address}%${scope}`, port };
    }
    default:
      return null;
  }
}

/** A Unix socket's address: a path, or `@name` for one in the abstract name space. Throws where it is too long. */
export function encodeUnixAddress(path: string): Uint8Array<ArrayBuffer> {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > SOCKADDR_UN_SIZE - SOCKADDR_UN_PATH) throw new TypeError(`the socket path ${path} is too long`);
  const bytes = new Uint8Array(new ArrayBuffer(SOCKADDR_UN_PATH + name.length));
  new DataView(bytes.buffer).setUint16(SOCKADDR_FAMILY, AF_UNIX, true);
  bytes.set(name, SOCKADDR_UN_PATH);
  return bytes;
}

/** The number of an interface, as the link-local addresses on it carry it; 0 where it is not known. */
function scopeOf(zone: string): number {
  if (/^\d+$/.test(zone)) return Number(zone);
  const addresses = networkInterfaces()[zone] ?? [];
  return addresses.map((each) => (each.family === 'IPv6' ? each.scopeid : 0)).find((scope) => scope !== 0) ?? 0;
}
