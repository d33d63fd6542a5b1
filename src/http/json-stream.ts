// Writes large JSON documents piece by piece. The zone of 100,000 tasks has more than a million records, 100 MB as JSON:
// as one string it would cost that much memory at once and hold up everything else in the process meanwhile.

import { setImmediate as nextTurn } from 'node:timers/promises';

/** Pieces reach this many UTF-16 units before they are handed on. */
const CHUNK_LENGTH = 64 * 1024;

/**
 * The JSON text of plain data, as JSON.stringify would write it, in pieces of about 64 Ki. A Map becomes an object, every
 * other iterable an array, read as the text is asked for.
 */
export function* jsonChunks(value: unknown): Generator<string, void> {
  let text = '';
  const open: Container[] = [];
  const write = (item: unknown): void => {
    const container = openContainer(item);
    if (container === null) {
      text += JSON.stringify(item) ?? 'null';
    } else {
      text += container.start;
      open.push(container);
    }
  };
  write(value);
  for (let container = open.at(-1); container !== undefined; container = open.at(-1)) {
    const next = container.items.next();
    if (next.done === true) {
      text += container.end;
      open.pop();
    } else {
      if (container.begun) text += ',';
      container.begun = true;
      const [key, item] = next.value;
      if (key !== null) text += `${JSON.stringify(key)}:`;
      write(item);
    }
    if (text.length >= CHUNK_LENGTH) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

/** The pieces with a turn of the event loop after each, so that other requests and timers are served between them. */
export async function* pacedJson(value: unknown): AsyncGenerator<string, void> {
  for (const chunk of jsonChunks(value)) {
    yield chunk;
    await nextTurn();
  }
}

interface Container {
  readonly start: string;
  readonly end: string;
  /** Key (null in arrays) and value. */
  readonly items: Iterator<readonly [string | null, unknown]>;
  begun: boolean;
}

/** Lists longer than this are written element by element. */
const MAX_WHOLE_LENGTH = 1000;

/** Null for what JSON.stringify may write in one go: values, and small containers of nothing but values. */
function openContainer(value: unknown): Container | null {
  if (typeof value !== 'object' || value === null) return null;
  if (value instanceof Map) return { start: '{', end: '}', items: value.entries(), begun: false };
  if (Array.isArray(value)) {
    if (value.length <= MAX_WHOLE_LENGTH && !value.some(isContainer)) return null;
    return { start: '[', end: ']', items: elements(value), begun: false };
  }
  if (Symbol.iterator in value) {
    return { start: '[', end: ']', items: elements(value as Iterable<unknown>), begun: false };
  }
  if (!Object.values(value).some(isContainer)) return null;
  return { start: '{', end: '}', items: members(value), begun: false };
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function* elements(list: Iterable<unknown>): Generator<readonly [null, unknown]> {
  for (const item of list) yield [null, item];
}

/** As in JSON.stringify, members that are undefined are left out. */
function* members(object: object): Generator<readonly [string, unknown]> {
  for (const [key, value] of Object.entries(object)) if (value !== undefined) yield [key, value];
}
