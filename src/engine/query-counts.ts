// What the workers have counted: the host's share of counting, and all counts read together. See layout.ts.

import {
  COUNT_CACHE_DENIAL,
  COUNT_CACHE_MISSES,
  COUNT_CACHE_STALE,
  COUNT_CACHE_SUCCESS,
  COUNT_CORE_FAILURES,
  COUNT_DROPPED,
  COUNT_DURATION,
  COUNT_FORWARDED,
  COUNT_META_FIRST,
  COUNT_PROHIBITED,
  COUNT_RATE_DROPPED,
  COUNT_RATE_SLIPPED,
  COUNT_RCODES,
  COUNT_REQUEST_SIZE,
  COUNT_REQUESTS,
  COUNT_RESPONSE_SIZE,
  COUNT_RESPONSES,
  COUNT_TRUNCATED,
  COUNT_TYPE_MAX,
  COUNT_TYPES,
  COUNTS,
  DURATION_BUCKETS,
  DURATION_FIRST,
  SIZE_BUCKETS,
  SIZE_FIRST,
} from './contract.ts';

export type Transport = 'udp' | 'tcp';

const TRANSPORTS = ['udp', 'tcp'] as const satisfies Transport[];
const FAMILIES = ['1', '2'] as const;

/** What a thread counts that serves queries, beside the core; both write into the thread's own block. */
export class QueryCounts {
  readonly #counts: Float64Array;

  /** @param counts of WorkerViews */
  constructor(counts: Float64Array) {
    this.#counts = counts;
  }

  /** Queries that took so long from their receipt to their answer. */
  countDuration(transport: Transport, queries: number, seconds: number): void {
    const histogram = COUNT_DURATION + TRANSPORTS.indexOf(transport) * (DURATION_BUCKETS + 1);
    let bucket = 0;
    for (let bound = DURATION_FIRST; bound < seconds && bucket < DURATION_BUCKETS - 1; bound *= 2) bucket += 1;
    this.#add(histogram + bucket, queries);
    this.#add(histogram + DURATION_BUCKETS, queries * seconds);
  }

  /** A question that the cache answered, but out of date, after the core had not found it. */
  countStale(): void {
    this.#add(COUNT_CACHE_STALE, 1);
  }

  /** The core has failed, on a query or in looking ahead. */
  countCoreFailure(): void {
    this.#add(COUNT_CORE_FAILURES, 1);
  }

  /** An answer that the core did not write. */
  countAnswer(transport: Transport, message: Uint8Array): void {
    const flags = message[2] ?? 0;
    const codes = message[3] ?? 0;
    this.#add(COUNT_RESPONSES + (codes & 0x0f), 1);
    if ((flags & 0x02) !== 0) this.#add(COUNT_TRUNCATED, 1);
    const histogram = COUNT_RESPONSE_SIZE + TRANSPORTS.indexOf(transport) * (SIZE_BUCKETS + 1);
    let bucket = 0;
    for (let bound = SIZE_FIRST; bound < message.length && bucket < SIZE_BUCKETS - 1; bound *= 2) bucket += 1;
    this.#add(histogram + bucket, 1);
    this.#add(histogram + SIZE_BUCKETS, message.length);
  }

  #add(index: number, by: number): void {
    this.#counts[index] = (this.#counts[index] ?? 0) + by;
  }
}

export interface HistogramTotals {
  /** The upper bound of each bucket but the last one, which has none. */
  readonly bounds: readonly number[];
  /** Values in each bucket, the last one included. */
  readonly buckets: readonly number[];
  readonly sum: number;
}

/** Of all workers since start. */
export interface QueryTotals {
  /** Those above 0. `type` is its number; 0 stands for all that are not counted one by one. */
  readonly requests: readonly {
    readonly transport: Transport;
    readonly family: (typeof FAMILIES)[number];
    readonly type: number;
    readonly count: number;
  }[];
  /** By response code, those above 0. */
  readonly responses: readonly { readonly rcode: number; readonly count: number }[];
  readonly truncated: number;
  readonly dropped: number;
  readonly forwarded: number;
  /** Answers that response rate limiting held back, and those that it replaced by an empty one. */
  readonly rateDropped: number;
  readonly rateSlipped: number;
  /** Would be forwarded, but for where they come from. */
  readonly prohibited: number;
  /** Times that the core has failed. */
  readonly coreFailures: number;
  readonly cache: {
    readonly success: number;
    readonly denial: number;
    readonly stale: number;
    readonly misses: number;
  };
  readonly requestSize: Readonly<Record<Transport, HistogramTotals>>;
  readonly responseSize: Readonly<Record<Transport, HistogramTotals>>;
  readonly duration: Readonly<Record<Transport, HistogramTotals>>;
}

/** Questions that one worker has answered from the cache, in time or out of date. */
export function cacheHitsOf(counts: Float64Array): number {
  return (counts[COUNT_CACHE_SUCCESS] ?? 0) + (counts[COUNT_CACHE_DENIAL] ?? 0) + (counts[COUNT_CACHE_STALE] ?? 0);
}

/** @param counts of all workers */
export function totalsOf(counts: readonly Float64Array[]): QueryTotals {
  const sums = Array.from({ length: COUNTS }, (_, i) => counts.reduce((sum, each) => sum + (each[i] ?? 0), 0));
  const at = (index: number) => sums[index] ?? 0;
  const histograms = (first: number, bucketCount: number, firstBound: number) => {
    const of = (transport: number): HistogramTotals => {
      const start = first + transport * (bucketCount + 1);
      return {
        bounds: Array.from({ length: bucketCount - 1 }, (_, i) => firstBound * 2 ** i),
        buckets: sums.slice(start, start + bucketCount),
        sum: at(start + bucketCount),
      };
    };
    return { udp: of(0), tcp: of(1) };
  };
  const requests = TRANSPORTS.flatMap((transport, t) =>
    FAMILIES.flatMap((family, f) =>
      Array.from({ length: COUNT_TYPES }, (_, index) => ({
        transport,
        family,
        type: index <= COUNT_TYPE_MAX ? index : index - COUNT_TYPE_MAX - 1 + COUNT_META_FIRST,
        count: at(COUNT_REQUESTS + (t * 2 + f) * COUNT_TYPES + index),
      })),
    ),
  );
  const responses = Array.from({ length: COUNT_RCODES }, (_, rcode) => ({ rcode, count: at(COUNT_RESPONSES + rcode) }));
  return {
    requests: requests.filter(({ count }) => count > 0),
    responses: responses.filter(({ count }) => count > 0),
    truncated: at(COUNT_TRUNCATED),
    dropped: at(COUNT_DROPPED),
    forwarded: at(COUNT_FORWARDED),
    rateDropped: at(COUNT_RATE_DROPPED),
    rateSlipped: at(COUNT_RATE_SLIPPED),
    prohibited: at(COUNT_PROHIBITED),
    coreFailures: at(COUNT_CORE_FAILURES),
    cache: {
      success: at(COUNT_CACHE_SUCCESS),
      denial: at(COUNT_CACHE_DENIAL),
      stale: at(COUNT_CACHE_STALE),
      misses: at(COUNT_CACHE_MISSES),
    },
    requestSize: histograms(COUNT_REQUEST_SIZE, SIZE_BUCKETS, SIZE_FIRST),
    responseSize: histograms(COUNT_RESPONSE_SIZE, SIZE_BUCKETS, SIZE_FIRST),
    duration: histograms(COUNT_DURATION, DURATION_BUCKETS, DURATION_FIRST),
  };
}
