// Tells the core whose queries are forwarded, and again when the interfaces of this machine change.

import { networkInterfaces } from 'node:os';
import { expandNetworks } from './dns/local-networks.ts';
import { LOCAL_NETWORKS } from './dns/network.ts';
import { allowNetworks } from './engine/core-options.ts';
import { everySeconds } from './pulse.ts';

/** How often the interfaces of this machine are looked at for networks of its own. */
const NETWORKS_INTERVAL_SECONDS = 10;

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
  const end = allowed.includes(LOCAL_NETWORKS) ? everySeconds(NETWORKS_INTERVAL_SECONDS, tell) : () => undefined;
  return { close: end };
}
