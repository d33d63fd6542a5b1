// Gives large buffers back before old objects are collected.

/** Smaller ones are not worth the trouble, and may be parts of a buffer that others use. */
const RELEASED_FROM_BYTES = 1024 * 1024;

/**
 * Gives up octets that nobody reads any more: the buffer is empty afterwards. A large one that is merely forgotten takes its memory
 * until old objects are collected, which may be after all of the zone was built; what is new, as the buffer is after it was
 * handed over, goes with the new objects, many times a second.
 */
export function releaseBytes({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < RELEASED_FROM_BYTES || !(buffer instanceof ArrayBuffer)) return;
  structuredClone(buffer, { transfer: [buffer] });
}
