// The cache as the forwarder's thread has it: it alone writes, through the core, in which every worker reads.

import { FLAG_AD, FLAG_CD, FLAG_RD } from '../dns/constants.ts';
import { KEY_AD, KEY_CD, KEY_DO, REFRESHES_HASHES, REFRESHES_MAX, ROUTE_SHIFT } from '../engine/contract.ts';
import type { CoreStream } from '../engine/core-answerer.ts';
import type { QueryCounts } from '../engine/query-counts.ts';
import type { ForwarderHooks, KnownAnswer, UpstreamReply } from '../forwarder/forwarder.ts';
import { buildUpstreamQuery, type ClientQuery, UPSTREAM_QUERY_MAX, writeUpstreamQuery } from '../forwarder/query.ts';

/** A query that refreshes an entry. */
export type AskAgain = (query: Uint8Array, route: number) => void;

/** How often entries in demand are looked for; the last second of a short TTL must not be missed. */
const REFRESH_INTERVAL_MS = 200;
/**
 * And where nothing was found in the cache for a while: who asks next for an entry that ends is answered all the same. An
 * empty cache is not looked at.
 */
const QUIET_INTERVAL_MS = 1000;
const QUIET_AFTER_MS = 10_000;
/** Entries refreshed at a time for each worker; what is beyond is reported again when it is asked for after its end. */
const REFRESHES_AT_ONCE = REFRESHES_MAX / 2;

export class ReplyCache {
  readonly #core: CoreStream;
  readonly #counts: Pick<QueryCounts, 'countStale'>;
  readonly #read: number[];
  readonly #query = new Uint8Array(UPSTREAM_QUERY_MAX);
  /** null: nobody is to be asked. */
  #ask: AskAgain | null = null;
  #timer: NodeJS.Timeout | undefined;
  #hits = 0;
  #hitAtMs = Number.NEGATIVE_INFINITY;
  #isRefreshing = false;
  /** Entries asked for again before their end, since start. */
  prefetches = 0;

  /** Empties the cache: what a thread that ended has left behind may be half written. */
  constructor(core: CoreStream, counts: Pick<QueryCounts, 'countStale'>) {
    this.#core = core;
    this.#counts = counts;
    core.exports.flushCache();
    this.#read = core.refreshes.map(({ written }) => Atomics.load(written, 0));
  }

  get hooks(): ForwarderHooks {
    return {
      lookup: (query, route) => (this.#isRefreshing ? null : this.#find(query, route, false)),
      onReply: (reply) => this.#store(reply),
      stale: (query, route) => this.#find(query, route, true),
    };
  }

  /** Has entries in demand asked for again from now on. */
  start(ask: AskAgain): void {
    this.#ask = ask;
    this.#lookLater();
  }

  #lookLater(): void {
    const ask = this.#ask;
    if (ask === null || this.#timer !== undefined || (this.#core.cacheFigures()?.entries ?? 0) === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.refresh(ask);
      this.#lookLater();
    }, this.#interval());
    this.#timer.unref();
  }

  /** Entries are reported when they are found. */
  #interval(): number {
    const now = performance.now();
    const hits = this.#core.cacheHits();
    if (hits !== this.#hits) this.#hitAtMs = now;
    this.#hits = hits;
    return now - this.#hitAtMs > QUIET_AFTER_MS ? QUIET_INTERVAL_MS : REFRESH_INTERVAL_MS;
  }

  close(): void {
    this.#ask = null;
    clearTimeout(this.#timer);
  }

  /** Forgets everything, or what is known of a name and those below it. @param question the name, as in a question of type A */
  flush(question: Uint8Array | null): number {
    if (question !== null) {
      const length = this.#core.put(buildUpstreamQuery({ flags: FLAG_RD, question }));
      return this.#core.exports.flushName(this.#core.worker, length);
    }
    const entries = this.#core.cacheFigures()?.entries ?? 0;
    this.#core.exports.flushCache();
    return entries;
  }

  refresh(ask: AskAgain): void {
    for (const [i, { address, written }] of this.#core.refreshes.entries()) {
      const end = Atomics.load(written, 0);
      let at = this.#read[i] ?? end;
      if (at === end) continue;
      if ((end - at) >>> 0 > REFRESHES_AT_ONCE) at = (end - REFRESHES_AT_ONCE) >>> 0;
      for (; at !== end; at = (at + 1) >>> 0) {
        if (this.#core.exports.askAgain(this.#core.worker, address + REFRESHES_HASHES + (at % REFRESHES_MAX) * 8) === 0)
          continue;
        const { message, verdict } = this.#core.take();
        this.prefetches += 1;
        // The forwarder looks for a known answer before the call returns.
        this.#isRefreshing = true;
        ask(message, verdict >>> ROUTE_SHIFT);
        this.#isRefreshing = false;
      }
      this.#read[i] = end;
    }
  }

  #store({ query, message, layout }: UpstreamReply): void {
    if ((query.flags & FLAG_RD) === 0) return;
    const length = this.#core.put(message.subarray(0, layout.end));
    this.#core.exports.storeReply(this.#core.worker, length, keyOptions(query));
    this.#lookLater();
  }

  #find(query: ClientQuery, route: number, isLastResort: boolean): KnownAnswer | null {
    const length = writeUpstreamQuery(this.#query, query);
    this.#core.put(this.#query);
    const found = this.#core.exports.findReply(this.#core.worker, length, route, Number(isLastResort));
    if (found === 0) return null;
    if (found < 0) this.#counts.countStale();
    return { message: this.#core.copy(found & 0x7fffffff), isStale: found < 0 };
  }
}

/** As keyOptions() in the core. */
function keyOptions({ flags, opt }: ClientQuery): number {
  const checking = (flags & FLAG_CD) === 0 ? 0 : KEY_CD;
  if (opt?.dnssecOk === true) return checking | KEY_DO;
  return (flags & FLAG_AD) === 0 ? checking : checking | KEY_AD;
}
