// A region in which the host lists something for the core: numbers, and texts one behind the other.

import type { Region } from './arena.ts';
import { regionViews } from './memory.ts';
import type { Workshop } from './workshop.ts';

const encoder = new TextEncoder();

export interface ListShape {
  /** Octets, a multiple of four, as `textsAt`. */
  readonly size: number;
  /** Where in it the texts begin. */
  readonly textsAt: number;
  /** Octets that they take at the most. */
  readonly textsSize: number;
}

export class MemoryList {
  readonly #workshop: Workshop;
  readonly #region: Region;
  readonly #texts: Uint8Array;
  /** The region by word. */
  readonly words: Uint32Array;

  /** Throws ERR_TABLE_FULL where it does not fit. */
  constructor(workshop: Workshop, { size, textsAt, textsSize }: ListShape) {
    this.#workshop = workshop;
    this.#region = workshop.arena.allocate(size);
    const { words, bytes } = regionViews(workshop.memory, this.#region.address, size);
    this.words = words;
    this.#texts = bytes.subarray(textsAt, textsAt + textsSize);
  }

  get address(): number {
    return this.#region.address;
  }

  /** @returns false where they are not ASCII alone or too long; what is written means nothing then */
  writeTexts(texts: readonly string[]): boolean {
    const text = texts.join('');
    const { read, written } = encoder.encodeInto(text, this.#texts);
    return read === text.length && written === text.length;
  }

  release(): void {
    // What is left there would look like parts of a table.
    this.words.fill(0);
    this.#workshop.arena.release(this.#region);
  }
}
