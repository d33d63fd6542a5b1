// Gives large buffers back before old objects are collected.

import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';

/** Smaller ones are not worth the trouble, and may be parts of a buffer that others use. */
const RELEASED_FROM_BYTES = 1024 * 1024;

/**
 * Gives up octets that nobody reads any more: the buffer is empty at once. A large one that is merely forgotten takes its
 * memory until old objects are collected, which may be after all of the zone was built; one that was sent to a port goes with
 * the port.
 *
 * @returns resolves when the memory is given back
 */
export async function releaseBytes({ buffer, byteLength }: Uint8Array): Promise<void> {
  if (byteLength < RELEASED_FROM_BYTES || !(buffer instanceof ArrayBuffer)) return;
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(null, [buffer]);
  const isClosed = once(port2, 'close');
  port2.close();
  await isClosed;
}
