// Room for entries: the two queues of segments, and what happens to entries when room runs out. For the cache's writer.

import {
  BUCKET_FIRST,
  BUCKET_SLOTS,
  CACHE_ENTRIES,
  CACHE_EVICTIONS,
  CACHE_FREE,
  CACHE_GHOST_MASK,
  CACHE_GHOSTS,
  CACHE_MAIN,
  CACHE_MAX_STALE,
  CACHE_PROBATION,
  CACHE_SEGMENT_COUNT,
  CACHED_END,
  CACHED_HASH,
  QUEUE_COUNT,
  QUEUE_FIRST,
  QUEUE_LAST,
  SEGMENT_NEXT,
  SEGMENT_QUEUE,
  SEGMENT_SEQUENCE,
  SEGMENT_SIZE,
  SEGMENT_USED,
  WORKER_CLOCK,
} from '../shared/layout';
import { bucketOf, descriptorOf, entrySize, markOf, segmentStart, tagOf } from './region';

/** The probation queue gives way first while it has more than this share of the segments. */
const PROBATION_SHARE: u32 = 10;
/** Segments that are looked through for one that gives room, before entries go that were asked for. */
const LENIENT_TRIES: u32 = 3;

/**
 * Address of room for an entry, at the end of a queue. Entries go for it, so look for slots afterwards.
 * @param queue CACHE_PROBATION or CACHE_MAIN
 */
export function allocate(worker: usize, cache: usize, queue: usize, size: u32): usize {
  const room = append(cache, queue, size);
  if (room != 0) return room;
  // The last free segment is for what reclaiming keeps.
  for (let tries: u32 = 0; load<u32>(cache + CACHE_FREE + QUEUE_COUNT) < 2; tries++) {
    reclaim(worker, cache, tries < LENIENT_TRIES);
  }
  // What was kept may have opened one already.
  const opened = append(cache, queue, size);
  if (opened != 0) return opened;
  push(cache, queue, pop(cache, CACHE_FREE));
  return append(cache, queue, size);
}

/** The slot that leads to an entry; 0 where none does. */
export function slotOf(cache: usize, entry: usize): usize {
  let slot = bucketOf(cache, load<u64>(entry + CACHED_HASH)) + BUCKET_FIRST;
  for (let left = BUCKET_SLOTS; left > 0; left--, slot += 8) {
    if (<usize>load<u32>(slot) == entry) return slot;
  }
  return 0;
}

/** Takes an entry out. */
export function clearSlot(cache: usize, slot: usize): void {
  atomic.store<u64>(slot, 0);
  store<u8>(markOf(slot), 0);
  store<u32>(cache + CACHE_ENTRIES, load<u32>(cache + CACHE_ENTRIES) - 1);
}

/** True where a key left the probation queue not long ago; forgets it. */
export function wasHereBefore(cache: usize, hash: u64): bool {
  const ghost = ghostOf(cache, hash);
  if (load<u32>(ghost) != <u32>(hash >> 32)) return false;
  store<u32>(ghost, 0);
  return true;
}

/** Makes a segment free: readers of what it held find out. */
export function release(cache: usize, segment: u32): void {
  const descriptor = descriptorOf(cache, segment);
  atomic.store<u32>(descriptor + SEGMENT_SEQUENCE, atomic.load<u32>(descriptor + SEGMENT_SEQUENCE) + 1);
  // As in isWhole(): nothing that is written to the segment afterwards is seen before the number.
  atomic.load<u32>(descriptor + SEGMENT_SEQUENCE);
  store<u32>(descriptor + SEGMENT_USED, 0);
  push(cache, CACHE_FREE, segment);
}

function ghostOf(cache: usize, hash: u64): usize {
  return load<u32>(cache + CACHE_GHOSTS) + ((<u32>hash & load<u32>(cache + CACHE_GHOST_MASK)) << 2);
}

/** Room in the last segment of a queue; 0 where it is full. */
function append(cache: usize, queue: usize, size: u32): usize {
  const last = load<u32>(cache + queue + QUEUE_LAST);
  if (last == 0) return 0;
  const descriptor = descriptorOf(cache, last - 1);
  const used = load<u32>(descriptor + SEGMENT_USED);
  if (<u32>SEGMENT_SIZE - used < size) return 0;
  store<u32>(descriptor + SEGMENT_USED, used + size);
  return segmentStart(cache, last - 1) + used;
}

/** Frees the oldest segment of one of the queues. @param isLenient what was asked for is kept, where there is room */
function reclaim(worker: usize, cache: usize, isLenient: bool): void {
  const probation = load<u32>(cache + CACHE_PROBATION + QUEUE_COUNT);
  const main = load<u32>(cache + CACHE_MAIN + QUEUE_COUNT);
  const isProbation = main == 0 || probation * PROBATION_SHARE > load<u32>(cache + CACHE_SEGMENT_COUNT);
  const segment = pop(cache, isProbation ? CACHE_PROBATION : CACHE_MAIN);
  let entry = segmentStart(cache, segment);
  const end = entry + load<u32>(descriptorOf(cache, segment) + SEGMENT_USED);
  while (entry < end) {
    const size = entrySize(entry);
    const slot = slotOf(cache, entry);
    if (slot != 0 && !(isLenient && keep(worker, cache, slot, entry, size))) {
      if (isProbation) store<u32>(ghostOf(cache, load<u64>(entry + CACHED_HASH)), load<u32>(slot + 4));
      clearSlot(cache, slot);
      store<f64>(cache + CACHE_EVICTIONS, load<f64>(cache + CACHE_EVICTIONS) + 1);
    }
    entry += size;
  }
  release(cache, segment);
}

/** Copies an entry to the end of the main queue, where it was asked for. @returns false where it was not, or has no room */
function keep(worker: usize, cache: usize, slot: usize, entry: usize, size: u32): bool {
  const mark = markOf(slot);
  if (load<u8>(mark) == 0) return false;
  const now = load<u32>(worker + WORKER_CLOCK);
  const end = load<u32>(entry + CACHED_END);
  if (now > end && now - end >= load<u32>(cache + CACHE_MAX_STALE)) return false;
  let room = append(cache, CACHE_MAIN, size);
  if (room == 0) {
    if (load<u32>(cache + CACHE_FREE + QUEUE_COUNT) == 0) return false;
    push(cache, CACHE_MAIN, pop(cache, CACHE_FREE));
    room = append(cache, CACHE_MAIN, size);
  }
  memory.copy(room, entry, size);
  atomic.store<u64>(slot, tagOf(load<u64>(entry + CACHED_HASH)) | <u64>room);
  store<u8>(mark, 0);
  return true;
}

function push(cache: usize, queue: usize, segment: u32): void {
  const last = load<u32>(cache + queue + QUEUE_LAST);
  if (last == 0) store<u32>(cache + queue + QUEUE_FIRST, segment + 1);
  else store<u32>(descriptorOf(cache, last - 1) + SEGMENT_NEXT, segment + 1);
  store<u32>(descriptorOf(cache, segment) + SEGMENT_NEXT, 0);
  store<u32>(descriptorOf(cache, segment) + SEGMENT_QUEUE, <u32>queue);
  store<u32>(cache + queue + QUEUE_LAST, segment + 1);
  store<u32>(cache + queue + QUEUE_COUNT, load<u32>(cache + queue + QUEUE_COUNT) + 1);
}

/** Takes the first segment of a queue, which is not empty. */
function pop(cache: usize, queue: usize): u32 {
  const segment = load<u32>(cache + queue + QUEUE_FIRST) - 1;
  const next = load<u32>(descriptorOf(cache, segment) + SEGMENT_NEXT);
  store<u32>(cache + queue + QUEUE_FIRST, next);
  if (next == 0) store<u32>(cache + queue + QUEUE_LAST, 0);
  store<u32>(cache + queue + QUEUE_COUNT, load<u32>(cache + queue + QUEUE_COUNT) - 1);
  return segment;
}
