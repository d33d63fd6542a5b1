// Where nodes and bodies lie: segments of the arena, filled one behind the other. What is replaced is left as garbage,
// since older generations may still lead to it; building the whole zone anew gets rid of it.

import type { Arena, Region } from './arena.ts';
import { NODE_ALIGN } from './contract.ts';
import { type MemoryViews, wholeMemoryViews } from './memory.ts';

const SEGMENT_MIN_BYTES = 64 * 1024;
const SEGMENT_MAX_BYTES = 4 * 1024 * 1024;

export class Heap {
  readonly #memory: WebAssembly.Memory;
  readonly #arena: Arena;
  readonly #segments: Region[] = [];
  #next = 0;
  #end = 0;
  #used = 0;
  views: MemoryViews;
  /** Octets that the newest generation does not lead to. */
  garbageBytes = 0;

  constructor(memory: WebAssembly.Memory, arena: Arena) {
    this.#memory = memory;
    this.#arena = arena;
    this.views = wholeMemoryViews(memory);
  }

  get segments(): readonly Region[] {
    return this.#segments;
  }

  /** The segments as far as they are filled. */
  get filled(): readonly Region[] {
    return this.#segments.map(({ address, size }, i) =>
      i === this.#segments.length - 1 ? { address, size: this.#next - address } : { address, size },
    );
  }

  /** Behind what can be had at next(). */
  get end(): number {
    return this.#end;
  }

  /** Octets handed out, garbage included. */
  get usedBytes(): number {
    return this.#used;
  }

  /** Address of `size` octets of unknown content. Look at `views` anew afterwards. Throws ERR_TABLE_FULL. */
  take(size: number): number {
    const rounded = Math.ceil(size / NODE_ALIGN) * NODE_ALIGN;
    if (this.#end - this.#next < rounded) this.#addSegment(rounded);
    const address = this.#next;
    this.#next += rounded;
    this.#used += rounded;
    return address;
  }

  /**
   * Address of `size` octets at the least, up to `end`, that are handed out only by takeUpTo().
   * Look at `views` anew afterwards. Throws ERR_TABLE_FULL.
   */
  next(size: number): number {
    if (this.#end - this.#next < size) this.#addSegment(size);
    return this.#next;
  }

  /** Hands out what lies between next() and an address. */
  takeUpTo(end: number): void {
    this.take(end - this.#next);
  }

  /** Segments grow with the heap, so that a small zone takes little and a large one few segments. */
  #addSegment(size: number): void {
    const usual = Math.min(SEGMENT_MAX_BYTES, Math.max(SEGMENT_MIN_BYTES, this.#used / 4));
    const segment = this.#arena.allocate(Math.max(size, usual));
    this.#segments.push(segment);
    this.#next = segment.address;
    this.#end = segment.address + segment.size;
    if (this.views.bytes.length !== this.#memory.buffer.byteLength) this.views = wholeMemoryViews(this.#memory);
  }
}
