// Finds names by a part of them: in one long text of all names, made when somebody searches.

import type { RecordSet } from '../records/record-set.ts';

export interface FoundName {
  readonly name: string;
  readonly a: readonly string[];
  readonly aaaa: readonly string[];
  readonly srv: readonly string[];
  /** How many records it has; the lists above hold the first ones only. */
  readonly count: number;
}

export interface Page {
  readonly names: readonly FoundName[];
  /** Where to go on; null at the end. */
  readonly next: number | null;
}

/** Of each type, so many records are listed with a name. */
const VALUES_MAX = 20;
/** While the zone changes all the time, the text is made anew so often at most: it takes some tens of milliseconds. */
const RENEW_MS = 1000;
/** When nobody has searched for so long, the text is dropped. */
const KEEP_MS = 60_000;
const NONE: readonly string[] = [];

interface Names {
  /** Every name between line breaks, as it is. */
  readonly text: string;
  /** The same with small letters; the same object where there are no others. */
  readonly folded: string;
  readonly serial: number;
  readonly madeAtMs: number;
}

export class NameSearch {
  #names: Names | null = null;
  #dropping: NodeJS.Timeout | null = null;

  /** @param from where to begin: what `next` of the page before said; the zone may have changed since */
  find({ records, serial }: { records: RecordSet; serial: number }, part: string, from: number, limit: number): Page {
    const { text, folded } = this.#namesOf(records, serial);
    const needle = part.toLowerCase();
    const names: FoundName[] = [];
    let position = from;
    while (position < text.length) {
      const at = folded.indexOf(needle, position);
      if (at === -1) break;
      const begin = text.lastIndexOf('\n', at) + 1;
      const end = text.indexOf('\n', at);
      if (begin === end) break;
      if (names.length === limit) return { names, next: begin };
      const found = described(text.slice(begin, end), records);
      // It may be gone since the text was made.
      if (found.count > 0) names.push(found);
      position = end + 1;
    }
    return { names, next: null };
  }

  #namesOf(records: RecordSet, serial: number): Names {
    this.#dropping ??= setTimeout(() => {
      this.#names = null;
      this.#dropping = null;
    }, KEEP_MS).unref();
    this.#dropping.refresh();
    const known = this.#names;
    if (known !== null && (known.serial === serial || performance.now() - known.madeAtMs < RENEW_MS)) return known;
    const { as, aaaas, srvs } = records;
    const list = [...as.keys()];
    for (const name of aaaas.keys()) if (!as.has(name)) list.push(name);
    for (const name of srvs.keys()) if (!as.has(name) && !aaaas.has(name)) list.push(name);
    const text = `${list.join('\n')}\n`;
    const folded = /[A-Z]/.test(text) ? text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
    this.#names = { text, folded, serial, madeAtMs: performance.now() };
    return this.#names;
  }
}

function described(name: string, records: RecordSet): FoundName {
  const [a, aaaa, srv] = [records.as, records.aaaas, records.srvs].map((map) => map.get(name) ?? NONE) as [
    readonly string[],
    readonly string[],
    readonly string[],
  ];
  const first = (list: readonly string[]) => list.slice(0, VALUES_MAX);
  return { name, a: first(a), aaaa: first(aaaa), srv: first(srv), count: a.length + aaaa.length + srv.length };
}
