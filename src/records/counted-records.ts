// All records of a cluster that changes, each counted by how many of its elements yield it, and what has changed in them. They
// begin with the whole, derived at once; what only changes need is left for settle(), so that the records are at hand sooner.

import { foldCase } from '../dns/name.ts';
import { CountedAliases } from './counted-aliases.ts';
import { CountedPointers } from './counted-pointers.ts';
import { CountedValues } from './counted-values.ts';
import type { OwnNames } from './own-names.ts';
import { type RecordChanges, reverted } from './record-changes.ts';
import type { RecordSet, RecordsApart } from './record-set.ts';
import { type RecordType, ZoneBuilder } from './zone-builder.ts';

/** What names to write anew, and a way back. */
export interface CountedChanges extends RecordChanges {
  /** A copy of the records as they were before; to be called before the next change. */
  readonly before: () => RecordSet;
}

/**
 * Adds the whole to a builder.
 *
 * @param own takes canonical names, with their addresses; null: they go to the builder like all others
 */
export type Fill = (builder: ZoneBuilder, own: OwnNames | null) => void;

export type ValuesByType = Readonly<Record<RecordType, CountedValues['reserve']>>;

/** Address records that were derived apart, and the maps that they belong into. */
interface Apart extends RecordsApart {
  readonly own: OwnNames;
  readonly as: Map<string, readonly string[]>;
  readonly aaaas: Map<string, readonly string[]>;
  readonly fill: Fill;
}

export const TYPES: readonly RecordType[] = ['A', 'AAAA', 'SRV'];

export class CountedRecords {
  readonly pointers = new CountedPointers();
  readonly aliases = new CountedAliases((name) => this.#exists(name));
  /** The same maps from the first look on, which change with the records. Lists in them never change. */
  readonly all = this.#asAsked();
  #values = newValues();
  /** Addresses that are not in the values yet, with the maps of those that are; null once they are. */
  #apart: Apart | null = null;
  /** Nobody has looked yet at the names with records for the sake of aliases, since there was none. */
  #mustBeginAliases = false;
  #steps = 0;

  get values(): Readonly<Record<RecordType, CountedValues>> {
    return this.#values;
  }

  /** What stands in at names without values of a type. */
  get reserve(): ValuesByType {
    const { A, AAAA, SRV } = this.#values;
    return { A: A.reserve, AAAA: AAAA.reserve, SRV: SRV.reserve };
  }

  /** See RecordIndex. */
  get steps(): number {
    return this.#steps;
  }

  // --- the whole ---

  /** @param fill called once more, later, where one of the canonical names is not one task's own */
  derive(own: OwnNames, fill: Fill): void {
    this.#apart = { own, fill, ...this.#build(fill, own) };
  }

  /** Puts canonical names among the others. Where one of them is no task's own, all records are derived anew, with a look at each. */
  putTogether(): void {
    if (this.#apart === null) return;
    const { own, as, aaaas, fill } = this.#apart;
    this.#apart = null;
    if (own.addTo(as, aaaas)) return;
    this.#values = newValues();
    this.#build(fill, null);
    this.#beginSteps();
  }

  /** Changes are those from now on. */
  begin(): void {
    this.#beginSteps();
    if (this.aliases.isEmpty) this.#mustBeginAliases = true;
    else this.#beginAliases();
    this.pointers.take();
  }

  /** Gets ready for changes. */
  settle(): void {
    this.putTogether();
    if (this.#mustBeginAliases) this.#beginAliases();
    this.#mustBeginAliases = false;
    this.aliases.settle();
  }

  #build(fill: Fill, own: OwnNames | null): Pick<Apart, 'as' | 'aaaas'> {
    const builder = new ZoneBuilder((type, name, value) => this.#values[type].repeat(name, value));
    fill(builder, own);
    const { as, aaaas, srvs } = builder.finish();
    this.#values.A.adopt(as);
    this.#values.AAAA.adopt(aaaas);
    this.#values.SRV.adopt(srvs);
    return { as, aaaas };
  }

  #beginSteps(): void {
    for (const type of TYPES) {
      this.#values[type].take();
      this.#values[type].endStep();
    }
  }

  #beginAliases(): void {
    this.aliases.begin(this.#namesWithRecords());
    if (!this.#apart?.own.names.some((name) => this.aliases.dependsOn(name))) return;
    this.putTogether();
    this.aliases.begin(this.#namesWithRecords());
  }

  /** Each once; without those that are apart. */
  *#namesWithRecords(): Generator<string, void> {
    const { A, AAAA, SRV } = this.#values;
    yield* A.map.keys();
    for (const name of AAAA.map.keys()) if (!A.map.has(name)) yield name;
    for (const name of SRV.map.keys()) if (!A.map.has(name) && !AAAA.map.has(name)) yield name;
  }

  #asAsked(): RecordSet {
    const records = this;
    return {
      get apart() {
        return records.#apart;
      },
      get as() {
        records.putTogether();
        return records.#values.A.map;
      },
      get aaaas() {
        records.putTogether();
        return records.#values.AAAA.map;
      },
      get srvs() {
        return records.#values.SRV.map;
      },
      ptrs: this.pointers.map,
      aliases: this.aliases.map,
    };
  }

  // --- changes ---

  /** Ends a step, which counts as many as there were values that came or went. */
  countStep(): void {
    for (const type of TYPES) this.#steps += this.#values[type].countStep();
  }

  /** Ends a step, which counts as one where any name has other values than before. @param weight or as so many */
  endStep(weight = 1): void {
    const { A, AAAA, SRV } = this.#values;
    const ended = [A.endStep(), AAAA.endStep(), SRV.endStep()];
    if (ended.includes(true)) this.#steps += weight;
  }

  /** How many names had records at the last takeChanges(), and how many of them have none any more. */
  losses(): { readonly published: number; readonly lost: number } {
    let lost = 0;
    let added = 0;
    for (const name of this.#touched()) {
      const had = this.#had(name);
      if (had === this.#exists(name)) continue;
      if (had) lost += 1;
      else added += 1;
    }
    const { as, aaaas, srvs } = this.all;
    let present = as.size;
    for (const name of aaaas.keys()) if (!as.has(name)) present += 1;
    for (const name of srvs.keys()) if (!as.has(name) && !aaaas.has(name)) present += 1;
    return { published: present + lost - added, lost };
  }

  /**
   * What has changed since the last call; null: nothing.
   *
   * @param ownersOfTarget names with SRV records that lead to a host
   */
  takeChanges(ownersOfTarget: (host: string) => Iterable<string>): CountedChanges | null {
    const { A, AAAA, SRV } = this.#values;
    for (const name of this.#touched()) {
      const has = this.#exists(name);
      if (this.#had(name) !== has) this.aliases.noteExistence(name, has);
    }
    const before = { A: A.take(), AAAA: AAAA.take(), SRV: SRV.take() };
    const hosts = new Set([...before.A.keys(), ...before.AAAA.keys()]);
    const names = new Set([...hosts, ...before.SRV.keys()]);
    for (const host of hosts) for (const owner of ownersOfTarget(host)) names.add(owner);
    for (const name of [...names]) {
      for (const alias of this.aliases.of(name)) if (this.aliases.map.has(alias)) names.add(alias);
      const folded = foldCase(name);
      if (folded !== name) {
        for (const alias of this.aliases.of(folded)) if (this.aliases.map.has(alias)) names.add(alias);
      }
    }
    const aliases = this.aliases.take();
    for (const alias of aliases.keys()) names.add(alias);
    const ptrs = this.pointers.take();
    if (names.size === 0 && ptrs.size === 0) return null;
    return {
      names,
      pointers: new Set(ptrs.keys()),
      before: () => ({
        as: reverted(A.map, before.A),
        aaaas: reverted(AAAA.map, before.AAAA),
        srvs: reverted(SRV.map, before.SRV),
        ptrs: reverted(this.pointers.map, ptrs),
        aliases: reverted(this.aliases.map, aliases),
      }),
    };
  }

  #touched(): Set<string> {
    return new Set(TYPES.flatMap((type) => [...this.#values[type].before.keys()]));
  }

  #exists(name: string): boolean {
    const { A, AAAA, SRV } = this.#values;
    return A.map.has(name) || AAAA.map.has(name) || SRV.map.has(name);
  }

  #had(name: string): boolean {
    return TYPES.some((type) => {
      const { before, map } = this.#values[type];
      return (before.get(name) ?? map.get(name) ?? []).length > 0;
    });
  }
}

function newValues(): Record<RecordType, CountedValues> {
  return { A: new CountedValues(), AAAA: new CountedValues(), SRV: new CountedValues() };
}
