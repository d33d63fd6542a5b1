// Passes over values of any size and depth, all of their contents checked.

import { SYNTAX_ERROR } from '../shared/rows';
import { allocate } from './memory';
import {
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COMMA,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  OPENING_BRACE,
  OPENING_BRACKET,
  octetAt,
  QUOTE,
} from './octets';
import { skipKey, skipNumber, skipSpace, skipString, skipWord } from './token';
import { unexpected } from './window';

// What may come next in a value that is passed over.
const VALUE = 0;
const FIRST_ELEMENT = 1; // a value, or the end of the list
const FIRST_KEY = 2; // a key, or the end of the object
const KEY = 3;
const SEPARATOR = 4; // behind a member or element

const IN_LIST: u8 = 0;
const IN_OBJECT: u8 = 1;

const FIRST_DEPTH = 1024;

/** The containers around what is passed over, an octet each: no recursion, so that no nesting is too deep. */
let containers: usize = 0;
let deepest: i32 = 0;

// Where a value was left that is not in the window as a whole.
let leftDepth: i32 = 0;
let leftExpecting: i32 = 0;
let leftAt: i32 = 0;

export function openValues(): void {
  deepest = FIRST_DEPTH;
  containers = allocate(deepest);
}

/** Passes over the value at an address. @returns the address behind it, or a negative one; after MORE see resumeValue() */
export function skipValue(start: i32): i32 {
  return skip(start, 0, VALUE);
}

/** After MORE: goes on where the value was left, in the window as it is now. @param at leftValueAt(), moved as the octets were */
export function resumeValue(at: i32): i32 {
  return skip(at, leftDepth, leftExpecting);
}

/** After MORE: what is in front of this address is done with. */
export function leftValueAt(): i32 {
  return leftAt;
}

function skip(start: i32, outer: i32, expected: i32): i32 {
  let at = start;
  let depth = outer;
  let expecting = expected;
  while (true) {
    at = skipSpace(at);
    const octet = octetAt(at);
    let next = at + 1;
    if (expecting == SEPARATOR) {
      const isObject = load<u8>(containers + depth - 1) == IN_OBJECT;
      if (octet == COMMA) expecting = isObject ? KEY : VALUE;
      else if (octet == (isObject ? CLOSING_BRACE : CLOSING_BRACKET)) depth--;
      else next = unexpected(at);
    } else if (expecting >= FIRST_KEY) {
      if (octet == CLOSING_BRACE && expecting == FIRST_KEY) {
        depth--;
        expecting = SEPARATOR;
      } else {
        next = skipKey(at);
        if (next >= 0) expecting = VALUE;
      }
    } else if (octet == QUOTE) {
      next = skipString(at);
      if (next >= 0) expecting = SEPARATOR;
    } else if (octet == OPENING_BRACE || octet == OPENING_BRACKET) {
      if (depth == deepest) deepen();
      store<u8>(containers + depth, octet == OPENING_BRACE ? IN_OBJECT : IN_LIST);
      depth++;
      expecting = octet == OPENING_BRACE ? FIRST_KEY : FIRST_ELEMENT;
    } else if (octet == CLOSING_BRACKET && expecting == FIRST_ELEMENT) {
      depth--;
      expecting = SEPARATOR;
    } else {
      next = skipScalar(at, octet);
      if (next >= 0) expecting = SEPARATOR;
    }
    if (next < 0) {
      if (next != SYNTAX_ERROR) leave(at, depth, expecting);
      return next;
    }
    at = next;
    if (depth == 0 && expecting == SEPARATOR) return at;
  }
}

function skipScalar(at: i32, octet: u8): i32 {
  switch (octet) {
    case LOWER_T:
      return skipWord(at, 0x657572, 4); // rue
    case LOWER_F:
      return skipWord(at, 0x65736c61, 5); // alse
    case LOWER_N:
      return skipWord(at, 0x6c6c75, 4); // ull
    default:
      return skipNumber(at);
  }
}

function leave(at: i32, depth: i32, expecting: i32): void {
  leftAt = at;
  leftDepth = depth;
  leftExpecting = expecting;
}

function deepen(): void {
  const wider = allocate(deepest * 2);
  memory.copy(wider, containers, deepest);
  containers = wider;
  deepest *= 2;
}
