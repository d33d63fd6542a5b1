// Numbers, where they can be known exactly without much ado.

import { DOT, NINE, octetAt, ZERO } from './octets';

/** Integers up to this one and the powers of ten below are exact, and so is all of their quotient but its rounding. */
const EXACT_MAX: u64 = (1 << 53) - 1;
/** As many fit into 64 bits; a dot among 20 octets leaves 18 behind it at most. */
const DIGITS_MAX = 19;

const POWERS: StaticArray<f64> = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
];

/** The number between two addresses, as JSON.parse has it; NaN where that is left to JSON.parse. */
export function exactNumber(start: i32, end: i32): f64 {
  if (end - start > DIGITS_MAX + 1) return NaN;
  let digits: u64 = 0;
  let dot = end - 1;
  for (let at = start; at < end; at++) {
    const octet = octetAt(at);
    if (octet >= ZERO && octet <= NINE) digits = digits * 10 + (octet - ZERO);
    else if (octet == DOT) dot = at;
    else return NaN;
  }
  return digits <= EXACT_MAX ? <f64>digits / unchecked(POWERS[end - 1 - dot]) : NaN;
}
