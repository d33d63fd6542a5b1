// Goes through the elements of lists.

import {
  AT_ELEMENT,
  AT_OPENING,
  AT_SEPARATOR,
  ELEMENTS_TASKS,
  MORE,
  ROW_HEAD,
  ROW_LEFT,
  ROWS_FULL,
  UNUSUAL,
} from '../shared/rows';
import { goToElement } from './container';
import { suspend } from './resume';
import { beginRow, clearRows, endRow, noRoom } from './row';
import { readTask } from './task';
import { skipValue } from './value';

let resumedIn: i32 = AT_OPENING;

/**
 * Reads elements into rows, which are empty before, for as long as both the octets and the room for rows last.
 *
 * @param where AT_OPENING, AT_ELEMENT or AT_SEPARATOR
 * @param what ELEMENTS_LEFT or ELEMENTS_TASKS
 * @returns CLOSED, SYNTAX_ERROR, or else MORE or ROWS_FULL, after which the next call is to go on at resumedAt(), which is
 *   resumedWhere()
 */
export function readElements(start: i32, where: i32, what: i32): i32 {
  clearRows();
  resumedIn = where;
  let at = start;
  let next = where == AT_ELEMENT ? start : goToElement(start, where == AT_OPENING);
  while (next >= 0) {
    at = next;
    resumedIn = AT_ELEMENT;
    next = readElement(at, what);
    if (next < 0) break;
    at = next;
    resumedIn = AT_SEPARATOR;
    next = goToElement(at, false);
  }
  return next == MORE || next == ROWS_FULL ? suspend(at, next) : next;
}

export function resumedWhere(): i32 {
  return resumedIn;
}

function readElement(start: i32, what: i32): i32 {
  const read = what == ELEMENTS_TASKS ? readTask(start) : UNUSUAL;
  if (read != UNUSUAL) return read;
  const end = skipValue(start);
  if (end < 0) return end;
  if (beginRow(ROW_HEAD) == 0) return noRoom();
  endRow(ROW_LEFT, start, end);
  return end;
}
