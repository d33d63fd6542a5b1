// The hash of a name on the wire, whatever its case. Labels are taken from the root leftwards, so that one pass over a name
// yields the hash of each of its suffixes. Only the core hashes: the host's tables are sealed here (seal.ts).

import { lowerCase } from '../wire/bytes';

/** The hash of the root. */
export const HASH_ROOT: u64 = 0x9ae16a3b2f90404f;
const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

/**
 * The hash of a suffix from that of the suffix one label shorter.
 * @param label the address of the label's length octet; 7 octets behind the label are readable
 */
export function extendHash(hash: u64, label: usize): u64 {
  let left: u32 = <u32>load<u8>(label) + 1;
  let at = label;
  let h = hash;
  while (left > 8) {
    h = mix(h, lowerCase(load<u64>(at)));
    at += 8;
    left -= 8;
  }
  h = mix(h, lowerCase(load<u64>(at)) & (<u64>-1 >> ((<u64>(8 - left)) << 3)));
  return spread(h);
}

/** Lets all bits depend on all octets: the last ones of a word stand in its high bits, which a product leads upwards only. */
function spread(hash: u64): u64 {
  const h = (hash ^ (hash >> 32)) * MULTIPLIER;
  return h ^ (h >> 32);
}

function mix(hash: u64, word: u64): u64 {
  const h = (hash ^ word) * MULTIPLIER;
  return h ^ (h >> 29);
}

/**
 * The hash of a whole name. Label starts are found from the left and kept in `labels` (u8 × 128).
 * @param name a valid name on the wire, followed by 7 readable octets
 */
export function hashName(name: usize, labels: usize): u64 {
  let count = findLabels(name, labels);
  let hash = HASH_ROOT;
  while (count > 0) {
    count -= 1;
    hash = extendHash(hash, name + load<u8>(labels + count));
  }
  return hash;
}

/** Writes to `labels` where each label of a valid name begins. @returns how many there are */
export function findLabels(name: usize, labels: usize): u32 {
  let count: u32 = 0;
  let at: u32 = 0;
  let size: u32 = load<u8>(name);
  while (size != 0) {
    store<u8>(labels + count, <u8>at);
    count += 1;
    at += size + 1;
    size = load<u8>(name + at);
  }
  return count;
}
