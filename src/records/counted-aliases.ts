// Dotted aliases, changed one at a time. An alias answers for the names that exist, and never stands in the way of a name
// that has records of its own.

import { foldCase } from '../dns/name.ts';
import type { Alias } from './service-names.ts';

export class CountedAliases {
  readonly map = new Map<string, readonly string[]>();
  /** Alias to its names, one entry for each source. */
  readonly #names = new Map<string, readonly string[]>();
  /** Name to its aliases, one entry for each source. */
  readonly #aliases = new Map<string, readonly string[]>();
  /** Folded spelling to how many names with records are spelled with upper case. */
  readonly #respelled = new Map<string, number>();
  readonly #exists: (name: string) => boolean;
  readonly #touched = new Set<string>();

  /** @param exists whether a name has records. */
  constructor(exists: (name: string) => boolean) {
    this.#exists = exists;
  }

  /** There is no alias: nobody needs to know now which names exist. */
  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  add(aliases: readonly Alias[]): void {
    for (const { alias, name } of aliases) {
      this.#names.set(alias, [...(this.#names.get(alias) ?? []), name]);
      this.#aliases.set(name, [...(this.#aliases.get(name) ?? []), alias]);
      this.#touched.add(alias);
    }
  }

  remove(aliases: readonly Alias[]): void {
    for (const { alias, name } of aliases) {
      removeOne(this.#names, alias, name);
      removeOne(this.#aliases, name, alias);
      this.#touched.add(alias);
    }
  }

  /** Tells of a name that has come to have records, or has none any more. */
  noteExistence(name: string, exists: boolean): void {
    const folded = foldCase(name);
    if (folded !== name) {
      const count = (this.#respelled.get(folded) ?? 0) + (exists ? 1 : -1);
      if (count > 0) this.#respelled.set(folded, count);
      else this.#respelled.delete(folded);
    }
    if (this.#names.size === 0) return;
    for (const each of [name, folded]) {
      if (this.#names.has(each)) this.#touched.add(each);
      for (const alias of this.#aliases.get(each) ?? []) this.#touched.add(alias);
    }
  }

  /** The aliases of a name. */
  of(name: string): readonly string[] {
    return this.#aliases.get(name) ?? [];
  }

  /** Brings the map up to date. @returns the aliases that answer for other names than before, with those. */
  take(): Map<string, readonly string[] | undefined> {
    const changed = new Map<string, readonly string[] | undefined>();
    for (const alias of this.#touched) {
      const before = this.map.get(alias);
      const after = this.#resolve(alias);
      if (after.length === 0) this.map.delete(alias);
      else this.map.set(alias, after);
      if (before?.join('\n') !== (after.length === 0 ? undefined : after.join('\n'))) changed.set(alias, before);
    }
    this.#touched.clear();
    return changed;
  }

  #resolve(alias: string): readonly string[] {
    const names = this.#names.get(alias);
    if (names === undefined || this.#exists(alias) || this.#respelled.has(alias)) return [];
    return [...new Set(names)].filter(this.#exists);
  }
}

function removeOne(map: Map<string, readonly string[]>, key: string, value: string): void {
  const list = map.get(key) ?? [];
  const at = list.indexOf(value);
  if (at < 0) return;
  if (list.length === 1) map.delete(key);
  else map.set(key, list.toSpliced(at, 1));
}
