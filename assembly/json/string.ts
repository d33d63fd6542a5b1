// Strings as they are usually written.

import { UNUSUAL } from '../shared/rows';
import { octetAt, QUOTE } from './octets';
import { escapeCount, skipString } from './token';

/** Passes over a string without escapes: what it says is between the quotes. All else is UNUSUAL. */
export function usualString(start: i32): i32 {
  if (octetAt(start) != QUOTE) return UNUSUAL;
  const escapes = escapeCount();
  const end = skipString(start);
  return end < 0 || escapeCount() == escapes ? end : UNUSUAL;
}
