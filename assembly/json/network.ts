// Reads the networks of a task's status, like the task itself: the addresses go into the row, behind its status.

import { CLOSED, MEMO_ADDRESSES, STATUS_ADDRESSES, STATUS_MAPS_PORTS, UNUSUAL } from '../shared/rows';
import { goToElement, goToMember } from './container';
import { ESCAPED, KEYS_SIZE, keyNumber, UNWANTED, want } from './keys';
import { remember } from './memo';
import { CLOSING_BRACKET, OPENING_BRACE, OPENING_BRACKET, octetAt } from './octets';
import { resumedAt } from './resume';
import { extendRow, noRoom } from './row';
import { usualString } from './string';
import { skipSpace } from './token';
import { skipValue } from './value';

// In the order in which they are wanted.
const ADDRESSES = 0;
const OWN_ADDRESS = 1;
const PORT_MAPPINGS = 2;

const networkKeys = memory.data(KEYS_SIZE, 16);
const addressKeys = memory.data(KEYS_SIZE, 16);

/** The text that was read last of an address, between two addresses; 0 where there is none. */
let textStart: i32 = 0;
let textEnd: i32 = 0;
/** Whether a network has a list of addresses with any in it. */
let isListed = false;

export function wantNetworkKeys(): void {
  want(networkKeys, 'ip_addresses');
  want(networkKeys, 'ip_address');
  want(networkKeys, 'port_mappings');
  want(addressKeys, 'ip_address');
}

export function readNetworks(status: usize, start: i32): i32 {
  if (octetAt(start) != OPENING_BRACKET) return UNUSUAL;
  let at = start + 1;
  while (true) {
    at = goToElement(at, at == start + 1);
    if (at == CLOSED) return resumedAt();
    if (at >= 0) at = readNetwork(status, at);
    if (at < 0) return at;
  }
}

function readNetwork(status: usize, start: i32): i32 {
  if (octetAt(start) != OPENING_BRACE) return UNUSUAL;
  let seen = 0;
  let at = start + 1;
  isListed = false;
  textStart = 0;
  while (true) {
    at = goToMember(at, at == start + 1);
    if (at == CLOSED) break;
    if (at < 0) return at;
    const key = keyNumber(networkKeys);
    if (key == ESCAPED || (key >= 0 && ((seen >>> key) & 1) != 0)) return UNUSUAL;
    if (key >= 0) seen |= 1 << key;
    at = key == UNWANTED ? skipValue(at) : readMember(status, key, at);
    if (at < 0) return at;
  }
  at = resumedAt();
  return isListed ? at : addAddress(status, at);
}

function readMember(status: usize, key: i32, at: i32): i32 {
  switch (key) {
    case ADDRESSES:
      // One that the network itself has does not count beside a list.
      return textStart == 0 ? readAddresses(status, at) : UNUSUAL;
    case OWN_ADDRESS:
      return isListed ? UNUSUAL : readText(at);
    case PORT_MAPPINGS: {
      const isFilled = octetAt(at) == OPENING_BRACKET && octetAt(skipSpace(at + 1)) != CLOSING_BRACKET;
      if (isFilled) store<u32>(status, 1, STATUS_MAPS_PORTS);
      return skipValue(at);
    }
    default:
      return UNUSUAL;
  }
}

function readText(at: i32): i32 {
  const end = usualString(at);
  textStart = at + 1;
  textEnd = end - 1;
  return end;
}

function readAddresses(status: usize, start: i32): i32 {
  if (octetAt(start) != OPENING_BRACKET) return UNUSUAL;
  let at = start + 1;
  while (true) {
    at = goToElement(at, at == start + 1);
    if (at == CLOSED) return resumedAt();
    if (at >= 0) at = readAddress(status, at);
    if (at < 0) return at;
  }
}

function readAddress(status: usize, start: i32): i32 {
  if (octetAt(start) != OPENING_BRACE) return UNUSUAL;
  isListed = true;
  textStart = 0;
  let at = start + 1;
  while (true) {
    at = goToMember(at, at == start + 1);
    if (at == CLOSED) break;
    if (at < 0) return at;
    const key = keyNumber(addressKeys);
    if (key == ESCAPED || (key >= 0 && textStart != 0)) return UNUSUAL;
    at = key == UNWANTED ? skipValue(at) : readText(at);
    if (at < 0) return at;
  }
  return addAddress(status, resumedAt());
}

/** Adds the text that was read last, where it says anything. @returns the second argument, or that there is no room */
function addAddress(status: usize, at: i32): i32 {
  if (textStart == 0 || textStart == textEnd) return at;
  const place = extendRow(4);
  if (place == 0) return noRoom();
  store<i32>(place, remember(MEMO_ADDRESSES, textStart, textEnd));
  store<u32>(status, load<u32>(status, STATUS_ADDRESSES) + 1, STATUS_ADDRESSES);
  return at;
}
