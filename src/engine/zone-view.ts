// The record set as DNS sees it: by folded owner name, whatever spellings and aliases lead there.

import { isIPv6, NOT_IPV4, parseIPv4, parseIp } from '../dns/ip-text.ts';
import { foldCase, hasUpperCase } from '../dns/name.ts';
import type { RecordMap, RecordSet, RecordsApart } from '../records/record-set.ts';
import { type NameRecords, NameWalk } from './name-walk.ts';

const NONE: readonly string[] = [];

/** How many names there are, about: empty non-terminals are not counted, several spellings each. */
export function sizeEstimate(records: RecordSet): number {
  const { as, aaaas } = records.apart ?? records;
  const ownCount = records.apart?.own.names.length ?? 0;
  return as.size + aaaas.size + ownCount + records.srvs.size + records.aliases.size + records.ptrs.size;
}

export class ZoneView {
  #records: RecordSet;
  /** Null where addresses are looked up among those of all names. */
  #apart: RecordsApart | null;
  readonly #domain: string;
  /** Folded name to the other spellings under which it has records; few zones have any. */
  readonly #spellings = new Map<string, readonly string[]>();

  /**
   * @param domain folded, with its final dot
   * @param isFolded no name has capital letters
   * @param apart canonical names are left to the walk, where the records have them apart
   */
  constructor(records: RecordSet, domain: string, isFolded: boolean, apart = false) {
    this.#records = records;
    this.#apart = apart && isFolded ? (records.apart ?? null) : null;
    this.#domain = domain;
    if (isFolded) return;
    for (const map of [records.as, records.aaaas, records.srvs]) {
      for (const name of map.keys()) if (hasUpperCase(name)) this.#addSpelling(name);
    }
  }

  /** Goes over to a newer record set; noteName() is told of every name in which it differs. */
  take(records: RecordSet): void {
    this.#records = records;
  }

  /** Learns of a name that may have been added since. @returns the folded name */
  noteName(name: string): string {
    if (!hasUpperCase(name)) return name;
    this.#addSpelling(name);
    return foldCase(name);
  }

  /** Whether no name is known to have capital letters. */
  get isFolded(): boolean {
    return this.#spellings.size === 0;
  }

  /** Every name, in the order in which a table is built. */
  names(): NameWalk {
    return new NameWalk(this, this.#records, this.#apart, this.#domain, this.isFolded);
  }

  /** From now on, addresses are looked up among those of all names. */
  putTogether(): void {
    this.#apart = null;
  }

  get hasAliases(): boolean {
    return this.#records.aliases.size > 0;
  }

  /** Reverse names and what they point to, as derived. */
  get pointers(): ReadonlyMap<string, string> {
    return this.#records.ptrs;
  }

  /** What a folded name answers with. */
  recordsOf(name: string): NameRecords {
    const { aliases } = this.#records;
    const names = aliases.size === 0 ? undefined : aliases.get(name);
    if (names === undefined) return { as: this.as(name), aaaas: this.aaaas(name), srvs: this.srvs(name) };
    const sources = [name, ...names.map(foldCase)];
    return {
      as: union(sources.map((source) => this.as(source))),
      aaaas: union(sources.map((source) => this.aaaas(source))),
      srvs: union(sources.map((source) => this.srvs(source))),
    };
  }

  as(name: string): readonly string[] {
    return this.#values((this.#apart ?? this.#records).as, name);
  }

  aaaas(name: string): readonly string[] {
    return this.#values((this.#apart ?? this.#records).aaaas, name);
  }

  srvs(name: string): readonly string[] {
    return this.#values(this.#records.srvs, name);
  }

  #values(map: RecordMap, name: string): readonly string[] {
    if (this.#spellings.size === 0) return map.get(name) ?? NONE;
    const spellings = this.#spellings.get(name);
    if (spellings === undefined) return map.get(name) ?? NONE;
    return union([name, ...spellings].map((spelling) => map.get(spelling) ?? NONE));
  }

  #addSpelling(spelling: string): void {
    const name = foldCase(spelling);
    const known = this.#spellings.get(name) ?? [];
    if (!known.includes(spelling)) this.#spellings.set(name, [...known, spelling]);
  }
}

/** The distinct values of some lists. Of lists that are empty but for one, that one itself: names share the body of a list. */
function union(lists: readonly (readonly string[])[]): readonly string[] {
  const filled = lists.filter((list) => list.length > 0);
  if (filled.length < 2) return filled[0] ?? NONE;
  return [...new Set(filled.flat())];
}

/**
 * The list itself where each value is an IPv4 address in its one spelling, which is the rule; else the distinct addresses
 * that it means. What is no IPv4 address goes to `odd`.
 */
export function cleanIPv4s(values: readonly string[], odd: (value: string) => void): readonly string[] {
  for (const value of values) if (parseIPv4(value) === NOT_IPV4) return meant(values, 4, odd);
  return values;
}

/**
 * The distinct IPv6 addresses that the values mean: the list itself where there is but one value, however it is spelled, else
 * in their one spelling. What is no IPv6 address goes to `odd`.
 */
export function cleanIPv6s(values: readonly string[], odd: (value: string) => void): readonly string[] {
  return values.length === 1 && isIPv6(values[0] ?? '') ? values : meant(values, 6, odd);
}

/** Records of masters keep the spelling of the state document, `::ffff:10.0.0.1` included. */
function meant(values: readonly string[], family: 4 | 6, odd: (value: string) => void): readonly string[] {
  const texts = new Set<string>();
  for (const value of values) {
    const address = parseIp(value);
    if (address?.family === family) texts.add(address.text);
    else odd(value);
  }
  return [...texts];
}
