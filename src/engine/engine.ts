// The engine: one shared memory, and the generations of the zone in it. The control plane's side of answering.

import { Arena, type Region } from './arena.ts';
import { type CacheSettings, writeCacheSettings } from './cache-settings.ts';
import { ARENA_BASE, TABLE_ALIGN } from './contract.ts';
import { type CoreBuild, compileCore, instantiateCore } from './core.ts';
import { touchAhead } from './first-touch.ts';
import { createMemory, growTo, wholeMemoryViews } from './memory.ts';
import { Publisher } from './publisher.ts';
import { PageFullError, Table } from './table.ts';
import { placeImage, regionsOf, type TableImage } from './table-image.ts';
import type { TableChanges, TableInput } from './table-input.ts';
import type { Workshop } from './workshop.ts';

/** Below so much, garbage is left where it is. */
const GARBAGE_MIN_BYTES = 4 * 1024 * 1024;
/** Less is not worth a thread. */
const EXPECTED_MIN_BYTES = 8 * 1024 * 1024;
/** Where more than one name in so many has changed, building the whole zone is quicker and leaves no garbage. */
const CHANGED_SHARE = 3;

export interface PublishedTable {
  /** Octets of the names and records, without the index. */
  readonly sizeBytes: number;
  readonly nameCount: number;
  /** Records left out because they cannot be written on the wire, as text. */
  readonly unwritable: readonly string[];
  /** RRsets larger than a table can hold, as text; the records beyond are left out. */
  readonly cut: readonly string[];
  /** RRsets larger than any message, as text; each answer holds a part. */
  readonly overlong: readonly string[];
}

export interface KeptImage {
  readonly image: TableImage;
  /** The octets that publishImage() is to be given again. */
  readonly parts: readonly Uint8Array[];
  readonly release: () => void;
}

export class Engine {
  /** What workers instantiate the core from. */
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly #workshop: Workshop;
  readonly #publisher: Publisher;
  #table: Table | null = null;
  /** What the generation in force leads to, where it was not built here. */
  #placed: readonly Region[] = [];
  /** The newest table cannot be changed: making a generation from it was given up halfway. */
  #mustBuild = false;

  static async create(
    options: { readonly memoryLimitBytes?: number; readonly build?: CoreBuild } = {},
  ): Promise<Engine> {
    return new Engine(await compileCore(options.build), createMemory(options.memoryLimitBytes));
  }

  private constructor(module: WebAssembly.Module, memory: WebAssembly.Memory) {
    this.module = module;
    this.memory = memory;
    const arena = new Arena(ARENA_BASE, TABLE_ALIGN, (end) => growTo(memory, end));
    this.#workshop = { core: instantiateCore(module, memory), memory, arena };
    this.#publisher = new Publisher(memory, arena);
  }

  /** Makes the cache, before any thread is started. Throws ERR_TABLE_FULL where it does not fit. */
  openCache(settings: CacheSettings): void {
    const { core, memory, arena } = this.#workshop;
    const { address } = arena.allocate(settings.sizeBytes);
    core.openCache(address, settings.sizeBytes);
    writeCacheSettings(memory, settings);
  }

  /** Other times for the cache, from now on; its size stays. */
  tuneCache(settings: CacheSettings): void {
    writeCacheSettings(this.memory, settings);
  }

  /**
   * Gets memory ready for a first table of records that is to be built soon. Later ones find that of those before.
   * @param sizeBytes what it will surely take
   */
  expect(sizeBytes: number): void {
    const isFirst = this.#placed.length === 0 && !(this.#table?.hasRecords ?? false);
    if (!isFirst || sizeBytes < EXPECTED_MIN_BYTES) return;
    const { arena, memory } = this.#workshop;
    const from = arena.end;
    const to = from + sizeBytes;
    try {
      growTo(memory, to);
    } catch {
      return; // whoever builds it is told
    }
    touchAhead({ memory, from, to });
  }

  /** Builds the whole zone and makes it the current one. Throws ERR_TABLE_FULL where it does not fit; the old one stays. */
  publish(input: TableInput): PublishedTable {
    this.#publisher.reclaim();
    const table = Table.build(this.#workshop, input, this.#publisher.generation + 1, this.#table?.isFolded);
    this.#publisher.publish(table.header, this.#table?.regions ?? this.#placed);
    this.#table = table;
    this.#placed = [];
    this.#mustBuild = false;
    return summary(table);
  }

  /**
   * The generation in force, to be kept beyond this process; null while no state is known. Nothing of it changes until
   * `release` is called.
   */
  image(): KeptImage | null {
    const image = this.#table?.image ?? null;
    if (image === null) return null;
    const { bytes } = wholeMemoryViews(this.memory);
    const parts = regionsOf(image).map(({ address, size }) => bytes.subarray(address, address + size));
    return { image, parts, release: this.#publisher.pin() };
  }

  /**
   * Makes what an image holds the current generation, until a table is built.
   * Throws ERR_TABLE_FULL where it does not fit, and what `fill` throws; the generation in force stays then.
   *
   * @param input of the table that the image was made of, but for records, the serial, and what stands in headers alone
   * @param fill writes the parts of the image, in their order
   * @returns false where something else stands in its place
   */
  publishImage(image: TableImage, input: TableInput, fill: (parts: readonly Uint8Array[]) => void): boolean {
    this.#publisher.reclaim();
    const { core, memory, arena } = this.#workshop;
    const placed = placeImage({ core, memory, arena }, image, input, this.#publisher.generation + 1, fill);
    if (placed === null) return false;
    this.#publisher.publish(placed.header, this.#table?.regions ?? this.#placed);
    this.#table = null;
    this.#placed = placed.regions;
    return true;
  }

  /**
   * Makes a generation in which only some names differ from the one in force. Builds the whole zone instead where that is
   * less work, where too much garbage has gathered, or where an index page is full.
   * Throws ERR_TABLE_FULL where it does not fit; the old one stays.
   *
   * @param whole what publish() takes, for that case; nothing but records and serial may differ from the last call
   */
  change(changes: TableChanges, whole: () => TableInput): PublishedTable {
    this.#publisher.reclaim();
    const table = this.#table;
    if (table === null || this.#mustBuild || isNotWorthChanging(table, changes)) return this.publish(whole());
    try {
      const replaced = table.change(changes, this.#publisher.generation + 1);
      this.#publisher.publish(table.header, replaced);
      return summary(table);
    } catch (error) {
      this.#mustBuild = true;
      if (error instanceof PageFullError) return this.publish(whole());
      throw error;
    }
  }
}

function isNotWorthChanging(table: Table, { names }: TableChanges): boolean {
  if (names.size > table.nameCount / CHANGED_SHARE) return true;
  return table.garbageBytes > Math.max(GARBAGE_MIN_BYTES, table.liveBytes);
}

function summary({ liveBytes, nameCount, unwritable, cut, overlong }: Table): PublishedTable {
  return { sizeBytes: liveBytes, nameCount, unwritable, cut, overlong };
}
