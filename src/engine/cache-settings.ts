// What the cache is told once, and what it tells of itself: words in its header.

import {
  CACHE_CUTS,
  CACHE_ENTRIES,
  CACHE_EVICTIONS,
  CACHE_MAX_NEGATIVE_TTL,
  CACHE_MAX_STALE,
  CACHE_MAX_TTL,
  CACHE_MIN_TTL,
  CACHE_REFRESHES,
} from './contract.ts';
import { cacheHeaderView, controlViews } from './memory.ts';

export interface CacheSettings {
  /** 1 MiB to 1 GiB. */
  readonly sizeBytes: number;
  readonly minTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly maxNegativeTtlSeconds: number;
  /** 0: never. */
  readonly maxStaleSeconds: number;
  readonly prefetches: boolean;
  readonly cutsNxdomain: boolean;
}

export interface CacheFigures {
  readonly entries: number;
  /** Answers that had to make room, since start. */
  readonly evictions: number;
}

/** Since start, but for the entries. */
export interface CacheTotals extends CacheFigures {
  /** Questions answered from the cache: with records; that there are none. */
  readonly success: number;
  readonly denial: number;
  /** Of these, those answered with what is out of date. */
  readonly stale: number;
  readonly misses: number;
  /** Entries asked for again before their end. */
  readonly prefetches: number;
  /** Answers that were not kept, because their question is another one than was asked. */
  readonly drops: number;
}

export function writeCacheSettings(memory: WebAssembly.Memory, settings: CacheSettings): void {
  const header = headerOf(memory);
  header?.setUint32(CACHE_MIN_TTL, settings.minTtlSeconds, true);
  header?.setUint32(CACHE_MAX_TTL, settings.maxTtlSeconds, true);
  header?.setUint32(CACHE_MAX_NEGATIVE_TTL, settings.maxNegativeTtlSeconds, true);
  header?.setUint32(CACHE_MAX_STALE, settings.maxStaleSeconds, true);
  header?.setUint32(CACHE_REFRESHES, Number(settings.prefetches), true);
  header?.setUint32(CACHE_CUTS, Number(settings.cutsNxdomain), true);
}

/** Null where there is no cache. */
export function readCacheFigures(memory: WebAssembly.Memory): CacheFigures | null {
  const header = headerOf(memory);
  if (header === null) return null;
  return { entries: header.getUint32(CACHE_ENTRIES, true), evictions: header.getFloat64(CACHE_EVICTIONS, true) };
}

function headerOf(memory: WebAssembly.Memory): DataView | null {
  const address = controlViews(memory).cache[0] ?? 0;
  return address === 0 ? null : cacheHeaderView(memory, address);
}
