// A `/state` document as an object whose long lists become objects one element at a time. A master's document has 75 MB
// for 100,000 tasks, and more with its history of completed ones: as one tree of objects it would take more than three
// times as much memory, of which the model keeps a tenth.

import { quoteLongPortNumbers } from './document-text.ts';
import type { JsonObject } from './fields.ts';
import { JsonScanner } from './json-scanner.ts';
import type { Task } from './model.ts';

/** Reads elements of a list while the document is gone through. */
export interface ElementScanner<T> {
  /** What was read last. */
  readonly element: T;
  /** A list begins. @param before the members in front of it, of those that are wanted of its object */
  begin(before: JsonObject): void;
  /**
   * Reads the element at an offset. Throws JsonSyntaxError where what it passes over is not JSON.
   *
   * @returns the offset behind it; negative where the element is to be parsed when it is asked for.
   */
  read(at: number): number;
}

/** A list whose elements are parsed when they are asked for, anew each time, save those that were read already. */
export class LazyList<T = never> implements Iterable<unknown> {
  private readonly scanner: JsonScanner;
  /** Where elements begin and end, in turn. */
  private readonly bounds: readonly number[];
  /** The same elements as far as they were read; empty where none was to be. */
  private readonly elements: readonly (T | null)[];

  constructor(scanner: JsonScanner, bounds: readonly number[], elements: readonly (T | null)[]) {
    this.scanner = scanner;
    this.bounds = bounds;
    this.elements = elements;
  }

  get length(): number {
    return this.bounds.length / 2;
  }

  /** What an ElementScanner has read of an element, counted from 0; null where it has not. */
  elementAt(index: number): T | null {
    return this.elements[index] ?? null;
  }

  valueAt(index: number): unknown {
    const { scanner, bounds } = this;
    const text = scanner.textOf(bounds[index * 2] ?? 0, bounds[index * 2 + 1] ?? 0);
    return JSON.parse(scanner.hasLongNumber ? quoteLongPortNumbers(text) : text);
  }

  *[Symbol.iterator](): Generator<unknown, void> {
    for (let i = 0; i < this.length; i += 1) yield this.valueAt(i);
  }
}

/**
 * Parses the value that begins at an offset as far as is wanted of it.
 * @param before the wanted members in front of it, where it is one itself
 */
type ReadValue = (scanner: JsonScanner, at: number, before: JsonObject) => Parsed;

interface Parsed {
  readonly value: unknown;
  /** The offset behind the value. */
  readonly end: number;
}

const NOTHING: JsonObject = {};

const whole: ReadValue = (scanner, at) => {
  const end = scanner.skipValue(at);
  return { value: scanner.parse(at, end), end };
};

const lazyList: ReadValue = (scanner, at, before) => {
  if (!scanner.isArrayAt(at)) return whole(scanner, at, before);
  const bounds: number[] = [];
  const end = scanner.scanArray(at, (start) => {
    const elementEnd = scanner.skipValue(start);
    bounds.push(start, elementEnd);
    return elementEnd;
  });
  return { value: new LazyList(scanner, bounds, []), end };
};

/** A list of which an ElementScanner reads what it can. */
function scannedList<T>(elements: ElementScanner<T>): ReadValue {
  return (scanner, at, before) => {
    if (!scanner.isArrayAt(at)) return whole(scanner, at, before);
    elements.begin(before);
    const bounds: number[] = [];
    const read: (T | null)[] = [];
    const end = scanner.scanArray(at, (start) => {
      let elementEnd = elements.read(start);
      read.push(elementEnd < 0 ? null : elements.element);
      if (elementEnd < 0) elementEnd = scanner.skipValue(start);
      bounds.push(start, elementEnd);
      return elementEnd;
    });
    return { value: new LazyList(scanner, bounds, read), end };
  };
}

function listOf(members: ReadonlyMap<string, ReadValue>): ReadValue {
  return (scanner, at, before) => {
    if (!scanner.isArrayAt(at)) return whole(scanner, at, before);
    const list: unknown[] = [];
    const end = scanner.scanArray(at, (start) => {
      const element = readMembers(scanner, start, members);
      list.push(element.value);
      return element.end;
    });
    return { value: list, end };
  };
}

/** The members that the model is made of. All others are checked and skipped. */
function documentMembers(tasks: ReadValue): ReadonlyMap<string, ReadValue> {
  const framework: ReadonlyMap<string, ReadValue> = new Map([
    ['id', whole],
    ['name', whole],
    ['pid', whole],
    ['hostname', whole],
    ['active', whole],
    ['tasks', tasks],
  ]);
  return new Map([
    ['version', whole],
    ['leader', whole],
    ['slaves', lazyList],
    ['recovered_slaves', whole],
    ['frameworks', listOf(framework)],
  ]);
}

/** Members of an object, and nothing else of it. */
function members(wanted: Readonly<Record<string, ReadValue>>): ReadValue {
  const map = new Map(Object.entries(wanted));
  return (scanner, at) => readMembers(scanner, at, map);
}

/** What is read of a large event: only SUBSCRIBED is one, with the cluster in it. */
const EVENT = members({
  type: whole,
  subscribed: members({
    heartbeat_interval_seconds: whole,
    get_state: members({
      get_tasks: members({ tasks: lazyList }),
      get_frameworks: members({ frameworks: whole }),
      get_agents: members({ agents: lazyList, recovered_agents: whole }),
    }),
  }),
});

/** What is read of `/frameworks`: whose scheduler is where. */
const PIDS = members({
  frameworks: listOf(
    new Map([
      ['id', whole],
      ['pid', whole],
    ]),
  ),
});

/**
 * Reads the document, all of which is checked at once. What JSON.parse would make of it, save that `slaves` and the `tasks` of
 * each framework are LazyLists where they are lists, that members without meaning for the model are missing, and that
 * port numbers of many digits are texts where JSON.parse might round them.
 *
 * @param bytes well-formed UTF-8; kept and read as long as the lists are.
 * @param tasks what reads tasks on the way; absent: nothing does.
 * @throws JsonSyntaxError where the octets are not JSON.
 */
export function readLazily(bytes: Uint8Array, tasks?: (scanner: JsonScanner) => ElementScanner<Task>): unknown {
  return readWith(bytes, (scanner, at) => {
    const members = documentMembers(tasks === undefined ? lazyList : scannedList(tasks(scanner)));
    return readMembers(scanner, at, members);
  });
}

/** Reads a large event of the v1 stream in the same way: `tasks` and `agents` are LazyLists. */
export function readEventLazily(bytes: Uint8Array): unknown {
  return readWith(bytes, EVENT);
}

/** Reads `id` and `pid` of the frameworks in a `/frameworks` document. */
export function readPids(bytes: Uint8Array): unknown {
  return readWith(bytes, PIDS);
}

function readWith(bytes: Uint8Array, read: ReadValue): unknown {
  const scanner = new JsonScanner(bytes);
  let document: unknown;
  scanner.scanDocument((at) => {
    const { value, end } = read(scanner, at, NOTHING);
    document = value;
    return end;
  });
  return document;
}

/** The wanted members of an object, of equal ones the last as in JSON.parse. What is no object is parsed as a whole. */
function readMembers(scanner: JsonScanner, at: number, wanted: ReadonlyMap<string, ReadValue>): Parsed {
  if (!scanner.isObjectAt(at)) return whole(scanner, at, NOTHING);
  const value: Record<string, unknown> = {};
  const end = scanner.scanObject(at, (key, start) => {
    const read = wanted.get(key);
    if (read === undefined) return scanner.skipValue(start);
    const member = read(scanner, start, value);
    value[key] = member.value;
    return member.end;
  });
  return { value: value satisfies JsonObject, end };
}
