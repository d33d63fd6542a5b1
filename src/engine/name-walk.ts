// Every owner name of a zone with its records, once where that is possible, and with as few look-ups as possible: looking up
// what is not there costs as much as what is.

import { foldCase, hasUpperCase, isWithin } from '../dns/name.ts';
import type { RecordSet, RecordsApart } from '../records/record-set.ts';

const NONE: readonly string[] = [];

/** What one name has, as derived; empty lists where it has none of a type. */
export interface NameRecords {
  readonly as: readonly string[];
  readonly aaaas: readonly string[];
  readonly srvs: readonly string[];
}

/**
 * Takes a folded owner name in the domain; one that is not folded where the walk was told that all are.
 * The records are one object, used again for the next name.
 */
export type UseName = (name: string, records: NameRecords) => void;

type Values = readonly string[] | undefined;

/** Thrown where a canonical name may have other records beside its own, so that it is to be looked up after all. */
export class NotOwnError extends Error {}

/**
 * hosts(), own(), services() and aliases() together come to every name that has records, nearly always once; they are called in
 * this order. Whoever is told of a name once more is told all that it has, but for own().
 */
export class NameWalk {
  readonly #zone: { recordsOf(name: string): NameRecords };
  readonly #source: RecordSet;
  readonly #apart: RecordsApart | null;
  readonly #domain: string;
  readonly #isFolded: boolean;
  /** Each name has exactly the records that stand under it as it is. */
  readonly isPlain: boolean;
  /** Whether a name that looks like a service has addresses. */
  #servicesMayBeHosts = false;
  readonly #records: { as: readonly string[]; aaaas: readonly string[]; srvs: readonly string[] } = {
    as: NONE,
    aaaas: NONE,
    srvs: NONE,
  };

  /**
   * @param apart of the source, null where all its names are looked up
   * @param isFolded no name has capital letters, as far as is known
   */
  constructor(
    zone: { recordsOf(name: string): NameRecords },
    source: RecordSet,
    apart: RecordsApart | null,
    domain: string,
    isFolded: boolean,
  ) {
    this.#zone = zone;
    this.#source = source;
    this.#apart = apart;
    this.#domain = domain;
    this.#isFolded = isFolded;
    this.isPlain = isFolded && every(source.aliases.keys(), (name) => !this.#hasRecords(name));
  }

  /** Names with addresses, but for those that come with own(). */
  hosts(use: UseName): void {
    const { as, aaaas } = this.#apart ?? this.#source;
    // Names with both mostly come in the same order in both maps.
    const others = aaaas.entries();
    let other = others.next();
    for (const [name, list] of as) {
      let theirAaaas: Values;
      if (other.done !== true && other.value[0] === name) {
        theirAaaas = other.value[1];
        other = others.next();
      }
      this.#visit(use, name, list, theirAaaas, this.#servicesOfHost(name));
    }
    for (; other.done !== true; other = others.next()) {
      const [name, list] = other.value;
      this.#visit(use, name, as.get(name), list, this.#servicesOfHost(name));
    }
  }

  /**
   * Canonical names with addresses, where the source has them apart. Throws NotOwnError where one may have services; whether one
   * has come before is for the user to see.
   */
  own(use: UseName): void {
    if (this.#apart === null) return;
    const { names, addresses } = this.#apart.own;
    for (const [i, name] of names.entries()) {
      const set = addresses[i];
      if (set === undefined || set.ipv4.length + set.ipv6.length === 0) continue;
      if (isUnderscored(name)) throw new NotOwnError();
      this.#visit(use, name, set.ipv4, set.ipv6, undefined);
    }
  }

  /** Names with services. */
  services(use: UseName): void {
    const source = this.#source;
    for (const [name, list] of source.srvs) {
      if (!isUnderscored(name)) this.#visit(use, name, source.as.get(name), source.aaaas.get(name), list);
      else if (!this.#servicesMayBeHosts || !(source.as.has(name) || source.aaaas.has(name))) {
        this.#visit(use, name, undefined, undefined, list);
      }
    }
  }

  /** Names that have only what others have. */
  aliases(use: UseName): void {
    const { as, aaaas } = this.#apart ?? this.#source;
    for (const [name, [first, ...others]] of this.#source.aliases) {
      if (!this.isPlain || first === undefined || others.length > 0) {
        if (!this.#hasRecords(name)) this.#visitOther(use, name);
      } else if (!isUnderscored(first)) {
        this.#visit(use, name, as.get(first), aaaas.get(first), this.#source.srvs.get(first));
      } else if (this.#servicesMayBeHosts) {
        this.#visitOther(use, name);
      } else {
        this.#visit(use, name, undefined, undefined, this.#source.srvs.get(first));
      }
    }
  }

  /** Whether a name that no canonical name is equal to has records of its own. */
  #hasRecords(name: string): boolean {
    const { as, aaaas } = this.#apart ?? this.#source;
    return as.has(name) || aaaas.has(name) || this.#source.srvs.has(name);
  }

  /** Host names that do not look like services mostly are none; services() comes to the others. */
  #servicesOfHost(name: string): Values {
    if (!isUnderscored(name)) return undefined;
    this.#servicesMayBeHosts = true;
    return this.#source.srvs.get(name);
  }

  #visit(use: UseName, name: string, as: Values, aaaas: Values, srvs: Values): void {
    if (!this.isPlain && !(this.#isFolded && hasUpperCase(name))) {
      this.#visitOther(use, name);
      return;
    }
    // One with capital letters may be in the domain after all.
    if (!isWithin(name, this.#domain) && !hasUpperCase(name)) return;
    const records = this.#records;
    records.as = as ?? NONE;
    records.aaaas = aaaas ?? NONE;
    records.srvs = srvs ?? NONE;
    use(name, records);
  }

  #visitOther(use: UseName, name: string): void {
    const key = foldCase(name);
    if (isWithin(key, this.#domain)) use(key, this.#zone.recordsOf(key));
  }
}

function isUnderscored(name: string): boolean {
  return name.charCodeAt(0) === 0x5f;
}

function every(names: Iterable<string>, holds: (name: string) => boolean): boolean {
  for (const name of names) if (!holds(name)) return false;
  return true;
}
