// How long an answer takes: one query at a time, and at a fixed rate. The probe is a program of its own (probe.c).

import { runOn } from './children.ts';
import type { Contestant } from './field.ts';
import type { ServerName } from './servers.ts';

/** Microseconds. */
export interface Latency {
  readonly average: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly lost: number;
  /** Share of queries that left late because the client was held up, percent. */
  readonly latePercent: number;
}

export interface LatencySetup {
  readonly contestants: readonly Contestant[];
  readonly probe: string;
  /** The questions, as the probe reads them. */
  readonly questionFile: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly clientCore: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export const RATE = 20_000;
/** One query at a time takes 30 to 60 µs. Turns are short, about a second, so that a disturbance meets all servers. */
const SINGLE_QUERIES = 20_000;
const TURN_SECONDS = 1;

export interface LatencyTurns {
  readonly single: ReadonlyMap<ServerName, readonly Latency[]>;
  readonly atRate: ReadonlyMap<ServerName, readonly Latency[]>;
}

export async function measureLatency(setup: LatencySetup): Promise<LatencyTurns> {
  const turns = Math.ceil((setup.rounds * setup.seconds) / TURN_SECONDS);
  await inTurns(setup, 'warm-up', 1, SINGLE_QUERIES, 0);
  return {
    single: await inTurns(setup, 'one at a time', turns, SINGLE_QUERIES, 0),
    atRate: await inTurns(setup, `${RATE} queries/s`, turns, RATE * TURN_SECONDS, RATE),
  };
}

async function inTurns(
  { contestants, probe, questionFile, clientCore, signal, progress }: LatencySetup,
  what: string,
  rounds: number,
  count: number,
  rate: number,
): Promise<ReadonlyMap<ServerName, readonly Latency[]>> {
  const turns = new Map<ServerName, Latency[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let i = 0; i < contestants.length; i += 1) {
      const contestant = contestants[(i + round) % contestants.length];
      if (contestant === undefined) continue;
      const { name, port, child } = contestant;
      const args = [questionFile, String(port), String(count), String(rate)];
      const latency = parse(await Promise.race([runOn(clientCore, probe, args, signal), child.failed]));
      turns.get(name)?.push(latency);
      progress(
        `${what}, round ${round + 1} of ${rounds}: ${name} average ${latency.average} µs, p99 ${latency.p99}, lost ${latency.lost}`,
      );
    }
  }
  return turns;
}

function parse(printed: string): Latency {
  const [, lost = 0, latePercent = 0, average = 0, p50 = 0, p99 = 0, p999 = 0, max = 0] = printed
    .split(' ')
    .map(Number);
  return { average, p50, p99, p999, max, lost, latePercent };
}
