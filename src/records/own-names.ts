// The canonical names of tasks with their addresses, in the order derived, before anybody looks one up. There are two for each
// task: finding out that hardly any comes twice would be half the work of deriving a zone. Whoever goes through the whole zone
// takes them as they are, and finds out on the way.

import type { AddressSet } from './addresses.ts';

export class OwnNames {
  /** As derived, with final dot; those without addresses too. */
  readonly names: string[];
  /** What the name at the same place has. */
  readonly addresses: AddressSet[];
  #count = 0;

  /** @param expectedCount how many there will be, about: lists that grow are copied again and again */
  constructor(expectedCount: number) {
    this.names = new Array<string>(expectedCount);
    this.addresses = new Array<AddressSet>(expectedCount);
  }

  get count(): number {
    return this.#count;
  }

  add(name: string, addresses: AddressSet): void {
    this.names[this.#count] = name;
    this.addresses[this.#count] = addresses;
    this.#count += 1;
  }

  /** There are no more. */
  end(): void {
    this.names.length = this.#count;
    this.addresses.length = this.#count;
  }

  /**
   * Puts them among the names of others.
   *
   * @returns false where one was there before, or comes twice: then nothing is said of what the maps hold
   */
  addTo(as: Map<string, readonly string[]>, aaaas: Map<string, readonly string[]>): boolean {
    for (let i = 0; i < this.#count; i++) {
      const name = this.names[i] ?? '';
      const { ipv4, ipv6 } = this.addresses[i] ?? NO_ADDRESSES;
      if (ipv4.length + ipv6.length === 0) continue;
      if (as.has(name) || aaaas.has(name)) return false;
      if (ipv4.length > 0) as.set(name, ipv4);
      if (ipv6.length > 0) aaaas.set(name, ipv6);
    }
    return true;
  }
}

const NO_ADDRESSES = { ipv4: [], ipv6: [] };
