// Reads tasks that say what nearly all of them say, in the way in which it is usually written: no escape in what is read, no
// key twice in an object. All others are UNUSUAL, which may be said of what is no JSON, too: whoever passes over it then
// finds that out.

import {
  CLOSED,
  MEMO_AGENTS,
  MEMO_CONTAINERS,
  MEMO_DISCOVERIES,
  MEMO_NAMES,
  MEMO_PORTS,
  MEMO_STATES,
  ROW_TASK,
  TASK_AGENT,
  TASK_CONTAINER,
  TASK_DISCOVERY,
  TASK_HEAD,
  TASK_ID_END,
  TASK_ID_START,
  TASK_NAME,
  TASK_PORTS,
  TASK_STATE,
  TASK_STATUSES,
  UNUSUAL,
} from '../shared/rows';
import { goToMember } from './container';
import { ESCAPED, KEYS_SIZE, keyNumber, UNWANTED, want } from './keys';
import { remember } from './memo';
import { OPENING_BRACE, octetAt, QUOTE } from './octets';
import { resumedAt } from './resume';
import { beginRow, endRow, noRoom } from './row';
import { readStatuses, wantStatusKeys } from './status';
import { usualString } from './string';
import { skipString } from './token';
import { skipValue } from './value';

// In the order in which they are wanted.
const ID = 0;
const NAME = 1;
const FRAMEWORK_ID = 2;
const AGENT_ID = 3;
const STATE = 4;
const RESOURCES = 5;
const STATUSES = 6;
const DISCOVERY = 7;
const CONTAINER = 8;

/** No task without them. */
const NEEDED = (1 << ID) | (1 << NAME) | (1 << AGENT_ID) | (1 << STATE);

const taskKeys = memory.data(KEYS_SIZE, 16);
const resourceKeys = memory.data(KEYS_SIZE, 16);

export function wantTaskKeys(): void {
  want(taskKeys, 'id');
  want(taskKeys, 'name');
  want(taskKeys, 'framework_id');
  want(taskKeys, 'slave_id');
  want(taskKeys, 'state');
  want(taskKeys, 'resources');
  want(taskKeys, 'statuses');
  want(taskKeys, 'discovery');
  want(taskKeys, 'container');
  want(resourceKeys, 'ports');
  wantStatusKeys();
}

/** Reads the task at an address into a row. @returns the address behind it, UNUSUAL, MORE, SYNTAX_ERROR or ROWS_FULL */
export function readTask(start: i32): i32 {
  if (octetAt(start) != OPENING_BRACE) return UNUSUAL;
  const row = beginRow(TASK_HEAD);
  if (row == 0) return noRoom();
  memory.fill(row, 0, TASK_HEAD);
  let seen = 0;
  let at = start + 1;
  while (true) {
    at = goToMember(at, at == start + 1);
    if (at == CLOSED) break;
    if (at < 0) return at;
    const key = keyNumber(taskKeys);
    if (key == ESCAPED || (key >= 0 && ((seen >>> key) & 1) != 0)) return UNUSUAL;
    if (key >= 0) seen |= 1 << key;
    at = key == UNWANTED ? skipValue(at) : readMember(row, key, at);
    if (at < 0) return at;
  }
  if ((seen & NEEDED) != NEEDED) return UNUSUAL;
  at = resumedAt();
  endRow(ROW_TASK, start, at);
  return at;
}

function readMember(row: usize, key: i32, at: i32): i32 {
  switch (key) {
    case ID: {
      const end = usualString(at);
      store<i32>(row, at + 1, TASK_ID_START);
      store<i32>(row, end - 1, TASK_ID_END);
      return end;
    }
    case NAME:
      return readText(row + TASK_NAME, MEMO_NAMES, at);
    case AGENT_ID:
      return readText(row + TASK_AGENT, MEMO_AGENTS, at);
    case STATE:
      return readText(row + TASK_STATE, MEMO_STATES, at);
    case FRAMEWORK_ID:
      return octetAt(at) == QUOTE ? skipString(at) : UNUSUAL;
    case RESOURCES:
      return readResources(row, at);
    case STATUSES:
      return readStatuses(row + TASK_STATUSES, at);
    case DISCOVERY:
      return readObject(row + TASK_DISCOVERY, MEMO_DISCOVERIES, at);
    case CONTAINER:
      return readObject(row + TASK_CONTAINER, MEMO_CONTAINERS, at);
    default:
      return UNUSUAL;
  }
}

function readText(field: usize, memo: i32, at: i32): i32 {
  const end = usualString(at);
  if (end >= 0) store<i32>(field, remember(memo, at + 1, end - 1));
  return end;
}

function readObject(field: usize, memo: i32, at: i32): i32 {
  if (octetAt(at) != OPENING_BRACE) return UNUSUAL;
  const end = skipValue(at);
  if (end >= 0) store<i32>(field, remember(memo, at, end));
  return end;
}

function readResources(row: usize, start: i32): i32 {
  if (octetAt(start) != OPENING_BRACE) return UNUSUAL;
  let hasPorts = false;
  let at = start + 1;
  while (true) {
    at = goToMember(at, at == start + 1);
    if (at < 0) return at == CLOSED ? resumedAt() : at;
    const key = keyNumber(resourceKeys);
    if (key == ESCAPED || (key >= 0 && hasPorts)) return UNUSUAL;
    hasPorts = hasPorts || key >= 0;
    at = key == UNWANTED ? skipValue(at) : readText(row + TASK_PORTS, MEMO_PORTS, at);
    if (at < 0) return at;
  }
}
