// The shared linear memory: its growth, and every view of it. No other file makes a view of the memory's buffer.

import { MesosDnsError } from '../errors.ts';
import {
  ARENA_BASE,
  CACHE_HEADER_SIZE,
  CONTROL_CACHE,
  CONTROL_KEEPALIVE,
  CONTROL_NETWORK_LISTS,
  CONTROL_NETWORKS,
  CONTROL_RATE,
  CONTROL_RATE_SEED,
  CONTROL_SECRET_COUNT,
  CONTROL_SECRET_MAKER,
  CONTROL_SECRETS,
  CONTROL_SLIP,
  CONTROL_TABLE,
  COUNTS,
  DESCRIPTOR_SIZE,
  GUARD_SIZE,
  NETWORKS_SIZE,
  RATE_BASE,
  RATE_SIZE,
  REFRESHES_WRITTEN,
  SECRET_SIZE,
  SECRETS_MAX,
  SLOT_ROOM,
  SLOT_SIZE,
  STREAM_MESSAGE,
  STREAM_ROOM,
  WORKER_ANNOUNCED,
  WORKER_CLOCK,
  WORKER_COUNTS,
  WORKER_DESCRIPTORS,
  WORKER_PACKETS,
  WORKER_RANDOM,
  WORKER_REFRESHES,
  WORKER_SIZE,
  WORKERS_BASE,
  WORKERS_MAX,
} from './contract.ts';

const PAGE_SIZE = 65536;

/** The largest limit: a 32-bit address less a page, so that no offset wraps. */
export const MEMORY_LIMIT_MAX = 65535 * PAGE_SIZE;
export const MEMORY_LIMIT_DEFAULT = 1024 * 1024 * 1024;

/** Makes a memory that holds the fixed regions and grows up to a limit (octets). */
export function createMemory(limitBytes: number = MEMORY_LIMIT_DEFAULT): WebAssembly.Memory {
  const initial = ARENA_BASE / PAGE_SIZE;
  const maximum = Math.max(initial, Math.floor(Math.min(limitBytes, MEMORY_LIMIT_MAX) / PAGE_SIZE));
  return new WebAssembly.Memory({ initial, maximum, shared: true });
}

/** Grows the memory to at least `end` octets. Throws ERR_TABLE_FULL above its maximum. */
export function growTo(memory: WebAssembly.Memory, end: number): void {
  const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE_SIZE);
  if (missing <= 0) return;
  try {
    memory.grow(missing);
  } catch (error) {
    throw new MesosDnsError('ERR_TABLE_FULL', `the table needs memory up to ${end} octets, more than the limit`, {
      cause: error,
    });
  }
}

/** The whole memory by address, for the thread that builds tables. Make a new one after the memory has grown. */
export interface MemoryViews {
  readonly bytes: Uint8Array;
  readonly fields: DataView;
}

export function wholeMemoryViews({ buffer }: WebAssembly.Memory): MemoryViews {
  return { bytes: new Uint8Array(buffer), fields: new DataView(buffer) };
}

/** A region by word and by octet. They stay valid when the memory grows. Its address and size are multiples of four. */
export function regionViews(
  { buffer }: WebAssembly.Memory,
  address: number,
  size: number,
): { readonly words: Uint32Array; readonly bytes: Uint8Array } {
  return { words: new Uint32Array(buffer, address, size / 4), bytes: new Uint8Array(buffer, address, size) };
}

/** The word that names the table in force; use with Atomics. */
export function currentTableView(memory: WebAssembly.Memory): Uint32Array {
  return new Uint32Array(memory.buffer, CONTROL_TABLE, 1);
}

const TABLE_WAIT_MS = 100;

/** Blocks this thread, which is not the main one, until a first table is in force, or `isOver`. */
export function awaitTable(memory: WebAssembly.Memory, isOver: () => boolean = () => false): void {
  const word = new Int32Array(memory.buffer, CONTROL_TABLE, 1);
  while (Atomics.load(word, 0) === 0 && !isOver()) Atomics.wait(word, 0, 0, TABLE_WAIT_MS);
}

/** Wakes who waits in awaitTable(). */
export function announceTable(memory: WebAssembly.Memory): void {
  Atomics.notify(new Int32Array(memory.buffer, CONTROL_TABLE, 1), 0);
}

/** The options of the control block; its words are for Atomics. */
export interface ControlViews {
  readonly secretCount: Uint32Array;
  readonly secretMaker: Uint32Array;
  /** SECRETS_MAX times SECRET_SIZE octets. */
  readonly secrets: Uint8Array;
  /** Units of 100 ms. */
  readonly keepalive: Uint32Array;
  readonly rate: Uint32Array;
  readonly slip: Uint32Array;
  readonly rateSeed: BigUint64Array;
  /** Address of the cache. */
  readonly cache: Uint32Array;
  /** Address of the list of networks in force. */
  readonly networks: Uint32Array;
  /** Both lists. */
  readonly networkLists: DataView;
}

export function controlViews({ buffer }: WebAssembly.Memory): ControlViews {
  const word = (address: number) => new Uint32Array(buffer, address, 1);
  return {
    secretCount: word(CONTROL_SECRET_COUNT),
    secretMaker: word(CONTROL_SECRET_MAKER),
    secrets: new Uint8Array(buffer, CONTROL_SECRETS, SECRET_SIZE * SECRETS_MAX),
    keepalive: word(CONTROL_KEEPALIVE),
    rate: word(CONTROL_RATE),
    slip: word(CONTROL_SLIP),
    rateSeed: new BigUint64Array(buffer, CONTROL_RATE_SEED, 1),
    cache: word(CONTROL_CACHE),
    networks: word(CONTROL_NETWORKS),
    networkLists: new DataView(buffer, CONTROL_NETWORK_LISTS, 2 * NETWORKS_SIZE),
  };
}

/** The rate table, which the workers write; see RATE_… in the layout. */
export function rateTableView({ buffer }: WebAssembly.Memory): DataView {
  return new DataView(buffer, RATE_BASE, RATE_SIZE);
}

/** The header of the cache at an address. */
export function cacheHeaderView({ buffer }: WebAssembly.Memory, address: number): DataView {
  return new DataView(buffer, address, CACHE_HEADER_SIZE);
}

/** What each worker wants to be asked for again; see WORKER_REFRESHES. */
export function refreshViews({
  buffer,
}: WebAssembly.Memory): { readonly address: number; readonly written: Uint32Array }[] {
  return Array.from({ length: WORKERS_MAX }, (_, i) => {
    const address = workerAddress(i) + WORKER_REFRESHES;
    return { address, written: new Uint32Array(buffer, address + REFRESHES_WRITTEN, 1) };
  });
}

/** The words in which the workers announce the table that they read; use with Atomics. */
export function announcementViews(memory: WebAssembly.Memory): Uint32Array[] {
  return Array.from(
    { length: WORKERS_MAX },
    (_, i) => new Uint32Array(memory.buffer, workerAddress(i) + WORKER_ANNOUNCED, 1),
  );
}

/** What each worker has counted, whether it works at present or not. */
export function countViews(memory: WebAssembly.Memory): Float64Array[] {
  return Array.from({ length: WORKERS_MAX }, (_, i) => countView(memory, i));
}

function countView({ buffer }: WebAssembly.Memory, index: number): Float64Array {
  return new Float64Array(buffer, workerAddress(index) + WORKER_COUNTS, COUNTS);
}

export function workerAddress(index: number): number {
  return WORKERS_BASE + index * WORKER_SIZE;
}

/** The views of its own block that a worker needs. They stay valid when the memory grows. */
export interface WorkerViews {
  /** Address of the block, as the core's functions take it. */
  readonly address: number;
  /** The state of its generator of random numbers; the host seeds it. */
  readonly random: BigUint64Array;
  /** Seconds since 1970; the host sets it before each call. */
  readonly clock: Uint32Array;
  /** The word that announces the table being read; use with Atomics. */
  readonly announced: Uint32Array;
  /** What it has done; see WORKER_COUNTS. */
  readonly counts: Float64Array;
  /** Fields of the descriptor of slot i begin at i * DESCRIPTOR_SIZE; STREAM_SLOT is the stream slot's. */
  readonly descriptors: DataView;
  /** The same in words, for those who write many of them. */
  readonly descriptorWords: Uint32Array;
  /** The messages of the slots, SLOT_ROOM octets each. */
  readonly packets: readonly Uint8Array<SharedArrayBuffer>[];
  /** The message of the stream slot. */
  readonly stream: Uint8Array;
}

export function workerViews(memory: WebAssembly.Memory, index: number, slotCount: number): WorkerViews {
  const address = workerAddress(index);
  const { buffer } = memory;
  return {
    address,
    random: new BigUint64Array(buffer, address + WORKER_RANDOM, 1),
    clock: new Uint32Array(buffer, address + WORKER_CLOCK, 1),
    announced: new Uint32Array(buffer, address + WORKER_ANNOUNCED, 1),
    counts: countView(memory, index),
    descriptors: new DataView(buffer, address + WORKER_DESCRIPTORS, WORKER_PACKETS - WORKER_DESCRIPTORS),
    descriptorWords: new Uint32Array(
      buffer,
      address + WORKER_DESCRIPTORS,
      (WORKER_PACKETS - WORKER_DESCRIPTORS) / Uint32Array.BYTES_PER_ELEMENT,
    ),
    packets: Array.from(
      { length: slotCount },
      (_, i) => new Uint8Array(buffer, address + WORKER_PACKETS + i * SLOT_SIZE + GUARD_SIZE, SLOT_ROOM),
    ),
    stream: new Uint8Array(buffer, address + STREAM_MESSAGE, STREAM_ROOM),
  };
}

/** Offset of a descriptor in WorkerViews.descriptors. */
export function descriptorAt(slot: number): number {
  return slot * DESCRIPTOR_SIZE;
}
