// The way of forwarded queries from a batched UDP worker to the thread of the forwarder: a ring in shared memory with one
// writer and one reader. A message of Node's between threads costs more than the whole rest of a forwarded query, so one
// is sent only to wake a reader that has read everything.
//
//   +0    written   i32, atomic: where the writer goes on, counted in octets since start
//   +64   read      i32, atomic: where the reader goes on; equal: the ring is empty
//   +128  woken     i32, atomic: 1 from the writer's wake-up call until the reader rests
//   +192  entries   RING_BYTES
//
// An entry, 8-aligned, never across the end of the ring:
//   | size u32: octets with padding | length u16: of the message | socket u8: index | pad | route u16 | pad u16 | peer | message |
// A size of 0 says that the rest of the ring up to its end is not used.

import { PEER_SIZE } from './packet-batch.ts';

const WRITTEN = 0;
const READ = 16;
const WOKEN = 32;
const ENTRIES_OFFSET = 192;
/** Room for about 4,000 queries of ordinary size. */
const RING_BYTES = 1 << 19;

const ENTRY_LENGTH = 4;
const ENTRY_SOCKET = 6;
const ENTRY_ROUTE = 8;
const ENTRY_PEER = 12;
const ENTRY_MESSAGE = ENTRY_PEER + PEER_SIZE;

export function createForwardRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(ENTRIES_OFFSET + RING_BYTES);
}

/** @param peer and message are views of the ring, valid until the call returns */
export type EntryReader = (socket: number, route: number, peer: Uint8Array, message: Uint8Array) => void;

export class ForwardRing {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, ENTRIES_OFFSET / 4);
    this.#bytes = new Uint8Array(buffer, ENTRIES_OFFSET, RING_BYTES);
    this.#view = new DataView(buffer, ENTRIES_OFFSET, RING_BYTES);
  }

  /**
   * By the writer alone. The entry can be read from `publish()` on.
   * @returns where the next entry goes; -1 where there is no room
   */
  write(at: number, socket: number, route: number, peer: Uint8Array, message: Uint8Array): number {
    const size = (ENTRY_MESSAGE + message.length + 7) & ~7;
    const untilEnd = RING_BYTES - (at & (RING_BYTES - 1));
    const skipped = untilEnd < size ? untilEnd : 0;
    const used = (at - Atomics.load(this.#words, READ)) | 0;
    if (RING_BYTES - used < skipped + size) return -1;
    if (skipped > 0) this.#view.setUint32(at & (RING_BYTES - 1), 0, true);
    const entry = (at + skipped) & (RING_BYTES - 1);
    this.#view.setUint32(entry, size, true);
    this.#view.setUint16(entry + ENTRY_LENGTH, message.length, true);
    this.#view.setUint8(entry + ENTRY_SOCKET, socket);
    this.#view.setUint16(entry + ENTRY_ROUTE, route, true);
    this.#bytes.set(peer, entry + ENTRY_PEER);
    this.#bytes.set(message, entry + ENTRY_MESSAGE);
    return (at + skipped + size) | 0;
  }

  /** Where the writer goes on. */
  get written(): number {
    return Atomics.load(this.#words, WRITTEN);
  }

  /** @returns true where the reader must be woken */
  publish(at: number): boolean {
    Atomics.store(this.#words, WRITTEN, at);
    return Atomics.exchange(this.#words, WOKEN, 1) === 0;
  }

  /** By the reader alone. @returns how many entries were read, `max` at most */
  read(take: EntryReader, max: number): number {
    const written = Atomics.load(this.#words, WRITTEN);
    let at = Atomics.load(this.#words, READ);
    let count = 0;
    while (at !== written && count < max) {
      const entry = at & (RING_BYTES - 1);
      const size = this.#view.getUint32(entry, true);
      if (size === 0) {
        at = (at + RING_BYTES - entry) | 0;
        continue;
      }
      const message = entry + ENTRY_MESSAGE;
      take(
        this.#view.getUint8(entry + ENTRY_SOCKET),
        this.#view.getUint16(entry + ENTRY_ROUTE, true),
        this.#bytes.subarray(entry + ENTRY_PEER, message),
        this.#bytes.subarray(message, message + this.#view.getUint16(entry + ENTRY_LENGTH, true)),
      );
      at = (at + size) | 0;
      count += 1;
    }
    if (count > 0) Atomics.store(this.#words, READ, at);
    return count;
  }

  /** By the reader: what is published from here on wakes it. @returns false where something has been published before */
  rest(): boolean {
    Atomics.store(this.#words, WOKEN, 0);
    return Atomics.load(this.#words, READ) === Atomics.load(this.#words, WRITTEN);
  }
}
