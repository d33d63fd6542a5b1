// Every owner name of a zone with its records, once where that is possible, and with as few look-ups as possible: looking up
// what is not there costs as much as what is.

import { foldCase, isWithin } from '../dns/name.ts';
import type { RecordMap, RecordSet } from '../records/record-set.ts';

const NONE: readonly string[] = [];

/** What one name has, as derived; empty lists where it has none of a type. */
export interface NameRecords {
  readonly as: readonly string[];
  readonly aaaas: readonly string[];
  readonly srvs: readonly string[];
}

/** Takes a folded owner name in the domain. The records are one object, used again for the next name. */
export type UseName = (name: string, records: NameRecords) => void;

type Values = readonly string[] | undefined;

/** hosts(), services() and aliases() together come to every name that has records; they are called in this order. */
export class NameWalk {
  readonly #zone: { recordsOf(name: string): NameRecords };
  readonly #source: RecordSet;
  readonly #domain: string;
  /** Each name has exactly the records that stand under it as it is. */
  readonly isPlain: boolean;
  /** Nearly all names are host names, which have no services: where that holds for all, it need not be asked of each. */
  readonly #servicesAreUnderscored: boolean;
  #hostsMayHaveServices = false;
  readonly #records: { as: readonly string[]; aaaas: readonly string[]; srvs: readonly string[] } = {
    as: NONE,
    aaaas: NONE,
    srvs: NONE,
  };

  /** @param isFolded no name has capital letters */
  constructor(zone: { recordsOf(name: string): NameRecords }, source: RecordSet, domain: string, isFolded: boolean) {
    const { as, aaaas, srvs, aliases } = source;
    this.#zone = zone;
    this.#source = source;
    this.#domain = domain;
    this.#servicesAreUnderscored = every(srvs.keys(), isUnderscored);
    // Nor is it asked of each name whether it is an alias, where none of these has records of its own.
    this.isPlain = isFolded && every(aliases.keys(), (name) => !as.has(name) && !aaaas.has(name) && !srvs.has(name));
  }

  /** Names with addresses; where there are several spellings of a name, each time all that it has. */
  hosts(use: UseName): void {
    const { as, aaaas, srvs } = this.#source;
    // Names with IPv4 addresses that have others, too, mostly come in the same order in both maps.
    const ofBoth = isInOrderOf(aaaas, as) ? aaaas.entries() : null;
    let nextOfBoth = ofBoth?.next();
    for (const [name, list] of as) {
      const isService = this.#mayHaveServices(name);
      this.#hostsMayHaveServices ||= isService;
      let theirAaaas: Values;
      if (ofBoth === null) {
        theirAaaas = aaaas.get(name);
      } else if (nextOfBoth?.done === false && nextOfBoth.value[0] === name) {
        theirAaaas = nextOfBoth.value[1];
        nextOfBoth = ofBoth.next();
      }
      this.#visit(use, name, list, theirAaaas, isService ? srvs.get(name) : undefined);
    }
    if (ofBoth !== null) return;
    for (const [name, list] of aaaas) {
      const isService = this.#mayHaveServices(name);
      this.#hostsMayHaveServices ||= isService;
      if (!as.has(name)) this.#visit(use, name, undefined, list, isService ? srvs.get(name) : undefined);
    }
  }

  /** Names with services that have no addresses. */
  services(use: UseName): void {
    const { as, aaaas, srvs } = this.#source;
    for (const [name, list] of srvs) {
      const isHost = this.#hostsMayHaveServices && (as.has(name) || aaaas.has(name));
      if (!isHost) this.#visit(use, name, undefined, undefined, list);
    }
  }

  /** Names that have only what others have. */
  aliases(use: UseName): void {
    const { as, aaaas, srvs, aliases } = this.#source;
    for (const name of aliases.keys()) {
      if (as.has(name) || aaaas.has(name) || srvs.has(name)) continue;
      this.#visitOther(use, name);
    }
  }

  #mayHaveServices(name: string): boolean {
    return !this.#servicesAreUnderscored || isUnderscored(name);
  }

  #visit(use: UseName, name: string, as: Values, aaaas: Values, srvs: Values): void {
    if (!this.isPlain) {
      this.#visitOther(use, name);
      return;
    }
    if (!isWithin(name, this.#domain)) return;
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
