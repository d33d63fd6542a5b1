// A state document's octets and digits, kept as the original reads them: its JSON decoder is not JavaScript's.

import { Buffer, isAscii, isUtf8 } from 'node:buffer';

const REPLACEMENT = Buffer.from('\uFFFD');

/**
 * The document as well-formed UTF-8, itself where it is. Every octet that is not part of a well-formed character becomes one
 * U+FFFD, as in Go (a TextDecoder makes one of a whole cut-off character), and a byte order mark stays, because a document
 * with one is refused.
 */
export function wellFormedDocument(bytes: Uint8Array): Uint8Array {
  // Nearly all documents are, and it is known in a fraction of the time.
  if (isAscii(bytes) || isUtf8(bytes)) return bytes;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let strayCount = 0;
  for (const _ of strayOctets(buffer)) strayCount += 1;
  const wellFormed = Buffer.allocUnsafeSlow(buffer.length + strayCount * (REPLACEMENT.length - 1));
  let from = 0;
  let to = 0;
  for (const stray of strayOctets(buffer)) {
    to += buffer.copy(wellFormed, to, from, stray);
    to += REPLACEMENT.copy(wellFormed, to);
    from = stray + 1;
  }
  buffer.copy(wellFormed, to, from);
  return wellFormed;
}

/** The same for a document that comes in pieces, which may end in the middle of a character. */
export class WellFormedPieces {
  /** The start of a character. */
  private cut: Uint8Array = new Uint8Array(0);

  /** What is whole of a piece and of those before it; the piece itself as a rule. */
  add(piece: Uint8Array): Uint8Array {
    if (this.cut.length === 0 && isAscii(piece)) return piece;
    const octets = this.cut.length === 0 ? piece : Buffer.concat([this.cut, piece]);
    const end = octets.length - cutOctets(octets);
    this.cut = octets.slice(end);
    return wellFormedDocument(octets.subarray(0, end));
  }

  /** What is left behind the last piece. */
  end(): Uint8Array {
    return wellFormedDocument(this.cut);
  }
}

/** How many octets at the end may be the start of a longer character, 0–3. */
function cutOctets(octets: Uint8Array): number {
  for (let count = Math.min(3, octets.length); count > 0; count -= 1) {
    if (saidSize(octets[octets.length - count] ?? 0) > count) return count;
  }
  return 0;
}

/** Octets of the character that begins with one, as far as that says. */
function saidSize(first: number): number {
  if (first < 0xc0) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Offsets of the octets that are not part of a well-formed character. */
function* strayOctets(buffer: Buffer): Generator<number, void> {
  for (let at = 0; at < buffer.length; ) {
    const size = characterSize(buffer, at);
    if (size === 0) yield at;
    at += Math.max(size, 1);
  }
}

/** Octets of the well-formed character (RFC 3629) at an offset, 0 where there is none. */
function characterSize(buffer: Buffer, at: number): number {
  const first = buffer[at] ?? 0;
  if (first < 0x80) return 1;
  const size = first < 0xc0 ? 2 : saidSize(first);
  return isUtf8(buffer.subarray(at, at + size)) && at + size <= buffer.length ? size : 0;
}

/**
 * Puts long numbers of discovery ports, in JSON text, into quotes. The original shows 64-bit numbers digit by digit; JSON.parse would
 * round those beyond 2^53.
 */
export function quoteLongPortNumbers(text: string): string {
  return text.replace(/("number"\s*:\s*)(-?\d{16,})(?=\s*[,}])/g, '$1"$2"');
}
