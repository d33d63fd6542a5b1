// The races of caches: an NSD knows all names, the contestants forward to it; asked again and again, or once each.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../../src/standin/clock.ts';
import { Ensemble } from '../../src/standin/ensemble.ts';
import { freePort } from '../../test/support/ports.ts';
import type { Child } from './children.ts';
import { type Contestant, untilAnswering } from './field.ts';
import type { LoadView } from './report.ts';
import {
  HOST,
  RACE_TITLES,
  type ServerName,
  startDnsmasq,
  startEcho,
  startNsd,
  startOwn,
  startUnbound,
} from './servers.ts';
import { benchCluster, TTL_SECONDS } from './zone.ts';

export type RaceName = 'cached' | 'miss';

interface Race extends LoadView {
  readonly title: string;
  /** What our processor time per query shall be at most, as a share of that of others. */
  readonly most: Partial<Record<ServerName, number>>;
}

export const HOT_NAMES = 5000;

export const RACES: Readonly<Record<RaceName, Race>> = {
  cached: {
    title: `Cached: ${HOT_NAMES.toLocaleString('en')} names that every cache holds, A only`,
    judges: ['unbound', 'dnsmasq', 'echo'],
    titles: RACE_TITLES.cached,
    most: { unbound: 0.9, dnsmasq: 0.75, echo: 1.2 },
  },
  miss: {
    title: 'Misses: names asked for once, each forwarded, A only',
    judges: ['unbound', 'dnsmasq'],
    titles: RACE_TITLES.miss,
    most: { dnsmasq: 1, unbound: 1.5 },
  },
};

export interface RaceSetup {
  readonly servers: readonly ServerName[];
  readonly folder: string;
  readonly serverCore: number;
  /** The upstream's as well: its work is not measured. */
  readonly clientCore: number;
  readonly echoProgram: string;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export interface RaceField {
  readonly contestants: readonly Contestant[];
  stop(): Promise<void>;
}

/** @throws Error where a server does not come up */
export async function openRace(setup: RaceSetup): Promise<RaceField> {
  const { servers, folder, serverCore: core, clientCore, signal, progress } = setup;
  // Ours follows a cluster as it always does, a small one.
  const ensemble = new Ensemble(benchCluster({ apps: 10, tasks: 10, agents: 10 }), { masters: [{}] });
  const started: Child[] = [];
  const stop = async () => {
    await Promise.all([ensemble.stop(), ...started.map((child) => child.stop())]);
  };
  const keep = <C extends Child>(child: C): C => {
    started.push(child);
    return child;
  };
  try {
    await mkdir(folder, { recursive: true });
    await ensemble.start();
    const [master = ''] = ensemble.endpoints;
    const zoneFile = join(folder, 'zone.txt');
    await writeFile(zoneFile, raceZone());
    const upstreamPort = await freePort(HOST);
    const upstreamSetting = { folder: join(folder, 'upstream'), core: clientCore, port: upstreamPort };
    const upstream = keep(await startNsd({ ...upstreamSetting, zoneFile }));
    await untilAnswering({ name: 'nsd', child: upstream, port: upstreamPort }, hotName(0), signal);

    const start = async (name: ServerName, port: number): Promise<Contestant> => {
      const setting = { folder: join(folder, name), core, port, upstreamPort };
      const enter = (child: Child) => ({ name, child: keep(child), port, upstream });
      switch (name) {
        case 'echo': {
          const echo = await startEcho(core, setup.echoProgram);
          return { name, child: keep(echo.child), port: echo.port, upstream: null };
        }
        case 'batched': {
          const asked = { upstream: `${HOST}:${upstreamPort}`, master, httpPort: await freePort(HOST) };
          return enter(await startOwn({ ...setting, ...asked, io: name }));
        }
        case 'unbound':
          return enter(await startUnbound(setting));
        case 'dnsmasq':
          return enter(await startDnsmasq({ ...setting, forwardMax: 10_000 }));
        case 'dnsmasq150':
          return enter(await startDnsmasq(setting));
        default:
          throw new Error(`${name} does not take part in this race`);
      }
    };
    const contestants: Contestant[] = [];
    for (const name of servers) {
      const contestant = await start(name, await freePort(HOST));
      if (name !== 'echo') await untilAnswering(contestant, hotName(0), signal);
      contestants.push(contestant);
      progress(`${name} serves on port ${contestant.port}`);
    }
    return { contestants, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function hotName(i: number): string {
  return `web${i}.marathon.mesos.`;
}

/** A master file: the hot names with an address each, and a wildcard for the names asked for once. */
export function raceZone(): string {
  const lines = [
    `mesos. ${TTL_SECONDS} IN SOA ns1.mesos. root.ns1.mesos. 7 60 600 ${TTL_SECONDS} ${TTL_SECONDS}`,
    `mesos. ${TTL_SECONDS} IN NS ns1.mesos.`,
    `ns1.mesos. ${TTL_SECONDS} IN A 10.9.9.9`,
    `*.once.mesos. ${TTL_SECONDS} IN A 10.1.1.1`,
  ];
  for (let i = 0; i < HOT_NAMES; i += 1) {
    lines.push(`${hotName(i)} ${TTL_SECONDS} IN A 10.0.${i >> 8}.${i & 255}`);
  }
  return `${lines.join('\n')}\n`;
}

const QUESTIONS = 200_000;

/** Every turn asks the same, but for the first one: that asks for each name once, which fills the caches. */
export async function hotQuestions(folder: string): Promise<(contestant: unknown, round: number) => Promise<string>> {
  const random = seededRandom(42);
  const all = Array.from({ length: HOT_NAMES }, (_, i) => `${hotName(i)} A\n`);
  const drawn = Array.from({ length: QUESTIONS }, () => all[Math.floor(random() * HOT_NAMES)]);
  const files = [join(folder, 'all.txt'), join(folder, 'hot.txt')] as const;
  await writeFile(files[0], all.join(''));
  await writeFile(files[1], drawn.join(''));
  return async (_, round) => files[round === 0 ? 0 : 1];
}

/** More than any of the servers forwards on one core, so that dnsperf does not come to the end and begin again. */
const MOST_PER_SECOND = 120_000;

/** Every turn asks for names that nobody has asked for. @param seconds length of a turn */
export function distinctQuestions(
  folder: string,
  seconds: number,
): (contestant: Pick<Contestant, 'name'>, round: number) => Promise<string> {
  return async ({ name }, round) => {
    const file = join(folder, 'miss.txt');
    await writeFile(file, onceNames(name, round, seconds * MOST_PER_SECOND).join(''));
    return file;
  };
}

/** As long for each server. */
export function onceNames(server: ServerName, round: number, count: number): readonly string[] {
  return Array.from(
    { length: count },
    (_, i) => `${String(i).padStart(8, '0')}-${round}-${server.padEnd(10, 'x')}.once.mesos. A\n`,
  );
}
