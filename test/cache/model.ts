// The cache as a map: what it may tell, by its documented rules, without regard to how much it holds.

import type { CacheSettings } from '../../src/engine/cache-settings.ts';

export const DO = 1;
export const CD = 2;
export const AD = 4;
const RECHECK_SECONDS = 30;
const STALE_TTL = 30;

export interface Question {
  readonly name: string;
  readonly type: string;
  /** Of DO, CD, AD; AD never beside DO. */
  readonly options: number;
}

/** An answer of an upstream. Its version tells it from all others. */
export interface Told {
  readonly version: number;
  readonly kind: 'records' | 'nodata' | 'nxdomain';
  /** Of the records, or of the SOA alone. */
  readonly ttls: readonly number[];
  /** Of the SOA. */
  readonly minimum: number;
}

interface Entry {
  readonly version: number;
  readonly ttls: readonly number[];
  readonly stored: number;
  readonly end: number;
  recheck: number;
}

/** What may be told: the version, and its TTLs. */
export interface Candidate {
  readonly version: number;
  readonly ttls: readonly number[];
  readonly isStale: boolean;
}

type Wanted = 'fresh' | 'rechecked' | 'stale';

export class CacheModel {
  readonly #settings: CacheSettings;
  /** The zone with resolvers of its own. */
  readonly #zone: string;
  readonly #entries = new Map<string, Entry>();

  constructor(settings: CacheSettings, zone: string) {
    this.#settings = settings;
    this.#zone = zone;
  }

  store({ name, type, options }: Question, told: Told, now: number): void {
    const { minTtlSeconds, maxTtlSeconds, maxNegativeTtlSeconds } = this.#settings;
    const raised = (ttl: number) => Math.max(ttl, minTtlSeconds);
    const ttls = told.ttls.map((ttl) => Math.min(raised(ttl), maxTtlSeconds));
    const isDenial = told.kind !== 'records';
    const limits = isDenial ? [raised(told.minimum), maxNegativeTtlSeconds] : [];
    const ttl = Math.min(...ttls, maxTtlSeconds, ...limits);
    if (ttl === 0) return;
    const entry = {
      version: told.version,
      ttls: isDenial ? ttls.map((each) => Math.min(each, ttl)) : ttls,
      stored: now,
      end: now + ttl,
      recheck: 0,
    };
    const ofType = keyOf(name, type, options);
    const ofName = keyOf(name, '', options);
    const [kept, dropped] = told.kind === 'nxdomain' ? [ofName, ofType] : [ofType, ofName];
    this.#entries.set(kept, entry);
    this.#entries.delete(dropped);
  }

  /** What may be told, the best first; what comes later only where what is before it was lost. */
  candidates(question: Question, now: number, isLastResort: boolean): readonly Candidate[] {
    const { name, type, options } = question;
    const own = [keyOf(name, type, options), keyOf(name, '', options)];
    const cuts = this.#settings.cutsNxdomain && (options & DO) === 0 ? this.#namesAbove(name) : [];
    const above = cuts.map((cut) => keyOf(cut, '', options));
    return [
      ...[...own, ...above].flatMap((key) => this.#find(key, now, 'fresh')),
      ...own.flatMap((key) => this.#find(key, now, isLastResort ? 'stale' : 'rechecked')),
    ];
  }

  /** The answer was told though out of date, because no upstream answers. */
  noteStale(version: number, now: number): void {
    for (const entry of this.#entries.values()) if (entry.version === version) entry.recheck = now + RECHECK_SECONDS;
  }

  /** @returns the number of answers that are forgotten */
  flush(name: string | null): number {
    const before = this.#entries.size;
    for (const key of this.#entries.keys()) {
      const [owner = ''] = key.split(' ');
      if (name === null || owner === name || owner.endsWith(`.${name}`)) this.#entries.delete(key);
    }
    return before - this.#entries.size;
  }

  #find(key: string, now: number, wanted: Wanted): readonly Candidate[] {
    const entry = this.#entries.get(key);
    if (entry === undefined) return [];
    const { version, ttls, stored, end, recheck } = entry;
    if (now < end) return [{ version, ttls: ttls.map((ttl) => ttl - (now - stored)), isStale: false }];
    if (wanted === 'fresh' || now - end >= this.#settings.maxStaleSeconds) return [];
    if (wanted === 'rechecked' && now >= recheck) return [];
    return [{ version, ttls: ttls.map(() => STALE_TTL), isStale: true }];
  }

  /** From the nearest one on; a name in the zone has none above the zone. */
  #namesAbove(name: string): readonly string[] {
    const labels = name.split('.');
    const isInZone = name === this.#zone || name.endsWith(`.${this.#zone}`);
    const least = isInZone ? this.#zone.split('.').length : 1;
    const names: string[] = [];
    for (let i = 1; i + least <= labels.length; i += 1) names.push(labels.slice(i).join('.'));
    return names;
  }
}

/** @param type '' for the name as a whole */
function keyOf(name: string, type: string, options: number): string {
  return `${name} ${type} ${options}`;
}
