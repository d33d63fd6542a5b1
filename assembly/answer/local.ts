// Answers from the zones that every server has for itself, so that questions about them go nowhere (RFC 6303, RFC 6761).

import {
  LOCAL_SOA_MNAME,
  LOCAL_SOA_SIZE,
  QUESTION_LABEL_COUNT,
  QUESTION_LABELS,
  REPLY_ANSWERS,
  REPLY_AT,
  REPLY_AUTHORITY,
  REPLY_LIMIT,
  TABLE_FLAG_POINTERS,
  TABLE_FLAGS,
  TABLE_LOCAL_SOA,
  ZONE_KIND,
  ZONE_LABEL_COUNT,
  ZONE_LEAF_LABELS,
  ZONE_LOOPBACK,
} from '../shared/layout';
import {
  CLASS_IN,
  HEADER_SIZE,
  LOCAL_TTL,
  RCODE_NOERROR,
  RCODE_NXDOMAIN,
  TYPE_A,
  TYPE_AAAA,
  TYPE_ANY,
  TYPE_NS,
  TYPE_SOA,
} from '../shared/wire';
import { store16, store32 } from '../wire/bytes';

/**
 * Writes what a zone that is answered here has of a type at the question's name, or its SOA to the authority section.
 * @param exists the name has a record of its own (a PTR), of whatever type
 * @returns the rcode
 */
export function writeLocal(worker: usize, table: usize, message: usize, zone: usize, exists: bool, type: u32): u32 {
  const labelCount = load<u32>(worker + QUESTION_LABEL_COUNT);
  const below = labelCount - load<u32>(zone + ZONE_LABEL_COUNT);
  const apex: u32 = HEADER_SIZE + load<u8>(worker + QUESTION_LABELS + below);
  const isLoopback = load<u32>(zone + ZONE_KIND) == ZONE_LOOPBACK;
  if (isLoopback && (type == TYPE_A || type == TYPE_AAAA || type == TYPE_ANY)) {
    writeLoopback(worker, message, type);
    return RCODE_NOERROR;
  }
  if (below == 0 && (type == TYPE_SOA || type == TYPE_ANY)) {
    writeSoa(worker, table, message, apex, REPLY_ANSWERS);
    return RCODE_NOERROR;
  }
  if (below == 0 && type == TYPE_NS) {
    writeNs(worker, message, apex);
    return RCODE_NOERROR;
  }
  writeSoa(worker, table, message, apex, REPLY_AUTHORITY);
  const isAbovePointers =
    (load<u32>(table + TABLE_FLAGS) & TABLE_FLAG_POINTERS) != 0 && labelCount < load<u32>(zone + ZONE_LEAF_LABELS);
  return below == 0 || isLoopback || exists || isAbovePointers ? RCODE_NOERROR : RCODE_NXDOMAIN;
}

/** `localhost` and all names below it (RFC 6761 section 6.3). */
function writeLoopback(worker: usize, message: usize, type: u32): void {
  if (type == TYPE_AAAA) {
    const data = beginRecord(worker, message, HEADER_SIZE, TYPE_AAAA, 16);
    if (data == 0) return;
    store<u64>(data, 0);
    store<u64>(data + 8, (<u64>1) << 56);
  } else {
    const data = beginRecord(worker, message, HEADER_SIZE, TYPE_A, 4);
    if (data != 0) store32(data, 0x7f000001);
  }
}

/** The zone itself is named, as RFC 6303 section 3 has it: nobody is to be asked. */
function writeNs(worker: usize, message: usize, apex: u32): void {
  const data = beginRecord(worker, message, apex, TYPE_NS, 2);
  if (data != 0) store16(data, 0xc000 | apex);
}

/**
 * Begins a record of the answer section.
 * @returns the address of its rdata; 0 where it does not fit
 */
function beginRecord(worker: usize, message: usize, owner: u32, type: u32, dataSize: u32): usize {
  const at = load<u32>(worker + REPLY_AT);
  if (load<u32>(worker + REPLY_LIMIT) - at < 12 + dataSize) return 0;
  const record = message + at;
  store16(record, 0xc000 | owner);
  store16(record + 2, type);
  store16(record + 4, CLASS_IN);
  store32(record + 6, LOCAL_TTL);
  store16(record + 10, dataSize);
  store<u32>(worker + REPLY_AT, at + 12 + dataSize);
  store<u32>(worker + REPLY_ANSWERS, 1);
  return record + 12;
}

/** @param section REPLY_ANSWERS or REPLY_AUTHORITY */
function writeSoa(worker: usize, table: usize, message: usize, apex: u32, section: usize): void {
  const at = load<u32>(worker + REPLY_AT);
  if (load<u32>(worker + REPLY_LIMIT) - at < <u32>(LOCAL_SOA_SIZE + 2)) return;
  const record = message + at;
  store16(record, 0xc000 | apex);
  memory.copy(record + 2, table + load<u32>(table + TABLE_LOCAL_SOA), LOCAL_SOA_SIZE);
  store16(record + 2 + LOCAL_SOA_MNAME, 0xc000 | apex);
  store<u32>(worker + REPLY_AT, at + 2 + LOCAL_SOA_SIZE);
  store<u32>(worker + section, 1);
}
