// The values of owner names of one record type, changed one at a time. Several tasks can yield the same record: it stays
// until the last of them is gone. Values in reserve stand in at names that have no others.

/** Lists are never changed, only replaced, so that what a name had before stays at hand. */
export class CountedValues {
  #map = new Map<string, readonly string[]>();
  #before = new Map<string, readonly string[]>();
  /** Likewise since the last step. */
  readonly #stepBefore = new Map<string, readonly string[]>();
  /** Name and value, to how many more than one have it. Few records have more than one source. */
  readonly #more = new Map<string, number>();
  /** Null until there is something in reserve. */
  #reserve: CountedValues | null = null;
  /** Names that have the values in reserve. */
  readonly #standIns = new Set<string>();
  /** The last replacement: names with one list get one list again. */
  #lastBefore: readonly string[] | null = null;
  #lastAfter: readonly string[] = NONE;

  readonly #onChange: ((name: string) => void) | null;

  /** @param onChange told of every name that has got other values. */
  constructor(onChange: ((name: string) => void) | null = null) {
    this.#onChange = onChange;
  }

  get map(): ReadonlyMap<string, readonly string[]> {
    return this.#map;
  }

  /** Names that were touched since the last call of take(), with what they had before. */
  get before(): ReadonlyMap<string, readonly string[]> {
    return this.#before;
  }

  /** Goes on from values that were put together elsewhere, the repeated ones of which have been counted. */
  adopt(map: Map<string, readonly string[]>): void {
    this.#map = map;
  }

  /** Counts a source more for a record that is there. */
  repeat(name: string, value: string): void {
    const key = keyOf(name, value);
    this.#more.set(key, (this.#more.get(key) ?? 0) + 1);
  }

  /** Adds a record to each of some names. */
  add(names: readonly string[], value: string): void {
    this.#lastBefore = null;
    for (const name of names) {
      const list = this.#own(name);
      if (list.includes(value)) {
        this.repeat(name, value);
        continue;
      }
      if (list !== this.#lastBefore) {
        this.#lastAfter = [...list, value];
        this.#lastBefore = list;
      }
      this.#set(name, this.#lastAfter);
    }
  }

  /** Takes a record of each of some names back; it must have been added. */
  remove(names: readonly string[], value: string): void {
    this.#lastBefore = null;
    for (const name of names) {
      if (this.#takeRepeated(name, value)) continue;
      const list = this.#own(name);
      if (list !== this.#lastBefore) {
        this.#lastAfter = list.filter((each) => each !== value);
        this.#lastBefore = list;
      }
      this.#set(name, this.#lastAfter);
    }
  }

  /** What stands in at names that have no values of their own: added to and taken back from like the values themselves. */
  get reserve(): Pick<CountedValues, 'add' | 'remove' | 'addList' | 'removeList'> {
    this.#reserve ??= new CountedValues((name) => {
      if (this.#own(name).length === 0) this.#set(name, NONE);
    });
    return this.#reserve;
  }

  /** Adds all of a name's values at once: the list itself, where the name has none. */
  addList(name: string, values: readonly string[]): void {
    if (values.length === 0) return;
    if (this.#own(name).length === 0) this.#set(name, values);
    else for (const value of values) this.add([name], value);
  }

  removeList(name: string, values: readonly string[]): void {
    for (const value of values) this.remove([name], value);
  }

  /** Changes values from what some counts, by name and value, say to what others do. */
  exchange(
    before: ReadonlyMap<string, ReadonlyMap<string, number>>,
    after: ReadonlyMap<string, ReadonlyMap<string, number>>,
  ): void {
    for (const [name, counts] of before) {
      for (const [value, count] of counts) {
        for (let i = after.get(name)?.get(value) ?? 0; i < count; i++) this.remove([name], value);
      }
    }
    for (const [name, counts] of after) {
      for (const [value, count] of counts) {
        for (let i = before.get(name)?.get(value) ?? 0; i < count; i++) this.add([name], value);
      }
    }
  }

  /** What names had that have something else now, NONE for new ones; forgets it. */
  take(): Map<string, readonly string[]> {
    const before = this.#before;
    for (const [name, list] of before) if (sameValues(list, this.#map.get(name) ?? NONE)) before.delete(name);
    this.#before = new Map();
    if (this.#reserve !== null) this.#reserve.#forget();
    return before;
  }

  /** Ends a step. @returns whether any name has other values than before it */
  endStep(): boolean {
    if (this.#stepBefore.size === 0) return false;
    let isChanged = false;
    for (const [name, list] of this.#stepBefore) {
      isChanged ||= !sameValues(list, this.#map.get(name) ?? NONE);
    }
    this.#stepBefore.clear();
    return isChanged;
  }

  /** Ends a step. @returns how many values have come or gone in it */
  countStep(): number {
    let count = 0;
    for (const [name, list] of this.#stepBefore) {
      const now = this.#map.get(name) ?? NONE;
      const known = new Set(list);
      const kept = now.filter((value) => known.has(value)).length;
      count += list.length + now.length - 2 * kept;
    }
    this.#stepBefore.clear();
    return count;
  }

  #takeRepeated(name: string, value: string): boolean {
    if (this.#more.size === 0) return false;
    const key = keyOf(name, value);
    const count = this.#more.get(key);
    if (count === undefined) return false;
    if (count === 1) this.#more.delete(key);
    else this.#more.set(key, count - 1);
    return true;
  }

  #forget(): void {
    this.#before.clear();
    this.#stepBefore.clear();
  }

  /** The values of a name that do not merely stand in. */
  #own(name: string): readonly string[] {
    return this.#standIns.size > 0 && this.#standIns.has(name) ? NONE : (this.#map.get(name) ?? NONE);
  }

  /** Gives a name values of its own; without any, what is in reserve for it. */
  #set(name: string, own: readonly string[]): void {
    const before = this.#map.get(name) ?? NONE;
    if (!this.#before.has(name)) this.#before.set(name, before);
    if (!this.#stepBefore.has(name)) this.#stepBefore.set(name, before);
    let after = own;
    if (this.#reserve !== null) {
      if (own.length === 0) after = this.#reserve.#map.get(name) ?? NONE;
      if (own.length === 0 && after.length > 0) this.#standIns.add(name);
      else this.#standIns.delete(name);
    }
    if (after.length === 0) this.#map.delete(name);
    else this.#map.set(name, after);
    this.#onChange?.(name);
  }
}

const NONE: readonly string[] = [];

function keyOf(name: string, value: string): string {
  return `${name.length} ${name}${value}`;
}

/** Values are distinct, so that equal numbers and inclusion are enough. */
export function sameValues(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  if (a.every((value, i) => value === b[i])) return true;
  const known = new Set(a);
  return b.every((value) => known.has(value));
}
