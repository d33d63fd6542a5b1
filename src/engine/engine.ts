// The engine: one shared memory, and the generations of the zone in it. The control plane's side of answering.

import { Arena } from './arena.ts';
import { type CacheSettings, writeCacheSettings } from './cache-settings.ts';
import { ARENA_BASE, TABLE_ALIGN } from './contract.ts';
import { type CoreBuild, compileCore, instantiateCore } from './core.ts';
import { createMemory, growTo } from './memory.ts';
import { Publisher } from './publisher.ts';
import { PageFullError, Table, type Workshop } from './table.ts';
import type { TableChanges, TableInput } from './table-input.ts';

/** Below so much, garbage is left where it is. */
const GARBAGE_MIN_BYTES = 4 * 1024 * 1024;
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

export class Engine {
  /** What workers instantiate the core from. */
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly #workshop: Workshop;
  readonly #publisher: Publisher;
  #table: Table | null = null;
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

  /** Builds the whole zone and makes it the current one. Throws ERR_TABLE_FULL where it does not fit; the old one stays. */
  publish(input: TableInput): PublishedTable {
    this.#publisher.reclaim();
    const table = Table.build(this.#workshop, input, this.#publisher.generation + 1);
    this.#publisher.publish(table.header, this.#table?.regions ?? []);
    this.#table = table;
    this.#mustBuild = false;
    return summary(table);
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
