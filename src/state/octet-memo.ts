// Remembers what was made of a stretch of a document, so that it is made once of equal ones, and none of the others has to
// become a string for it.

/** A power of two. */
const FIRST_SLOTS = 1024;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class OctetMemo<T> {
  private readonly bytes: Uint8Array;
  private readonly make: (start: number, end: number) => T;
  /** By hash, with open addressing: the number of an entry, counted from 1. */
  private slots = new Int32Array(FIRST_SLOTS);
  private readonly hashes: number[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private readonly values: T[] = [];
  /** The entry that was asked for last: it mostly is again. */
  private last = -1;

  /** @param make what is to be remembered of the octets between two offsets; depends on nothing but them. */
  constructor(bytes: Uint8Array, make: (start: number, end: number) => T) {
    this.bytes = bytes;
    this.make = make;
  }

  /** What make() said of the first octets that were equal to those between two offsets. */
  get(start: number, end: number): T {
    if (this.last < 0 || !this.isEqual(this.last, start, end)) this.last = this.find(start, end);
    return this.values[this.last] as T;
  }

  private find(start: number, end: number): number {
    const { hashes } = this;
    const hash = this.hash(start, end);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = (this.slots[slot] ?? 0) - 1;
      if (entry < 0) break;
      if (hashes[entry] === hash && this.isEqual(entry, start, end)) return entry;
      slot = (slot + 1) & mask;
    }
    const value = this.make(start, end);
    const entry = hashes.push(hash) - 1;
    this.starts.push(start);
    this.ends.push(end);
    this.values.push(value);
    this.slots[slot] = entry + 1;
    if (hashes.length * 2 > this.slots.length) this.grow();
    return entry;
  }

  private hash(start: number, end: number): number {
    const { bytes } = this;
    let hash = FNV_OFFSET;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), FNV_PRIME);
    // The low bits of a product hang on the low bits of its factors alone.
    return (hash ^ (hash >>> 15)) & 0x3fffffff;
  }

  private isEqual(entry: number, start: number, end: number): boolean {
    const { bytes } = this;
    const known = this.starts[entry] ?? 0;
    if ((this.ends[entry] ?? 0) - known !== end - start) return false;
    const distance = known - start;
    // From behind: what differs, such as numbers, mostly does at the end.
    for (let at = end - 1; at >= start; at--) if (bytes[at] !== bytes[at + distance]) return false;
    return true;
  }

  private grow(): void {
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (const [entry, hash] of this.hashes.entries()) {
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.slots = slots;
  }
}
