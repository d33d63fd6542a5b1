// Who is being limited: the entries of the rate table, read as they are while the workers write them.

import { canonicalIp } from '../dns/ip-text.ts';
import {
  RATE_ANSWER,
  RATE_ENTRY_SIZE,
  RATE_ERROR,
  RATE_FAMILY,
  RATE_FORWARD,
  RATE_HELD,
  RATE_KIND,
  RATE_NO_NAME,
  RATE_PREFIX,
  RATE_SIZE,
} from './contract.ts';
import { rateTableView } from './memory.ts';

export interface LimitedPrefix {
  /** `192.0.2.0/24`, `2001:db8::/56`. */
  readonly prefix: string;
  readonly kind: string;
  /** Answers held back since the table has known the prefix. */
  readonly held: number;
}

const KINDS: Readonly<Record<number, string>> = {
  [RATE_ANSWER]: 'answers about one name',
  [RATE_NO_NAME]: 'answers about names that do not exist',
  [RATE_ERROR]: 'errors',
  [RATE_FORWARD]: 'forwarded questions about one name',
};

/** The prefixes that had answers held back, those with the most of them first. */
export function limitedPrefixes(memory: WebAssembly.Memory, atMost: number): readonly LimitedPrefix[] {
  const table = rateTableView(memory);
  const found: LimitedPrefix[] = [];
  for (let at = 0; at < RATE_SIZE; at += RATE_ENTRY_SIZE) {
    const held = table.getUint32(at + RATE_HELD, true);
    if (held === 0) continue;
    found.push({ prefix: prefixAt(table, at), kind: KINDS[table.getUint32(at + RATE_KIND, true)] ?? '', held });
  }
  return found.sort((a, b) => b.held - a.held).slice(0, atMost);
}

function prefixAt(table: DataView, entry: number): string {
  const at = entry + RATE_PREFIX;
  if (table.getUint32(entry + RATE_FAMILY, true) === 1) {
    return `${[0, 1, 2].map((i) => table.getUint8(at + i)).join('.')}.0/24`;
  }
  const words = [0, 2, 4, 6].map((i) => table.getUint16(at + i).toString(16));
  return `${canonicalIp(`${words.join(':')}::`) ?? '::'}/56`;
}
