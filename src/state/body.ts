// Reads the body of an answer: unpacked, bounded.

import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

export interface BodyOptions {
  /** The answer's `content-encoding`, undefined where it has none. */
  readonly encoding: string | undefined;
  /** The answer's `content-length`, a guess at the room that the body takes; undefined where it has none. */
  readonly contentLength?: string | undefined;
  /** Limit after unpacking, bytes; checked while reading, so a small packed body cannot fill the memory. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** The whole body. Rejects where it is cut, too large, packed otherwise than asked for, or badly packed. */
export async function readBody(body: Readable, options: BodyOptions): Promise<Uint8Array> {
  const { encoding, contentLength, maxBytes, signal } = options;
  const packing = packingOf(encoding);
  const kept = new GrowingBytes(expectedBytes(packing, contentLength, maxBytes), maxBytes);
  const collect = async (pieces: AsyncIterable<Buffer>) => {
    for await (const piece of pieces) if (!kept.add(piece)) return;
  };
  // The pipeline rejects with whatever ends the body, but a body that is given up on purpose says so as an event too.
  body.on('error', () => undefined);
  try {
    if (packing === 'unknown') throw new Error(`the content encoding ${JSON.stringify(encoding)} was not asked for`);
    if (packing === 'gzip') await pipeline(body, createGunzip({ chunkSize: PIECE_BYTES }), collect, { signal });
    else await pipeline(body, collect, { signal });
  } catch (error) {
    if (!kept.overflowed) throw error;
  } finally {
    body.destroy();
  }
  if (kept.overflowed) throw new Error(`the document is larger than ${maxBytes} bytes`);
  return kept.bytes();
}

/** Smaller ones are not worth the trouble, and may be parts of a buffer that others use. */
const RELEASED_FROM_BYTES = 1024 * 1024;

/**
 * Gives up a body that nobody reads any more: it is empty afterwards. A large one that is merely forgotten takes its memory
 * until old objects are collected, which may be after all of the zone was built; what is new, as the buffer is after it was
 * handed over, goes with the new objects, many times a second.
 */
export function releaseBody({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < RELEASED_FROM_BYTES || !(buffer instanceof ArrayBuffer)) return;
  structuredClone(buffer, { transfer: [buffer] });
}

/** What the unpacking hands over at once. */
const PIECE_BYTES = 64 * 1024;
/** Room for the body where nothing is known of it. */
const UNKNOWN_BYTES = 256 * 1024;
/** State documents pack to a tenth and less. Room that is not written to takes no memory, so that this may be too much. */
const PACKED_RATIO = 16;

function expectedBytes(packing: Packing, contentLength: string | undefined, maxBytes: number): number {
  const length = /^\d{1,15}$/.test(contentLength ?? '') ? Number(contentLength) : UNKNOWN_BYTES;
  return Math.min(packing === 'gzip' ? length * PACKED_RATIO : length, maxBytes);
}

/**
 * One buffer that pieces are copied into as they come: a list of them would have to be put together in the end, and take
 * the memory of the body twice.
 */
class GrowingBytes {
  /** Whether there was more than may be kept. */
  overflowed = false;

  private readonly maxBytes: number;
  private buffer: Buffer;
  private length = 0;

  constructor(expectedBytes: number, maxBytes: number) {
    this.maxBytes = maxBytes;
    this.buffer = Buffer.allocUnsafeSlow(expectedBytes);
  }

  /** @returns false where the piece does not fit any more. */
  add(piece: Uint8Array): boolean {
    const length = this.length + piece.length;
    if (length > this.maxBytes) this.overflowed = true;
    if (this.overflowed) return false;
    if (length > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(length, this.buffer.length * 2), this.maxBytes));
      grown.set(this.bytes());
      this.buffer = grown;
    }
    this.buffer.set(piece, this.length);
    this.length = length;
    return true;
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

type Packing = 'plain' | 'gzip' | 'unknown';

function packingOf(encoding: string | undefined): Packing {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return 'plain';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    default:
      return 'unknown';
  }
}

/** The first words of an error's body on one line, for a message; '' where there are none or they cannot be read. */
export async function readExcerpt(body: Readable, options: Omit<BodyOptions, 'maxBytes'>): Promise<string> {
  try {
    const bytes = await readBody(body, { ...options, maxBytes: 16_384 });
    const line = new TextDecoder()
      .decode(bytes)
      .replaceAll(/[\p{C}\s]+/gu, ' ')
      .trim();
    return line.length > 120 ? `${line.slice(0, 120)}…` : line;
  } catch {
    // What an error says is a courtesy; that it is one is known from the status.
    return '';
  }
}
