// The questions that are being asked, each in a slot, found by what makes two queries the same: then one upstream answer
// serves both. A Map would want a string for each key, and tidies its table up behind so many deletions: for questions that
// come and go, that was a twentieth of what forwarding costs.

import { randomInt } from 'node:crypto';
import { type ClientQuery, hashQuery, isSameQuestion } from './query.ts';

/** A power of two; several times what is asked at a time as a rule. */
const CHAINS = 4096;
const NONE = -1;

interface Entry<Value> {
  readonly query: ClientQuery;
  readonly route: number;
  readonly value: Value;
  readonly chain: number;
  /** The slot of the next one in the chain, or NONE. */
  next: number;
}

export class QuestionTable<Value> {
  /** By slot; free slots are used again. */
  readonly #entries: (Entry<Value> | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** The slot of the first one of each chain, or NONE. */
  readonly #chains = new Int32Array(CHAINS).fill(NONE);
  /** So that nobody can find questions that all come into one chain. */
  readonly #seed = randomInt(2 ** 32);

  get isEmpty(): boolean {
    return this.#entries.length === this.#freeSlots.length;
  }

  find(query: ClientQuery, route: number): Value | undefined {
    let slot = this.#chains[this.#chainOf(query, route)] ?? NONE;
    while (slot !== NONE) {
      const entry = this.#entries[slot];
      if (entry === undefined) return undefined;
      if (entry.route === route && isSameQuestion(entry.query, query)) return entry.value;
      slot = entry.next;
    }
    return undefined;
  }

  at(slot: number): Value | undefined {
    return this.#entries[slot]?.value;
  }

  /** @returns the slot. There must be no other one with the same question. */
  add(query: ClientQuery, route: number, value: Value): number {
    const slot = this.#freeSlots.pop() ?? this.#entries.length;
    const chain = this.#chainOf(query, route);
    this.#entries[slot] = { query, route, value, chain, next: this.#chains[chain] ?? NONE };
    this.#chains[chain] = slot;
    return slot;
  }

  remove(slot: number): void {
    const entry = this.#entries[slot];
    if (entry === undefined) return;
    this.#entries[slot] = undefined;
    this.#freeSlots.push(slot);
    const first = this.#chains[entry.chain] ?? NONE;
    if (first === slot) {
      this.#chains[entry.chain] = entry.next;
      return;
    }
    let before = this.#entries[first];
    while (before !== undefined && before.next !== slot) before = this.#entries[before.next];
    if (before !== undefined) before.next = entry.next;
  }

  /** What is removed meanwhile is left out, what is added may be. */
  forEach(use: (value: Value) => void): void {
    for (const entry of this.#entries) if (entry !== undefined) use(entry.value);
  }

  #chainOf(query: ClientQuery, route: number): number {
    return hashQuery(query, route, this.#seed) & (CHAINS - 1);
  }
}
