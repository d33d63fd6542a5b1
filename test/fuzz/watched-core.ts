// The core over a memory in which everything that it must not write is watched.

import { Buffer } from 'node:buffer';
import {
  ARENA_BASE,
  BATCH_MAX,
  CONTROL_BASE,
  CONTROL_SIZE,
  type CoreExports,
  DESCRIPTOR_ADDRESS,
  DESCRIPTOR_FAMILY,
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_TRANSPORT,
  DESCRIPTOR_VERDICT,
  GUARD_SIZE,
  RATE_BASE,
  SECRET_SIZE,
  SLOT_ROOM,
  SLOT_SIZE,
  STREAM_MESSAGE,
  STREAM_ROOM,
  STREAM_SLOT,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
  VERDICT_ANSWERED,
  VERDICT_DROP,
  VERDICT_FORWARD,
  VERDICT_MASK,
  WORKER_END,
  WORKER_PACKETS,
  WORKER_SIZE,
  WORKERS_BASE,
} from '../../src/engine/contract.ts';
import { type CoreBuild, instantiateCore } from '../../src/engine/core.ts';
import { limitRate, offerKeepalive, startCookies } from '../../src/engine/core-options.ts';
import { Engine } from '../../src/engine/engine.ts';
import {
  descriptorAt,
  type WorkerViews,
  wholeMemoryViews,
  workerAddress,
  workerViews,
} from '../../src/engine/memory.ts';
import type { TableInput } from '../../src/engine/table-input.ts';
import { recordSet, tableInput } from '../support/zone.ts';
import type { Reaction } from './judge.ts';
import { crowd, zoneLines } from './zone.ts';

const CANARY = 0xa5;
/** Some block in the middle, with neighbours on both sides. */
const WORKER = 3;
/** Every third answer that is held back is an empty one. */
const SLIP = 3;

const CACHE = {
  minTtlSeconds: 0,
  maxTtlSeconds: 604_800,
  maxNegativeTtlSeconds: 10_800,
  maxStaleSeconds: 86_400,
  prefetches: true,
  cutsNxdomain: true,
};

interface Watched {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly expected: Uint8Array;
}

export interface WatchedCoreOptions {
  readonly build: CoreBuild;
  /** Addresses of `slave.mesos`. */
  readonly agents: number;
  /** Further names, most of which nobody asks for. Default 0. */
  readonly others?: number;
  /** Size of the cache for forwarded answers, which is empty; octets. Default 0: none. */
  readonly cacheBytes?: number;
  readonly table?: Partial<TableInput>;
  /** Limits responses; time stands still. Default 0: not. */
  readonly ratePerSecond?: number;
}

export class WatchedCore {
  /** Some answers over UDP are held back. */
  readonly isLimited: boolean;
  readonly #core: CoreExports;
  readonly #views: WorkerViews;
  readonly #own = workerAddress(WORKER);
  /** The guards around the slots: quick to look at, after each batch. */
  readonly #guards: readonly Watched[];
  /** Everything else that the core must not write. */
  readonly #surroundings: readonly Watched[];

  static async create(options: WatchedCoreOptions): Promise<WatchedCore> {
    const { build, agents, others = 0, cacheBytes = 0, table = {}, ratePerSecond = 0 } = options;
    const engine = await Engine.create({ build });
    const identity = { nsid: 'fuzzed', version: '1.2.3', id: 'fuzzed' };
    engine.publish(tableInput(recordSet([...zoneLines(agents), ...crowd(others)]), { identity, ...table }));
    if (cacheBytes > 0) engine.openCache({ ...CACHE, sizeBytes: cacheBytes });
    startCookies(engine.memory, { secrets: [new Uint8Array(SECRET_SIZE).fill(7)] });
    offerKeepalive(engine.memory, 20_000);
    limitRate(engine.memory, ratePerSecond, SLIP);
    return new WatchedCore(engine, ratePerSecond > 0);
  }

  private constructor(engine: Engine, isLimited: boolean) {
    this.isLimited = isLimited;
    const memory = wholeMemoryViews(engine.memory).bytes;
    this.#core = instantiateCore(engine.module, engine.memory);
    this.#views = workerViews(engine.memory, WORKER, BATCH_MAX);
    this.#views.random[0] = 0x9e3779b97f4a7c15n;
    this.#views.clock[0] = 1_750_000_000;

    const own = this.#own;
    const canary = (what: string, from: number, to: number): Watched => {
      const bytes = memory.subarray(from, to).fill(CANARY);
      return { what, bytes, expected: Uint8Array.from(bytes) };
    };
    const unchanging = (what: string, from: number, to: number): Watched => {
      const bytes = memory.subarray(from, to);
      return { what, bytes, expected: Uint8Array.from(bytes) };
    };
    const streamEnd = own + STREAM_MESSAGE + STREAM_ROOM;
    this.#guards = [
      ...Array.from({ length: BATCH_MAX }, (_, slot) => {
        const at = own + WORKER_PACKETS + slot * SLOT_SIZE;
        return canary(`the guard in front of slot ${slot}`, at, at + GUARD_SIZE);
      }),
      canary('the guard in front of the stream slot', own + STREAM_MESSAGE - GUARD_SIZE, own + STREAM_MESSAGE),
      canary('the guard behind the stream slot', streamEnd, streamEnd + GUARD_SIZE),
    ];
    this.#surroundings = [
      canary('what is in front of the control block', 0, CONTROL_BASE),
      unchanging('the control block', CONTROL_BASE, CONTROL_BASE + CONTROL_SIZE),
      canary('what is behind the control block', CONTROL_BASE + CONTROL_SIZE, WORKERS_BASE),
      canary('the workers before', WORKERS_BASE, own),
      canary('the end of the own block', own + WORKER_END, own + WORKER_SIZE),
      canary('the workers behind', own + WORKER_SIZE, RATE_BASE),
      // All workers write it where rates are limited.
      ...(isLimited ? [] : [canary('the rate table', RATE_BASE, ARENA_BASE)]),
      unchanging('the table', ARENA_BASE, memory.length),
    ];
  }

  /** Has queries of up to SLOT_ROOM octets answered in one call; slots behind them are watched too. */
  answerBatch(queries: readonly Uint8Array[], family: (slot: number) => number): Reaction[] {
    queries.forEach((query, slot) => {
      this.#views.packets[slot]?.set(query);
      this.#describe(slot, query.length, 'udp', family(slot));
    });
    const unused = this.#views.packets[queries.length];
    unused?.fill(CANARY);
    this.#core.answerBatch(this.#own, queries.length);
    const written = unused?.findIndex((octet) => octet !== CANARY) ?? -1;
    if (written >= 0) throw new Error(`octet ${written} of a slot without query was written`);
    return queries.map((_, slot) => this.#reaction(slot, this.#views.packets[slot] ?? new Uint8Array(0)));
  }

  answerStream(query: Uint8Array, transport: 'udp' | 'tcp'): Reaction {
    this.#put(query, transport);
    this.#core.answerStream(this.#own);
    return this.#reaction(STREAM_SLOT, this.#views.stream);
  }

  /** Microseconds that the core takes for a query over UDP. */
  timed(query: Uint8Array): number {
    this.#put(query, 'udp');
    const start = process.hrtime.bigint();
    this.#core.answerStream(this.#own);
    return Number(process.hrtime.bigint() - start) / 1000;
  }

  /** @throws Error that says what was written outside the slots */
  checkGuards(): void {
    for (const each of this.#guards) check(each);
  }

  checkSurroundings(): void {
    for (const each of this.#surroundings) check(each);
  }

  #put(query: Uint8Array, transport: 'udp' | 'tcp'): void {
    this.#views.stream.set(query);
    this.#describe(STREAM_SLOT, query.length, transport, 1);
  }

  #describe(slot: number, length: number, transport: 'udp' | 'tcp', family: number): void {
    const { descriptors } = this.#views;
    const at = descriptorAt(slot);
    descriptors.setUint32(at + DESCRIPTOR_LENGTH, length, true);
    descriptors.setUint32(at + DESCRIPTOR_VERDICT, 0xdead, true);
    descriptors.setUint32(at + DESCRIPTOR_TRANSPORT, transport === 'tcp' ? TRANSPORT_TCP : TRANSPORT_UDP, true);
    descriptors.setUint32(at + DESCRIPTOR_FAMILY, family, true);
    descriptors.setUint32(at + DESCRIPTOR_ADDRESS, slot, true);
  }

  #reaction(slot: number, room: Uint8Array): Reaction {
    const { descriptors } = this.#views;
    const verdict = descriptors.getUint32(descriptorAt(slot) + DESCRIPTOR_VERDICT, true);
    const length = descriptors.getUint32(descriptorAt(slot) + DESCRIPTOR_LENGTH, true);
    if (length > (slot === STREAM_SLOT ? STREAM_ROOM : SLOT_ROOM)) throw new Error(`a message of ${length} octets`);
    switch (verdict & VERDICT_MASK) {
      case VERDICT_ANSWERED:
        return { kind: 'answer', message: room.subarray(0, length) };
      case VERDICT_FORWARD:
        return { kind: 'forward', message: room.subarray(0, length) };
      case VERDICT_DROP:
        return { kind: 'silence' };
      default:
        throw new Error(`verdict ${verdict.toString(16)}`);
    }
  }
}

function check({ what, bytes, expected }: Watched): void {
  if (Buffer.compare(bytes, expected) === 0) return;
  const at = bytes.findIndex((octet, i) => octet !== expected[i]);
  throw new Error(`octet ${at} of ${what} was written`);
}
