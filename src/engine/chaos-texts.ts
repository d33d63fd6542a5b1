// The texts of class CH in a table's header: what the server says of its version and its name (RFC 4892).

import { CLASS_CH, TYPE_TXT } from '../dns/constants.ts';
import { wireSize, writeName } from '../dns/name.ts';
import {
  CHAOS_NAME,
  CHAOS_NAME_SIZE,
  CHAOS_RECORD,
  CHAOS_RECORD_SIZE,
  CHAOS_SIZE,
  RECORD_FIXED_SIZE,
} from './contract.ts';
import type { MemoryViews } from './memory.ts';
import type { Identity } from './table-input.ts';

export interface Text {
  readonly name: string;
  /** One character string of a TXT record. */
  readonly octets: Uint8Array;
}

const MAX_STRING_SIZE = 255;
/** Octets behind a name that hashing reads. */
const NAME_PADDING = 7;

export function chaosTexts({ version, id }: Identity): readonly Text[] {
  const named: readonly (readonly [string, string])[] = [
    ['version.bind.', version],
    ['version.server.', version],
    ['id.server.', id],
    ['hostname.bind.', id],
  ];
  return named
    .filter(([, text]) => text !== '')
    .map(([name, text]) => ({ name, octets: Buffer.from(text).subarray(0, MAX_STRING_SIZE) }));
}

/** Octets of a text's name and record. */
export function textSize({ name, octets }: Text): number {
  return wireSize(name) + NAME_PADDING + recordSize(octets);
}

/**
 * @param at offset from the table of the entries
 * @param namesAt of what they lead to
 */
export function writeTexts(
  { fields, bytes }: MemoryViews,
  table: number,
  texts: readonly Text[],
  at: number,
  namesAt: number,
): void {
  let next = namesAt;
  for (const [i, { name, octets }] of texts.entries()) {
    const entry = table + at + i * CHAOS_SIZE;
    fields.setUint32(entry + CHAOS_NAME_SIZE, wireSize(name), true);
    fields.setUint32(entry + CHAOS_NAME, next, true);
    next = writeName(bytes, table + next, name) - table + NAME_PADDING;
    fields.setUint32(entry + CHAOS_RECORD, next, true);
    fields.setUint32(entry + CHAOS_RECORD_SIZE, recordSize(octets), true);
    // The TTL is 0: what a server says of itself is not for caches.
    fields.setUint32(table + next, (0xc00c << 16) | TYPE_TXT);
    fields.setUint16(table + next + 4, CLASS_CH);
    fields.setUint16(table + next + 10, 1 + octets.length);
    bytes[table + next + RECORD_FIXED_SIZE] = octets.length;
    bytes.set(octets, table + next + RECORD_FIXED_SIZE + 1);
    next += recordSize(octets);
  }
}

function recordSize(octets: Uint8Array): number {
  return RECORD_FIXED_SIZE + 1 + octets.length;
}
