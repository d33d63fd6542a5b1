// Names whose nodes the core writes and puts into the index together, while a table is built whole: a call for each, and
// writing each octet from here, would take longer than all else.

import { MAX_NAME_SIZE } from '../dns/constants.ts';
import { nameAbove } from '../dns/name.ts';
import {
  LIST_ADDED,
  LIST_AT,
  LIST_COUNT,
  LIST_GARBAGE,
  LIST_IS_FULL,
  LIST_NAMES,
  LIST_NAMES_MAX,
  LIST_SIZE,
  LIST_TEXTS,
  LIST_TEXTS_SIZE,
  LISTED_EXTENT,
  LISTED_NODE,
  LISTED_RRSET_COUNT,
  LISTED_RRSETS,
  LISTED_SIBLINGS,
  LISTED_SIZE,
  LISTED_TEXT_SIZE,
  NODE_ALIGN,
  NODE_NAME_PADDING,
  NODE_RRSETS,
  RRSET_BODY,
  RRSET_SIZE,
} from './contract.ts';
import type { Heap } from './heap.ts';
import { MemoryList } from './memory-list.ts';
import type { Workshop } from './workshop.ts';

const WORD = Uint32Array.BYTES_PER_ELEMENT;
const SHAPE = { size: LIST_SIZE, textsAt: LIST_TEXTS, textsSize: LIST_TEXTS_SIZE };

/** What an RRset of a node says. */
export interface ListedRrset {
  readonly count: number;
  /** Of the body. */
  readonly address: number;
}

/** What came of putting names into an index. */
export interface Inserted {
  /** A page had no free slot left; the rest means nothing then. */
  readonly isFull: boolean;
  /** Names that the table has only now. */
  readonly added: number;
  /** Names that it had before, or that were among these twice. */
  readonly repeated: number;
  /** Octets that it does not lead to any more. */
  readonly garbage: number;
  /** Names that have some of those added right below them, and how many; several times some of them. */
  readonly children: readonly (readonly [string, number])[];
  /** Names that the core does not write. */
  readonly left: readonly string[];
}

const NOTHING = { isFull: false, added: 0, repeated: 0, garbage: 0, children: [] };

export class NameList {
  readonly #workshop: Workshop;
  readonly #heap: Heap;
  readonly #list: MemoryList;
  #names: string[] = [];
  /** Octets of their texts, and of their nodes at the most. */
  #textsSize = 0;
  #nodesSize = 0;

  /** Throws ERR_TABLE_FULL where there is no room for it. */
  constructor(workshop: Workshop, heap: Heap) {
    this.#workshop = workshop;
    this.#heap = heap;
    this.#list = new MemoryList(workshop, SHAPE);
  }

  /** Whether no other name may be added before these are inserted. */
  get isFull(): boolean {
    return this.#names.length === LIST_NAMES_MAX || this.#textsSize > LIST_TEXTS_SIZE - MAX_NAME_SIZE;
  }

  /**
   * @param name folded, of MAX_NAME_SIZE characters at the most
   * @param extent octets of the bodies that are its own
   * @param rrsetCount up to LISTED_RRSETS_MAX, of the types and bodies given; arrays may be longer
   */
  add(
    name: string,
    extent: number,
    rrsetCount: number,
    types: readonly number[],
    bodies: readonly ListedRrset[],
  ): void {
    const { words } = this.#list;
    const element = (LIST_NAMES + this.#names.push(name) * LISTED_SIZE - LISTED_SIZE) / WORD;
    this.#textsSize += name.length;
    this.#nodesSize += NODE_RRSETS + rrsetCount * RRSET_SIZE + name.length + 1 + NODE_NAME_PADDING + NODE_ALIGN;
    words[element + LISTED_TEXT_SIZE / WORD] = name.length;
    words[element + LISTED_EXTENT / WORD] = extent;
    words[element + LISTED_RRSET_COUNT / WORD] = rrsetCount;
    for (let i = 0; i < rrsetCount; i++) {
      const rrset = element + (LISTED_RRSETS + i * RRSET_SIZE) / WORD;
      words[rrset] = (types[i] ?? 0) | ((bodies[i]?.count ?? 0) << 16);
      words[rrset + RRSET_BODY / WORD] = bodies[i]?.address ?? 0;
    }
  }

  /** Puts the names into the index of the table at an address, and forgets them. Throws ERR_TABLE_FULL. */
  insert(table: number): Inserted {
    const { words } = this.#list;
    const names = this.#names;
    const nodesSize = this.#nodesSize;
    this.#names = [];
    this.#textsSize = 0;
    this.#nodesSize = 0;
    if (names.length === 0 || !this.#list.writeTexts(names)) return { ...NOTHING, left: names };
    words[LIST_AT / WORD] = this.#heap.next(nodesSize);
    words[LIST_COUNT / WORD] = names.length;
    this.#workshop.core.insertNames(table, this.#list.address);
    this.#heap.takeUpTo(words[LIST_AT / WORD] ?? 0);
    const left: string[] = [];
    const children: [string, number][] = [];
    let element = LIST_NAMES / WORD;
    for (const name of names) {
      const siblings = words[element + LISTED_SIBLINGS / WORD] ?? 0;
      if (words[element + LISTED_NODE / WORD] === 0) left.push(name);
      else if (siblings > 0) children.push([nameAbove(name), siblings]);
      element += LISTED_SIZE / WORD;
    }
    const added = words[LIST_ADDED / WORD] ?? 0;
    return {
      isFull: words[LIST_IS_FULL / WORD] !== 0,
      added,
      repeated: names.length - left.length - added,
      garbage: words[LIST_GARBAGE / WORD] ?? 0,
      children,
      left,
    };
  }

  release(): void {
    this.#list.release();
  }
}
