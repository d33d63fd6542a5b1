// Cuts TCP's stream of octets into DNS messages (RFC 1035 section 4.2.2), however the network has cut it.

const EMPTY = new Uint8Array(0);
const FIRST_CAPACITY_BYTES = 512;

/** A message that came in one piece is handed on as a view; memory for others grows with what came, not with what was promised. */
export class FrameReader {
  #chunk: Uint8Array = EMPTY;
  #offset = 0;
  /** The first length octet, where only that has come; else -1. */
  #lengthHigh = -1;
  /** Length of the message being collected; -1 before its length is known. */
  #wanted = -1;
  #collected: Uint8Array = EMPTY;
  #collectedBytes = 0;

  /** @param chunk is kept until `next` has returned null, and must not change meanwhile. */
  feed(chunk: Uint8Array): void {
    const rest = this.#chunk.subarray(this.#offset);
    this.#chunk = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.#offset = 0;
  }

  /** The next whole message, valid until the next call; an empty one where the length said 0; null where more octets are needed. */
  next(): Uint8Array | null {
    if (this.#wanted < 0 && !this.#readLength()) return this.#exhausted();
    const missing = this.#wanted - this.#collectedBytes;
    const available = Math.min(this.#chunk.length - this.#offset, missing);
    const piece = this.#chunk.subarray(this.#offset, this.#offset + available);
    this.#offset += available;
    if (this.#collectedBytes === 0 && available === missing) {
      this.#wanted = -1;
      return piece;
    }
    this.#collect(piece);
    if (available < missing) return this.#exhausted();
    const message = this.#collected.subarray(0, this.#collectedBytes);
    this.#wanted = -1;
    this.#collected = EMPTY;
    this.#collectedBytes = 0;
    return message;
  }

  /** Does not hold on to octets that have been handed on. */
  #exhausted(): null {
    this.#chunk = EMPTY;
    this.#offset = 0;
    return null;
  }

  #readLength(): boolean {
    if (this.#lengthHigh < 0) {
      const high = this.#chunk[this.#offset];
      if (high === undefined) return false;
      this.#lengthHigh = high;
      this.#offset += 1;
    }
    const low = this.#chunk[this.#offset];
    if (low === undefined) return false;
    this.#offset += 1;
    this.#wanted = (this.#lengthHigh << 8) | low;
    this.#lengthHigh = -1;
    return true;
  }

  #collect(piece: Uint8Array): void {
    const needed = this.#collectedBytes + piece.length;
    if (needed > this.#collected.length) {
      const grown = new Uint8Array(Math.min(this.#wanted, Math.max(2 * needed, FIRST_CAPACITY_BYTES)));
      grown.set(this.#collected.subarray(0, this.#collectedBytes));
      this.#collected = grown;
    }
    this.#collected.set(piece, this.#collectedBytes);
    this.#collectedBytes = needed;
  }
}
