// Writing a reply in place: the question stays where it came, with the sender's spelling; records go behind it, up to
// the size that the sender takes. Room for the OPT record is set aside at the beginning, so that it always fits.

import {
  A_RECORD_SIZE,
  AAAA_RECORD_SIZE,
  BODY_DIRECTORY,
  EDNS_PRESENT,
  EMITTED_MAX,
  EMITTED_SIZE,
  ENTRY_RECORD,
  ENTRY_RECORD_SIZE,
  ENTRY_SIZE,
  ENTRY_TARGET,
  NO_TARGET,
  QUESTION_END,
  RECORD_FIXED_SIZE,
  REPLY_ADDITIONAL,
  REPLY_ANSWERS,
  REPLY_AT,
  REPLY_AUTHORITY,
  REPLY_LIMIT,
  REPLY_RCODE,
  RRSET_BODY,
  RRSET_COUNT,
  RRSET_TYPE,
  TABLE_FLAG_SUBNET_FIRST,
  TABLE_FLAGS,
  TABLE_NEGATIVE_SOA,
  TABLE_NEGATIVE_SOA_SIZE,
  TARGET_A_COUNT,
  TARGET_AAAA_COUNT,
  TARGET_ADDRESSES,
  TARGET_SIZE,
  WORKER_ANSWER_NUMBER,
  WORKER_EMITTED,
  WORKER_MARKS,
  WORKER_ORDER,
} from '../shared/layout';
import { HEADER_SIZE, MAX_POINTER, TYPE_A, TYPE_AAAA, TYPE_SRV } from '../shared/wire';
import { store16 } from '../wire/bytes';
import { setCounts, setFlags } from '../wire/header';
import { optSize, writeOpt } from './opt';
import { drawNearFirst, drawOrder } from './order';

/** Priority, weight and port of SRV rdata, in front of the target (RFC 2782). */
const SRV_FIXED_SIZE: u32 = 6;

/** Begins a reply behind the question; REPLY_ERROR is set. @param limit the largest reply, octets */
export function begin(worker: usize, table: usize, limit: u32): void {
  const at = load<u32>(worker + QUESTION_END);
  store<u32>(worker + REPLY_AT, at);
  store<u32>(worker + REPLY_LIMIT, max<u32>(at, limit - optSize(worker, table)));
  store<u32>(worker + REPLY_ANSWERS, 0);
  store<u32>(worker + REPLY_AUTHORITY, 0);
  store<u32>(worker + REPLY_ADDITIONAL, 0);
}

/** Ends a reply: OPT, counts, flags. @returns its length, octets */
export function finish(worker: usize, table: usize, message: usize, flags: u32, rcode: u32): u32 {
  let at = load<u32>(worker + REPLY_AT);
  let additional = load<u32>(worker + REPLY_ADDITIONAL);
  if (load<u32>(worker + EDNS_PRESENT)) {
    at = writeOpt(worker, table, message, at, rcode);
    additional += 1;
  }
  store<u32>(worker + REPLY_RCODE, rcode);
  setFlags(message, flags | (rcode & 15));
  const questions: u32 = load<u32>(worker + QUESTION_END) == HEADER_SIZE ? 0 : 1;
  setCounts(message, questions, load<u32>(worker + REPLY_ANSWERS), load<u32>(worker + REPLY_AUTHORITY), additional);
  return at;
}

/**
 * Writes an RRset to the answer section, in random order, as far as it fits.
 * @returns false where it was cut
 */
export function writeAnswers(worker: usize, table: usize, message: usize, rrset: usize): bool {
  const type: u32 = load<u16>(rrset + RRSET_TYPE);
  const count: u32 = load<u16>(rrset + RRSET_COUNT);
  const body: usize = load<u32>(rrset + RRSET_BODY);
  const isAddress = type == TYPE_A || type == TYPE_AAAA;
  // No record is smaller; one more than fit is looked at.
  const fitting = (load<u32>(worker + REPLY_LIMIT) - load<u32>(worker + REPLY_AT)) / RECORD_FIXED_SIZE + 1;
  if (isAddress) {
    if (load<u32>(table + TABLE_FLAGS) & TABLE_FLAG_SUBNET_FIRST) drawNearFirst(worker, type, body, count, fitting);
    else drawOrder(worker, count, fitting);
    return writeAddresses(worker, message, body, count, type == TYPE_A ? A_RECORD_SIZE : AAAA_RECORD_SIZE);
  }
  drawOrder(worker, count, fitting);
  return writeEntries(worker, message, body, count, type == TYPE_SRV ? SRV_FIXED_SIZE : 0);
}

function writeAddresses(worker: usize, message: usize, body: usize, count: u32, size: u32): bool {
  const at = load<u32>(worker + REPLY_AT);
  const written = min<u32>(count, (load<u32>(worker + REPLY_LIMIT) - at) / size);
  let to = message + at;
  for (let i: u32 = 0; i < written; i++, to += size) {
    const from = body + <usize>load<u16>(worker + WORKER_ORDER + (i << 1)) * size;
    store<u64>(to, load<u64>(from));
    store<u64>(to + 8, load<u64>(from + 8));
    if (size == AAAA_RECORD_SIZE) {
      store<u64>(to + 16, load<u64>(from + 16));
      store<u32>(to + 24, load<u32>(from + 24));
    }
  }
  store<u32>(worker + REPLY_AT, at + written * size);
  store<u32>(worker + REPLY_ANSWERS, written);
  return written == count;
}

/** @param targetOffset where in the rdata a record's target stands */
function writeEntries(worker: usize, message: usize, body: usize, count: u32, targetOffset: u32): bool {
  const limit = load<u32>(worker + REPLY_LIMIT);
  let at = load<u32>(worker + REPLY_AT);
  let written: u32 = 0;
  let emitted: u32 = 0;
  for (; written < count; written++) {
    const record = load<u16>(worker + WORKER_ORDER + (written << 1));
    const entry = body + BODY_DIRECTORY + <usize>record * ENTRY_SIZE;
    const size: u32 = load<u16>(entry + ENTRY_RECORD_SIZE);
    if (limit - at < size) break;
    memory.copy(message + at, body + load<u32>(entry + ENTRY_RECORD), size);
    const target: u32 = load<u16>(entry + ENTRY_TARGET);
    if (target != NO_TARGET && emitted < <u32>EMITTED_MAX) {
      const slot = worker + WORKER_EMITTED + emitted * EMITTED_SIZE;
      store<u32>(slot, target);
      store<u32>(slot + 4, at + RECORD_FIXED_SIZE + targetOffset);
      emitted += 1;
    }
    at += size;
  }
  store<u32>(worker + REPLY_AT, at);
  store<u32>(worker + REPLY_ANSWERS, written);
  if (emitted > 0) writeTargetAddresses(worker, message, body, count, emitted);
  return written == count;
}

/**
 * Writes the addresses of the targets named in the answer section to the additional section: whole RRsets only
 * (RFC 2181 section 5), each target once, as many as fit.
 */
function writeTargetAddresses(worker: usize, message: usize, body: usize, count: u32, emitted: u32): void {
  const limit = load<u32>(worker + REPLY_LIMIT);
  const targets = body + BODY_DIRECTORY + <usize>count * ENTRY_SIZE;
  const answerNumber = load<u32>(worker + WORKER_ANSWER_NUMBER) + 1;
  store<u32>(worker + WORKER_ANSWER_NUMBER, answerNumber);
  let at = load<u32>(worker + REPLY_AT);
  let additional: u32 = 0;
  for (let i: u32 = 0; i < emitted; i++) {
    const slot = worker + WORKER_EMITTED + i * EMITTED_SIZE;
    const index = load<u32>(slot);
    const mark = worker + WORKER_MARKS + (index << 2);
    if (load<u32>(mark) == answerNumber) continue;
    store<u32>(mark, answerNumber);

    // A name beyond a pointer's reach would have to be written out; the client asks for it instead.
    const owner = load<u32>(slot + 4);
    if (owner > <u32>MAX_POINTER) break;
    const target = targets + <usize>index * TARGET_SIZE;
    const aCount: u32 = load<u16>(target + TARGET_A_COUNT);
    const aaaaCount: u32 = load<u16>(target + TARGET_AAAA_COUNT);
    const aSize = aCount * A_RECORD_SIZE;
    const aaaaSize = aaaaCount * AAAA_RECORD_SIZE;
    const from = body + load<u32>(target + TARGET_ADDRESSES);
    if (limit - at >= aSize) {
      copyOwned(message + at, from, aCount, A_RECORD_SIZE, owner);
      at += aSize;
      additional += aCount;
    }
    if (limit - at >= aaaaSize) {
      copyOwned(message + at, from + aSize, aaaaCount, AAAA_RECORD_SIZE, owner);
      at += aaaaSize;
      additional += aaaaCount;
    }
  }
  store<u32>(worker + REPLY_AT, at);
  store<u32>(worker + REPLY_ADDITIONAL, additional);
}

/** Copies records, making the name at an offset of the message their owner. */
function copyOwned(to: usize, from: usize, count: u32, size: u32, owner: u32): void {
  if (count == 0) return;
  memory.copy(to, from, count * size);
  let record = to;
  for (let left = count; left > 0; left--, record += size) store16(record, 0xc000 | owner);
}

/**
 * Writes the SOA of a negative answer to the authority section (RFC 2308 section 3), if it fits.
 * @param owner offset in the message of the zone's name
 */
export function writeNegativeSoa(worker: usize, table: usize, message: usize, owner: u32): void {
  const at = load<u32>(worker + REPLY_AT);
  const size = load<u32>(table + TABLE_NEGATIVE_SOA_SIZE);
  if (load<u32>(worker + REPLY_LIMIT) - at < size + 2) return;
  store16(message + at, 0xc000 | owner);
  memory.copy(message + at + 2, load<u32>(table + TABLE_NEGATIVE_SOA), size);
  store<u32>(worker + REPLY_AT, at + 2 + size);
  store<u32>(worker + REPLY_AUTHORITY, 1);
}
