// The addresses of host names as the system's resolver knows them (`/etc/hosts` included), cached, so that deriving
// records can ask synchronously and a slow or dead resolver never holds up the zone.

import { lookup as systemLookup } from 'node:dns/promises';
import { canonicalIp } from '../dns/ip-text.ts';
import { type Lookup, LookupQueue } from './lookup-queue.ts';

/** A name without addresses is asked for again after this long. */
const NEGATIVE_MS = 30_000;
/** A name with addresses is asked for again after this long; the old addresses stay meanwhile. */
const POSITIVE_MS = 300_000;
/** How often names are looked through for those two. */
const SWEEP_MS = 10_000;
/** Names that so many calls of `resolve` in a row did not mention are forgotten. */
const UNUSED_ROUNDS = 10;
/** Late answers within this time are reported by one call of `onChange`. */
const REPORT_DELAY_MS = 100;
const PARALLEL = 2;

export interface HostAddressesOptions {
  /** Called when addresses changed after `resolve` had returned, at most every 100 ms: derive the zone again. */
  readonly onChange?: () => void;
  /** Instead of the system's resolver. */
  readonly lookup?: Lookup;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

interface Entry {
  /** Canonical texts, distinct, in the resolver's order; empty: unknown or no such host. */
  addresses: readonly string[];
  /** When the resolver last answered or failed; null: never. */
  answeredAtMs: number | null;
  /** Whether that was a failure. */
  failed: boolean;
  /** The last call of `resolve` that mentioned it. */
  usedInRound: number;
  /** Calls of `resolve` that wait for the first answer. */
  readonly waiting: Set<() => void>;
}

export class HostAddresses {
  readonly #entries = new Map<string, Entry>();
  readonly #queue: LookupQueue;
  readonly #onChange: () => void;
  readonly #now: () => number;
  readonly #sweeper: NodeJS.Timeout;
  #report: NodeJS.Timeout | null = null;
  #round = 0;

  constructor(options: HostAddressesOptions = {}) {
    this.#onChange = options.onChange ?? (() => undefined);
    this.#now = options.now ?? (() => performance.now());
    this.#queue = new LookupQueue({
      lookup: options.lookup ?? askSystem,
      parallel: PARALLEL,
      onResult: (host, addresses) => this.#store(host, addresses),
    });
    this.#sweeper = setInterval(() => this.#refreshOld(), SWEEP_MS).unref();
  }

  /**
   * Makes every host known that the zone needs: resolves once each has an answer, be it that there is no such host, and
   * after `waitMs` at the latest. Call it with all hosts of a state; those that later calls leave out are forgotten in time.
   *
   * @param waitMs milliseconds, 0: start the look-ups and return at once.
   */
  async resolve(hosts: Iterable<string>, { waitMs }: { readonly waitMs: number }): Promise<void> {
    this.#round += 1;
    const unanswered = new Set<Entry>();
    for (const host of hosts) {
      const name = lookupName(host);
      if (name === null) continue;
      const entry = this.#use(name);
      if (entry.answeredAtMs === null) unanswered.add(entry);
    }
    this.#forgetUnused();
    this.#refreshOld();
    if (unanswered.size > 0 && waitMs > 0) await firstAnswers(unanswered, waitMs);
  }

  /** Takes over what was known before a restart; the system's resolver is asked all the same, and counts once it answers. */
  learn(hosts: Readonly<Record<string, readonly string[]>>): void {
    for (const [host, addresses] of Object.entries(hosts)) {
      const name = lookupName(host);
      if (name !== null) this.#use(name).addresses = canonicalAddresses(addresses);
    }
  }

  /** The addresses known now. An IP literal is itself (IPv4-mapped: the IPv4 address); empty: none known. */
  lookup(host: string): readonly string[] {
    const literal = canonicalIp(host);
    if (literal !== null) return [literal];
    return this.#entries.get(host.toLowerCase())?.addresses ?? [];
  }

  close(): void {
    this.#queue.close();
    clearInterval(this.#sweeper);
    if (this.#report !== null) clearTimeout(this.#report);
    for (const entry of this.#entries.values()) for (const done of entry.waiting) done();
  }

  #use(name: string): Entry {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = { addresses: [], answeredAtMs: null, failed: false, usedInRound: 0, waiting: new Set() };
      this.#entries.set(name, entry);
      this.#queue.ask(name, 'urgent');
    }
    entry.usedInRound = this.#round;
    return entry;
  }

  #forgetUnused(): void {
    for (const [name, entry] of this.#entries) {
      if (this.#round - entry.usedInRound < UNUSED_ROUNDS) continue;
      this.#entries.delete(name);
      this.#queue.withdraw(name);
    }
  }

  #refreshOld(): void {
    const now = this.#now();
    for (const [name, entry] of this.#entries) {
      if (entry.answeredAtMs === null || entry.usedInRound !== this.#round) continue;
      if (now - entry.answeredAtMs >= (entry.failed ? NEGATIVE_MS : POSITIVE_MS)) this.#queue.ask(name, 'background');
    }
  }

  #store(name: string, answer: readonly string[] | null): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const found = answer === null ? [] : canonicalAddresses(answer);
    entry.answeredAtMs = this.#now();
    entry.failed = found.length === 0;
    // A failure says nothing about the host: a dead resolver must not empty the zone. And a resolver that only turns the
    // order of the addresses has said nothing new.
    const changed = found.length > 0 && !sameSet(found, entry.addresses);
    if (changed) entry.addresses = found;
    if (entry.waiting.size === 0) {
      if (changed) this.#reportLater();
    } else {
      for (const done of entry.waiting) done();
      entry.waiting.clear();
    }
  }

  #reportLater(): void {
    this.#report ??= setTimeout(() => {
      this.#report = null;
      this.#onChange();
    }, REPORT_DELAY_MS);
  }
}

/** Resolves once every entry has its first answer, or after `waitMs`. */
async function firstAnswers(entries: ReadonlySet<Entry>, waitMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    let left = entries.size;
    const answered = () => {
      left -= 1;
      if (left === 0) finish();
    };
    const finish = () => {
      clearTimeout(timer);
      for (const entry of entries) entry.waiting.delete(answered);
      resolve();
    };
    const timer = setTimeout(finish, waitMs);
    for (const entry of entries) entry.waiting.add(answered);
  });
}

/** The name to ask the resolver for; null where it need not, or must not, be asked. */
function lookupName(host: string): string | null {
  if (canonicalIp(host) !== null) return null;
  if (host.length > 254 || !/^[a-z0-9._-]+$/i.test(host)) return null;
  // getaddrinfo reads `10.1` and `0x7f000001` as addresses in an ancient notation; no top-level domain is a number.
  if (/(^|\.)(\d+|0x[0-9a-f]*)\.?$/i.test(host)) return null;
  return host.toLowerCase();
}

function canonicalAddresses(addresses: readonly string[]): string[] {
  const canonical = addresses.map(canonicalIp).filter((address) => address !== null);
  return [...new Set(canonical)];
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((address) => other.includes(address));
}

async function askSystem(host: string): Promise<readonly string[]> {
  const answers = await systemLookup(host, { all: true, order: 'verbatim' });
  return answers.map((answer) => answer.address);
}
