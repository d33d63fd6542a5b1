// Whose queries are forwarded: those of the networks in the list in force.

import {
  CONTROL_NETWORKS,
  DESCRIPTOR_ADDRESS,
  DESCRIPTOR_FAMILY,
  NETWORK_ADDRESS,
  NETWORK_FAMILY,
  NETWORK_MASK,
  NETWORK_SIZE,
  NETWORKS_FIRST,
  NETWORKS_MAX,
} from '../shared/layout';

/** True where the sender is in one of the networks, or there is no list. */
export function isAllowed(descriptor: usize): bool {
  const networks: usize = atomic.load<u32>(CONTROL_NETWORKS);
  if (networks == 0) return true;
  const family = load<u32>(descriptor + DESCRIPTOR_FAMILY);
  const high = load<u64>(descriptor + DESCRIPTOR_ADDRESS);
  const low = load<u64>(descriptor + DESCRIPTOR_ADDRESS + 8);
  let network = networks + NETWORKS_FIRST;
  for (let left = min<u32>(load<u32>(networks), NETWORKS_MAX); left > 0; left--, network += NETWORK_SIZE) {
    if (load<u32>(network + NETWORK_FAMILY) != family) continue;
    if ((high & load<u64>(network + NETWORK_MASK)) != load<u64>(network + NETWORK_ADDRESS)) continue;
    if ((low & load<u64>(network + NETWORK_MASK + 8)) == load<u64>(network + NETWORK_ADDRESS + 8)) return true;
  }
  return false;
}
