// Where things are in the cache's region: buckets, segments, the parts of an entry.

import {
  BUCKET_SIZE,
  CACHE_BUCKET_MASK,
  CACHE_BUCKETS,
  CACHE_DATA,
  CACHE_SEGMENTS,
  CACHED_NAME,
  CACHED_NAME_SIZE,
  CACHED_RECORDS_MAX,
  CACHED_RECORDS_SIZE,
  CACHED_TTL_COUNT,
  CACHED_TTLS_MAX,
  SEGMENT_DESCRIPTOR_SIZE,
  SEGMENT_SHIFT,
} from '../shared/layout';

/** Address of the bucket of a key. */
export function bucketOf(cache: usize, hash: u64): usize {
  return load<u32>(cache + CACHE_BUCKETS) + (<u32>hash & load<u32>(cache + CACHE_BUCKET_MASK)) * BUCKET_SIZE;
}

/** What a slot holds of a key, beside the address. */
export function tagOf(hash: u64): u64 {
  return hash & 0xffffffff00000000;
}

/** Address of the mark of a slot. */
export function markOf(slot: usize): usize {
  const bucket = slot & ~(<usize>(BUCKET_SIZE - 1));
  return bucket + ((slot - bucket) >> 3) - 1;
}

/** Address of the descriptor of the segment that an entry is in. */
export function segmentOf(cache: usize, entry: usize): usize {
  return descriptorOf(cache, <u32>((entry - load<u32>(cache + CACHE_DATA)) >> SEGMENT_SHIFT));
}

export function descriptorOf(cache: usize, segment: u32): usize {
  return load<u32>(cache + CACHE_SEGMENTS) + segment * SEGMENT_DESCRIPTOR_SIZE;
}

/** Address of the first octet of a segment. */
export function segmentStart(cache: usize, segment: u32): usize {
  const data: usize = load<u32>(cache + CACHE_DATA);
  return data + ((<usize>segment) << SEGMENT_SHIFT);
}

export function aligned(size: u32): u32 {
  return (size + 7) & ~7;
}

// An entry that is being overwritten may say anything of itself; so what is read stays inside the region in any case.

export function recordsSizeOf(entry: usize): u32 {
  return min<u32>(load<u16>(entry + CACHED_RECORDS_SIZE), CACHED_RECORDS_MAX);
}

export function ttlCountOf(entry: usize): u32 {
  return min<u32>(load<u16>(entry + CACHED_TTL_COUNT), CACHED_TTLS_MAX);
}

/** Address of the offsets of its TTLs. */
export function ttlsOf(entry: usize): usize {
  return entry + CACHED_NAME + aligned(load<u8>(entry + CACHED_NAME_SIZE));
}

export function recordsOf(entry: usize): usize {
  return ttlsOf(entry) + aligned(ttlCountOf(entry) * 2);
}

/** Octets of a whole entry. */
export function entrySize(entry: usize): u32 {
  return <u32>(recordsOf(entry) - entry) + aligned(recordsSizeOf(entry));
}
