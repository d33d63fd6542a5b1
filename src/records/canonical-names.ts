// Which elements a canonical name stands for: one as a rule, so that only several of them take a list.

import { foldCase } from '../dns/name.ts';

export class CanonicalNames<T extends object> {
  /** By folded name. */
  readonly #elements = new Map<string, T | readonly T[]>();

  get size(): number {
    return this.#elements.size;
  }

  of(name: string): readonly T[] {
    const known = this.#elements.get(foldCase(name));
    if (known === undefined) return [];
    return isList(known) ? known : [known];
  }

  add(name: string, element: T): void {
    const key = foldCase(name);
    const known = this.#elements.get(key);
    if (known === undefined) this.#elements.set(key, element);
    else this.#elements.set(key, isList(known) ? [...known, element] : [known, element]);
  }

  /** Takes one back that was added. */
  remove(name: string, element: T): void {
    const key = foldCase(name);
    const known = this.#elements.get(key);
    if (known === undefined) return;
    const others = isList(known) ? known.toSpliced(known.indexOf(element), 1) : [];
    const [first] = others;
    if (first === undefined) this.#elements.delete(key);
    else this.#elements.set(key, others.length === 1 ? first : others);
  }
}

function isList<T extends object>(known: T | readonly T[]): known is readonly T[] {
  return Array.isArray(known);
}
