// Response rate limiting: a prefix of clients (/24, /56) gets so many responses of a kind in a second over UDP, so that a
// forger of addresses cannot make this server flood somebody. See the rate table in layout.ts.

import {
  CONTROL_RATE,
  CONTROL_RATE_SEED,
  CONTROL_SLIP,
  DESCRIPTOR_ADDRESS,
  DESCRIPTOR_FAMILY,
  RATE_BASE,
  RATE_COUNT,
  RATE_ENTRY_SIZE,
  RATE_FAMILY,
  RATE_HELD,
  RATE_KIND,
  RATE_PREFIX,
  RATE_SECOND,
  RATE_SETS,
  RATE_TAG,
  RATE_WAYS,
  WORKER_CLOCK,
} from '../shared/layout';

export const RATE_PASS: u32 = 0;
export const RATE_HOLD: u32 = 1;
export const RATE_SLIP: u32 = 2;

/**
 * Counts a response, and says whether it may be sent.
 * @param kind RATE_… of layout.ts
 * @param name hash of the name that the kind is about; 0 where it is about none
 */
export function judgeRate(worker: usize, descriptor: usize, kind: u32, name: u64): u32 {
  const family = load<u32>(descriptor + DESCRIPTOR_FAMILY);
  const address = load<u64>(descriptor + DESCRIPTOR_ADDRESS);
  const prefix: u64 = family == 1 ? address & 0x00ffffff : address & 0x00ffffffffffffff;
  const now = load<u32>(worker + WORKER_CLOCK);
  const entry = entryOf(prefix, family, kind, name, now);
  if (load<u32>(entry + RATE_SECOND) != now) {
    store<u32>(entry + RATE_SECOND, now);
    store<u32>(entry + RATE_COUNT, 0);
  }
  const count = load<u32>(entry + RATE_COUNT) + 1;
  store<u32>(entry + RATE_COUNT, count);
  const rate = load<u32>(CONTROL_RATE);
  if (count <= rate) return RATE_PASS;
  store<u32>(entry + RATE_HELD, load<u32>(entry + RATE_HELD) + 1);
  const slip = load<u32>(CONTROL_SLIP);
  return slip != 0 && (count - rate) % slip == 0 ? RATE_SLIP : RATE_HOLD;
}

function entryOf(prefix: u64, family: u32, kind: u32, name: u64, now: u32): usize {
  let hash = mix(load<u64>(CONTROL_RATE_SEED) ^ prefix);
  hash = mix(hash ^ name);
  hash = mix(hash ^ (((<u64>family) << 8) | kind));
  const tag = <u32>(hash >> 32) | 1;
  const index = <u32>hash & (RATE_SETS - 1);
  const set: usize = <usize>RATE_BASE + <usize>index * (RATE_WAYS * RATE_ENTRY_SIZE);
  let oldest = set;
  let idleLongest: u32 = 0;
  for (let i: u32 = 0; i < <u32>RATE_WAYS; i++) {
    const entry = set + i * RATE_ENTRY_SIZE;
    if (load<u32>(entry + RATE_TAG) == tag) return entry;
    const idle = now - load<u32>(entry + RATE_SECOND);
    if (idle <= idleLongest) continue;
    idleLongest = idle;
    oldest = entry;
  }
  store<u32>(oldest + RATE_TAG, tag);
  store<u32>(oldest + RATE_SECOND, now);
  store<u32>(oldest + RATE_COUNT, 0);
  store<u32>(oldest + RATE_HELD, 0);
  store<u64>(oldest + RATE_PREFIX, prefix);
  store<u32>(oldest + RATE_FAMILY, family);
  store<u32>(oldest + RATE_KIND, kind);
  return oldest;
}

function mix(word: u64): u64 {
  const h = word * 0x9e3779b97f4a7c15;
  return (h ^ (h >> 32)) * 0xd6e8feb86659fd93;
}
