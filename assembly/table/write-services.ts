// The body of an SRV RRset while a table is built whole. Addresses of targets are copied from their nodes, which are in the
// index by then.

import {
  A_RECORD_SIZE,
  AAAA_RECORD_SIZE,
  BODY_DIRECTORY,
  BODY_TARGET_COUNT,
  CONTROL_LABELS,
  ENTRY_RECORD,
  ENTRY_RECORD_SIZE,
  ENTRY_SIZE,
  ENTRY_TARGET,
  NO_TARGET,
  RECORD_FIXED_SIZE,
  RRSET_BODY,
  RRSET_COUNT,
  SERVICE_HASH,
  SERVICE_NAME,
  SERVICE_NAME_SIZE,
  SERVICE_SIZE,
  SERVICE_TARGET,
  SERVICE_TEXT_SIZE,
  SERVICES,
  SERVICES_COUNT,
  SERVICES_RECORDS_SIZE,
  SERVICES_TEXTS,
  SERVICES_TTL,
  SERVICES_WEIGHT,
  SLOT_NODE,
  TARGET_A_COUNT,
  TARGET_AAAA_COUNT,
  TARGET_ADDRESSES,
  TARGET_SIZE,
} from '../shared/layout';
import { CLASS_IN, TYPE_A, TYPE_AAAA, TYPE_SRV } from '../shared/wire';
import { store16, store32 } from '../wire/bytes';
import { sameName } from '../wire/name';
import { writeNameText } from '../wire/name-text';
import { hashName } from './hash';
import { findSlot } from './index-page';
import { findRRset } from './lookup';

// Priority, weight, port (RFC 2782)
const SRV_FIXED_SIZE: u32 = 6;
/** Owned by a pointer to the question's name. */
const OWNER: u32 = 0xc00c;
const MAX_PORT: u32 = 65535;
const NO_PORT: u32 = 0xffffffff;
/** Written behind names. */
const SLACK: u32 = 8;

// | targetCount | entries … | targets, as many as entries … | records … | addresses … |
/**
 * Writes the body of a list of services between two addresses.
 * @returns the address behind it; 0 where it does not fit or is for the host to write: a service that is not `target.:port`
 *          in its usual spelling, a target that has no node
 */
export function writeServices(table: usize, list: usize, body: usize, end: usize): usize {
  const count = load<u32>(list + SERVICES_COUNT);
  const directorySize = BODY_DIRECTORY + count * (ENTRY_SIZE + TARGET_SIZE);
  if (end - body < <usize>directorySize) return 0;
  const recordsEnd = writeRecords(list, count, body, body + directorySize, end);
  return recordsEnd == 0 ? 0 : writeTargets(table, list, count, body, recordsEnd, end);
}

/** Writes the records from an address on, their entries, and where each target stands. @returns the address behind them, or 0 */
function writeRecords(list: usize, count: u32, body: usize, first: usize, end: usize): usize {
  const ttl = load<u32>(list + SERVICES_TTL);
  const weight = load<u32>(list + SERVICES_WEIGHT);
  let text = list + SERVICES_TEXTS;
  let entry = body + BODY_DIRECTORY;
  let record = first;
  for (let i: u32 = 0; i < count; i++) {
    const service = list + SERVICES + <usize>i * SERVICE_SIZE;
    const textSize = load<u32>(service + SERVICE_TEXT_SIZE);
    if (end - record < <usize>(RECORD_FIXED_SIZE + SRV_FIXED_SIZE + textSize + SLACK)) return 0;
    const portAt = findPort(text, textSize);
    const port = readPort(text + portAt, textSize - portAt);
    if (port == NO_PORT) return 0;
    const name = record + RECORD_FIXED_SIZE + SRV_FIXED_SIZE;
    const nameSize = writeNameText(name, text, portAt - 1);
    if (nameSize == 0) return 0;
    store32(record, (OWNER << 16) | TYPE_SRV);
    store16(record + 4, CLASS_IN);
    store32(record + 6, ttl);
    store16(record + 10, SRV_FIXED_SIZE + nameSize);
    store16(record + RECORD_FIXED_SIZE, 0);
    store16(record + RECORD_FIXED_SIZE + 2, weight);
    store16(record + RECORD_FIXED_SIZE + 4, port);
    const recordSize = RECORD_FIXED_SIZE + SRV_FIXED_SIZE + nameSize;
    store<u32>(entry + ENTRY_RECORD, <u32>(record - body));
    store<u16>(entry + ENTRY_RECORD_SIZE, recordSize);
    store<u32>(service + SERVICE_NAME, <u32>name);
    store<u32>(service + SERVICE_NAME_SIZE, nameSize);
    text += textSize;
    entry += ENTRY_SIZE;
    record += recordSize;
  }
  store<u32>(list + SERVICES_RECORDS_SIZE, <u32>(record - first));
  return record;
}

/** Offset in a text of what follows its last colon; its size where there is no colon. */
function findPort(text: usize, size: u32): u32 {
  let at = size;
  while (at > 0 && load<u8>(text + at - 1) != 0x3a) at -= 1;
  return at == 0 ? size : at;
}

/** Reads a port of digits alone, without a leading zero. @returns NO_PORT where it is none */
function readPort(text: usize, size: u32): u32 {
  if (size == 0 || size > 5 || (size > 1 && load<u8>(text) == 0x30)) return NO_PORT;
  let port: u32 = 0;
  for (let at: u32 = 0; at < size; at++) {
    const digit = <u32>load<u8>(text + at) - 0x30;
    if (digit > 9) return NO_PORT;
    port = port * 10 + digit;
  }
  return port > MAX_PORT ? NO_PORT : port;
}

/** Writes the targets and, from an address on, their addresses; tells entries their target. @returns the address behind, or 0 */
function writeTargets(table: usize, list: usize, count: u32, body: usize, addresses: usize, end: usize): usize {
  const targets = body + BODY_DIRECTORY + <usize>count * ENTRY_SIZE;
  let targetCount: u32 = 0;
  let at = addresses;
  for (let i: u32 = 0; i < count; i++) {
    const service = list + SERVICES + <usize>i * SERVICE_SIZE;
    const name: usize = load<u32>(service + SERVICE_NAME);
    const nameSize = load<u32>(service + SERVICE_NAME_SIZE);
    const hash = hashName(name, CONTROL_LABELS);
    store<u64>(service + SERVICE_HASH, hash);
    let target = sameTarget(list, service);
    if (target == NO_TARGET) {
      target = targetCount;
      const slot = findSlot(table, hash, name, nameSize);
      if (slot == 0) return 0;
      at = writeTarget(load<u32>(slot + SLOT_NODE), body, targets + <usize>target * TARGET_SIZE, at, end);
      if (at == 0) return 0;
      targetCount += 1;
    }
    store<u32>(service + SERVICE_TARGET, target);
    store<u16>(body + BODY_DIRECTORY + <usize>i * ENTRY_SIZE + ENTRY_TARGET, target);
  }
  store<u32>(body + BODY_TARGET_COUNT, targetCount);
  return at;
}

/** Index of the target that an earlier service has in common with one; NO_TARGET: none has. */
function sameTarget(list: usize, service: usize): u32 {
  const hash = load<u64>(service + SERVICE_HASH);
  const nameSize = load<u32>(service + SERVICE_NAME_SIZE);
  for (let other = list + SERVICES; other < service; other += SERVICE_SIZE) {
    if (load<u64>(other + SERVICE_HASH) != hash || load<u32>(other + SERVICE_NAME_SIZE) != nameSize) continue;
    if (sameName(load<u32>(other + SERVICE_NAME), load<u32>(service + SERVICE_NAME), nameSize)) {
      return load<u32>(other + SERVICE_TARGET);
    }
  }
  return NO_TARGET;
}

/** Writes a target's entry and its addresses, those of its node. @returns the address behind them, or 0 */
function writeTarget(node: usize, body: usize, target: usize, addresses: usize, end: usize): usize {
  store<u32>(target + TARGET_ADDRESSES, <u32>(addresses - body));
  const a = copyAddresses(node, TYPE_A, A_RECORD_SIZE, target + TARGET_A_COUNT, addresses, end);
  return a == 0 ? 0 : copyAddresses(node, TYPE_AAAA, AAAA_RECORD_SIZE, target + TARGET_AAAA_COUNT, a, end);
}

function copyAddresses(node: usize, type: u32, recordSize: usize, countAt: usize, to: usize, end: usize): usize {
  const rrset = findRRset(node, type);
  const count: usize = rrset == 0 ? 0 : load<u16>(rrset + RRSET_COUNT);
  const size = count * recordSize;
  if (end - to < size) return 0;
  store<u16>(countAt, <u32>count);
  if (size > 0) memory.copy(to, load<u32>(rrset + RRSET_BODY), size);
  return to + size;
}
