// Names in a message: reading the one of the question, and stepping over the others (RFC 1035 sections 3.1, 4.1.4).

import {
  QUESTION_HASHES,
  QUESTION_LABEL_COUNT,
  QUESTION_LABELS,
  QUESTION_NAME,
  QUESTION_NAME_SIZE,
} from '../shared/layout';
import { HEADER_SIZE, MAX_LABEL_SIZE, MAX_NAME_SIZE } from '../shared/wire';
import { extendHash, findLabels, HASH_ROOT, hashName } from '../table/hash';
import { load16, lowerCase } from './bytes';

/** What readQuestionName and skipName return for a name that is none. No offset in a message is 0. */
export const MALFORMED: u32 = 0;

/**
 * Lower-cases the name at offset 12 into the worker's question, with where its labels stand and the hash of each suffix.
 * A compression pointer is malformed here: there is nothing in front of the question that it could point to.
 * @returns the offset behind the name, or MALFORMED
 */
export function readQuestionName(worker: usize, message: usize, length: u32): u32 {
  const from = message + HEADER_SIZE;
  const size = nameSize(from, length - HEADER_SIZE);
  if (size == 0) return MALFORMED;
  const name = worker + QUESTION_NAME;
  // The octets behind the name that are taken along are those of the message or its guard; zero padding follows.
  for (let at: u32 = 0; at < size; at += 8) store<u64>(name + at, lowerCase(load<u64>(from + at)));
  store<u64>(name + size, 0);
  store<u32>(worker + QUESTION_NAME_SIZE, size);
  const labels = worker + QUESTION_LABELS;
  let count = findLabels(from, labels);
  store<u32>(worker + QUESTION_LABEL_COUNT, count);
  let hash = HASH_ROOT;
  while (count > 0) {
    count -= 1;
    // From the message: what was just written, other octets at a time, would be waited for.
    hash = extendHash(hash, from + load<u8>(labels + count));
    store<u64>(worker + QUESTION_HASHES + (count << 3), hash);
  }
  return HEADER_SIZE + size;
}

/** The hash of the name at offset 12 and nothing else; that of the root where the name is malformed. */
export function hashQuestionName(worker: usize, message: usize, length: u32): u64 {
  const name = message + HEADER_SIZE;
  return nameSize(name, length - HEADER_SIZE) == 0 ? HASH_ROOT : hashName(name, worker + QUESTION_LABELS);
}

/** Octets of a name without compression, root included; 0 where there is none within `limit` octets. */
function nameSize(name: usize, limit: u32): u32 {
  const room = min<u32>(limit, MAX_NAME_SIZE);
  let at: u32 = 0;
  while (at < room) {
    const size: u32 = load<u8>(name + at);
    if (size == 0) return at + 1;
    if (size > <u32>MAX_LABEL_SIZE) return 0;
    at += size + 1;
  }
  return 0;
}

/**
 * Steps over the owner name of a record. A pointer must point strictly backwards and behind the header; what it points
 * to was stepped over before, or lies inside a record, and is not followed: nothing here needs the name.
 * @returns the offset behind the name, or MALFORMED
 */
export function skipName(message: usize, length: u32, start: u32): u32 {
  let at = start;
  while (at < length && at - start < <u32>MAX_NAME_SIZE) {
    const size: u32 = load<u8>(message + at);
    if (size == 0) return at + 1;
    if (size >= 0xc0) {
      if (length - at < 2) return MALFORMED;
      const target = load16(message + at) & 0x3fff;
      return target >= <u32>HEADER_SIZE && target < start ? at + 2 : MALFORMED;
    }
    if (size > <u32>MAX_LABEL_SIZE || length - at <= size) return MALFORMED;
    at += size + 1;
  }
  return MALFORMED;
}

/** True where two names on the wire, of the same size, hold the same octets. */
export function sameName(a: usize, b: usize, size: u32): bool {
  let left = size;
  let p = a;
  let q = b;
  while (left >= 8) {
    if (load<u64>(p) != load<u64>(q)) return false;
    p += 8;
    q += 8;
    left -= 8;
  }
  while (left > 0) {
    if (load<u8>(p) != load<u8>(q)) return false;
    p += 1;
    q += 1;
    left -= 1;
  }
  return true;
}
