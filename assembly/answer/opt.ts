// The OPT record of a reply (RFC 6891 section 6.1.2) with its options, each only where the query asks for it.
//
//   | 00 | 00 29 | payload size (2) | extended rcode | version 0 | DO (2) | rdlength | options |
//   option: | code (2) | size (2) | … |

import {
  CONTROL_KEEPALIVE,
  COOKIE_CLIENT,
  COOKIE_HASH,
  COOKIE_MALFORMED,
  COOKIE_NONE,
  COOKIE_STAMP,
  COOKIE_STATE,
  EDNS_DO,
  EDNS_PRESENT,
  EDNS_WANTS,
  NSID_MAX,
  REPLY_ERROR,
  TABLE_NSID,
  TABLE_NSID_SIZE,
  TABLE_UDP_PAYLOAD,
  WANTS_KEEPALIVE,
  WANTS_NSID,
} from '../shared/layout';
import {
  OPT_SIZE,
  OPTION_COOKIE,
  OPTION_EXTENDED_ERROR,
  OPTION_KEEPALIVE,
  OPTION_NSID,
  TYPE_OPT,
} from '../shared/wire';
import { store16, store32 } from '../wire/bytes';

const OPTION_HEADER: u32 = 4;
const COOKIE_SIZE: u32 = 24;
const SHORT_SIZE: u32 = 2;

/** Octets of the reply's OPT record; 0 where the query had none. */
export function optSize(worker: usize, table: usize): u32 {
  return load<u32>(worker + EDNS_PRESENT) == 0 ? 0 : OPT_SIZE + optionsSize(worker, table);
}

/** Octets of the options. */
export function optionsSize(worker: usize, table: usize): u32 {
  let size: u32 = 0;
  if (hasCookie(worker)) size += OPTION_HEADER + COOKIE_SIZE;
  const wants = load<u32>(worker + EDNS_WANTS);
  if (wants & WANTS_NSID) {
    const nsid = nsidSize(table);
    if (nsid > 0) size += OPTION_HEADER + nsid;
  }
  if (wants & WANTS_KEEPALIVE) size += OPTION_HEADER + SHORT_SIZE;
  if (load<u32>(worker + REPLY_ERROR) != 0) size += OPTION_HEADER + SHORT_SIZE;
  return size;
}

/** Writes the OPT record. @returns the offset behind it */
export function writeOpt(worker: usize, table: usize, message: usize, at: u32, rcode: u32): u32 {
  const opt = message + at;
  store<u8>(opt, 0);
  store16(opt + 1, TYPE_OPT);
  store16(opt + 3, load<u32>(table + TABLE_UDP_PAYLOAD));
  store<u8>(opt + 5, <u8>(rcode >> 4));
  store<u8>(opt + 6, 0);
  store16(opt + 7, load<u32>(worker + EDNS_DO) << 15);
  const size = writeOptions(worker, table, opt + OPT_SIZE);
  store16(opt + 9, size);
  return at + OPT_SIZE + size;
}

/** Writes the options alone. @returns their octets, as many as optionsSize() says */
export function writeOptions(worker: usize, table: usize, to: usize): u32 {
  let at = to;
  if (hasCookie(worker)) {
    at = beginOption(at, OPTION_COOKIE, COOKIE_SIZE);
    store<u64>(at, load<u64>(worker + COOKIE_CLIENT));
    store<u64>(at + 8, load<u64>(worker + COOKIE_STAMP));
    store<u64>(at + 16, load<u64>(worker + COOKIE_HASH));
    at += COOKIE_SIZE;
  }
  const wants = load<u32>(worker + EDNS_WANTS);
  if (wants & WANTS_NSID) {
    const size = nsidSize(table);
    if (size > 0) {
      at = beginOption(at, OPTION_NSID, size);
      memory.copy(at, table + load<u32>(table + TABLE_NSID), size);
      at += size;
    }
  }
  if (wants & WANTS_KEEPALIVE) at = writeShort(at, OPTION_KEEPALIVE, load<u32>(CONTROL_KEEPALIVE));
  const error = load<u32>(worker + REPLY_ERROR);
  if (error != 0) at = writeShort(at, OPTION_EXTENDED_ERROR, error);
  return <u32>(at - to);
}

function hasCookie(worker: usize): bool {
  const state = load<u32>(worker + COOKIE_STATE);
  return state != COOKIE_NONE && state != COOKIE_MALFORMED;
}

function nsidSize(table: usize): u32 {
  return min<u32>(load<u32>(table + TABLE_NSID_SIZE), NSID_MAX);
}

function beginOption(at: usize, code: u32, size: u32): usize {
  store32(at, (code << 16) | size);
  return at + OPTION_HEADER;
}

function writeShort(at: usize, code: u32, value: u32): usize {
  store16(beginOption(at, code, SHORT_SIZE), value);
  return at + OPTION_HEADER + SHORT_SIZE;
}
