// Dotted aliases, changed one at a time. An alias answers for the names that exist, and never stands in the way of a name
// that has records of its own.

import { foldCase, hasUpperCase } from '../dns/name.ts';
import type { Alias } from './service-names.ts';

export class CountedAliases {
  readonly map = new Map<string, readonly string[]>();
  /** Those of a whole zone, until somebody changes any; null from then on. */
  #first: Alias[] | null = [];
  /** Names without records that some of those would answer like. */
  readonly #missing = new Set<string>();
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
    return this.#names.size === 0 && (this.#first === null || this.#first.length === 0);
  }

  /**
   * Finds out what the aliases that were added so far answer for. Until settle() it may be called again.
   * @param names all that have records, each once
   */
  begin(names: Iterable<string>): void {
    const { map } = this;
    map.clear();
    this.#missing.clear();
    this.#respelled.clear();
    for (const name of names) if (hasUpperCase(name)) this.#countSpelling(foldCase(name), 1);
    for (const { alias, name } of this.#first ?? []) {
      const names = map.get(alias);
      if (names === undefined) map.set(alias, [name]);
      else if (!names.includes(name)) map.set(alias, [...names, name]);
    }
    for (const [alias, names] of map) {
      let existing = names;
      for (const name of names) {
        if (this.#exists(name)) continue;
        this.#missing.add(name);
        existing = existing.filter((each) => each !== name);
      }
      if (existing.length === 0 || this.#mayNotAnswer(alias)) map.delete(alias);
      else if (existing !== names) map.set(alias, existing);
    }
  }

  /** Whether begin() would have found something else if this name, which it did not know of, had records. */
  dependsOn(name: string): boolean {
    return this.map.has(name) || this.#missing.has(name) || hasUpperCase(name);
  }

  /** Gets ready for changes of single aliases. Called again, it does nothing. */
  settle(): void {
    const first = this.#first;
    if (first === null) return;
    this.#first = null;
    this.#missing.clear();
    this.add(first);
    this.#touched.clear();
  }

  add(aliases: readonly Alias[]): void {
    if (this.#first !== null) {
      this.#first.push(...aliases);
      return;
    }
    for (const { alias, name } of aliases) {
      addOne(this.#names, alias, name);
      addOne(this.#aliases, name, alias);
      this.#touched.add(alias);
    }
  }

  remove(aliases: readonly Alias[]): void {
    this.settle();
    for (const { alias, name } of aliases) {
      removeOne(this.#names, alias, name);
      removeOne(this.#aliases, name, alias);
      this.#touched.add(alias);
    }
  }

  /** Tells of a name that has come to have records, or has none any more. */
  noteExistence(name: string, exists: boolean): void {
    const folded = foldCase(name);
    if (folded !== name) this.#countSpelling(folded, exists ? 1 : -1);
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
    if (names === undefined || this.#mayNotAnswer(alias)) return [];
    return [...new Set(names)].filter(this.#exists);
  }

  /** It has records of its own, in whatever spelling. */
  #mayNotAnswer(alias: string): boolean {
    return this.#exists(alias) || this.#respelled.has(alias);
  }

  #countSpelling(folded: string, more: 1 | -1): void {
    const count = (this.#respelled.get(folded) ?? 0) + more;
    if (count > 0) this.#respelled.set(folded, count);
    else this.#respelled.delete(folded);
  }
}

function addOne(map: Map<string, readonly string[]>, key: string, value: string): void {
  const list = map.get(key);
  map.set(key, list === undefined ? [value] : [...list, value]);
}

function removeOne(map: Map<string, readonly string[]>, key: string, value: string): void {
  const list = map.get(key) ?? [];
  const at = list.indexOf(value);
  if (at < 0) return;
  if (list.length === 1) map.delete(key);
  else map.set(key, list.toSpliced(at, 1));
}
