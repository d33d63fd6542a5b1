// Generations of the zone: built whole, or from the one before where only some names have changed.

import { foldCase, fqdn } from '../dns/name.ts';
import type { RecordSet } from '../records/record-set.ts';
import type { Arena, Region } from './arena.ts';
import {
  type CoreExports,
  INSERTED_NODE,
  INSERTED_REPLACED,
  INSERTED_SIZE,
  NODE_EXTENT,
  NODE_RRSET_COUNT,
  PAGE_SIZE,
  PAGES_MAX,
  TABLE_DIRECTORY,
} from './contract.ts';
import { Heap } from './heap.ts';
import { type MemoryViews, wholeMemoryViews } from './memory.ts';
import { NodeWriter } from './node-writer.ts';
import { TableHeader } from './table-header.ts';
import type { TableImage } from './table-image.ts';
import { negativeTtlOf, type Soa, type TableChanges, type TableInput } from './table-input.ts';
import { ZoneList } from './zone-list.ts';
import { type NameRecords, sizeEstimate, ZoneView } from './zone-view.ts';

/** What a table is built with and in. */
export interface Workshop {
  readonly core: CoreExports;
  readonly memory: WebAssembly.Memory;
  readonly arena: Arena;
}

/** Names on a page on average, at the most, when a table is built whole: four in ten slots. */
const NAMES_PER_PAGE = 400;
const PAGE_FULL = -1;

/** A name that has others below it. */
interface Children {
  readonly name: string;
  /** Nodes one label below. */
  count: number;
}

const RECENT_ABOVE = 8;
/** Nodes that are inserted together while a table is built whole. */
const INSERTED_TOGETHER = 128;

/** Thrown where a page has no free slot left: more pages are needed, which means building whole. */
export class PageFullError extends Error {}

/** The newest generation, and what the next one is made from. */
export class Table {
  readonly #workshop: Workshop;
  readonly #input: TableInput;
  readonly #domain: string;
  readonly #heap: Heap;
  readonly #writer: NodeWriter;
  readonly #zone: ZoneView;
  readonly #zones: ZoneList;
  /** Addresses of the index pages; 0: it has none yet. */
  #pages = new Uint32Array();
  /** Folded name to how many nodes there are one label below it. */
  readonly #children = new Map<string, Children>();
  /** The last names above that were asked for: names come in runs below few of them. */
  readonly #recentAbove: Children[] = [];
  #recentNext = 0;
  #header: Region = { address: 0, size: 0 };
  #serial = 0;
  #negativeSoa: Region = { address: 0, size: 0 };
  #nameCount = 0;
  /** What the SOA record of negative answers takes; each generation has its own. */
  #negativeSoaBytes = 0;
  /** While the whole is built: names whose nodes wait in the list to be inserted. */
  readonly #waiting: string[] = [];
  #list: Region = { address: 0, size: 0 };
  /** While the next generation is made: the pages that it does not share with the one in force, by index. null: all. */
  #own: Set<number> | null = null;
  /** While the next generation is made: what it does not lead to any more. */
  #replaced: Region[] = [];

  /** Builds the whole zone. Throws ERR_TABLE_FULL where it does not fit; what was taken is given back. */
  static build(workshop: Workshop, input: TableInput, generation: number): Table {
    let pageCount = 1;
    const names = input.records === null ? 1 : sizeEstimate(input.records);
    while (pageCount * NAMES_PER_PAGE < names) pageCount *= 2;
    for (;;) {
      const table = new Table(workshop, input);
      try {
        table.#buildWhole(pageCount, generation);
        return table;
      } catch (error) {
        for (const region of table.regions) workshop.arena.release(region);
        if (!(error instanceof PageFullError) || pageCount === PAGES_MAX) throw error;
        pageCount *= 2;
      }
    }
  }

  private constructor(workshop: Workshop, input: TableInput) {
    this.#workshop = workshop;
    this.#input = input;
    this.#domain = foldCase(fqdn(input.domain));
    this.#heap = new Heap(workshop.memory, workshop.arena);
    this.#zone = new ZoneView(input.records ?? NO_RECORDS, this.#domain);
    this.#zones = new ZoneList(this.#domain, input.forwardZones, input.localZones);
    const { ttl, srvWeight, soa } = input;
    this.#writer = new NodeWriter({ heap: this.#heap, zone: this.#zone, domain: this.#domain, ttl, srvWeight }, soa);
  }

  /**
   * Makes the next generation: only the changed names are written, and only the index pages that lead to them are copied.
   * Throws ERR_TABLE_FULL, or PageFullError; the generation in force stays as it is, but no other can be made from it.
   *
   * @returns what the new generation does not lead to any more
   */
  change({ records, names, pointers, soa, stale = false }: TableChanges, generation: number): readonly Region[] {
    const { arena, core } = this.#workshop;
    const before = { header: this.#header, pages: this.#pages.slice() };
    this.#own = new Set();
    this.#replaced = [before.header];
    try {
      this.#zone.take(records);
      this.#writer.beginGeneration(soa);
      this.#writeHeader(generation, soa, stale);
      core.sealTable(this.#header.address);
      // All spellings first: what is written of one name may stand under another.
      const folded = new Set([this.#domain]); // its SOA has another serial
      for (const name of names) folded.add(this.#zone.noteName(name));
      for (const name of folded) this.#change(name);
      for (const name of pointers) this.#changePointer(foldCase(name));
      return this.#replaced;
    } catch (error) {
      for (const index of this.#own) arena.release(pageAt(this.#pages[index] ?? 0));
      if (this.#header !== before.header) arena.release(this.#header);
      this.#header = before.header;
      this.#pages = before.pages;
      throw error;
    }
  }

  /** Octets that no reader of the newest generation comes to. */
  get garbageBytes(): number {
    return this.#heap.garbageBytes;
  }

  get header(): Region {
    return this.#header;
  }

  /** All memory that this generation leads to. */
  get regions(): readonly Region[] {
    const header = this.#header.size === 0 ? [] : [this.#header];
    const pages = [...this.#pages].filter((address) => address !== 0).map(pageAt);
    return [...header, ...pages, ...this.#heap.segments];
  }

  /** Nodes, empty non-terminals included. */
  get nameCount(): number {
    return this.#nameCount;
  }

  /** Octets of the nodes and bodies in use. */
  get liveBytes(): number {
    return this.#heap.usedBytes - this.#heap.garbageBytes;
  }

  /** Records left out because they cannot be written on the wire, as text. */
  get unwritable(): readonly string[] {
    return [...this.#writer.unwritable.values()].flat();
  }

  /** RRsets larger than a table can hold, as text; the records beyond are left out. */
  get cut(): readonly string[] {
    return [...this.#writer.cut.values()];
  }

  /** RRsets larger than any message, as text. */
  get overlong(): readonly string[] {
    return [...this.#writer.overlong.values()];
  }

  /** This generation as it can be kept; null while no state is known. */
  get image(): TableImage | null {
    if (this.#input.records === null) return null;
    const { address } = this.#negativeSoa;
    return {
      serial: this.#serial,
      pages: [...this.#pages],
      segments: this.#heap.filled,
      negativeSoa: this.#negativeSoa,
      serialsAt: [this.#writer.serialAt(address), this.#writer.serialAt(this.#writer.apexSoa)],
      hasPointers: this.#zone.pointers.size > 0,
    };
  }

  get #views(): MemoryViews {
    return this.#heap.views;
  }

  #buildWhole(pageCount: number, generation: number): void {
    const { arena, core } = this.#workshop;
    this.#pages = new Uint32Array(pageCount);
    for (let i = 0; i < pageCount; i++) this.#pages[i] = arena.allocate(PAGE_SIZE).address;
    this.#writeHeader(generation, this.#input.soa, this.#input.stale);
    for (const address of this.#pages) this.#views.bytes.fill(0, address, address + PAGE_SIZE);
    core.sealTable(this.#header.address);

    this.#list = arena.allocate(INSERTED_TOGETHER * INSERTED_SIZE);
    try {
      this.#insert(this.#domain);
      this.#zone.forEachName((name, records) => this.#insert(name, records));
      this.#placeWaiting();
    } finally {
      arena.release(this.#list);
    }
    for (const [name, target] of this.#zone.pointers) {
      const node = this.#writer.writePointer(name, target);
      if (node !== 0 && this.#place(node) === 0) this.#nameCount += 1;
    }
  }

  /** Gives a name its node, if it has records, and every name above it one: soon, see #placeWaiting(). */
  #insert(name: string, records?: NameRecords): void {
    const node = this.#writer.write(name, records);
    if (node === 0) return;
    // An empty non-terminal comes with the names below it, also with those that wait.
    if (this.#rrsetCount(node) === 0 && !this.#hasChildren(name)) return;
    const element = this.#list.address + this.#waiting.push(name) * INSERTED_SIZE - INSERTED_SIZE;
    this.#views.fields.setUint32(element + INSERTED_NODE, node, true);
    if (this.#waiting.length === INSERTED_TOGETHER) this.#placeWaiting();
  }

  #placeWaiting(): void {
    const { address } = this.#list;
    this.#workshop.core.insertNodes(this.#header.address, address, this.#waiting.length);
    for (const [i, name] of this.#waiting.entries()) {
      const replaced = this.#views.fields.getInt32(address + i * INSERTED_SIZE + INSERTED_REPLACED, true);
      this.#countReplaced(replaced);
      if (replaced !== 0) continue;
      this.#nameCount += 1;
      this.#addChildOf(name);
    }
    this.#waiting.length = 0;
  }

  /** Gives a name the node that it has now, or none. */
  #change(name: string): void {
    const node = this.#writer.write(name);
    if (node === 0) return;
    if (this.#rrsetCount(node) > 0 || name === this.#domain || this.#hasChildren(name)) {
      if (this.#place(node) !== 0) return;
      this.#nameCount += 1;
      this.#addChildOf(name);
    } else if (this.#removeOrDrop(node)) {
      this.#dropChildOf(name);
    }
  }

  #changePointer(name: string): void {
    const target = this.#zone.pointers.get(name);
    const node = target === undefined ? this.#writer.writeEmpty(name) : this.#writer.writePointer(name, target);
    if (node === 0) return;
    if (target === undefined) this.#removeOrDrop(node);
    else if (this.#place(node) === 0) this.#nameCount += 1;
  }

  #rrsetCount(node: number): number {
    return this.#views.fields.getUint16(node + NODE_RRSET_COUNT, true);
  }

  /** Like #remove(); a node that was written for nothing is garbage. */
  #removeOrDrop(node: number): boolean {
    if (this.#remove(node)) return true;
    this.#drop(node);
    return false;
  }

  #drop(node: number): void {
    this.#heap.garbageBytes += this.#views.fields.getUint32(node + NODE_EXTENT, true);
  }

  /** Removes the node of the same name. @returns whether there was one */
  #remove(node: number): boolean {
    const { core } = this.#workshop;
    if (core.sameNode(this.#header.address, node) === 0) return false;
    this.#makeOwn(node);
    const removed = core.removeNode(this.#header.address, node);
    this.#heap.garbageBytes += this.#views.fields.getUint32(removed + NODE_EXTENT, true);
    this.#heap.garbageBytes += this.#views.fields.getUint32(node + NODE_EXTENT, true);
    this.#nameCount -= 1;
    return true;
  }

  /** Counts a node that is gone with the name above, which goes with it where it has no records. */
  #dropChildOf(name: string): void {
    if (name === this.#domain) return;
    const above = this.#above(name);
    above.count -= 1;
    if (above.count > 0 || above.name === this.#domain) return;
    // It may be counted again: forgetting it must not leave a second count behind.
    this.#children.delete(above.name);
    this.#recentAbove.length = 0;
    this.#recentNext = 0;
    const empty = this.#writer.writeEmpty(above.name);
    const known = this.#workshop.core.sameNode(this.#header.address, empty);
    if (known !== 0 && this.#rrsetCount(known) === 0) {
      if (this.#remove(empty)) this.#dropChildOf(above.name);
    } else {
      this.#drop(empty);
    }
  }

  /** Copies the index page of a node's name, unless the generation being made has it to itself. */
  #makeOwn(node: number): void {
    if (this.#own === null) return;
    const { arena, core } = this.#workshop;
    const index = core.pageOfNode(this.#header.address, node);
    const page = this.#pages[index];
    if (page === undefined || this.#own.has(index)) return;
    const copy = arena.allocate(PAGE_SIZE);
    this.#refreshViews();
    const { bytes, fields } = this.#views;
    bytes.copyWithin(copy.address, page, page + PAGE_SIZE);
    const directory = this.#header.address + fields.getUint32(this.#header.address + TABLE_DIRECTORY, true);
    fields.setUint32(directory + index * 4, copy.address, true);
    this.#pages[index] = copy.address;
    this.#own.add(index);
    this.#replaced.push(pageAt(page));
  }

  /** The memory may have grown. */
  #refreshViews(): void {
    const { memory } = this.#workshop;
    if (this.#views.bytes.length !== memory.buffer.byteLength) this.#heap.views = wholeMemoryViews(memory);
  }

  /** Counts a new node with the name above, which comes to exist with it. */
  #addChildOf(name: string): void {
    if (name === this.#domain) return;
    const above = this.#above(name);
    above.count += 1;
    if (above.count > 1) return;
    const node = this.#writer.writeEmpty(above.name);
    if (this.#workshop.core.sameNode(this.#header.address, node) !== 0) {
      this.#drop(node);
      return;
    }
    this.#place(node);
    this.#nameCount += 1;
    this.#addChildOf(above.name);
  }

  /** The name one label above a name in the domain. */
  #above(name: string): Children {
    const labelEnd = name.indexOf('.') + 1;
    for (const recent of this.#recentAbove) {
      if (recent.name.length === name.length - labelEnd && name.endsWith(recent.name)) return recent;
    }
    const above = name.slice(labelEnd);
    let children = this.#children.get(above);
    if (children === undefined) {
      children = { name: above, count: 0 };
      this.#children.set(above, children);
    }
    this.#recentAbove[this.#recentNext] = children;
    this.#recentNext = (this.#recentNext + 1) % RECENT_ABOVE;
    return children;
  }

  #hasChildren(name: string): boolean {
    return (this.#children.get(name)?.count ?? 0) > 0;
  }

  /** @returns the address of the node that was replaced, or 0 */
  #place(node: number): number {
    this.#makeOwn(node);
    const replaced = this.#workshop.core.insertNode(this.#header.address, node);
    this.#countReplaced(replaced);
    return replaced;
  }

  /** @param replaced what inserting a node has returned */
  #countReplaced(replaced: number): void {
    if (replaced === PAGE_FULL) throw new PageFullError('an index page is full');
    if (replaced !== 0) this.#heap.garbageBytes += this.#views.fields.getUint32(replaced + NODE_EXTENT, true);
  }

  #writeHeader(generation: number, soa: Soa, stale: boolean): void {
    const negativeTtl = negativeTtlOf(this.#input.ttl, soa);
    const usedBytes = this.#heap.usedBytes;
    const negativeSoa = this.#writer.soaRecord(negativeTtl);
    this.#heap.garbageBytes += this.#negativeSoaBytes;
    this.#negativeSoaBytes = this.#heap.usedBytes - usedBytes;
    this.#negativeSoa = negativeSoa;
    this.#serial = soa.serial;
    const header = new TableHeader({
      input: { ...this.#input, stale },
      zones: this.#zones,
      generation,
      negativeSoa,
      negativeTtl,
      hasPointers: this.#zone.pointers.size > 0,
      pages: this.#pages,
    });
    this.#header = this.#workshop.arena.allocate(header.size);
    this.#refreshViews();
    header.write(this.#views, this.#header.address);
  }
}

function pageAt(address: number): Region {
  return { address, size: PAGE_SIZE };
}

const NO_RECORDS: RecordSet = {
  as: new Map(),
  aaaas: new Map(),
  srvs: new Map(),
  ptrs: new Map(),
  aliases: new Map(),
};
