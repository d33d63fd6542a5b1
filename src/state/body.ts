// Reads the body of an answer: unpacked, bounded.

import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { PassingBuffers, releaseBytes } from './release.ts';

export interface BodyOptions {
  /** The answer's `content-encoding`, undefined where it has none. */
  readonly encoding: string | undefined;
  /** The answer's `content-length`, a guess at the room that the body takes; undefined where it has none. */
  readonly contentLength?: string | undefined;
  /** Limit, bytes, of what comes and of what it unpacks to: a small packed body cannot fill the memory. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Takes the body while it comes, where it is not packed; what it took is worth nothing where the body is refused. */
  readonly sink?: BodySink;
}

export interface BodySink {
  /** How many octets it took. */
  readonly sizeBytes: number;
  /** Does not throw, and does not keep the piece. */
  add(piece: Uint8Array): void;
}

/** The whole body; nothing where a sink took it. Rejects where it is cut, too large, packed otherwise than asked for, or badly packed. */
export async function readBody(body: Readable, options: BodyOptions): Promise<Uint8Array> {
  const { encoding, contentLength, maxBytes, signal, sink } = options;
  const packing = packingOf(encoding);
  const kept =
    sink !== undefined && packing === 'plain'
      ? new PassedBytes(sink, maxBytes)
      : new GrowingBytes(expectedBytes(contentLength, maxBytes), maxBytes);
  const passing = new PassingBuffers();
  const collect = async (pieces: AsyncIterable<Buffer>) => {
    for await (const piece of pieces) {
      passing.next(piece);
      if (!kept.add(piece)) return;
    }
  };
  // The pipeline rejects with whatever ends the body, but a body that is given up on purpose says so as an event too.
  body.on('error', () => undefined);
  try {
    if (packing === 'unknown') throw new Error(`the content encoding ${JSON.stringify(encoding)} was not asked for`);
    await pipeline(body, collect, { signal });
  } catch (error) {
    if (!kept.overflowed) throw error;
  } finally {
    body.destroy();
  }
  if (kept.overflowed) throw tooLarge(maxBytes);
  if (packing === 'plain') return kept.bytes();
  const packed = kept.bytes();
  const bytes = await unpack(packed, maxBytes);
  releaseBytes(packed);
  signal.throwIfAborted();
  return bytes;
}

function tooLarge(maxBytes: number): Error {
  return new Error(`the document is larger than ${maxBytes} bytes`);
}

/**
 * Into one buffer, of the size that stands at the end of what is packed (RFC 1952 section 2.3.1): pieces of it would have
 * the whole heap looked through for garbage again and again while they come. A size that is not true costs time alone.
 */
async function unpack(packed: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const { length } = packed;
  const said = length < 4 ? 0 : new DataView(packed.buffer, packed.byteOffset + length - 4).getUint32(0, true);
  // A buffer that is full, and no octet more, makes zlib ask for another one.
  const chunkSize = Math.min(Math.max(said, MIN_ROOM_BYTES), maxBytes) + 1;
  try {
    return await promisify(gunzip)(packed, { chunkSize, maxOutputLength: maxBytes });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : error;
  }
}

const MIN_ROOM_BYTES = 16 * 1024;

/** Room for the body where nothing is known of it. */
const UNKNOWN_BYTES = 256 * 1024;
function expectedBytes(contentLength: string | undefined, maxBytes: number): number {
  const length = /^\d{1,15}$/.test(contentLength ?? '') ? Number(contentLength) : UNKNOWN_BYTES;
  return Math.min(length, maxBytes);
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
      releaseBytes(this.buffer);
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

/** The same where they go to a sink. */
class PassedBytes {
  overflowed = false;

  private readonly maxBytes: number;
  private readonly sink: BodySink;

  constructor(sink: BodySink, maxBytes: number) {
    this.sink = sink;
    this.maxBytes = maxBytes;
  }

  add(piece: Uint8Array): boolean {
    if (this.sink.sizeBytes + piece.length > this.maxBytes) this.overflowed = true;
    else this.sink.add(piece);
    return !this.overflowed;
  }

  bytes(): Uint8Array {
    return NOTHING;
  }
}

const NOTHING = new Uint8Array(0);

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
