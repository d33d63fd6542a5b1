// The command line of `npm run bench:server`.

import { MIXES, type MixName } from './queries.ts';
import { CACHED_SERVERS, MISS_SERVERS, SERVER_NAMES, type ServerName } from './servers.ts';
import { SIZES, type SizeName } from './zone.ts';

/**
 * `load`: processor time per query under load; `latency`: one at a time, then at a fixed rate; `idle`: processor time
 * without any query; `cached` and `miss`:
 * processor time per query of caches, for names that they hold, and for names that they must ask for.
 */
export type Command = 'load' | 'latency' | 'idle' | 'cached' | 'miss';

export interface BenchOptions {
  readonly help: boolean;
  readonly command: Command;
  readonly sizes: readonly SizeName[];
  readonly mixes: readonly MixName[];
  readonly servers: readonly ServerName[];
  /** How often every server has its turn. */
  readonly rounds: number;
  /** Length of one turn. */
  readonly seconds: number;
  /** Processor cores, by number: the servers' and the client's. */
  readonly serverCore: number;
  readonly clientCore: number;
  /** Ports that dnsperf sends from, and queries that it leaves open at most. */
  readonly clients: number;
  readonly outstanding: number;
  /** Every query carries EDNS with a client's cookie (RFC 7873). */
  readonly cookies: boolean;
}

/** Where `--servers` does not say otherwise. */
const LATENCY_SERVERS: readonly ServerName[] = ['knot', 'nsd', 'batched', 'echo'];

const IDLE_SERVERS: readonly ServerName[] = ['knot', 'nsd', 'batched', 'dgram'];

/** What may be asked for with `--servers`. */
const SERVERS: Readonly<Record<Command, readonly ServerName[]>> = {
  load: SERVER_NAMES,
  latency: SERVER_NAMES,
  idle: SERVER_NAMES,
  cached: CACHED_SERVERS,
  miss: MISS_SERVERS,
};

const DEFAULT_SERVERS: typeof SERVERS = { ...SERVERS, latency: LATENCY_SERVERS, idle: IDLE_SERVERS };

export const USAGE = `Compares the DNS service with other servers on loopback; prints Markdown tables.

  npm run bench:server -- [load] [options]     processor time per query under load (dnsperf)
  npm run bench:server -- latency [options]    latency of one query at a time, and at 20,000 queries/s
  npm run bench:server -- idle [options]       processor time without any query, a minute after the start, rounds × seconds long
  npm run bench:server -- cached [options]     processor time per query for 5,000 names that every cache holds
  npm run bench:server -- miss [options]       processor time per query for names that are asked for once, and forwarded

  --sizes LIST      of ${Object.keys(SIZES).join(', ')} (default all; latency, idle: small)
  --mixes LIST      of ${Object.keys(MIXES).join(', ')} (default all; latency: mixed; not with idle)
  --servers LIST    of ${SERVER_NAMES.join(', ')} (default all; latency: ${LATENCY_SERVERS.join(', ')};
                    idle: ${IDLE_SERVERS.join(', ')});
                    cached: of ${CACHED_SERVERS.join(', ')}; miss: of ${MISS_SERVERS.join(', ')}
  --rounds N        turns of each server, 1 to 99 (default 5)
  --seconds N       length of a turn, 1 to 60 (default 5; latency: turns of a second, rounds × seconds of them)
  --cores S,C       processor cores of the servers and of the client (default 0,1)
  --clients N       ports that dnsperf asks from, 1 to 100 (default 8)
  --outstanding N   queries that dnsperf leaves open, 1 to 10000 (default 200; miss: 100)
  --cookies         load: every query carries EDNS with a cookie, which mesos-dns answers with a cookie of its own
  --quick           one round of 2 seconds each on the small size, unless said otherwise
  --help            this text

What the rows are: every server has one thread that answers UDP and runs on the servers' core; NSD, Knot and
mesos-dns hold the same zone, unbound and dnsmasq forward to mesos-dns and have every answer in their cache before
they are measured, the C echo sends each query back. Processor time is that of all processes and threads of a server.
In the last two, all forward to an NSD on the client's core, with room for what is asked, and dnsmasq with
dns-forward-max=10000; dnsmasq150 is with its default. SERVFAIL and REFUSED count as lost.

Needs Debian: the servers, dnsperf and gcc are installed (as root) or named. Where systemd runs, Debian starts the
services knot, nsd and unbound when it installs them; this bench starts servers of its own beside them.`;

/** @throws Error with one line that names the argument and what was expected. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const values = new Map<string, string>();
  const words: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? '';
    if (!argument.startsWith('--')) {
      words.push(argument);
      continue;
    }
    const [flag = '', inline] = argument.split('=', 2);
    if (flag === '--quick' || flag === '--help' || flag === '--cookies') {
      values.set(flag, '');
      continue;
    }
    if (
      !['--sizes', '--mixes', '--servers', '--rounds', '--seconds', '--cores', '--clients', '--outstanding'].includes(
        flag,
      )
    ) {
      throw new Error(`unknown argument ${argument}; --help lists them`);
    }
    const value = inline ?? args[++at];
    if (value === undefined) throw new Error(`${flag} needs a value; --help explains it`);
    values.set(flag, value);
  }
  const [command = 'load', ...rest] = words;
  if (!isCommand(command) || rest.length > 0) {
    throw new Error(`got ${words.join(' ')}, expected one of ${Object.keys(SERVERS).join(', ')}; --help explains them`);
  }
  const isRace = command === 'cached' || command === 'miss';
  const isStranger = (flag: string) => isRace || (command === 'idle' && flag === '--mixes');
  const stranger = ['--sizes', '--mixes'].find((flag) => isStranger(flag) && values.has(flag));
  if (stranger !== undefined) throw new Error(`${stranger} does not go with ${command}`);
  const isLoad = command === 'load';
  const isQuick = values.has('--quick');
  const sizes = keysOf(SIZES);
  const mixes = keysOf(MIXES);
  const [serverCore, clientCore] = coresIn(values.get('--cores') ?? '0,1');
  return {
    help: values.has('--help'),
    command,
    sizes: listIn('--sizes', values.get('--sizes'), sizes, isLoad && !isQuick ? sizes : ['small']),
    mixes: listIn('--mixes', values.get('--mixes'), mixes, isLoad ? mixes : ['mixed']),
    servers: listIn('--servers', values.get('--servers'), SERVERS[command], DEFAULT_SERVERS[command]),
    rounds: numberIn('--rounds', values.get('--rounds'), isQuick ? 1 : 5, 99),
    seconds: numberIn('--seconds', values.get('--seconds'), isQuick ? 2 : 5, 60),
    serverCore,
    clientCore,
    clients: numberIn('--clients', values.get('--clients'), 8, 100),
    outstanding: numberIn('--outstanding', values.get('--outstanding'), command === 'miss' ? 100 : 200, 10_000),
    cookies: values.has('--cookies'),
  };
}

function isCommand(word: string): word is Command {
  return Object.hasOwn(SERVERS, word);
}

function keysOf<Key extends string>(table: Readonly<Record<Key, unknown>>): readonly Key[] {
  return Object.keys(table) as Key[];
}

function listIn<Name extends string>(
  flag: string,
  text: string | undefined,
  known: readonly Name[],
  otherwise: readonly Name[],
): readonly Name[] {
  if (text === undefined) return otherwise;
  const wanted = text.split(',').map((word) => word.trim());
  const unknown = wanted.find((word) => !(known as readonly string[]).includes(word));
  if (unknown !== undefined) throw new Error(`${flag} names ${JSON.stringify(unknown)}, expected ${known.join(', ')}`);
  return known.filter((name) => wanted.includes(name));
}

function numberIn(flag: string, text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new Error(`${flag} is ${JSON.stringify(text)}, expected a number from 1 to ${most}`);
}

function coresIn(text: string): readonly [number, number] {
  const [, server, client] = /^(\d+),(\d+)$/.exec(text) ?? [];
  if (server === undefined || client === undefined || server === client) {
    throw new Error(`--cores is ${JSON.stringify(text)}, expected two different numbers such as 0,1`);
  }
  return [Number(server), Number(client)];
}
