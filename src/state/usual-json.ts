// Reads JSON in the way in which it is usually written: no escape in what is read, no key twice in an object. Whoever meets
// anything else is told so, and reads the value with JSON.parse.

import type { JsonScanner } from './json-scanner.ts';

/** In place of the offset behind a value: it is not what is usual. */
export const UNUSUAL = -1;

/** Passes over the value at an offset. @returns the offset behind it, or UNUSUAL */
export type ReadAt = (at: number) => number;

export const QUOTE = 0x22;
export const OPENING_BRACKET = 0x5b;
export const OPENING_BRACE = 0x7b;
const CLOSING_BRACKET = 0x5d;
const CLOSING_BRACE = 0x7d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Integers up to 2^53 and powers of ten up to this one are exact, and so is all of their quotient but its rounding. */
const MAX_EXACT_POWER = 22;
const POWERS_OF_TEN = Array.from({ length: MAX_EXACT_POWER + 1 }, (_, exponent) => 10 ** exponent);

/** What to do with the members of an object that are wanted; at most 31, their keys ASCII. */
export class Members {
  private readonly readers: readonly ReadAt[];
  private readonly keys: readonly Uint8Array[];
  /** By the length of a key: where in the list keys of that length are. */
  private readonly byLength: readonly (readonly number[])[];

  constructor(wanted: Readonly<Record<string, ReadAt>>) {
    this.readers = Object.values(wanted);
    this.keys = Object.keys(wanted).map((key) => Buffer.from(key));
    const longest = Math.max(...this.keys.map(({ length }) => length));
    this.byLength = Array.from({ length: longest + 1 }, (_, length) =>
      this.keys.flatMap((key, number) => (key.length === length ? [number] : [])),
    );
  }

  /** @returns the number of the member whose key is between two offsets, -1 where it is not wanted */
  find(bytes: Uint8Array, start: number, end: number): number {
    const candidates = this.byLength[end - start];
    if (candidates === undefined) return -1;
    for (const number of candidates) if (isAt(bytes, start, this.keys[number])) return number;
    return -1;
  }

  read(number: number, at: number): number {
    return (this.readers[number] as ReadAt)(at);
  }
}

function isAt(bytes: Uint8Array, start: number, key: Uint8Array | undefined): boolean {
  if (key === undefined) return false;
  for (let i = 0; i < key.length; i++) if (bytes[start + i] !== key[i]) return false;
  return true;
}

/** Passes over an object. Throws JsonSyntaxError where what it passes over is not JSON. */
export function readUsualObject(scanner: JsonScanner, start: number, members: Members): number {
  const { bytes } = scanner;
  if (bytes[start] !== OPENING_BRACE) return UNUSUAL;
  let at = scanner.skipSpace(start + 1);
  if (bytes[at] === CLOSING_BRACE) return at + 1;
  let seen = 0;
  for (;;) {
    const { escapeCount } = scanner;
    const keyEnd = scanner.skipString(at);
    // It may spell a key that is wanted.
    if (scanner.escapeCount !== escapeCount) return UNUSUAL;
    const number = members.find(bytes, at + 1, keyEnd - 1);
    at = scanner.skipColon(keyEnd);
    if (number < 0) {
      at = scanner.skipValue(at);
    } else {
      if ((seen & (1 << number)) !== 0) return UNUSUAL;
      seen |= 1 << number;
      at = members.read(number, at);
      if (at < 0) return UNUSUAL;
    }
    at = scanner.skipSpace(at);
    if (bytes[at] === CLOSING_BRACE) return at + 1;
    at = scanner.skipComma(at);
  }
}

/** Passes over a list. Throws JsonSyntaxError where what it passes over is not JSON. */
export function readUsualList(scanner: JsonScanner, start: number, element: ReadAt): number {
  const { bytes } = scanner;
  if (bytes[start] !== OPENING_BRACKET) return UNUSUAL;
  let at = scanner.skipSpace(start + 1);
  if (bytes[at] === CLOSING_BRACKET) return at + 1;
  for (;;) {
    at = element(at);
    if (at < 0) return UNUSUAL;
    at = scanner.skipSpace(at);
    if (bytes[at] === CLOSING_BRACKET) return at + 1;
    at = scanner.skipComma(at);
  }
}

/** Passes over a string without escapes: what it says is between the quotes. */
export function skipUsualString(scanner: JsonScanner, start: number): number {
  if (scanner.bytes[start] !== QUOTE) return UNUSUAL;
  const { escapeCount } = scanner;
  const end = scanner.skipString(start);
  return scanner.escapeCount === escapeCount ? end : UNUSUAL;
}

/** The number between two offsets, as JSON.parse has it. */
export function numberAt(scanner: JsonScanner, start: number, end: number): number {
  const { bytes } = scanner;
  let digits = 0;
  let dot = end - 1;
  for (let at = start; at < end; at++) {
    const octet = bytes[at] ?? 0;
    if (octet >= ZERO && octet <= NINE) digits = digits * 10 + (octet - ZERO);
    else if (octet === DOT) dot = at;
    else return Number(scanner.textOf(start, end));
  }
  const power = POWERS_OF_TEN[end - 1 - dot];
  // Above, digits may have been lost.
  return digits <= Number.MAX_SAFE_INTEGER && power !== undefined ? digits / power : Number(scanner.textOf(start, end));
}
