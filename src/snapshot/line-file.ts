// A file of lines, read a piece at a time into one buffer: fresh memory for the whole would cost more than what stands in it.

import { isAscii } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';

const PIECE_BYTES = 256 * 1024;
/** The last line is looked for in so many octets. */
const LAST_LINE_MAX_BYTES = 4096;
const LINE_FEED = 0x0a;

/**
 * Calls return when they are done: who starts has nothing else to do, and would wait for its turn behind threads that start
 * too. All throw what the system says. They share one buffer: what one of pieces() and lines() is in the middle of is lost
 * when another one goes on.
 */
export class LineFile {
  readonly #fd: number;
  readonly sizeBytes: number;
  /** Unix time, milliseconds. */
  readonly modifiedAtMs: number;
  #buffer = Buffer.allocUnsafe(PIECE_BYTES);

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    const { size, mtimeMs } = this.#stat();
    this.sizeBytes = size;
    this.modifiedAtMs = mtimeMs;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #stat(): Stats {
    try {
      return fstatSync(this.#fd);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The last line, and where it begins; null where the file does not end with a line feed, or the line is very long. */
  lastLine(): { readonly at: number; readonly text: string } | null {
    const from = Math.max(0, this.sizeBytes - LAST_LINE_MAX_BYTES);
    const tail = this.#buffer.subarray(0, this.#read(0, from, this.sizeBytes));
    if (tail.at(-1) !== LINE_FEED) return null;
    const before = tail.length < 2 ? -1 : tail.lastIndexOf(LINE_FEED, -2);
    if (before === -1 && from > 0) return null;
    return { at: from + before + 1, text: textOf(tail.subarray(before + 1, -1)) };
  }

  /** All octets up to `end`; each piece is good until the next one. */
  *pieces(end: number): Generator<Buffer> {
    for (let at = 0; ; ) {
      const count = this.#read(0, at, end);
      if (count === 0) return;
      yield this.#buffer.subarray(0, count);
      at += count;
    }
  }

  /** The lines up to `end`, which is behind a line feed. */
  *lines(end: number): Generator<string> {
    let kept = 0;
    for (let at = 0; ; ) {
      if (kept === this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer, this.#buffer]);
      const count = this.#read(kept, at, end);
      if (count === 0) return;
      at += count;
      const piece = this.#buffer.subarray(0, kept + count);
      let start = 0;
      for (let feed = piece.indexOf(LINE_FEED); feed !== -1; feed = piece.indexOf(LINE_FEED, start)) {
        yield textOf(piece.subarray(start, feed));
        start = feed + 1;
      }
      piece.copyWithin(0, start);
      kept = piece.length - start;
    }
  }

  /** Reads what fits behind `kept` octets of the buffer. @returns how many octets; 0 at the end */
  #read(kept: number, at: number, end: number): number {
    const room = Math.min(this.#buffer.length - kept, end - at);
    return room === 0 ? 0 : readSync(this.#fd, this.#buffer, kept, room, at);
  }
}

/** Without letters beyond ASCII, which is the rule, octets are read ten times as fast. */
function textOf(bytes: Buffer): string {
  return bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
}
