// RecordIO, the framing of Mesos's streams: `LENGTH\n` and so many octets, one record behind the other. Pieces arrive cut
// anywhere; a record's size is bounded before any memory is taken for it.

import { Buffer } from 'node:buffer';
import { MesosDnsError } from '../errors.ts';
import { releaseBytes } from './release.ts';

const LINE_FEED = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;
/** Digits of the largest length that is looked at: far above any limit. */
const MAX_DIGITS = 15;
/** A record that comes in many pieces is gathered in a buffer that grows to its size as it comes. */
const FIRST_BYTES = 64 * 1024;

export class RecordDecoder {
  /** The largest record. */
  maxBytes: number;
  /** Digits of the length read so far. */
  #digits = 0;
  #length = 0;
  /** Whether the line end behind the length has come. */
  #inRecord = false;
  #gathered: Buffer | null = null;
  #filled = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /**
   * Takes the next piece and calls back with each record that is complete, which holds only until the call returns.
   * Throws ERR_STREAM where the framing is broken or a record too large; nothing can be read afterwards.
   */
  push(piece: Uint8Array, record: (bytes: Uint8Array) => void): void {
    let at = 0;
    while (at < piece.length) {
      if (!this.#inRecord) {
        at = this.#readLength(piece, at);
        if (this.#inRecord && this.#length === 0) this.#finish(new Uint8Array(0), record);
        continue;
      }
      const missing = this.#length - this.#filled;
      const end = Math.min(piece.length, at + missing);
      if (this.#filled === 0 && end - at === missing) {
        this.#finish(piece.subarray(at, end), record);
      } else {
        this.#gather(piece.subarray(at, end));
        if (this.#filled === this.#length) {
          const gathered = this.#gathered as Buffer;
          this.#gathered = null;
          this.#finish(gathered.subarray(0, this.#length), record);
          releaseBytes(gathered);
        }
      }
      at = end;
    }
  }

  #readLength(piece: Uint8Array, from: number): number {
    for (let at = from; at < piece.length; at++) {
      const octet = piece[at] as number;
      if (octet === LINE_FEED && this.#digits > 0) {
        if (this.#length > this.maxBytes) {
          throw broken(`a record of ${this.#length} bytes, more than ${this.maxBytes}`);
        }
        this.#inRecord = true;
        return at + 1;
      }
      if (octet < ZERO || octet > NINE) throw broken('a record without a length');
      this.#digits += 1;
      if (this.#digits > MAX_DIGITS) throw broken(`a length of more than ${MAX_DIGITS} digits`);
      this.#length = this.#length * 10 + octet - ZERO;
    }
    return piece.length;
  }

  #gather(part: Uint8Array): void {
    const needed = this.#filled + part.length;
    if (this.#gathered === null || this.#gathered.length < needed) {
      const size = Math.min(this.#length, Math.max(FIRST_BYTES, needed, 2 * (this.#gathered?.length ?? 0)));
      const grown = Buffer.allocUnsafeSlow(size);
      if (this.#gathered !== null) {
        grown.set(this.#gathered.subarray(0, this.#filled));
        releaseBytes(this.#gathered);
      }
      this.#gathered = grown;
    }
    this.#gathered.set(part, this.#filled);
    this.#filled = needed;
  }

  #finish(bytes: Uint8Array, record: (bytes: Uint8Array) => void): void {
    this.#digits = 0;
    this.#length = 0;
    this.#filled = 0;
    this.#inRecord = false;
    record(bytes);
  }
}

function broken(what: string): MesosDnsError {
  return new MesosDnsError('ERR_STREAM', `the event stream has ${what}`);
}
