// The text form of a task's `ports` resource: `[31000-31001, 31005-31005]`.

import type { PortRange } from './model.ts';

/** More ports than exist are a broken document, and would be expanded into as many records. */
const MAX_PORTS = 65_536;

/** What Go's `strings.TrimSpace` takes off; JavaScript's trim() knows U+FEFF instead of U+0085. */
const SPACE = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const OUTER_SPACES = new RegExp(`^${SPACE}+|${SPACE}+$`, 'g');

export interface PortRanges {
  readonly ranges: readonly PortRange[];
  /** Why some or all of the text could not be read; null where all of it was. */
  readonly oddity: string | null;
}

const NO_PORTS: PortRanges = { ranges: [], oddity: null };

/**
 * Reads what stands between the first `[` and the next bracket, as the original does. Ranges that are not two numbers are
 * left out, what follows a second `-` in a range does not count, and a range that ends before it begins is empty.
 */
export function parsePortRanges(text: string): PortRanges {
  if (text === '' || text === '[]') return NO_PORTS;
  const list = text.split('[')[1]?.split(']')[0];
  if (list === undefined) return { ranges: [], oddity: 'resources.ports has no "["' };
  const ranges: PortRange[] = [];
  let oddity: string | null = null;
  let count = 0;
  for (const part of list.split(',')) {
    const [first = '', last = ''] = part.replace(OUTER_SPACES, '').split('-');
    const begin = portNumber(first);
    const end = portNumber(last);
    if (begin === null || end === null) {
      oddity = 'resources.ports has a range that is not two numbers';
    } else if (begin <= end) {
      count += end - begin + 1;
      if (count > MAX_PORTS) return { ranges, oddity: `resources.ports has more than ${MAX_PORTS} ports` };
      ranges.push({ begin, end });
    }
  }
  return { ranges, oddity };
}

function portNumber(text: string): number | null {
  if (!/^\+?\d+$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}
