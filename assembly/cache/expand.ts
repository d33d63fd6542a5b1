// A name of a message without its compression pointers (RFC 1035 section 4.1.4).

import { HEADER_SIZE, MAX_LABEL_SIZE, MAX_NAME_SIZE } from '../shared/wire';
import { load16 } from '../wire/bytes';
import { MALFORMED } from '../wire/name';

/**
 * Writes the name at an offset of the message. Pointers must lead before the part of the name that they end.
 * @param to room for MAX_NAME_SIZE octets
 * @returns its octets, or MALFORMED
 */
export function expandName(message: usize, length: u32, start: u32, to: usize): u32 {
  let at = start;
  let part = start;
  let written: u32 = 0;
  while (at < length) {
    const size: u32 = load<u8>(message + at);
    if (size >= 0xc0) {
      if (length - at < 2) return MALFORMED;
      const target = load16(message + at) & 0x3fff;
      if (target < <u32>HEADER_SIZE || target >= part) return MALFORMED;
      part = target;
      at = target;
      continue;
    }
    if (size > <u32>MAX_LABEL_SIZE || length - at <= size || <u32>MAX_NAME_SIZE - written <= size) return MALFORMED;
    memory.copy(to + written, message + at, size + 1);
    written += size + 1;
    if (size == 0) return written;
    at += size + 1;
  }
  return MALFORMED;
}
