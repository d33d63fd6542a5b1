// The options of a query's OPT record (RFC 6891 section 6.1.2), as far as an answer depends on them.

import {
  CONTROL_KEEPALIVE,
  CONTROL_SECRET_COUNT,
  COOKIE_CLIENT,
  COOKIE_CLIENT_ONLY,
  COOKIE_HASH,
  COOKIE_MALFORMED,
  COOKIE_NONE,
  COOKIE_STAMP,
  COOKIE_STATE,
  COOKIE_WITH_FOREIGN,
  COOKIE_WITH_SERVER,
  DESCRIPTOR_TRANSPORT,
  EDNS_WANTS,
  SUBNET_ADDRESS,
  SUBNET_FAMILY,
  TRANSPORT_TCP,
  WANTS_KEEPALIVE,
  WANTS_NSID,
} from '../shared/layout';
import { OPTION_CLIENT_SUBNET, OPTION_COOKIE, OPTION_KEEPALIVE, OPTION_NSID } from '../shared/wire';
import { load16 } from './bytes';

// Sizes of the COOKIE option (RFC 7873 section 4): the client's cookie alone, and with a server's of 8 to 32 octets.
const CLIENT_COOKIE_SIZE: u32 = 8;
const MIN_COOKIES_SIZE: u32 = 16;
const OUR_COOKIES_SIZE: u32 = 24;
const MAX_COOKIES_SIZE: u32 = 40;

/** @returns false where an option runs past the record's end */
export function readOptions(worker: usize, descriptor: usize, message: usize, start: u32, end: u32): bool {
  let wants: u32 = 0;
  let at = start;
  while (at < end) {
    if (end - at < 4) return false;
    const code = load16(message + at);
    const size = load16(message + at + 2);
    at += 4;
    if (end - at < size) return false;
    if (code == OPTION_COOKIE) readCookie(worker, message + at, size);
    else if (code == OPTION_CLIENT_SUBNET) readClientSubnet(worker, message + at, size);
    else if (code == OPTION_NSID) wants |= WANTS_NSID;
    else if (code == OPTION_KEEPALIVE && offersKeepalive(descriptor)) wants |= WANTS_KEEPALIVE;
    at += size;
  }
  store<u32>(worker + EDNS_WANTS, wants);
  return true;
}

/** Only the first COOKIE option of a query counts (RFC 7873 section 5.2). */
function readCookie(worker: usize, option: usize, size: u32): void {
  if (load<u32>(CONTROL_SECRET_COUNT) == 0 || load<u32>(worker + COOKIE_STATE) != COOKIE_NONE) return;
  if (size < CLIENT_COOKIE_SIZE || (size > CLIENT_COOKIE_SIZE && size < MIN_COOKIES_SIZE) || size > MAX_COOKIES_SIZE) {
    store<u32>(worker + COOKIE_STATE, COOKIE_MALFORMED);
    return;
  }
  let state: u32 = size == CLIENT_COOKIE_SIZE ? COOKIE_CLIENT_ONLY : COOKIE_WITH_FOREIGN;
  store<u64>(worker + COOKIE_CLIENT, load<u64>(option));
  if (size == OUR_COOKIES_SIZE) {
    store<u64>(worker + COOKIE_STAMP, load<u64>(option + 8));
    store<u64>(worker + COOKIE_HASH, load<u64>(option + 16));
    state = COOKIE_WITH_SERVER;
  }
  store<u32>(worker + COOKIE_STATE, state);
}

/** The option means nothing over UDP (RFC 7828 section 3.2.1). */
function offersKeepalive(descriptor: usize): bool {
  return load<u32>(descriptor + DESCRIPTOR_TRANSPORT) == TRANSPORT_TCP && load<u32>(CONTROL_KEEPALIVE) != 0;
}

//   | family (2) | source prefix length | scope prefix length | address, cut to the prefix |   RFC 7871 section 6
function readClientSubnet(worker: usize, option: usize, size: u32): void {
  if (size < 4) return;
  const family = load16(option);
  const prefix: u32 = load<u8>(option + 2);
  const given = size - 4;
  // A subnet shorter than the one that is compared says nothing about what is near.
  if (family == 1 ? prefix < 24 || given < 3 || given > 4 : family != 2 || prefix < 64 || given < 8 || given > 16)
    return;
  store<u32>(worker + SUBNET_FAMILY, family);
  memory.fill(worker + SUBNET_ADDRESS, 0, 16);
  memory.copy(worker + SUBNET_ADDRESS, option + 4, given);
}
