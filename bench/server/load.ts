// What a query costs under load: dnsperf asks on one core, the server answers on the other, the servers take turns.

import { type Child, memoryOf, runOn, usageOf } from './children.ts';
import type { Contestant } from './field.ts';
import { HOST, type ServerName } from './servers.ts';

/** One server's turn. */
export interface Turn {
  /** Processor time per answered query, microseconds. */
  readonly userUs: number;
  readonly systemUs: number;
  readonly queriesPerSecond: number;
  /** Over all queries, as dnsperf sees it. */
  readonly latencyUs: number;
  /** Share of the queries without an answer, or with SERVFAIL or REFUSED, 0 to 1. */
  readonly lost: number;
  /** Average length of an answer, octets. */
  readonly answerSize: number;
  readonly memoryOctets: number;
  /** What the turn cost a cache's upstream, processor time per query, microseconds: near 0 where the cache answered. */
  readonly upstreamUs: number;
}

export interface LoadSetup {
  readonly contestants: readonly Contestant[];
  /** The questions of a turn, as dnsperf reads them; round 0 comes before what is measured. */
  readonly questionFile: (contestant: Contestant, round: number) => Promise<string>;
  readonly rounds: number;
  readonly seconds: number;
  readonly clientCore: number;
  /** Ports that dnsperf sends from. */
  readonly clients: number;
  /** Queries that dnsperf leaves open at most; the more, the larger are the batches that a server can take. */
  readonly outstanding: number;
  /** Every query carries EDNS with a client's cookie. */
  readonly cookies: boolean;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

const EDNS_WITH_COOKIE = ['-e', '-E', '10:0102030405060708'];
/** A server may answer from memory that it has touched before. */
const WARM_UP_SECONDS = 1;
/** Caches ask at our server's pace, once for each question. */
const FILL_LIMIT_SECONDS = 60;

/** The turns of each server, round by round. The order rotates, so that nobody is always behind the same one. */
export async function measureLoad(setup: LoadSetup): Promise<ReadonlyMap<ServerName, readonly Turn[]>> {
  const { contestants, rounds, progress } = setup;
  const turns = new Map<ServerName, Turn[]>(contestants.map(({ name }) => [name, []]));
  for (const contestant of contestants) {
    const isCache = contestant.upstream !== null;
    await dnsperf(
      setup,
      contestant,
      await setup.questionFile(contestant, 0),
      isCache ? ['-n', '1', '-l', `${FILL_LIMIT_SECONDS}`] : ['-l', `${WARM_UP_SECONDS}`],
    );
  }
  for (let round = 0; round < rounds; round += 1) {
    for (let i = 0; i < contestants.length; i += 1) {
      const contestant = contestants[(i + round) % contestants.length];
      if (contestant === undefined) continue;
      const turn = await takeTurn(setup, contestant, round + 1);
      turns.get(contestant.name)?.push(turn);
      const total = (turn.userUs + turn.systemUs).toFixed(2);
      const rate = Math.round(turn.queriesPerSecond);
      progress(`round ${round + 1} of ${rounds}: ${contestant.name} ${total} µs/query, ${rate} queries/s`);
    }
  }
  return turns;
}

async function takeTurn(setup: LoadSetup, contestant: Contestant, round: number): Promise<Turn> {
  const { child, upstream } = contestant;
  const questionFile = await setup.questionFile(contestant, round);
  const upstreamBefore = upstream === null ? 0 : await totalOf(upstream);
  const before = await usageOf(child);
  const printed = await dnsperf(setup, contestant, questionFile, ['-l', String(setup.seconds)]);
  const after = await usageOf(child);
  const upstreamAfter = upstream === null ? 0 : await totalOf(upstream);
  const completed = numberIn(printed, /Queries completed:\s+(\d+)/);
  return {
    userUs: (after.userUs - before.userUs) / completed,
    systemUs: (after.systemUs - before.systemUs) / completed,
    queriesPerSecond: numberIn(printed, /Queries per second:\s+([\d.]+)/),
    latencyUs: numberIn(printed, /Average Latency \(s\):\s+([\d.]+)/) * 1e6,
    lost: (numberIn(printed, /Queries lost:\s+(\d+)/) + failures(printed)) / numberIn(printed, /Queries sent:\s+(\d+)/),
    answerSize: numberIn(printed, /Average packet size:\s+request \d+, response (\d+)/),
    memoryOctets: await memoryOf(child),
    upstreamUs: (upstreamAfter - upstreamBefore) / completed,
  };
}

async function totalOf(child: Child): Promise<number> {
  const { userUs, systemUs } = await usageOf(child);
  return userUs + systemUs;
}

async function dnsperf(
  { clients, outstanding, cookies, clientCore, signal }: LoadSetup,
  { port, child }: Contestant,
  questionFile: string,
  limits: readonly string[],
): Promise<string> {
  const target = ['-f', 'inet', '-s', HOST, '-p', String(port), '-d', questionFile];
  const shape = ['-c', String(clients), '-q', String(outstanding), '-T', '1', '-t', '1'];
  const options = cookies ? EDNS_WITH_COOKIE : [];
  return Promise.race([
    runOn(clientCore, 'dnsperf', [...target, ...shape, ...options, ...limits], signal),
    child.failed,
  ]);
}

/** Answers that are none, in a line such as `Response codes: NOERROR 990 (99.00%), SERVFAIL 10 (1.00%)`. */
export function failures(printed: string): number {
  const codes = /Response codes:(.*)/.exec(printed)?.[1] ?? '';
  return [...codes.matchAll(/(?:SERVFAIL|REFUSED) (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

function numberIn(printed: string, pattern: RegExp): number {
  const value = Number(pattern.exec(printed)?.[1]);
  if (Number.isNaN(value)) throw new Error(`dnsperf printed nothing like ${pattern}: ${printed.slice(0, 500)}`);
  return value;
}
