// The cache as a whole: its making, and forgetting what is in it.

import {
  BUCKET_FIRST,
  BUCKET_SIZE,
  BUCKET_SLOTS,
  CACHE_BUCKET_MASK,
  CACHE_BUCKETS,
  CACHE_DATA,
  CACHE_ENTRIES,
  CACHE_FREE,
  CACHE_GHOST_MASK,
  CACHE_GHOSTS,
  CACHE_GUARD_SIZE,
  CACHE_HEADER_SIZE,
  CACHE_MAIN,
  CACHE_PROBATION,
  CACHE_SEGMENT_COUNT,
  CACHE_SEGMENTS,
  CACHED_NAME,
  CACHED_NAME_SIZE,
  CONTROL_CACHE,
  GHOST_SIZE,
  QUESTION_NAME,
  QUESTION_NAME_SIZE,
  QUEUE_COUNT,
  QUEUE_FIRST,
  QUEUE_LAST,
  SEGMENT_DESCRIPTOR_SIZE,
  SEGMENT_SHIFT,
  SEGMENT_SIZE,
  STREAM_MESSAGE,
} from '../shared/layout';
import { sameName } from '../wire/name';
import { readQuestion } from '../wire/query';
import { clearSlot, release } from './segments';

/** Octets of the region for each bucket: with entries of common size, about half of the slots are in use. */
const REGION_PER_BUCKET: u32 = 512;
const GHOSTS_PER_BUCKET: u32 = 4;

/** Makes the cache in a region of zeros. For the main thread, before there are others. @param size at least 1 MiB */
export function openCache(cache: usize, size: u32): void {
  const buckets: u32 = 1 << (31 - clz<u32>(size / REGION_PER_BUCKET));
  const ghosts = buckets * GHOSTS_PER_BUCKET;
  const bucketsAt = cache + CACHE_HEADER_SIZE;
  const ghostsAt = bucketsAt + buckets * BUCKET_SIZE;
  const segmentsAt = ghostsAt + ghosts * GHOST_SIZE;
  const left = <u32>(cache + size - CACHE_GUARD_SIZE - segmentsAt);
  const segments = left / (SEGMENT_SIZE + SEGMENT_DESCRIPTOR_SIZE);
  store<u32>(cache + CACHE_BUCKETS, <u32>bucketsAt);
  store<u32>(cache + CACHE_BUCKET_MASK, buckets - 1);
  store<u32>(cache + CACHE_GHOSTS, <u32>ghostsAt);
  store<u32>(cache + CACHE_GHOST_MASK, ghosts - 1);
  store<u32>(cache + CACHE_SEGMENTS, <u32>segmentsAt);
  store<u32>(cache + CACHE_SEGMENT_COUNT, segments);
  store<u32>(cache + CACHE_DATA, <u32>(segmentsAt + segments * SEGMENT_DESCRIPTOR_SIZE));
  freeAll(cache);
  store<u32>(CONTROL_CACHE, <u32>cache);
}

/** Forgets everything, whatever state it is in. For the cache's writer. */
export function flushCache(): void {
  const cache: usize = load<u32>(CONTROL_CACHE);
  if (cache == 0) return;
  // Nothing is written without a segment. Memory that is as it was made is left alone: its first use costs time.
  if (load<u32>(cache + CACHE_FREE + QUEUE_COUNT) == load<u32>(cache + CACHE_SEGMENT_COUNT)) return;
  const buckets: usize = load<u32>(cache + CACHE_BUCKETS);
  for (let left = load<u32>(cache + CACHE_BUCKET_MASK) + 1, bucket = buckets; left > 0; left--, bucket += BUCKET_SIZE) {
    for (let slot: usize = BUCKET_FIRST; slot < <usize>BUCKET_SIZE; slot += 8) atomic.store<u64>(bucket + slot, 0);
    store<u64>(bucket, 0);
  }
  memory.fill(load<u32>(cache + CACHE_GHOSTS), 0, (load<u32>(cache + CACHE_GHOST_MASK) + 1) * GHOST_SIZE);
  store<u32>(cache + CACHE_ENTRIES, 0);
  freeAll(cache);
}

/**
 * Forgets what is known of a name and of all names below it: the name of the question in the stream slot.
 * @returns the number of entries
 */
export function flushName(worker: usize, length: u32): u32 {
  const cache: usize = load<u32>(CONTROL_CACHE);
  if (cache == 0 || !readQuestion(worker, worker + STREAM_MESSAGE, length)) return 0;
  let flushed: u32 = 0;
  let bucket: usize = load<u32>(cache + CACHE_BUCKETS);
  for (let left = load<u32>(cache + CACHE_BUCKET_MASK) + 1; left > 0; left--, bucket += BUCKET_SIZE) {
    let slot = bucket + BUCKET_FIRST;
    for (let i = BUCKET_SLOTS; i > 0; i--, slot += 8) {
      const entry: usize = load<u32>(slot);
      if (entry == 0 || !isBelow(worker, entry)) continue;
      clearSlot(cache, slot);
      flushed += 1;
    }
  }
  return flushed;
}

/** True where the entry's name is the question's, or ends in it. */
function isBelow(worker: usize, entry: usize): bool {
  const size = load<u32>(worker + QUESTION_NAME_SIZE);
  let name = entry + CACHED_NAME;
  let left: u32 = load<u16>(entry + CACHED_NAME_SIZE);
  while (left > size) {
    const label: u32 = <u32>load<u8>(name) + 1;
    name += label;
    left -= label;
  }
  return left == size && sameName(worker + QUESTION_NAME, name, size);
}

function freeAll(cache: usize): void {
  emptyQueue(cache, CACHE_FREE);
  emptyQueue(cache, CACHE_PROBATION);
  emptyQueue(cache, CACHE_MAIN);
  const segments = load<u32>(cache + CACHE_SEGMENT_COUNT);
  for (let segment: u32 = 0; segment < segments; segment++) release(cache, segment);
}

function emptyQueue(cache: usize, queue: usize): void {
  store<u32>(cache + queue + QUEUE_FIRST, 0);
  store<u32>(cache + queue + QUEUE_LAST, 0);
  store<u32>(cache + queue + QUEUE_COUNT, 0);
}

if (SEGMENT_SIZE != 1 << SEGMENT_SHIFT) ERROR('SEGMENT_SIZE is not 1 << SEGMENT_SHIFT');
if (BUCKET_FIRST + BUCKET_SLOTS * 8 != BUCKET_SIZE) ERROR('the slots do not fill the bucket');
