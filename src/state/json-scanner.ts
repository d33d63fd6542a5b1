// Walks JSON text (RFC 8259) as octets, without making anything of it: where values begin and end, and whether all of it
// is JSON. It accepts exactly what JSON.parse accepts, and is many times as fast, so that of a large document only the
// parts that are needed have to become objects.

import { Buffer, isAscii } from 'node:buffer';

/** Thrown where the octets are not JSON. The message, one line, says where. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_E = 0x45;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** What an octet means inside a string. The octets of characters beyond ASCII stand for themselves. */
const PLAIN = 1;
const STRING_CLASS = new Uint8Array(256).fill(PLAIN, SPACE);
STRING_CLASS[QUOTE] = 0;
STRING_CLASS[BACKSLASH] = 0;

/** What may follow a backslash, `u` apart. */
const IS_ESCAPE = classOf('"\\/bfnrt');
const IS_HEX_DIGIT = classOf('0123456789abcdefABCDEF');

/** Integers of this many digits may be beyond what a JavaScript number keeps exactly (2^53 has 16). */
const LONG_DIGITS = 16;

/** Kinds of open containers. */
const IN_ARRAY = 0;
const IN_OBJECT = 1;

export class JsonScanner {
  /** Whether a number was passed whose digits JSON.parse may not keep. */
  hasLongNumber = false;
  /** How many escapes were passed in strings. */
  escapeCount = 0;

  readonly bytes: Buffer;
  /** Texts of ASCII alone, as nearly all documents are, need no decoding. */
  private readonly encoding: 'latin1' | 'utf8';
  /** The containers around the value being skipped: no recursion, so that no nesting is too deep. */
  private open = new Uint8Array(64);

  /** @param bytes UTF-8: well-formedness is not checked. */
  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.encoding = isAscii(bytes) ? 'latin1' : 'utf8';
  }

  /**
   * Checks that the octets are one JSON value with nothing but white space around it.
   *
   * @param value passes over the value at the offset that it is given; see skipValue().
   */
  scanDocument(value: (at: number) => number): void {
    const end = this.skipSpace(value(this.skipSpace(0)));
    if (end !== this.bytes.length) throw this.unexpected(end);
  }

  /** The octet at an offset, -1 at the end. */
  octetAt(at: number): number {
    return this.bytes[at] ?? -1;
  }

  /** What JSON.parse makes of the octets between two offsets. */
  parse(start: number, end: number): unknown {
    return JSON.parse(this.textOf(start, end));
  }

  textOf(start: number, end: number): string {
    return this.bytes.toString(this.encoding, start, end);
  }

  isObjectAt(at: number): boolean {
    return this.bytes[at] === OPENING_BRACE;
  }

  isArrayAt(at: number): boolean {
    return this.bytes[at] === OPENING_BRACKET;
  }

  /**
   * Passes over the members of the object at an offset.
   *
   * @param member is told each key and where its value begins, and says where it ends; see skipValue().
   * @returns the offset behind the object.
   */
  scanObject(start: number, member: (key: string, at: number) => number): number {
    let at = this.skipSpace(start + 1);
    if (this.bytes[at] === CLOSING_BRACE) return at + 1;
    for (;;) {
      const keyEnd = this.skipString(at);
      const key = JSON.parse(this.textOf(at, keyEnd)) as string;
      at = this.skipSpace(keyEnd);
      if (this.bytes[at] !== COLON) throw this.unexpected(at);
      at = this.skipSpace(member(key, this.skipSpace(at + 1)));
      if (this.bytes[at] === CLOSING_BRACE) return at + 1;
      if (this.bytes[at] !== COMMA) throw this.unexpected(at);
      at = this.skipSpace(at + 1);
    }
  }

  /** The same for the elements of the array at an offset. */
  scanArray(start: number, element: (at: number) => number): number {
    let at = this.skipSpace(start + 1);
    if (this.bytes[at] === CLOSING_BRACKET) return at + 1;
    for (;;) {
      at = this.skipSpace(element(at));
      if (this.bytes[at] === CLOSING_BRACKET) return at + 1;
      if (this.bytes[at] !== COMMA) throw this.unexpected(at);
      at = this.skipSpace(at + 1);
    }
  }

  /**
   * Passes over the value that begins at an offset, all its contents checked.
   *
   * @returns the offset behind it.
   */
  skipValue(start: number): number {
    const { bytes } = this;
    let { open } = this;
    let depth = 0;
    let at = start;
    for (;;) {
      // Here a value begins. One of a container's opens another round, for its first element.
      switch (bytes[at]) {
        case QUOTE:
          at = this.skipString(at);
          break;
        case OPENING_BRACE:
          at = this.skipSpace(at + 1);
          if (bytes[at] === CLOSING_BRACE) {
            at++;
            break;
          }
          at = this.skipKey(at);
          if (depth === open.length) open = this.growOpen();
          open[depth++] = IN_OBJECT;
          continue;
        case OPENING_BRACKET:
          at = this.skipSpace(at + 1);
          if (bytes[at] === CLOSING_BRACKET) {
            at++;
            break;
          }
          if (depth === open.length) open = this.growOpen();
          open[depth++] = IN_ARRAY;
          continue;
        case LOWER_T:
          at = this.skipWord(at, 'true');
          break;
        case LOWER_F:
          at = this.skipWord(at, 'false');
          break;
        case LOWER_N:
          at = this.skipWord(at, 'null');
          break;
        default:
          at = this.skipNumber(at);
      }
      // Here a value has ended, and with it perhaps containers.
      for (;;) {
        if (depth === 0) return at;
        at = this.skipSpace(at);
        const octet = bytes[at];
        const isObject = open[depth - 1] === IN_OBJECT;
        if (octet === COMMA) {
          at = this.skipSpace(at + 1);
          if (isObject) at = this.skipKey(at);
          break;
        }
        if (octet !== (isObject ? CLOSING_BRACE : CLOSING_BRACKET)) throw this.unexpected(at);
        at++;
        depth--;
      }
    }
  }

  /** From a key to its value. */
  private skipKey(start: number): number {
    return this.skipColon(this.skipString(start));
  }

  /** From the end of a key to its value. */
  skipColon(keyEnd: number): number {
    const at = this.skipSpace(keyEnd);
    if (this.bytes[at] !== COLON) throw this.unexpected(at);
    return this.skipSpace(at + 1);
  }

  /** From the comma between two members or elements to the second one. */
  skipComma(at: number): number {
    if (this.bytes[at] !== COMMA) throw this.unexpected(at);
    return this.skipSpace(at + 1);
  }

  skipSpace(start: number): number {
    const { bytes } = this;
    let at = start;
    for (;;) {
      const octet = bytes[at];
      if (octet !== SPACE && octet !== LINE_FEED && octet !== CARRIAGE_RETURN && octet !== TAB) return at;
      at++;
    }
  }

  /** Passes over the string whose opening quote is at an offset. */
  skipString(start: number): number {
    const { bytes } = this;
    if (bytes[start] !== QUOTE) throw this.unexpected(start);
    let at = start + 1;
    for (;;) {
      let octet = bytes[at] ?? 0;
      while (STRING_CLASS[octet] === PLAIN) octet = bytes[++at] ?? 0;
      if (octet === QUOTE) return at + 1;
      // What is neither is a control character, or the end.
      if (octet !== BACKSLASH) throw this.unexpected(at);
      at = this.skipEscape(at);
    }
  }

  private skipEscape(start: number): number {
    const { bytes } = this;
    this.escapeCount++;
    const octet = bytes[start + 1] ?? 0;
    if (IS_ESCAPE[octet] === 1) return start + 2;
    if (octet !== LOWER_U) throw this.unexpected(start + 1);
    for (let at = start + 2; at < start + 6; at++) if (IS_HEX_DIGIT[bytes[at] ?? 0] !== 1) throw this.unexpected(at);
    return start + 6;
  }

  private skipWord(start: number, word: string): number {
    for (let i = 1; i < word.length; i++) {
      if (this.bytes[start + i] !== word.charCodeAt(i)) throw this.unexpected(start + i);
    }
    return start + word.length;
  }

  skipNumber(start: number): number {
    const { bytes } = this;
    const first = bytes[start] === MINUS ? start + 1 : start;
    let at = this.skipDigits(first);
    if (bytes[first] === ZERO && at > first + 1) throw this.unexpected(first + 1);
    if (at - first >= LONG_DIGITS) this.hasLongNumber = true;
    if (bytes[at] === DOT) at = this.skipDigits(at + 1);
    if (bytes[at] !== LOWER_E && bytes[at] !== UPPER_E) return at;
    at++;
    if (bytes[at] === PLUS || bytes[at] === MINUS) at++;
    return this.skipDigits(at);
  }

  /** At least one. */
  private skipDigits(start: number): number {
    const { bytes } = this;
    let at = start;
    let octet = bytes[at] ?? 0;
    while (octet >= ZERO && octet <= NINE) octet = bytes[++at] ?? 0;
    if (at === start) throw this.unexpected(at);
    return at;
  }

  private growOpen(): Uint8Array<ArrayBuffer> {
    const grown = new Uint8Array(this.open.length * 2);
    grown.set(this.open);
    this.open = grown;
    return grown;
  }

  unexpected(at: number): JsonSyntaxError {
    const { length } = this.bytes;
    if (at >= length) return new JsonSyntaxError(`it ends in the middle, after ${length} octets`);
    const octet = this.bytes[at] ?? 0;
    const shown = octet > SPACE && octet < 0x7f ? `"${String.fromCharCode(octet)}"` : `octet 0x${octet.toString(16)}`;
    return new JsonSyntaxError(`unexpected ${shown} at offset ${at}`);
  }
}

function classOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const octet of Buffer.from(characters)) table[octet] = 1;
  return table;
}
