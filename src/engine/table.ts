// Generations of the zone: built whole, or from the one before where only some names have changed.

import { MAX_NAME_SIZE } from '../dns/constants.ts';
import { foldCase, fqdn, hasUpperCase, isWithin, nameAbove } from '../dns/name.ts';
import type { RecordSet } from '../records/record-set.ts';
import type { Region } from './arena.ts';
import { NODE_EXTENT, NODE_RRSET_COUNT, PAGE_SIZE, PAGES_MAX, TABLE_DIRECTORY } from './contract.ts';
import { Heap } from './heap.ts';
import { type MemoryViews, wholeMemoryViews } from './memory.ts';
import { type Inserted, NameList } from './name-list.ts';
import { type NameWalk, NotOwnError, type UseName } from './name-walk.ts';
import { NodeWriter } from './node-writer.ts';
import { ServiceWriter } from './service-writer.ts';
import { TableHeader } from './table-header.ts';
import type { TableImage } from './table-image.ts';
import { negativeTtlOf, type Soa, type TableChanges, type TableInput } from './table-input.ts';
import type { Workshop } from './workshop.ts';
import { ZoneList } from './zone-list.ts';
import { sizeEstimate, ZoneView } from './zone-view.ts';

/** Names on a page on average, at the most, when a table is built whole: four in ten slots. */
const NAMES_PER_PAGE = 400;
const PAGE_FULL = -1;
const PAGE_IS_FULL = 'an index page is full';

/** Thrown where a page has no free slot left: more pages are needed, which means building whole. */
export class PageFullError extends Error {}

/** Thrown where a name has capital letters and none was expected to. */
class NotFoldedError extends Error {}

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
  readonly #children = new Map<string, number>();
  #header: Region = { address: 0, size: 0 };
  #serial = 0;
  #negativeSoa: Region = { address: 0, size: 0 };
  #nameCount = 0;
  /** What the SOA record of negative answers takes; each generation has its own. */
  #negativeSoaBytes = 0;
  /** While the next generation is made: the pages that it does not share with the one in force, by index. null: all. */
  #own: Set<number> | null = null;
  /** While the next generation is made: what it does not lead to any more. */
  #replaced: Region[] = [];

  /**
   * Builds the whole zone. Throws ERR_TABLE_FULL where it does not fit; what was taken is given back.
   *
   * @param isFolded no name is expected to have capital letters; where one has, building begins anew
   */
  static build(workshop: Workshop, input: TableInput, generation: number, isFolded = true): Table {
    let expectsFolded = isFolded;
    let isApart = true;
    let pageCount = 1;
    const names = input.records === null ? 1 : sizeEstimate(input.records);
    while (pageCount * NAMES_PER_PAGE < names) pageCount *= 2;
    for (;;) {
      const table = new Table(workshop, input, expectsFolded, isApart);
      try {
        table.#buildWhole(pageCount, generation);
        return table;
      } catch (error) {
        for (const region of table.regions) workshop.arena.release(region);
        if (error instanceof NotFoldedError) expectsFolded = false;
        else if (error instanceof NotOwnError) isApart = false;
        else if (error instanceof PageFullError && pageCount < PAGES_MAX) pageCount *= 2;
        else throw error;
      }
    }
  }

  private constructor(workshop: Workshop, input: TableInput, isFolded: boolean, isApart: boolean) {
    this.#workshop = workshop;
    this.#input = input;
    this.#domain = foldCase(fqdn(input.domain));
    this.#heap = new Heap(workshop.memory, workshop.arena);
    this.#zone = new ZoneView(input.records ?? NO_RECORDS, this.#domain, isFolded, isApart);
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
      for (const name of folded) if (isWithin(name, this.#domain)) this.#change(name);
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

  /** Whether a state is known. */
  get hasRecords(): boolean {
    return this.#input.records !== null;
  }

  /** Whether no name has capital letters, as far as is known. */
  get isFolded(): boolean {
    return this.#zone.isFolded;
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
    return [...this.#writer.leftOut.unwritable.values()].flat();
  }

  /** RRsets larger than a table can hold, as text; the records beyond are left out. */
  get cut(): readonly string[] {
    return [...this.#writer.leftOut.cut.values()];
  }

  /** RRsets larger than any message, as text. */
  get overlong(): readonly string[] {
    return [...this.#writer.leftOut.overlong.values()];
  }

  /** This generation as it can be kept; null while no state is known. */
  get image(): TableImage | null {
    if (!this.hasRecords) return null;
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

    this.#change(this.#domain);
    this.#buildNames();
    for (const [name, target] of this.#zone.pointers) {
      const node = this.#writer.writePointer(name, target);
      if (node !== 0 && this.#place(node) === 0) this.#nameCount += 1;
    }
  }

  /** Gives every name with records, and every one above it, its node. */
  #buildNames(): void {
    const list = new NameList(this.#workshop, this.#heap);
    const use: UseName = (name, records) => {
      // The domain has records of its own.
      const isUsual = name !== this.#domain && name.length <= MAX_NAME_SIZE;
      if (!isUsual || !this.#writer.writeTo(list, name, records)) this.#insertAlone(name);
      else if (list.isFull) this.#insert(list);
    };
    try {
      const names = this.#zone.names();
      names.hosts(use);
      this.#insert(list);
      this.#buildOwnNames(names, list);
      if (names.isPlain) {
        this.#writer.services = new ServiceWriter(this.#workshop, this.#heap, this.#header.address, this.#input);
      }
      names.services(use);
      this.#writer.services?.release();
      this.#writer.services = null;
      names.aliases(use);
      this.#insert(list);
    } finally {
      this.#writer.services?.release();
      this.#writer.services = null;
      this.#writer.forgetBodies();
      list.release();
    }
  }

  /** Canonical names. Throws NotOwnError where one of them had its node before. */
  #buildOwnNames(names: NameWalk, list: NameList): void {
    const others: string[] = [];
    const insert = () => {
      const { repeated, left } = this.#insertAll(list);
      if (repeated > 0) throw new NotOwnError();
      others.push(...left);
    };
    names.own((name, records) => {
      if (name.length > MAX_NAME_SIZE) others.push(name);
      else this.#writer.writeTo(list, name, records);
      if (list.isFull) insert();
    });
    insert();
    this.#zone.putTogether();
    for (const name of others) this.#insertAlone(name);
  }

  #insert(list: NameList): void {
    for (const name of this.#insertAll(list).left) this.#insertAlone(name);
  }

  /** All but those left. */
  #insertAll(list: NameList): Inserted {
    const inserted = list.insert(this.#header.address);
    if (inserted.isFull) throw new PageFullError(PAGE_IS_FULL);
    this.#nameCount += inserted.added;
    this.#heap.garbageBytes += inserted.garbage;
    for (const [name, count] of inserted.children) this.#addChildren(name, count);
    return inserted;
  }

  #insertAlone(name: string): void {
    if (hasUpperCase(name)) throw new NotFoldedError(`${name} has capital letters`);
    this.#change(name);
  }

  /** Gives a name the node that it has now, or none. */
  #change(name: string): void {
    const node = this.#writer.write(name);
    if (node === 0) return;
    if (this.#rrsetCount(node) > 0 || name === this.#domain || this.#hasChildren(name)) {
      if (this.#place(node) !== 0) return;
      this.#nameCount += 1;
      if (name !== this.#domain) this.#addChildren(nameAbove(name), 1);
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
    const above = nameAbove(name);
    const left = (this.#children.get(above) ?? 0) - 1;
    this.#children.set(above, left);
    if (left > 0 || above === this.#domain) return;
    this.#children.delete(above);
    const empty = this.#writer.writeEmpty(above);
    const known = this.#workshop.core.sameNode(this.#header.address, empty);
    if (known !== 0 && this.#rrsetCount(known) === 0) {
      if (this.#remove(empty)) this.#dropChildOf(above);
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

  /** Counts new nodes one label below a name in the domain, which comes to exist with them. */
  #addChildren(name: string, count: number): void {
    const before = this.#children.get(name) ?? 0;
    this.#children.set(name, before + count);
    if (before > 0) return;
    const node = this.#writer.writeEmpty(name);
    if (this.#workshop.core.sameNode(this.#header.address, node) !== 0) {
      this.#drop(node);
      return;
    }
    this.#place(node);
    this.#nameCount += 1;
    if (name !== this.#domain) this.#addChildren(nameAbove(name), 1);
  }

  #hasChildren(name: string): boolean {
    return (this.#children.get(name) ?? 0) > 0;
  }

  /** @returns the address of the node that was replaced, or 0 */
  #place(node: number): number {
    this.#makeOwn(node);
    const replaced = this.#workshop.core.insertNode(this.#header.address, node);
    if (replaced === PAGE_FULL) throw new PageFullError(PAGE_IS_FULL);
    if (replaced !== 0) this.#drop(replaced);
    return replaced;
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
