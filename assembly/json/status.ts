// Reads the statuses of a task, like the task itself.

import {
  CLOSED,
  HEALTHY,
  MEMO_STATES,
  STATUS_ADDRESSES,
  STATUS_DIGITS_END,
  STATUS_DIGITS_START,
  STATUS_HEAD,
  STATUS_HEALTHY,
  STATUS_STATE,
  STATUS_TIMESTAMP,
  UNHEALTHY,
  UNUSUAL,
} from '../shared/rows';
import { goToElement, goToMember } from './container';
import { ESCAPED, KEYS_SIZE, keyNumber, UNWANTED, want } from './keys';
import { remember } from './memo';
import { readNetworks, wantNetworkKeys } from './network';
import { exactNumber } from './number';
import { CLOSING_BRACKET, LOWER_F, LOWER_T, NINE, OPENING_BRACE, OPENING_BRACKET, octetAt, ZERO } from './octets';
import { resumedAt } from './resume';
import { extendRow, noRoom } from './row';
import { usualString } from './string';
import { skipNumber, skipSpace } from './token';
import { skipValue } from './value';

// In the order in which they are wanted. A task with what comes last is left.
const STATE = 0;
const TIMESTAMP = 1;
const CONTAINER_STATUS = 2;
const LABELS = 3;
const HEALTH = 4;

const statusKeys = memory.data(KEYS_SIZE, 16);
const containerKeys = memory.data(KEYS_SIZE, 16);

export function wantStatusKeys(): void {
  want(statusKeys, 'state');
  want(statusKeys, 'timestamp');
  want(statusKeys, 'container_status');
  want(statusKeys, 'labels');
  want(statusKeys, 'healthy');
  want(statusKeys, 'check_status');
  want(containerKeys, 'network_infos');
  wantNetworkKeys();
}

/** Reads the list at an address. @param count where to put how many there are */
export function readStatuses(count: usize, start: i32): i32 {
  if (octetAt(start) != OPENING_BRACKET) return UNUSUAL;
  let at = start + 1;
  let number = 0;
  while (true) {
    at = goToElement(at, number == 0);
    if (at == CLOSED) {
      store<i32>(count, number);
      return resumedAt();
    }
    if (at >= 0) at = readStatus(at);
    if (at < 0) return at;
    number++;
  }
}

function readStatus(start: i32): i32 {
  if (octetAt(start) != OPENING_BRACE) return UNUSUAL;
  const status = extendRow(STATUS_HEAD);
  if (status == 0) return noRoom();
  memory.fill(status, 0, STATUS_HEAD);
  let seen = 0;
  let at = start + 1;
  while (true) {
    at = goToMember(at, at == start + 1);
    if (at == CLOSED) break;
    if (at < 0) return at;
    const key = keyNumber(statusKeys);
    if (key == ESCAPED || (key >= 0 && ((seen >>> key) & 1) != 0)) return UNUSUAL;
    if (key >= 0) seen |= 1 << key;
    at = key == UNWANTED ? skipValue(at) : readMember(status, key, at);
    if (at < 0) return at;
  }
  if (((seen >>> STATE) & 1) == 0) return UNUSUAL;
  at = resumedAt();
  const isOdd = (load<u32>(status, STATUS_ADDRESSES) & 1) == 1;
  return isOdd && extendRow(4) == 0 ? noRoom() : at;
}

function readMember(status: usize, key: i32, at: i32): i32 {
  switch (key) {
    case STATE: {
      const end = usualString(at);
      if (end >= 0) store<i32>(status, remember(MEMO_STATES, at + 1, end - 1), STATUS_STATE);
      return end;
    }
    case TIMESTAMP:
      return readTimestamp(status, at);
    case CONTAINER_STATUS:
      return readContainer(status, at);
    case LABELS:
      return readLabels(at);
    case HEALTH:
      return readHealth(status, at);
    default:
      return UNUSUAL;
  }
}

function readTimestamp(status: usize, start: i32): i32 {
  if (octetAt(start) < ZERO || octetAt(start) > NINE) return UNUSUAL;
  const end = skipNumber(start);
  if (end < 0) return end;
  store<f64>(status, exactNumber(start, end), STATUS_TIMESTAMP);
  store<i32>(status, start, STATUS_DIGITS_START);
  store<i32>(status, end, STATUS_DIGITS_END);
  return end;
}

function readHealth(status: usize, at: i32): i32 {
  const octet = octetAt(at);
  if (octet != LOWER_T && octet != LOWER_F) return UNUSUAL;
  store<u32>(status, octet == LOWER_T ? HEALTHY : UNHEALTHY, STATUS_HEALTHY);
  return skipValue(at);
}

/** Of masters of old, labels may hold the addresses; a list without any says nothing. */
function readLabels(start: i32): i32 {
  if (octetAt(start) != OPENING_BRACKET) return UNUSUAL;
  const end = skipSpace(start + 1);
  return octetAt(end) == CLOSING_BRACKET ? end + 1 : UNUSUAL;
}

function readContainer(status: usize, start: i32): i32 {
  if (octetAt(start) != OPENING_BRACE) return UNUSUAL;
  let hasNetworks = false;
  let at = start + 1;
  while (true) {
    at = goToMember(at, at == start + 1);
    if (at < 0) return at == CLOSED ? resumedAt() : at;
    const key = keyNumber(containerKeys);
    if (key == ESCAPED || (key >= 0 && hasNetworks)) return UNUSUAL;
    hasNetworks = hasNetworks || key >= 0;
    at = key == UNWANTED ? skipValue(at) : readNetworks(status, at);
    if (at < 0) return at;
  }
}
