// A second reading of messages, written for clarity and independent of the core: what is well-formed, and what a server
// owes to a query (RFC 1035, 6891, 7873, 9619).

const HEADER_SIZE = 12;
const TYPE_OPT = 41;
export const OPTION_COOKIE = 10;

export interface WireRecord {
  readonly section: 'answer' | 'authority' | 'additional';
  /** Offset of its owner name. */
  readonly owner: number;
  /** Offset of its type, behind the owner name. */
  readonly fixed: number;
  readonly type: number;
  /** The class field: a payload size in an OPT record. */
  readonly class: number;
  readonly ttl: number;
  readonly data: Uint8Array;
}

export interface WireMessage {
  /** Offset behind the last question. */
  readonly questionEnd: number;
  /** Of the first question, as sent. */
  readonly labels: readonly Uint8Array[];
  readonly type: number;
  readonly class: number;
  readonly records: readonly WireRecord[];
  /** Offset behind the last record. */
  readonly end: number;
}

/** What a server owes to a query. */
export type Due =
  /** Silence: a response, or less than a header. */
  | { readonly kind: 'silence' }
  /** NOTIMP or the like; whether the rest is well-formed does not matter. */
  | { readonly kind: 'other opcode' }
  | { readonly kind: 'format error'; readonly why: string }
  | {
      readonly kind: 'answer';
      readonly message: WireMessage;
      readonly edns: Edns | null;
      /** What some owner name points to is malformed: who looks there may answer FORMERR, who does not need not. */
      readonly isDoubtful: boolean;
    }
  /** A query without question that asks for a cookie (RFC 7873 section 5.4). */
  | { readonly kind: 'cookie'; readonly edns: Edns };

export interface Edns {
  readonly payloadSize: number;
  readonly version: number;
  readonly dnssecOk: boolean;
  readonly options: readonly Option[];
}

export interface Option {
  readonly code: number;
  readonly data: Uint8Array;
}

export class Malformed extends Error {}

export function dueTo(query: Uint8Array): Due {
  if (query.length < HEADER_SIZE || (word(query, 2) & 0x8000) !== 0) return { kind: 'silence' };
  if (((word(query, 2) >> 11) & 15) !== 0) return { kind: 'other opcode' };
  try {
    const questions = word(query, 4);
    if (questions > 1) throw new Malformed('more than one question');
    const message = readMessage(query, { pointersInQuestion: false, followPointers: false });
    const edns = readEdns(message.records);
    if (questions === 1) return { kind: 'answer', message, edns, isDoubtful: !canFollowPointers(query) };
    if (edns?.options.some(({ code }) => code === OPTION_COOKIE) === true) return { kind: 'cookie', edns };
    throw new Malformed('no question');
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'format error', why: error.message };
    throw error;
  }
}

function canFollowPointers(query: Uint8Array): boolean {
  try {
    readMessage(query, { pointersInQuestion: false, followPointers: true });
    return true;
  } catch {
    return false;
  }
}

export interface ReadOptions {
  readonly pointersInQuestion: boolean;
  /** Read what pointers point to as well. */
  readonly followPointers: boolean;
}

/** @throws Malformed with the reason */
export function readMessage(bytes: Uint8Array, options: ReadOptions): WireMessage {
  let at = HEADER_SIZE;
  let first: Pick<WireMessage, 'labels' | 'type' | 'class'> = { labels: [], type: 0, class: 0 };
  for (let i = 0; i < word(bytes, 4); i += 1) {
    const name = readName(bytes, at, options.followPointers);
    if (!options.pointersInQuestion && name.hasPointer) throw new Malformed('a pointer in the question');
    if (bytes.length - name.end < 4) throw new Malformed('a question without type or class');
    if (i === 0) first = { labels: name.labels, type: word(bytes, name.end), class: word(bytes, name.end + 2) };
    at = name.end + 4;
  }
  const questionEnd = at;
  const records: WireRecord[] = [];
  const sections = ['answer', 'authority', 'additional'] as const;
  for (const [i, section] of sections.entries()) {
    for (let left = word(bytes, 6 + 2 * i); left > 0; left -= 1) {
      const owner = at;
      const fixed = readName(bytes, at, options.followPointers).end;
      if (bytes.length - fixed < 10) throw new Malformed('a record that is cut');
      const size = word(bytes, fixed + 8);
      at = fixed + 10 + size;
      if (at > bytes.length) throw new Malformed('data past the end');
      records.push({
        section,
        owner,
        fixed,
        type: word(bytes, fixed),
        class: word(bytes, fixed + 2),
        ttl: word(bytes, fixed + 4) * 65_536 + word(bytes, fixed + 6),
        data: bytes.subarray(fixed + 10, at),
      });
    }
  }
  return { ...first, questionEnd, records, end: at };
}

/** The labels of a name and where it ends; without those behind a pointer unless it is followed. */
function readName(bytes: Uint8Array, start: number, follow: boolean) {
  const labels: Uint8Array[] = [];
  let size = 1;
  let at = start;
  let segment = start;
  let end = -1;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) throw new Malformed('a name that is cut');
    if (length === 0) break;
    if (length < 64) {
      if (bytes.length - at <= length) throw new Malformed('a label that is cut');
      labels.push(bytes.subarray(at + 1, at + 1 + length));
      size += 1 + length;
      if (size > 255) throw new Malformed('a name of more than 255 octets');
      at += 1 + length;
      continue;
    }
    if (length < 192) throw new Malformed('a label of an unknown type');
    if (bytes.length - at < 2) throw new Malformed('a pointer that is cut');
    const target = word(bytes, at) & 0x3fff;
    if (target < HEADER_SIZE || target >= segment) throw new Malformed('a pointer that does not point backwards');
    if (end < 0) end = at + 2;
    if (!follow) break;
    at = target;
    segment = target;
  }
  return { labels, end: end < 0 ? at + 1 : end, hasPointer: end >= 0 };
}

/** @throws Malformed where the OPT record is not alone, not the root's, or not in its section, or where its options are cut */
export function readEdns(records: readonly WireRecord[]): Edns | null {
  const found = records.filter(({ type }) => type === TYPE_OPT);
  const [opt] = found;
  if (opt === undefined) return null;
  if (found.length > 1) throw new Malformed('two OPT records');
  if (opt.section !== 'additional') throw new Malformed('an OPT record in another section');
  if (opt.fixed - opt.owner !== 1) throw new Malformed('an OPT record whose owner is not the root');
  const version = (opt.ttl >>> 16) & 255;
  const options = readOptions(opt.data);
  // Others than the first are ignored (RFC 7873 section 5.2), and what options are is a matter of the version.
  const cookie = options.find(({ code }) => code === OPTION_COOKIE);
  const size = cookie?.data.length ?? 8;
  if (version === 0 && size !== 8 && (size < 16 || size > 40)) throw new Malformed('a cookie of a wrong size');
  return { payloadSize: opt.class, version, dnssecOk: (opt.ttl & 0x8000) !== 0, options };
}

/** @throws Malformed */
export function readOptions(data: Uint8Array): Option[] {
  const options: Option[] = [];
  for (let at = 0; at < data.length; ) {
    if (data.length - at < 4) throw new Malformed('an option that is cut');
    const code = word(data, at);
    const size = word(data, at + 2);
    at += 4 + size;
    if (at > data.length) throw new Malformed('an option past the end of its record');
    options.push({ code, data: data.subarray(at - size, at) });
  }
  return options;
}

/** Whether a name is the domain or below it. */
export function isBelow(labels: readonly Uint8Array[], domain: string): boolean {
  const last = labels.at(-1);
  return last !== undefined && Buffer.from(last).toString('latin1').toLowerCase() === domain;
}

export function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
