// Gives buffers back before old objects are collected.

import { Buffer } from 'node:buffer';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Smaller ones are not worth the trouble, and may be parts of a buffer that others use. */
const RELEASED_FROM_BYTES = 1024 * 1024;

/** A port that is closed: buffers sent to it are transferred to nobody. */
const nowhere = closedPort();

/**
 * Gives up octets that nobody reads any more: the buffer is empty at once. A large one that is merely forgotten takes its
 * memory until old objects are collected, which may be after all of the zone was built.
 */
export function releaseBytes({ buffer, byteLength }: Uint8Array): void {
  if (byteLength >= RELEASED_FROM_BYTES && buffer instanceof ArrayBuffer) nowhere.postMessage(null, [buffer]);
}

/**
 * The buffers that a socket's octets come in, each of which is given back when the next one has come. Each is memory of its
 * own: a large document would use thousands of pages for the first time that are never used again.
 */
export class PassingBuffers {
  #last: ArrayBuffer | null = null;

  /** Takes note of the next piece; nobody reads those before it any more, nor keeps them. */
  next({ buffer }: Uint8Array): void {
    if (buffer === this.#last) return;
    if (this.#last !== null) nowhere.postMessage(null, [this.#last]);
    // Others may use the rest of a small one.
    this.#last = buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize ? buffer : null;
  }
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
