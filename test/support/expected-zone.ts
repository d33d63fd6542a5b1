// What DNS must answer for a document of the corpus, from its expected file alone: the records whose names and values can
// be written on the wire, with names compared without regard to ASCII case (the corpus' policy, points 5 and 6).

import { isIPv4, isIPv6 } from 'node:net';
import type { ExpectedAxfr } from './corpus.ts';

export type RecordType = 'A' | 'AAAA' | 'SRV';

/** The record data of one name, as `dataOf` writes them; sets, because answers come in any order. */
export type NameRecords = Readonly<Record<RecordType, ReadonlySet<string>>>;

type MutableRecords = Record<RecordType, Set<string>>;

const NONE: NameRecords = { A: new Set(), AAAA: new Set(), SRV: new Set() };

export class ExpectedZone {
  readonly #names = new Map<string, MutableRecords>();
  readonly #emptyNonTerminals = new Set<string>();
  readonly #domain: string;

  constructor({ Records }: ExpectedAxfr, domain: string) {
    this.#domain = `${domain}.`;
    for (const [name, values] of Object.entries(Records.As)) this.#add(name, 'A', values.filter(isIPv4));
    for (const [name, values] of Object.entries(Records.AAAAs)) this.addAaaas(name, values);
    for (const [name, values] of Object.entries(Records.SRVs)) {
      this.#add(
        name,
        'SRV',
        values.flatMap((value) => serviceData(value) ?? []),
      );
    }
  }

  /** Folded names with records. */
  get names(): readonly string[] {
    return [...this.#names.keys()];
  }

  /** Folded names below the domain that have no records themselves, but names below them have. */
  get emptyNonTerminals(): readonly string[] {
    return [...this.#emptyNonTerminals].filter((name) => !this.#names.has(name));
  }

  addAaaas(name: string, values: readonly string[]): void {
    this.#add(name, 'AAAA', values.filter((value) => isIPv6(value)).map(canonicalIPv6));
  }

  /** A dotted alias answers with all that its names have. Add these last, and before asking for names. */
  addAlias(alias: string, names: readonly string[]): void {
    for (const name of names) {
      const records = this.of(name);
      for (const type of ['A', 'AAAA', 'SRV'] as const) this.#add(alias, type, [...records[type]]);
    }
  }

  /** The records of a name in any case; all sets are empty where it has none. */
  of(name: string): NameRecords {
    return this.#names.get(fold(name)) ?? NONE;
  }

  /** Whether the name is there, with records or with names below it. */
  has(name: string): boolean {
    const key = fold(name);
    return key === this.#domain || this.#names.has(key) || this.#emptyNonTerminals.has(key);
  }

  #add(name: string, type: RecordType, data: readonly string[]): void {
    const key = fold(name);
    if (data.length === 0 || !isWritable(key) || !key.endsWith(`.${this.#domain}`)) return;
    let records = this.#names.get(key);
    if (records === undefined) {
      records = { A: new Set(), AAAA: new Set(), SRV: new Set() };
      this.#names.set(key, records);
      for (let above = parentOf(key); above !== this.#domain; above = parentOf(above)) {
        this.#emptyNonTerminals.add(above);
      }
    }
    for (const each of data) records[type].add(each);
  }
}

/** ASCII letters lowered, the others kept (RFC 4343). */
export function fold(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The shortest spelling, as both sides of a comparison write it. */
export function canonicalIPv6(text: string): string {
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

/** `target.:port` with the target folded; null where the target or the port cannot be written. */
function serviceData(value: string): string | null {
  const colon = value.lastIndexOf(':');
  const [target, port] = [fold(value.slice(0, colon)), value.slice(colon + 1)];
  const isPort = /^\d+$/.test(port) && Number(port) <= 65_535;
  return isPort && isWritable(target) ? `${target}:${Number(port)}` : null;
}

function parentOf(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

/** Labels of 1 to 63 octets, 255 in all with their length octets and the root's (RFC 1035 section 2.3.4). */
function isWritable(name: string): boolean {
  const sizes = name
    .slice(0, -1)
    .split('.')
    .map((label) => Buffer.byteLength(label));
  return (
    name.endsWith('.') &&
    sizes.every((size) => size >= 1 && size <= 63) &&
    sizes.reduce((sum, size) => sum + size + 1, 1) <= 255
  );
}
