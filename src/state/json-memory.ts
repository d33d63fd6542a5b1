// The memory of the reader of JSON, as the host looks at it.

import { Buffer, isAscii } from 'node:buffer';
import { ENTRY_LENGTH, ENTRY_START } from '../../assembly/shared/rows.ts';
import type { JsonCore } from './json-core.ts';

/** All addresses are in octets. */
export class JsonMemory {
  /** The whole memory as u32 and as f64: an address divided by 4 or by 8 is an index. */
  words: Int32Array;
  doubles: Float64Array;

  private readonly core: JsonCore;
  private octets: Buffer;
  /** Texts of ASCII alone, as nearly all documents are, need no decoding. */
  private encoding: 'latin1' | 'utf8' = 'latin1';

  constructor(core: JsonCore) {
    const { buffer } = core.memory;
    this.core = core;
    this.octets = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }

  /** To be called after whatever may have made the memory grow: it is somewhere else then. */
  look(): void {
    const { buffer } = this.core.memory;
    if (this.octets.buffer === buffer) return;
    this.octets = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }

  octetAt(address: number): number {
    return this.octets[address] ?? 0;
  }

  write(address: number, octets: Uint8Array): void {
    this.octets.set(octets, address);
    if (this.encoding === 'latin1' && !isAscii(octets)) this.encoding = 'utf8';
  }

  textOf(start: number, end: number): string {
    return this.octets.toString(this.encoding, start, end);
  }

  /** The text of an entry, counted from 1, of a memo. */
  entryText(memo: number, entry: number): string {
    const address = this.core.entryOf(memo, entry);
    const start = this.words[(address + ENTRY_START) >> 2] ?? 0;
    return this.textOf(start, start + (this.words[(address + ENTRY_LENGTH) >> 2] ?? 0));
  }
}
