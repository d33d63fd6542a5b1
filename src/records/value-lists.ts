// The values of owner names, each once. Names with the same values have the same list wherever that is cheap to know: most
// lists of a zone are equal to another one, and the table keeps one copy for all names of a list.

import type { AddressSet } from './addresses.ts';

/** From this many values of one name on, a set finds duplicates. */
const SET_FROM = 12;

/** Knows what is in lists, without comparing every value with every other. */
class Contents {
  private readonly sets = new Map<readonly string[], Set<string>>();

  has(list: readonly string[], value: string): boolean {
    if (list.length < SET_FROM) return list.includes(value);
    let set = this.sets.get(list);
    if (set === undefined) {
      set = new Set(list);
      this.sets.set(list, set);
    }
    return set.has(value);
  }

  push(list: string[], value: string): void {
    list.push(value);
    if (this.sets.size > 0) this.sets.get(list)?.add(value);
  }
}

/** Told of a value that a name had before. */
export type Repeated = (name: string, value: string) => void;

/**
 * Addresses of one family. Names have the list of an address set until they get other addresses as well. Lists are never
 * changed as long as they are short; a long one is its name's own, and is added to.
 */
export class AddressLists {
  readonly map = new Map<string, readonly string[]>();

  private readonly contents = new Contents();
  /** The lists that are one name's own, with that name. */
  private readonly owners = new Map<string[], string>();
  /** The last value that was added to a short list: twins get the same values one behind the other, and share the list. */
  private lastBefore: readonly string[] = [];
  private lastValue = '';
  private lastAfter: readonly string[] = [];
  private readonly repeated: Repeated | null;

  constructor(repeated: Repeated | null = null) {
    this.repeated = repeated;
  }

  /** @returns false where the name had the value before. */
  add(name: string, value: string): boolean {
    const list = this.map.get(name);
    if (list === undefined) {
      this.map.set(name, [value]);
      return true;
    }
    const countBefore = list.length;
    return this.addTo(name, list, value).length > countBefore;
  }

  /**
   * @param values of an address set: kept, and never changed.
   * @returns whether the name had addresses before.
   */
  addAll(name: string, values: AddressSet['ipv4']): boolean {
    const list = this.map.get(name);
    if (list === undefined) {
      if (values.length > 0) this.map.set(name, values);
      return false;
    }
    let present = list;
    if (list !== values) for (const value of values) present = this.addTo(name, present, value);
    else if (this.repeated !== null) for (const value of values) this.repeated(name, value);
    return true;
  }

  /** Gives names whose own lists turned out equal, in the same order, one list too. */
  finish(): Map<string, readonly string[]> {
    const distinct = new Map<string, readonly string[]>();
    for (const [list, name] of this.owners) {
      const text = list.join(' ');
      const known = distinct.get(text);
      if (known === undefined) distinct.set(text, list);
      else this.map.set(name, known);
    }
    return this.map;
  }

  /** @param list of the name. @returns the one that it has then */
  private addTo(name: string, list: readonly string[], value: string): readonly string[] {
    if (this.contents.has(list, value)) {
      this.repeated?.(name, value);
      return list;
    }
    if (list.length < SET_FROM) {
      if (list !== this.lastBefore || value !== this.lastValue) {
        this.lastAfter = [...list, value];
        this.lastBefore = list;
        this.lastValue = value;
      }
      this.map.set(name, this.lastAfter);
      return this.lastAfter;
    }
    const own = this.owners.has(list as string[]) ? (list as string[]) : this.own(name, list.slice());
    this.contents.push(own, value);
    return own;
  }

  private own(name: string, list: string[]): string[] {
    this.owners.set(list, name);
    this.map.set(name, list);
    return list;
  }
}

/** SRV targets. Names that have got all their targets together have one list. */
export class ServiceLists {
  readonly map = new Map<string, string[]>();

  private readonly contents = new Contents();
  /** The names of each list that several names have. */
  private readonly sharers = new Map<string[], readonly string[]>();
  /** The lists of the groups that targets were added to. */
  private groups = new Map<readonly string[], readonly string[][]>();
  private readonly repeated: Repeated | null;

  constructor(repeated: Repeated | null = null) {
    this.repeated = repeated;
  }

  /** @returns false where the name had the target before. */
  add(name: string, target: string): boolean {
    const list = this.map.get(name);
    if (list === undefined) {
      this.map.set(name, [target]);
      return true;
    }
    if (this.contents.has(list, target)) {
      this.repeated?.(name, target);
      return false;
    }
    this.contents.push(this.separate(list, [name]), target);
    return true;
  }

  /**
   * Adds a target to each of some names.
   *
   * @param names distinct; the same array for the same names, so that it is looked at only once.
   * @param isNew none of them can have the target yet, which spares the search.
   */
  addToAll(names: readonly string[], target: string, isNew: boolean): void {
    const lists = this.groups.get(names);
    if (lists === undefined) {
      this.addToFirst(names, target);
      return;
    }
    for (const list of lists) {
      if (isNew || !this.contents.has(list, target)) this.contents.push(list, target);
      else this.tellRepeated(list, names, target);
    }
  }

  private addToFirst(names: readonly string[], target: string): void {
    // As a rule nobody has seen any of them.
    if (!names.some((name) => this.map.has(name))) {
      const list = [target];
      for (const name of names) this.map.set(name, list);
      this.setSharers(list, names);
      this.groups.set(names, [list]);
      return;
    }
    const lists = new Set<string[]>();
    const unknown: string[] = [];
    for (const name of names) {
      const list = this.map.get(name);
      if (list === undefined) unknown.push(name);
      else lists.add(this.separate(list, names));
    }
    for (const list of lists) {
      if (!this.contents.has(list, target)) this.contents.push(list, target);
      else this.tellRepeated(list, names, target);
    }
    if (unknown.length > 0) {
      const list = [target];
      for (const name of unknown) this.map.set(name, list);
      this.setSharers(list, unknown);
      lists.add(list);
    }
    this.groups.set(names, [...lists]);
  }

  /** The list that only those of its names have that are among `names`: a copy, where it has others. */
  private separate(list: string[], names: readonly string[]): string[] {
    const sharers = this.sharers.get(list);
    if (sharers?.every((name) => names.includes(name)) ?? true) return list;
    const copy = list.slice();
    const leaving = sharers?.filter((name) => names.includes(name)) ?? [];
    for (const name of leaving) this.map.set(name, copy);
    this.setSharers(copy, leaving);
    this.setSharers(list, sharers?.filter((name) => !names.includes(name)) ?? []);
    // Groups with a name that has left know the wrong list.
    this.groups = new Map();
    return copy;
  }

  private tellRepeated(list: string[], names: readonly string[], target: string): void {
    if (this.repeated === null) return;
    for (const name of names) if (this.map.get(name) === list) this.repeated(name, target);
  }

  private setSharers(list: string[], names: readonly string[]): void {
    if (names.length > 1) this.sharers.set(list, names);
    else this.sharers.delete(list);
  }
}
