// Names between presentation text and wire. The text is Mesos-DNS's: labels between dots, no escapes, any octets.

import { MAX_LABEL_SIZE, MAX_NAME_SIZE } from './constants.ts';

/** What wireSize returns for a name that cannot be written. */
export const UNWRITABLE = 0;

/**
 * Octets that a name takes on the wire, root included, with or without its final dot (RFC 1035 section 3.1).
 * @returns UNWRITABLE where a label is empty or longer than 63 octets, or the name longer than 255
 */
export function wireSize(name: string): number {
  const end = name.endsWith('.') ? name.length - 1 : name.length;
  if (end === 0) return name.length === 0 ? UNWRITABLE : 1;
  let size = 1; // the root
  let label = 0;
  for (let i = 0; i < end; i++) {
    const unit = name.charCodeAt(i);
    if (unit === 0x2e) {
      if (label === 0 || label > MAX_LABEL_SIZE) return UNWRITABLE;
      size += label + 1;
      label = 0;
    } else {
      label += utf8Size(name, i);
      if (unit >= 0xd800 && isPair(name, i)) i++;
    }
  }
  if (label === 0 || label > MAX_LABEL_SIZE) return UNWRITABLE;
  size += label + 1;
  return size <= MAX_NAME_SIZE ? size : UNWRITABLE;
}

/** Octets of the character at i in UTF-8; half a surrogate pair is written as U+FFFD. */
function utf8Size(text: string, i: number): number {
  const unit = text.charCodeAt(i);
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  return isPair(text, i) ? 4 : 3;
}

function isPair(text: string, i: number): boolean {
  return (text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
}

/**
 * Writes a name that wireSize() accepts.
 * @returns the offset behind it
 */
export function writeName(bytes: Uint8Array, at: number, name: string): number {
  const end = name.endsWith('.') ? name.length - 1 : name.length;
  let sizeAt = at;
  let to = at + 1;
  for (let i = 0; i < end; i++) {
    const unit = name.charCodeAt(i);
    if (unit === 0x2e) {
      bytes[sizeAt] = to - sizeAt - 1;
      sizeAt = to++;
    } else if (unit < 0x80) {
      bytes[to++] = unit;
    } else {
      const dot = name.indexOf('.', i);
      const run = name.slice(i, dot === -1 ? end : Math.min(dot, end));
      to += encoder.encodeInto(run, bytes.subarray(to)).written;
      i += run.length - 1;
    }
  }
  if (end > 0) {
    bytes[sizeAt] = to - sizeAt - 1;
    sizeAt = to++;
  }
  bytes[sizeAt] = 0;
  return to;
}

/**
 * Writes a name to the beginning of a buffer of MAX_NAME_SIZE octets, in one pass where it is ASCII.
 * @returns how many octets it takes, or UNWRITABLE, as wireSize() does
 */
export function encodeName(buffer: Uint8Array, name: string): number {
  const end = name.endsWith('.') ? name.length - 1 : name.length;
  let sizeAt = 0;
  let to = 1;
  for (let i = 0; i < end; i++) {
    const unit = name.charCodeAt(i);
    if (unit === 0x2e) {
      const label = to - sizeAt - 1;
      if (label === 0 || label > MAX_LABEL_SIZE) return UNWRITABLE;
      buffer[sizeAt] = label;
      sizeAt = to++;
    } else if (unit < 0x80) {
      if (to >= MAX_NAME_SIZE) return UNWRITABLE;
      buffer[to++] = unit;
    } else {
      return encodeOtherName(buffer, name);
    }
  }
  if (end === 0) return encodeOtherName(buffer, name);
  const label = to - sizeAt - 1;
  if (label === 0 || label > MAX_LABEL_SIZE || to >= MAX_NAME_SIZE) return UNWRITABLE;
  buffer[sizeAt] = label;
  buffer[to] = 0;
  return to + 1;
}

function encodeOtherName(buffer: Uint8Array, name: string): number {
  const size = wireSize(name);
  if (size !== UNWRITABLE) writeName(buffer, 0, name);
  return size;
}

const encoder = new TextEncoder();

/** The name with ASCII letters lowered, as names compare (RFC 4343): other letters stay apart. */
export function foldCase(name: string): string {
  return hasUpperCase(name) ? name.replace(/[A-Z]+/g, (run) => run.toLowerCase()) : name;
}

/** Whether there are ASCII letters to lower. */
export function hasUpperCase(name: string): boolean {
  return UPPER_CASE.test(name);
}

const UPPER_CASE = /[A-Z]/;

/** The name with a final dot. */
export function fqdn(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}

/** The name one label above one with a final dot. */
export function nameAbove(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

/** True where a folded name is a folded zone or below it; both with final dots. */
export function isWithin(name: string, zone: string): boolean {
  return (
    name.endsWith(zone) && (name.length === zone.length || name.charCodeAt(name.length - zone.length - 1) === 0x2e)
  );
}
