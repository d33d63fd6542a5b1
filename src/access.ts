// Tells the core whose queries are forwarded, and again when the interfaces of this machine change.

import { networkInterfaces } from 'node:os';
import { expandNetworks } from './dns/local-networks.ts';
import { LOCAL_NETWORKS } from './dns/network.ts';
import { allowNetworks } from './engine/core-options.ts';

/** How often the interfaces of this machine are looked at for networks of its own. */
const NETWORKS_INTERVAL_MS = 10_000;

/** @param allowed the key `allowForward` */
export function watchNetworks(memory: WebAssembly.Memory, allowed: readonly string[]): { close(): void } {
  let told = '';
  const tell = () => {
    try {
      const interfaces = networkInterfaces();
      const text = JSON.stringify(interfaces);
      if (text !== told) allowNetworks(memory, expandNetworks(allowed, interfaces));
      told = text;
    } catch {
      // Interfaces cannot be read for lack of a descriptor; those known hold.
      if (told === '') allowNetworks(memory, expandNetworks(allowed, {}));
    }
  };
  tell();
  const timer = allowed.includes(LOCAL_NETWORKS) ? setInterval(tell, NETWORKS_INTERVAL_MS) : undefined;
  timer?.unref();
  return { close: () => clearInterval(timer) };
}
