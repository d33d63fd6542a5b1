// Makes a finished table the current one, and gives back memory that no reader can lead to any more.

import type { Arena, Region } from './arena.ts';
import { announcementViews, announceTable, currentTableView } from './memory.ts';

/** Regions that generations up to this one lead to, and later ones do not. */
interface Retired {
  readonly generation: number;
  readonly regions: readonly Region[];
}

export class Publisher {
  readonly #current: Uint32Array;
  readonly #announcements: readonly Uint32Array[];
  readonly #arena: Arena;
  readonly #memory: WebAssembly.Memory;
  /** Address of each header that may still be announced to its generation. */
  readonly #generations = new Map<number, number>();
  #retired: Retired[] = [];
  /** Generations that somebody in this thread reads. */
  readonly #pinned = new Set<number>();
  #generation = 0;

  constructor(memory: WebAssembly.Memory, arena: Arena) {
    this.#current = currentTableView(memory);
    this.#announcements = announcementViews(memory);
    this.#arena = arena;
    this.#memory = memory;
  }

  /** The generation in force; 0 before the first. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * One atomic store: every batch that begins afterwards reads the new table.
   * @param header of generation `this.generation + 1`
   * @param replaced what the generation in force leads to and the new one does not, its header included
   */
  publish(header: Region, replaced: readonly Region[]): void {
    Atomics.store(this.#current, 0, header.address);
    if (this.#generation === 0) announceTable(this.#memory);
    this.#retired.push({ generation: this.#generation, regions: replaced });
    this.#generation += 1;
    this.#generations.set(header.address, this.#generation);
    this.reclaim();
  }

  /** Keeps what the generation in force leads to. @returns what lets go of it */
  pin(): () => void {
    const generation = this.#generation;
    this.#pinned.add(generation);
    return () => this.#pinned.delete(generation);
  }

  /** Frees what no announced table leads to, and nobody has pinned; call before allocating. */
  reclaim(): void {
    let oldest = Math.min(this.#generation, ...this.#pinned);
    for (const word of this.#announcements) {
      const generation = this.#generations.get(Atomics.load(word, 0));
      if (generation !== undefined && generation < oldest) oldest = generation;
    }
    const free = this.#retired.filter(({ generation }) => generation < oldest);
    if (free.length === 0) return;
    this.#retired = this.#retired.filter(({ generation }) => generation >= oldest);
    for (const { regions } of free) {
      for (const region of regions) {
        this.#generations.delete(region.address);
        this.#arena.release(region);
      }
    }
  }
}
