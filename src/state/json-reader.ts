// Goes through a JSON document (RFC 8259) while its octets come, in pieces of any size: where values begin and end, and
// whether all of it is JSON. It accepts exactly what JSON.parse accepts, and is many times as fast, so that of a large
// document only the parts that are needed have to become objects, and none of the others has to be kept.

import {
  AT_ELEMENT,
  AT_OPENING,
  CLOSED,
  MORE,
  ROW_END,
  ROW_KIND,
  ROW_LEFT,
  ROW_SIZE,
  ROW_START,
  SYNTAX_ERROR,
} from '../../assembly/shared/rows.ts';
import { giveBackJsonCore, type JsonCore, takeJsonCore } from './json-core.ts';
import { JsonMemory } from './json-memory.ts';

/** Thrown where the octets are not JSON. The message, one line, says where. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** A part of going through a document: it stops wherever octets are missing, and goes on when there are more. */
export type Walk<T> = Generator<undefined, T, undefined>;

/** Octets of the window at first; it grows with what must stand in it as a whole. */
const WINDOW_BYTES = 512 * 1024;
/** Octets of a document that is there as a whole that the window gets at a time. */
const PIECE_BYTES = 256 * 1024;

const SPACE = 0x20;
const DELETE = 0x7f;
const OPENING_BRACKET = 0x5b;
const OPENING_BRACE = 0x7b;

/** Reads a document that is there as a whole; see DocumentReader. */
export function readDocument<T>(bytes: Uint8Array, read: (json: JsonReader) => Walk<T>): T {
  const document = new DocumentReader(read);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) document.add(bytes.subarray(at, at + PIECE_BYTES));
  return document.end();
}

/** Reads a document that comes in pieces. */
export class DocumentReader<T> {
  private readonly read: (json: JsonReader) => Walk<T>;
  private reading: Reading<T> | null = null;
  private outcome: { readonly value: T } | { readonly error: unknown } | null = null;

  /** @param read passes over the value that the document is */
  constructor(read: (json: JsonReader) => Walk<T>) {
    this.read = read;
  }

  /** @param piece octets of well-formed UTF-8, which may end in the middle of a character; not kept */
  add(piece: Uint8Array): void {
    if (this.outcome !== null) return;
    this.attempt((reading) => {
      if (reading.json.add(piece)) this.goOn(reading);
    });
  }

  /** What was read. Throws JsonSyntaxError where the octets are not JSON. To be called once, after the last piece. */
  end(): T {
    if (this.outcome === null) {
      this.attempt((reading) => {
        reading.json.complete();
        this.goOn(reading);
      });
    }
    if (this.reading !== null) giveBackJsonCore(this.reading.core);
    const { outcome } = this;
    if (outcome === null) throw new Error('a document goes on behind its end');
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  private attempt(step: (reading: Reading<T>) => void): void {
    try {
      this.reading ??= this.begin();
      step(this.reading);
    } catch (error) {
      this.outcome = { error };
    }
  }

  private begin(): Reading<T> {
    const core = takeJsonCore();
    const json = new JsonReader(core);
    return { core, json, walk: json.document(() => this.read(json)) };
  }

  private goOn({ walk }: Reading<T>): void {
    const { done, value } = walk.next();
    if (done === true) this.outcome = { value };
  }
}

interface Reading<T> {
  readonly core: JsonCore;
  readonly json: JsonReader;
  readonly walk: Walk<T>;
}

/** What the elements of a list become. */
export interface Elements<T> {
  /** ELEMENTS_LEFT, or of what there are rows. */
  readonly what: number;
  /** What becomes of the row at an address; null: the text of the element stays. */
  read(row: number): T | null;
}

/** What is at a place in a document, and how to go on. All addresses are of the window, and change whenever octets come. */
export class JsonReader {
  readonly memory: JsonMemory;

  private readonly core: JsonCore;
  private at: number;
  /** Where what must be kept begins; negative where that is `at`. */
  private mark = -1;
  /** Octets in front of the window. */
  private passedBytes = 0;
  /** Octets from `at` on without which going on leads nowhere. */
  private neededBytes = 0;

  constructor(core: JsonCore) {
    core.openDocument(WINDOW_BYTES);
    this.core = core;
    this.memory = new JsonMemory(core);
    this.at = core.windowStart();
  }

  // --- octets ---

  /** @returns whether there are enough to go on */
  add(piece: Uint8Array): boolean {
    const { core } = this;
    const from = this.mark < 0 ? this.at : this.mark;
    this.passedBytes += from - core.windowStart();
    const place = core.makeRoom(from, piece.length);
    const distance = core.windowStart() - from;
    this.at += distance;
    if (this.mark >= 0) this.mark += distance;
    this.memory.look();
    this.memory.write(place, piece);
    core.fill(piece.length);
    return core.windowEnd() - this.at >= this.neededBytes;
  }

  /** There are no more. */
  complete(): void {
    this.core.completeWindow();
  }

  // --- walking ---

  /** Passes over a document: one value with nothing but white space around it. */
  *document<T>(value: () => Walk<T>): Walk<T> {
    yield* this.next();
    const read = yield* value();
    yield* this.next();
    if (this.at !== this.core.windowEnd()) throw this.unexpected(this.at);
    return read;
  }

  /** Passes over white space, and says what comes behind it: an octet, or 0 at the end of the document. */
  private *next(): Walk<number> {
    const { core } = this;
    for (;;) {
      this.at = core.skipSpace(this.at);
      if (core.isCut(this.at) === 0) return this.memory.octetAt(this.at);
      yield;
    }
  }

  *isObject(): Walk<boolean> {
    return (yield* this.next()) === OPENING_BRACE;
  }

  *isList(): Walk<boolean> {
    return (yield* this.next()) === OPENING_BRACKET;
  }

  /** Passes over a value, all its contents checked. */
  *skip(): Walk<void> {
    const { core } = this;
    let end = core.skipValue(this.at);
    while (end === MORE) {
      this.at = core.leftValueAt();
      yield;
      end = core.resumeValue(this.at);
    }
    this.at = this.checked(end);
  }

  /** What JSON.parse makes of the value. */
  *value(): Walk<unknown> {
    this.mark = this.at;
    yield* this.skip();
    this.memory.look();
    const text = this.memory.textOf(this.mark, this.at);
    this.mark = -1;
    return JSON.parse(text);
  }

  /** Passes over the members of an object. @param member is told each key, and passes over the value */
  *object(member: (key: string) => Walk<void>): Walk<void> {
    const { core, memory } = this;
    this.at += 1;
    for (let isFirst = 1; ; isFirst = 0) {
      let next = core.goToMember(this.at, isFirst);
      while (next === MORE) {
        yield;
        next = core.goToMember(this.at, isFirst);
      }
      if (next === CLOSED) break;
      this.at = this.checked(next);
      memory.look();
      yield* member(JSON.parse(memory.textOf(core.startOfKey(), core.endOfKey())) as string);
    }
    this.at = core.resumedAt();
  }

  /** The same for the elements of a list. */
  *list(element: () => Walk<void>): Walk<void> {
    const { core } = this;
    this.at += 1;
    for (let isFirst = 1; ; isFirst = 0) {
      let next = core.goToElement(this.at, isFirst);
      while (next === MORE) {
        yield;
        next = core.goToElement(this.at, isFirst);
      }
      if (next === CLOSED) break;
      this.at = this.checked(next);
      yield* element();
    }
    this.at = core.resumedAt();
  }

  /** What becomes of the elements of a list: of each what was read of it, or its text. */
  *elements<T extends object>(elements: Elements<T>): Walk<LazyElements<T>> {
    const { core } = this;
    const list: (T | string)[] = [];
    this.at += 1;
    let where = AT_OPENING;
    for (;;) {
      const outcome = core.readElements(this.at, where, elements.what);
      if (outcome === SYNTAX_ERROR) throw this.unexpected(core.failedAt());
      this.readRows(elements, list);
      this.at = core.resumedAt();
      if (outcome === CLOSED) return { list, hasLongNumber: core.hasLongNumber() !== 0 };
      where = core.resumedWhere();
      if (outcome !== MORE) continue;
      // An element is gone through from its start again: one that is large not with each of its pieces.
      this.neededBytes = where === AT_ELEMENT ? 2 * (core.windowEnd() - this.at) : 0;
      yield;
      this.neededBytes = 0;
    }
  }

  private readRows<T>(elements: Elements<T>, list: (T | string)[]): void {
    const { core, memory } = this;
    memory.look();
    const { words } = memory;
    const end = core.rowsEnd();
    for (let row = core.firstRow(); row < end; row += words[(row + ROW_SIZE) >> 2] ?? 0) {
      const kind = words[(row + ROW_KIND) >> 2];
      const element = kind === ROW_LEFT ? null : elements.read(row);
      list.push(element ?? memory.textOf(words[(row + ROW_START) >> 2] ?? 0, words[(row + ROW_END) >> 2] ?? 0));
    }
  }

  // --- errors ---

  /** An address that a call came back with, where it did not come upon what is no JSON. */
  private checked(outcome: number): number {
    if (outcome >= 0) return outcome;
    throw this.unexpected(this.core.failedAt());
  }

  private unexpected(at: number): JsonSyntaxError {
    const { core, memory } = this;
    const offset = this.passedBytes + at - core.windowStart();
    if (at >= core.windowEnd()) return new JsonSyntaxError(`it ends in the middle, after ${offset} octets`);
    memory.look();
    const octet = memory.octetAt(at);
    const shown = octet > SPACE && octet < DELETE ? `"${String.fromCharCode(octet)}"` : `octet 0x${octet.toString(16)}`;
    return new JsonSyntaxError(`unexpected ${shown} at offset ${offset}`);
  }
}

/** The elements of a list. */
export interface LazyElements<T> {
  /** What was read of them, or their texts. */
  readonly list: readonly (T | string)[];
  /** Whether a number was passed so far whose digits JSON.parse may not keep. */
  readonly hasLongNumber: boolean;
}
