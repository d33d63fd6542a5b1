// The window through which the document passes: as much of it as is needed at a time.
//
//   start                            end                capacity
//   +--------------------------------+------------------+
//   |  octets of the document        |  0 (16 of them)  |
//   +--------------------------------+------------------+
//
// An octet 0 is nowhere in JSON: whatever passes over octets stops at the end by itself.

import { MORE, SYNTAX_ERROR } from '../shared/rows';
import { allocate } from './memory';

const SENTINELS = 16;

let start: usize = 0;
let end: i32 = 0;
let capacity: usize = 0;
let isComplete = false;
let failed: i32 = 0;

export function openWindow(size: usize): void {
  capacity = size + SENTINELS;
  start = allocate(capacity);
  isComplete = false;
  setEnd(<i32>start);
}

function setEnd(at: i32): void {
  end = at;
  v128.store(at, i8x16.splat(0));
}

export function windowStart(): usize {
  return start;
}

export function windowEnd(): i32 {
  return end;
}

/**
 * Drops what is in front of an address, and moves what is left to the start of the window.
 *
 * @returns where as many octets as are asked for may be written now; see fill()
 */
export function makeRoom(from: i32, size: usize): usize {
  const kept = <usize>(end - from);
  const needed = kept + size + SENTINELS;
  if (needed > capacity) {
    capacity = max(needed, capacity * 2);
    start = allocate(capacity);
  }
  memory.copy(start, from, kept);
  setEnd(<i32>(start + kept));
  return start + kept;
}

/** Octets were written behind those that were there. */
export function fill(size: i32): void {
  setEnd(end + size);
}

/** The document ends where the window does. */
export function completeWindow(): void {
  isComplete = true;
}

/** Whether there may be octets behind an address that ends what is in the window. */
export function isCut(at: i32): bool {
  return at >= end && !isComplete;
}

/** What an octet means that JSON does not have at its place. */
export function unexpected(at: i32): i32 {
  if (isCut(at)) return MORE;
  failed = at;
  return SYNTAX_ERROR;
}

/** Where the octets cease to be JSON, after SYNTAX_ERROR. */
export function failedAt(): i32 {
  return failed;
}
