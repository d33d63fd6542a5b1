// The networks that this machine's interfaces are in.

import type { NetworkInterfaceInfo } from 'node:os';
import { LOCAL_NETWORKS, type Network, parseNetwork } from './network.ts';

/**
 * The networks of a list, each once.
 * @param texts as parseNetwork() takes them, or LOCAL_NETWORKS
 */
export function expandNetworks(
  texts: readonly string[],
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): readonly Network[] {
  const own = Object.values(interfaces).flatMap((list) => (list ?? []).map(({ cidr }) => cidr ?? ''));
  const networks = new Map<string, Network>();
  for (const text of texts.flatMap((each) => (each === LOCAL_NETWORKS ? own : [each]))) {
    const network = parseNetwork(text);
    if (network !== null) networks.set(`${network.family}/${network.prefix}/${network.address}`, network);
  }
  return [...networks.values()];
}

/** Whether a connection comes from this machine, by the address of its other end. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.replace(/^::ffff:/, '').startsWith('127.');
}
