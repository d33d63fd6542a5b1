// A `/state` document as an object whose long lists become objects one element at a time. A master's document has 75 MB
// for 100,000 tasks, and more with its history of completed ones: as one tree of objects it would take more than three
// times as much memory, of which the model keeps a tenth.

import { ELEMENTS_LEFT } from '../../assembly/shared/rows.ts';
import { quoteLongPortNumbers } from './document-text.ts';
import type { JsonObject } from './fields.ts';
import type { JsonMemory } from './json-memory.ts';
import {
  DocumentReader,
  type Elements,
  type JsonReader,
  type LazyElements,
  readDocument,
  type Walk,
} from './json-reader.ts';
import type { Task } from './model.ts';

/** Makes objects of the elements of a list while the document is gone through. */
export interface ElementReader<T> extends Elements<T> {
  /** A list begins. @param before the members in front of it, of those that are wanted of its object */
  begin(before: JsonObject): void;
}

/** A list whose elements are parsed when they are asked for, anew each time, save those that were read already. */
export class LazyList<T extends object = never> implements Iterable<unknown> {
  private readonly elements: LazyElements<T>;

  constructor(elements: LazyElements<T>) {
    this.elements = elements;
  }

  get length(): number {
    return this.elements.list.length;
  }

  /** What an ElementReader has read of an element, counted from 0; null where it has not. */
  elementAt(index: number): T | null {
    const element = this.elements.list[index] ?? '';
    return typeof element === 'string' ? null : element;
  }

  /** All elements where all of them were read, else null. */
  get read(): readonly T[] | null {
    const { list } = this.elements;
    return list.every((element) => typeof element !== 'string') ? (list as readonly T[]) : null;
  }

  /** What an element is that was not read. */
  valueAt(index: number): unknown {
    const { list, hasLongNumber } = this.elements;
    const text = list[index];
    if (typeof text !== 'string') throw new Error(`there is no text of element ${index}`);
    return JSON.parse(hasLongNumber ? quoteLongPortNumbers(text) : text);
  }

  *[Symbol.iterator](): Generator<unknown, void> {
    for (let i = 0; i < this.length; i += 1) yield this.valueAt(i);
  }
}

/**
 * Reads the value that comes as far as is wanted of it.
 * @param before the wanted members in front of it, where it is one itself
 */
type ReadValue = (json: JsonReader, before: JsonObject) => Walk<unknown>;

const NOTHING: JsonObject = {};

const whole: ReadValue = (json) => json.value();

const lazyList: ReadValue = function* (json) {
  if (!(yield* json.isList())) return yield* json.value();
  return new LazyList(yield* json.elements<never>({ what: ELEMENTS_LEFT, read: () => null }));
};

/** A list of which an ElementReader reads what it can. */
function readList<T extends object>(elements: ElementReader<T>): ReadValue {
  return function* (json, before) {
    if (!(yield* json.isList())) return yield* json.value();
    elements.begin(before);
    return new LazyList(yield* json.elements(elements));
  };
}

function listOf(members: ReadonlyMap<string, ReadValue>): ReadValue {
  return function* (json) {
    if (!(yield* json.isList())) return yield* json.value();
    const list: unknown[] = [];
    yield* json.list(function* () {
      list.push(yield* readMembers(json, members));
    });
    return list;
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
  return (json) => readMembers(json, map);
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
 * Begins to read the document, all of which is checked at once. What JSON.parse would make of it, save that `slaves` and the
 * `tasks` of each framework are LazyLists where they are lists, that members without meaning for the model are missing, and
 * that port numbers of many digits are texts where JSON.parse might round them.
 *
 * @param tasks what reads tasks on the way; absent: nothing does.
 */
export function openLazily(tasks?: (memory: JsonMemory) => ElementReader<Task>): DocumentReader<unknown> {
  return new DocumentReader((json) => {
    const members = documentMembers(tasks === undefined ? lazyList : readList(tasks(json.memory)));
    return readMembers(json, members);
  });
}

/** Reads a large event of the v1 stream in the same way: `tasks` and `agents` are LazyLists. */
export function readEventLazily(bytes: Uint8Array): unknown {
  return readDocument(bytes, (json) => EVENT(json, NOTHING));
}

/** Reads `id` and `pid` of the frameworks in a `/frameworks` document. */
export function readPids(bytes: Uint8Array): unknown {
  return readDocument(bytes, (json) => PIDS(json, NOTHING));
}

/** The wanted members of an object, of equal ones the last as in JSON.parse. What is no object is parsed as a whole. */
function* readMembers(json: JsonReader, wanted: ReadonlyMap<string, ReadValue>): Walk<unknown> {
  if (!(yield* json.isObject())) return yield* json.value();
  const value: Record<string, unknown> = {};
  yield* json.object(function* (key) {
    const read = wanted.get(key);
    if (read === undefined) yield* json.skip();
    else value[key] = yield* read(json, value);
  });
  return value satisfies JsonObject;
}
