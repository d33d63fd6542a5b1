// Clients that share places in the forwarder: those of one network, so that nobody gets more by asking from many addresses.

import { NOT_IPV4, parseIPv4, writeIPv6 } from '../dns/ip-text.ts';

/** Stands for clients whose address is not known. */
export const NO_GROUP = 0;

/** Above every /24 and /48. */
const IPV4_GROUPS = 2 ** 49;
const IPV6_GROUPS = 2 ** 50;

/** The number of the /24 of an IPv4 address, or of the /48 of an IPv6 address, that stands in `bytes` at `at`. */
export function clientGroup(family: 4 | 6, bytes: Uint8Array, at: number): number {
  const octets = family === 4 ? 3 : 6;
  let network = 0;
  for (let i = 0; i < octets; i += 1) network = network * 256 + (bytes[at + i] ?? 0);
  return network + (family === 4 ? IPV4_GROUPS : IPV6_GROUPS);
}

/** @param address an IP literal without zone index */
export function clientGroupOf(address: string): number {
  const bytes = new Uint8Array(16);
  const number = parseIPv4(address);
  if (number !== NOT_IPV4) {
    new DataView(bytes.buffer).setUint32(0, number);
    return clientGroup(4, bytes, 0);
  }
  return writeIPv6(address, bytes, 0) ? clientGroup(6, bytes, 0) : NO_GROUP;
}
