// Fuzzed queries through the module itself: answers are judged, memory is watched, time is taken.

import { BATCH_MAX, SLOT_ROOM } from '../../src/engine/contract.ts';
import type { CoreBuild } from '../../src/engine/core.ts';
import { messageOf } from '../../src/errors.ts';
import { type Circumstances, type Reaction, verdictOn } from './judge.ts';
import { QueryPool } from './query-pool.ts';
import { Random } from './random.ts';
import { Slowest, type Timed } from './slowest.ts';
import { WatchedCore } from './watched-core.ts';

export interface CoreFuzzOptions {
  readonly build: CoreBuild;
  readonly seed: number;
  readonly count: number;
  /** Called now and then with the number of packets so far. */
  readonly onProgress?: (count: number) => void;
}

export interface CoreFuzzResult {
  readonly count: number;
  /** How many packets met which reaction. */
  readonly reactions: Readonly<Record<Reaction['kind'], number>>;
  /** How many answers had which rcode (without its upper bits). */
  readonly rcodes: ReadonlyMap<number, number>;
  /** Of the slowest packets, the shortest time that each took when repeated; the largest first. */
  readonly slowest: readonly { readonly micros: number; readonly query: Uint8Array }[];
}

class Fault extends Error {}

interface TimedQuery extends Timed {
  readonly core: WatchedCore;
  readonly query: Uint8Array;
}

export const UDP_PAYLOAD_SIZE = 1232;
const SLOWEST = 100;
const REPEATS = 20;
/** A packet that seems slow is timed again at once, so that what the system does between does not count. */
const SECOND_LOOKS = 4;
/** Comparing all of the memory takes milliseconds. */
const BATCHES_PER_LOOK = 1024;
/** One in so many packets comes over TCP. */
const TCP_SHARE = 5;

/** @throws Error that names seed, packet and fault */
export async function fuzzCore(options: CoreFuzzOptions): Promise<CoreFuzzResult> {
  const { build, seed, count, onProgress } = options;
  const random = new Random(seed);
  const pool = new QueryPool(random);
  const table = { udpPayloadSize: UDP_PAYLOAD_SIZE };
  const cores = [
    await WatchedCore.create({ build, agents: 20_000, others: 15_000, cacheBytes: 1 << 20, table }),
    await WatchedCore.create({ build, agents: 5000, table: { ...table, subnetFirst: true, forward: false } }),
    await WatchedCore.create({ build, agents: 10, table, ratePerSecond: 1000 }),
  ];
  const slowest = new Slowest<TimedQuery>(SLOWEST);
  const reactions = { silence: 0, forward: 0, answer: 0 };
  const rcodes = new Map<number, number>();

  const judge = (query: Uint8Array, reaction: Reaction, circumstances: Circumstances) => {
    reactions[reaction.kind] += 1;
    if (reaction.kind === 'answer') {
      const rcode = (reaction.message[3] ?? 0) & 15;
      rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1);
    }
    const fault = verdictOn(query, reaction, circumstances);
    if (fault !== null)
      throw new Fault(`${build} module, seed ${seed}: ${fault}: ${circumstances.transport} ${hex(query)}`);
  };
  const time = (core: WatchedCore, query: Uint8Array) => {
    let micros = core.timed(query);
    for (let left = SECOND_LOOKS; left > 0 && slowest.wouldKeep(micros); left -= 1) {
      micros = Math.min(micros, core.timed(query));
    }
    if (slowest.wouldKeep(micros)) slowest.add({ core, query, micros });
  };

  let done = 0;
  let current: readonly Uint8Array[] = [];
  try {
    for (let batch = 0; done < count; batch += 1) {
      const core = random.pick(cores);
      current = Array.from({ length: Math.min(count - done, 1 + random.below(BATCH_MAX)) }, () => pool.next());
      const overUdp = current.filter((query) => query.length <= SLOT_ROOM && !random.oneIn(TCP_SHARE));
      const overTcp = current.filter((query) => !overUdp.includes(query));
      const udp = { transport: 'udp', udpPayloadSize: UDP_PAYLOAD_SIZE, isLimited: core.isLimited } as const;
      const answers = core.answerBatch(overUdp, () => random.below(3));
      for (const [slot, query] of overUdp.entries()) judge(query, answers[slot] ?? { kind: 'silence' }, udp);
      for (const query of overTcp) judge(query, core.answerStream(query, 'tcp'), { ...udp, transport: 'tcp' });
      core.checkGuards();
      for (const query of overUdp) time(core, query);
      if (batch % BATCHES_PER_LOOK === 0) {
        for (const each of cores) each.checkSurroundings();
        onProgress?.(done);
      }
      done += current.length;
    }
    for (const each of cores) each.checkSurroundings();
  } catch (error) {
    if (error instanceof Fault) throw error;
    const batch = current.map(hex).join(' ');
    throw new Error(`${build} module, seed ${seed}, ${messageOf(error)} by one of ${batch}`, { cause: error });
  }
  const repeated = slowest
    .slowest()
    .map(({ core, query }) => ({
      query,
      micros: Math.min(...Array.from({ length: REPEATS }, () => core.timed(query))),
    }))
    .sort((a, b) => b.micros - a.micros);
  return { count: done, reactions, rcodes, slowest: repeated };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
