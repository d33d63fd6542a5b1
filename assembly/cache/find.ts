// Finding an entry, in any thread, while the cache's one writer goes on.

import {
  BUCKET_FIRST,
  BUCKET_SLOTS,
  CACHE_CUTS,
  CACHE_MAX_STALE,
  CACHED_END,
  CACHED_HASH,
  CACHED_NAME,
  CACHED_NAME_SIZE,
  CACHED_OPTIONS,
  CACHED_RECHECK,
  CACHED_TYPE,
  FOUND_ENTRY,
  FOUND_FENCE,
  FOUND_SEQUENCE,
  FOUND_SLOT,
  KEY_ANY_TYPE,
  KEY_DO,
  QUESTION_LABEL_COUNT,
  QUESTION_LABELS,
  QUESTION_NAME,
  QUESTION_NAME_SIZE,
  QUESTION_TYPE,
  SEGMENT_SEQUENCE,
  WORKER_CLOCK,
} from '../shared/layout';
import { sameName } from '../wire/name';
import { keyHash } from './key';
import { bucketOf, segmentOf, tagOf } from './region';

// What may be found.
/** An answer that is in date. */
export const FRESH: u32 = 0;
/** An answer out of date, told because resolvers have just failed to give a better one (RFC 8767 section 5). */
export const RECHECKED: u32 = 1;
/** Any answer that is not too old to be told. */
export const STALE: u32 = 2;

/**
 * Looks for an answer to the question that was read. What was copied out of the entry counts only if isWhole() afterwards.
 * @param zoneLabels that nothing exists above the zone with so many labels says nothing of names in it
 * @returns the address of the entry, which the worker's FOUND_… tell as well; or 0
 */
export function findAnswer(worker: usize, cache: usize, options: u32, zoneLabels: u32, what: u32): usize {
  const exact = findKey(worker, cache, 0, load<u32>(worker + QUESTION_TYPE), options, what);
  if (exact != 0) return exact;
  const denial = findKey(worker, cache, 0, KEY_ANY_TYPE, options, what);
  if (denial != 0 || what != FRESH) return denial;
  // Who wants DNSSEC data would miss the proof for the name itself.
  if ((options & KEY_DO) != 0 || load<u32>(cache + CACHE_CUTS) == 0) return 0;
  const labelCount = load<u32>(worker + QUESTION_LABEL_COUNT);
  const least = max<u32>(zoneLabels, 1);
  for (let label: u32 = 1; label + least <= labelCount; label++) {
    const cut = findKey(worker, cache, label, KEY_ANY_TYPE, options, what);
    if (cut != 0) return cut;
  }
  return 0;
}

/** True where the entry that was found has not been reclaimed since. */
export function isWhole(worker: usize, cache: usize): bool {
  // Loads in front of an atomic store are over by then, and the atomic load comes behind it: a fence, which asc has none of.
  atomic.store<u32>(worker + FOUND_FENCE, 0);
  const segment = segmentOf(cache, load<u32>(worker + FOUND_ENTRY));
  return atomic.load<u32>(segment + SEGMENT_SEQUENCE) == load<u32>(worker + FOUND_SEQUENCE);
}

function findKey(worker: usize, cache: usize, label: u32, type: u32, options: u32, what: u32): usize {
  const hash = keyHash(worker, label, type, options);
  const tag = tagOf(hash);
  const start: u32 = label == 0 ? 0 : load<u8>(worker + QUESTION_LABELS + label);
  const nameSize = load<u32>(worker + QUESTION_NAME_SIZE) - start;
  let slot = bucketOf(cache, hash) + BUCKET_FIRST;
  for (let left = BUCKET_SLOTS; left > 0; left--, slot += 8) {
    const value = atomic.load<u64>(slot);
    const entry = <usize>(<u32>value);
    if (entry == 0 || tagOf(value) != tag) continue;
    const sequence = atomic.load<u32>(segmentOf(cache, entry) + SEGMENT_SEQUENCE);
    // Where the slot still leads there, the number is that of the segment while it held the entry.
    if (atomic.load<u64>(slot) != value) continue;
    if (load<u64>(entry + CACHED_HASH) != hash || load<u16>(entry + CACHED_TYPE) != type) continue;
    if (load<u16>(entry + CACHED_OPTIONS) != options || load<u16>(entry + CACHED_NAME_SIZE) != nameSize) continue;
    if (!sameName(worker + QUESTION_NAME + start, entry + CACHED_NAME, nameSize)) continue;
    if (!isWanted(worker, cache, entry, what)) return 0;
    store<u32>(worker + FOUND_ENTRY, <u32>entry);
    store<u32>(worker + FOUND_SLOT, <u32>slot);
    store<u32>(worker + FOUND_SEQUENCE, sequence);
    return entry;
  }
  return 0;
}

function isWanted(worker: usize, cache: usize, entry: usize, what: u32): bool {
  const now = load<u32>(worker + WORKER_CLOCK);
  const end = load<u32>(entry + CACHED_END);
  if (now < end) return true;
  if (what == FRESH || now - end >= load<u32>(cache + CACHE_MAX_STALE)) return false;
  return what == STALE || now < atomic.load<u32>(entry + CACHED_RECHECK);
}
