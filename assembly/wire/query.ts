// One query, read once from front to back into the worker's question.

import {
  COOKIE_NONE,
  COOKIE_STATE,
  DESCRIPTOR_ADDRESS,
  DESCRIPTOR_FAMILY,
  EDNS_DO,
  EDNS_PAYLOAD,
  EDNS_PRESENT,
  EDNS_VERSION,
  EDNS_WANTS,
  QUESTION_CLASS,
  QUESTION_END,
  QUESTION_TYPE,
  RECORDS_END,
  SUBNET_ADDRESS,
  SUBNET_FAMILY,
} from '../shared/layout';
import { HEADER_SIZE, TYPE_OPT } from '../shared/wire';
import { load16 } from './bytes';
import { additionalCount, answerCount, authorityCount } from './header';
import { MALFORMED, readQuestionName, skipName } from './name';
import { readOptions } from './options';

/** Reads the one question. @returns false where it is malformed */
export function readQuestion(worker: usize, message: usize, length: u32): bool {
  const end = readQuestionName(worker, message, length);
  if (end == MALFORMED || length - end < 4) return false;
  store<u32>(worker + QUESTION_TYPE, load16(message + end));
  store<u32>(worker + QUESTION_CLASS, load16(message + end + 2));
  store<u32>(worker + QUESTION_END, end + 4);
  return true;
}

/** There is no question: the records follow the header. */
export function readNoQuestion(worker: usize): void {
  store<u32>(worker + QUESTION_END, HEADER_SIZE);
}

/**
 * Reads the records behind the question, as far as an answer depends on them: the OPT record and its options.
 * @returns false where a record is malformed, or promised and not there, or a second OPT
 */
export function readRecords(worker: usize, descriptor: usize, message: usize, length: u32): bool {
  store<u32>(worker + EDNS_PRESENT, 0);
  store<u32>(worker + EDNS_DO, 0);
  store<u32>(worker + EDNS_WANTS, 0);
  store<u32>(worker + COOKIE_STATE, COOKIE_NONE);
  copyAddress(worker, load<u32>(descriptor + DESCRIPTOR_FAMILY), descriptor + DESCRIPTOR_ADDRESS);

  let at = load<u32>(worker + QUESTION_END);
  const others = answerCount(message) + authorityCount(message);
  const count = others + additionalCount(message);
  for (let i: u32 = 0; i < count; i++) {
    const owner = at;
    at = skipName(message, length, at);
    if (at == MALFORMED || length - at < 10) return false;
    const type = load16(message + at);
    const dataSize = load16(message + at + 8);
    const data = at + 10;
    if (length - data < dataSize) return false;
    if (type == TYPE_OPT) {
      const isOnly = load<u32>(worker + EDNS_PRESENT) == 0;
      const isRoot = load<u8>(message + owner) == 0;
      if (!isOnly || !isRoot || i < others) return false;
      if (!readOpt(worker, descriptor, message, at, data, data + dataSize)) return false;
    }
    at = data + dataSize;
  }
  store<u32>(worker + RECORDS_END, at);
  return true;
}

//   OPT (RFC 6891 section 6.1.2), from its type on:
//   | 00 29 | payload size | extended rcode | version | DO + Z (2) | rdlength | options |
function readOpt(worker: usize, descriptor: usize, message: usize, at: u32, data: u32, end: u32): bool {
  store<u32>(worker + EDNS_PRESENT, 1);
  store<u32>(worker + EDNS_PAYLOAD, load16(message + at + 2));
  store<u32>(worker + EDNS_VERSION, load<u8>(message + at + 5));
  store<u32>(worker + EDNS_DO, load16(message + at + 6) >> 15);
  return readOptions(worker, descriptor, message, data, end);
}

function copyAddress(worker: usize, family: u32, address: usize): void {
  store<u32>(worker + SUBNET_FAMILY, family);
  store<u64>(worker + SUBNET_ADDRESS, load<u64>(address));
  store<u64>(worker + SUBNET_ADDRESS + 8, load<u64>(address + 8));
}
