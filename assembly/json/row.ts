// Rows of what was found, one behind the other.

import { ROW_END, ROW_KIND, ROW_SIZE, ROW_START, ROWS_FULL, ROWS_SIZE, UNUSUAL } from '../shared/rows';
import { allocate } from './memory';

let first: usize = 0;
/** The row being written. */
let row: usize = 0;
/** Behind what was written of it. */
let top: usize = 0;

export function openRows(): void {
  first = allocate(ROWS_SIZE);
  clearRows();
}

export function clearRows(): void {
  row = first;
  top = first;
}

export function firstRow(): usize {
  return first;
}

/** Behind the last row. */
export function rowsEnd(): usize {
  return row;
}

/** Begins the row again. @returns its address, or 0 where there is no room for a head of this size */
export function beginRow(size: usize): usize {
  top = row;
  return extendRow(size);
}

/** Adds octets to the row, a multiple of 8. @returns their address, or 0 where there is no room for them */
export function extendRow(size: usize): usize {
  if (top + size > first + ROWS_SIZE) return 0;
  top += size;
  return top - size;
}

export function endRow(kind: u32, start: i32, end: i32): void {
  store<u32>(row, kind, ROW_KIND);
  store<i32>(row, start, ROW_START);
  store<i32>(row, end, ROW_END);
  store<u32>(row, <u32>(top - row), ROW_SIZE);
  row = top;
}

/** What to say of an element whose row does not fit: of one that would not fit alone, that it is unusual. */
export function noRoom(): i32 {
  return row == first ? UNUSUAL : ROWS_FULL;
}
