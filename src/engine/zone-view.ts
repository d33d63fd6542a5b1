// The record set as DNS sees it: by folded owner name, whatever spellings and aliases lead there.

import { NOT_IPV4, parseIPv4, parseIp } from '../dns/ip-text.ts';
import { foldCase, hasUpperCase, isWithin } from '../dns/name.ts';
import type { RecordMap, RecordSet } from '../records/record-set.ts';

const NONE: readonly string[] = [];

function isUnderscored(name: string): boolean {
  return name.charCodeAt(0) === 0x5f;
}

function every(names: Iterable<string>, holds: (name: string) => boolean): boolean {
  for (const name of names) if (!holds(name)) return false;
  return true;
}

/** Whether the names of one map are all in another one, in the same order. */
function isInOrderOf(some: RecordMap, all: RecordMap): boolean {
  const names = some.keys();
  let next = names.next();
  for (const name of all.keys()) {
    if (next.done === true) return true;
    if (next.value === name) next = names.next();
  }
  return next.done === true;
}

/** How many names there are, about: empty non-terminals are not counted, several spellings each. */
export function sizeEstimate({ as, aaaas, srvs, aliases, ptrs }: RecordSet): number {
  return as.size + aaaas.size + srvs.size + aliases.size + ptrs.size;
}

type Values = readonly string[] | undefined;

/** What one name has, as derived; empty lists where it has none of a type. */
export interface NameRecords {
  readonly as: readonly string[];
  readonly aaaas: readonly string[];
  readonly srvs: readonly string[];
}

const NO_RECORDS: NameRecords = { as: NONE, aaaas: NONE, srvs: NONE };

export class ZoneView {
  #records: RecordSet;
  readonly #domain: string;
  /** Folded name to the other spellings under which it has records; few zones have any. */
  readonly #spellings = new Map<string, readonly string[]>();

  /** @param domain folded, with its final dot */
  constructor(records: RecordSet, domain: string) {
    this.#records = records;
    this.#domain = domain;
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

  /**
   * Calls back with every folded owner name in the domain that has records, and with these; with a name of several
   * spellings more than once. The records are one object, used again for the next name.
   */
  forEachName(use: (name: string, records: NameRecords) => void): void {
    const { as, aaaas, srvs, aliases } = this.#records;
    // Looking up what is not there costs as much as what is. Nearly all names are host names, which have no services,
    // and no alias: where that holds for the whole zone, it need not be asked of each name.
    const servicesAreUnderscored = every(srvs.keys(), isUnderscored);
    const aliasesStandAlone = every(aliases.keys(), (name) => !as.has(name) && !aaaas.has(name) && !srvs.has(name));
    const isPlain = this.#spellings.size === 0 && aliasesStandAlone;
    const records: { as: readonly string[]; aaaas: readonly string[]; srvs: readonly string[] } = { ...NO_RECORDS };
    const visit = (name: string, theirAs: Values, theirAaaas: Values, theirSrvs: Values) => {
      if (!isPlain) {
        const key = foldCase(name);
        if (isWithin(key, this.#domain)) use(key, this.recordsOf(key));
        return;
      }
      if (!isWithin(name, this.#domain)) return;
      records.as = theirAs ?? NONE;
      records.aaaas = theirAaaas ?? NONE;
      records.srvs = theirSrvs ?? NONE;
      use(name, records);
    };
    const mayHaveServices = (name: string) => !servicesAreUnderscored || isUnderscored(name);
    // Nor, for the same reason, is it asked of each name with IPv4 addresses whether it has others, where those that do
    // come in the same order in both maps.
    const ofBoth = isInOrderOf(aaaas, as) ? aaaas.entries() : null;
    let nextOfBoth = ofBoth?.next();
    let hostsMayHaveServices = false;
    for (const [name, list] of as) {
      const isService = mayHaveServices(name);
      hostsMayHaveServices ||= isService;
      let theirAaaas: readonly string[] | undefined;
      if (ofBoth === null) {
        theirAaaas = aaaas.get(name);
      } else if (nextOfBoth?.done === false && nextOfBoth.value[0] === name) {
        theirAaaas = nextOfBoth.value[1];
        nextOfBoth = ofBoth.next();
      }
      visit(name, list, theirAaaas, isService ? srvs.get(name) : undefined);
    }
    if (ofBoth === null) {
      for (const [name, list] of aaaas) {
        const isService = mayHaveServices(name);
        hostsMayHaveServices ||= isService;
        if (!as.has(name)) visit(name, undefined, list, isService ? srvs.get(name) : undefined);
      }
    }
    for (const [name, list] of srvs) {
      const isHost = hostsMayHaveServices && (as.has(name) || aaaas.has(name));
      if (!isHost) visit(name, undefined, undefined, list);
    }
    for (const name of aliases.keys()) {
      if (as.has(name) || aaaas.has(name) || srvs.has(name)) continue;
      const key = foldCase(name);
      if (isWithin(key, this.#domain)) use(key, this.recordsOf(key));
    }
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
    return this.#values(this.#records.as, name);
  }

  aaaas(name: string): readonly string[] {
    return this.#values(this.#records.aaaas, name);
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

/** The distinct values of some lists; the list itself where only one has any, so that bodies can be shared. */
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

/** The distinct IPv6 addresses that the values mean, in their one spelling; the list itself where there is but one. */
export function cleanIPv6s(values: readonly string[], odd: (value: string) => void): readonly string[] {
  const [only] = values;
  if (values.length === 1 && only !== undefined && parseIp(only)?.text === only && only.includes(':')) return values;
  return meant(values, 6, odd);
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
