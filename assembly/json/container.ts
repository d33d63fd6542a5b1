// Goes through the members of objects and the elements of lists.

import { CLOSING_BRACE, CLOSING_BRACKET, COMMA, octetAt } from './octets';
import { close } from './resume';
import { escapeCount, skipKey, skipSpace } from './token';
import { unexpected } from './window';

let keyStart: i32 = 0;
let isEscaped = false;

/**
 * Goes to the next member of an object.
 *
 * @param start behind the opening brace, or behind a member
 * @returns the address of its value, or CLOSED, MORE or SYNTAX_ERROR
 */
export function goToMember(start: i32, isFirst: bool): i32 {
  let at = skipSpace(start);
  if (octetAt(at) == CLOSING_BRACE) return close(at + 1);
  if (!isFirst) {
    if (octetAt(at) != COMMA) return unexpected(at);
    at = skipSpace(at + 1);
  }
  const escapes = escapeCount();
  keyStart = at;
  const value = skipKey(at);
  isEscaped = escapeCount() != escapes;
  return value;
}

/** Of the member that was gone to last: where the opening quote of its key is. */
export function startOfKey(): i32 {
  return keyStart;
}

/** Of the same: whether its key is not what stands between the quotes. */
export function isKeyEscaped(): bool {
  return isEscaped;
}

/** The same for the elements of a list. */
export function goToElement(start: i32, isFirst: bool): i32 {
  let at = skipSpace(start);
  if (octetAt(at) == CLOSING_BRACKET) return close(at + 1);
  if (!isFirst) {
    if (octetAt(at) != COMMA) return unexpected(at);
    at = skipSpace(at + 1);
  }
  return octetAt(at) == 0 ? unexpected(at) : at;
}
