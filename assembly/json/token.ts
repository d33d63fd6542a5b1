// Passes over tokens. Each function takes the address where one begins, and returns the one behind it, MORE or SYNTAX_ERROR.
// Together they accept exactly what JSON.parse accepts.

import { MORE } from '../shared/rows';
import {
  BACKSLASH,
  CARRIAGE_RETURN,
  COLON,
  DOT,
  LINE_FEED,
  LOWER_E,
  LOWER_U,
  MINUS,
  NINE,
  octetAt,
  PLUS,
  QUOTE,
  SPACE,
  TAB,
  UPPER_E,
  ZERO,
} from './octets';
import { isCut, unexpected } from './window';

/** Integers of this many digits may be beyond what a JavaScript number keeps exactly (2^53 has 16). */
const LONG_DIGITS = 16;

let longNumber = false;
let escapes: u32 = 0;
let keyEnd: i32 = 0;

export function forgetTokens(): void {
  longNumber = false;
  escapes = 0;
}

/** Whether a number was passed whose digits JSON.parse may not keep. */
export function hasLongNumber(): bool {
  return longNumber;
}

/** How many escapes were passed in strings. */
export function escapeCount(): u32 {
  return escapes;
}

export function skipSpace(start: i32): i32 {
  let at = start;
  while (true) {
    const octet = octetAt(at);
    if (octet > SPACE || (octet != SPACE && octet != LINE_FEED && octet != CARRIAGE_RETURN && octet != TAB)) return at;
    at++;
  }
}

/** Passes over the string whose opening quote is at an address. The octets of characters beyond ASCII stand for themselves. */
export function skipString(start: i32): i32 {
  if (octetAt(start) != QUOTE) return unexpected(start);
  let at = start + 1;
  while (true) {
    const octets = v128.load(at);
    const quotes = i8x16.eq(octets, i8x16.splat(QUOTE));
    const backslashes = i8x16.eq(octets, i8x16.splat(BACKSLASH));
    const controls = i8x16.lt_u(octets, i8x16.splat(SPACE));
    const special = i8x16.bitmask(v128.or(v128.or(quotes, backslashes), controls));
    if (special == 0) {
      at += 16;
      continue;
    }
    at += ctz(special);
    const octet = octetAt(at);
    if (octet == QUOTE) return at + 1;
    if (octet != BACKSLASH) return unexpected(at);
    at = skipEscape(at);
    if (at < 0) return at;
  }
}

function skipEscape(start: i32): i32 {
  escapes++;
  const octet = octetAt(start + 1);
  if (octet != LOWER_U) return isEscape(octet) ? start + 2 : unexpected(start + 1);
  for (let at = start + 2; at < start + 6; at++) if (!isHexDigit(octetAt(at))) return unexpected(at);
  return start + 6;
}

/** What may follow a backslash, `u` apart. */
function isEscape(octet: u8): bool {
  switch (octet) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return true;
    default:
      return false;
  }
}

function isHexDigit(octet: u8): bool {
  const letter = octet | 0x20;
  return (octet >= ZERO && octet <= NINE) || (letter >= 0x61 && letter <= 0x66);
}

/** From a key to its value; the key's end is in endOfKey() then. */
export function skipKey(start: i32): i32 {
  const end = skipString(start);
  if (end < 0) return end;
  keyEnd = end;
  const at = skipSpace(end);
  return octetAt(at) == COLON ? skipSpace(at + 1) : unexpected(at);
}

/** Behind the closing quote of the key that was passed last. */
export function endOfKey(): i32 {
  return keyEnd;
}

/** `true`, `false` or `null`, of which the first letter was seen. @param rest the others, the first of them lowest */
export function skipWord(start: i32, rest: u32, length: i32): i32 {
  for (let i = 1; i < length; i++, rest >>= 8) if (octetAt(start + i) != <u8>rest) return unexpected(start + i);
  return start + length;
}

export function skipNumber(start: i32): i32 {
  const first = octetAt(start) == MINUS ? start + 1 : start;
  let at = skipDigits(first);
  if (at < 0) return at;
  if (octetAt(first) == ZERO && at > first + 1) return unexpected(first + 1);
  if (at - first >= LONG_DIGITS) longNumber = true;
  if (octetAt(at) == DOT) at = skipDigits(at + 1);
  if (at < 0) return at;
  if (octetAt(at) == LOWER_E || octetAt(at) == UPPER_E) {
    at++;
    if (octetAt(at) == PLUS || octetAt(at) == MINUS) at++;
    at = skipDigits(at);
    if (at < 0) return at;
  }
  return isCut(at) ? MORE : at;
}

/** At least one. */
function skipDigits(start: i32): i32 {
  let at = start;
  while (octetAt(at) >= ZERO && octetAt(at) <= NINE) at++;
  return at == start ? unexpected(at) : at;
}
