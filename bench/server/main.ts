// `npm run bench:server`: the DNS service beside other servers, on the same zone, the same questions and the same core.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requirePackages } from '../../test/support/debian.ts';
import { type Field, openField } from './field.ts';
import { measureIdle } from './idle.ts';
import { measureLatency, RATE } from './latency.ts';
import { measureLoad } from './load.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { dnsperfInput, drawQuestions, MIXES, type MixName, probeInput } from './queries.ts';
import { distinctQuestions, hotQuestions, openRace, RACES, type RaceName } from './race.ts';
import { idleTable, latencyTable, loadTable, machineLine, verdicts } from './report.ts';
import type { SizeName } from './zone.ts';
import { SIZES } from './zone.ts';

const run = promisify(execFile);

/** Debian's package of each server; dnsmasq-base holds the program without the service. */
const PACKAGES = {
  knot: 'knot',
  nsd: 'nsd',
  unbound: 'unbound',
  dnsmasq: 'dnsmasq-base',
  dnsmasq150: 'dnsmasq-base',
} as const;
const TOOLS = ['dnsperf', 'gcc', 'libc6-dev', 'util-linux'] as const;

interface Bench {
  readonly options: BenchOptions;
  readonly folder: string;
  readonly echoProgram: string;
  readonly probe: string;
  readonly signal: AbortSignal;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const stop = stopSignal();
  try {
    const options = parseOptions(args);
    if (options.help) {
      console.log(USAGE);
      return 0;
    }
    await compare(options, stop);
    return 0;
  } catch (error) {
    if (stop.aborted) {
      progress('stopped');
      return 130;
    }
    console.error(`bench:server: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort());
  return controller.signal;
}

async function compare(options: BenchOptions, signal: AbortSignal): Promise<void> {
  if (availableParallelism() < 2)
    throw new Error('needs two processor cores, one for the servers and one for the client');
  const { command } = options;
  const upstreams = command === 'cached' || command === 'miss' ? (['nsd'] as const) : [];
  const chosen = options.servers.flatMap((name) => (name in PACKAGES ? PACKAGES[name as keyof typeof PACKAGES] : []));
  const servers = [...new Set([...chosen, ...upstreams])];
  await requirePackages(...servers, ...TOOLS);
  const folder = await mkdtemp(join(tmpdir(), 'mesos-dns-bench-'));
  try {
    const bench: Bench = {
      options,
      folder,
      signal,
      echoProgram: await compile(folder, 'echo'),
      probe: await compile(folder, 'probe'),
    };
    console.log(`${machineLine(await versionsOf([...servers, 'dnsperf']))}.\n`);
    if (command === 'cached' || command === 'miss') await race(bench, command);
    else for (const size of options.sizes) await compareOn(bench, size);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compareOn(bench: Bench, sizeName: SizeName): Promise<void> {
  const { options, folder, echoProgram, signal } = bench;
  const field = await openField({
    size: SIZES[sizeName],
    servers: options.servers,
    folder: join(folder, sizeName),
    core: options.serverCore,
    echoProgram,
    signal,
    progress,
  });
  try {
    if (options.command === 'idle') {
      const { rounds, seconds } = options;
      const shares = await measureIdle(field.contestants, rounds * seconds, signal);
      console.log(`**Without any query: ${clusterOf(field.zone.nameCount, sizeName)}** (${rounds * seconds} s)\n`);
      console.log(`${idleTable(shares)}\n`);
      return;
    }
    for (const mix of options.mixes) {
      if (options.command === 'load') await load(bench, field, sizeName, mix);
      else await latency(bench, field, sizeName, mix);
    }
  } finally {
    await field.stop();
  }
}

async function load({ options, folder, signal }: Bench, field: Field, sizeName: SizeName, mix: MixName): Promise<void> {
  const { zone, contestants } = field;
  const questionFile = join(folder, sizeName, `${mix}.txt`);
  await writeFile(questionFile, dnsperfInput(drawQuestions(zone, mix)));
  const { rounds, seconds, clients, outstanding, cookies } = options;
  const turns = await measureLoad({
    ...options,
    contestants,
    questionFile: async () => questionFile,
    signal,
    progress,
  });
  console.log(
    `**${headline(zone.nameCount, sizeName, mix)}** (medians of ${rounds} rounds of ${seconds} s; ${outstanding} queries open from ${clients} ports${cookies ? '; EDNS with a cookie in every query' : ''})\n`,
  );
  console.log(`${loadTable(turns)}\n`);
}

async function race({ options, folder, echoProgram, signal }: Bench, command: RaceName): Promise<void> {
  const { servers, serverCore, clientCore, rounds, seconds, outstanding, clients } = options;
  const setup = { servers, folder: join(folder, command), serverCore, clientCore, echoProgram, signal, progress };
  const field = await openRace(setup);
  try {
    const { title, most, ...view } = RACES[command];
    const questionFile =
      command === 'cached' ? await hotQuestions(setup.folder) : distinctQuestions(setup.folder, seconds);
    const contestants = field.contestants.map((contestant) => ({
      ...contestant,
      // What is asked for once fills no cache.
      upstream: command === 'cached' ? contestant.upstream : null,
    }));
    const turns = await measureLoad({ ...options, contestants, questionFile, signal, progress });
    console.log(
      `**${title}** (medians of ${rounds} rounds of ${seconds} s; ${outstanding} queries open from ${clients} ports)\n`,
    );
    console.log(`${loadTable(turns, view)}\n`);
    console.log(`CPU of mesos-dns: ${verdicts(turns, most).join('; ')}.\n`);
  } finally {
    await field.stop();
  }
}

async function latency(bench: Bench, field: Field, sizeName: SizeName, mix: MixName): Promise<void> {
  const { options, folder, probe, signal } = bench;
  const { zone, contestants } = field;
  const questionFile = join(folder, sizeName, `${mix}.bin`);
  await writeFile(questionFile, probeInput(drawQuestions(zone, mix)));
  const turns = await measureLatency({ ...options, contestants, probe, questionFile, signal, progress });
  const title = headline(zone.nameCount, sizeName, mix);
  console.log(`**One query at a time: ${title}**\n\n${latencyTable(turns.single)}\n`);
  console.log(`**${RATE.toLocaleString('en')} queries/s: ${title}**\n\n${latencyTable(turns.atRate)}\n`);
}

function headline(nameCount: number, size: SizeName, mix: MixName): string {
  return `${clusterOf(nameCount, size)}, ${MIXES[mix].title}`;
}

function clusterOf(nameCount: number, size: SizeName): string {
  const { tasks, apps, agents } = SIZES[size];
  const count = (value: number) => value.toLocaleString('en');
  return `${count(nameCount)} names (${count(apps)} apps, ${count(tasks)} tasks, ${count(agents)} agents)`;
}

async function compile(folder: string, name: string): Promise<string> {
  const source = fileURLToPath(new URL(`../../../bench/server/${name}.c`, import.meta.url));
  const program = join(folder, name);
  await run('gcc', ['-O2', '-o', program, source]);
  return program;
}

async function versionsOf(packages: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run('dpkg-query', ['-W', `-f=\${Package} \${Version}\\n`, ...packages]);
  return stdout.trim().split('\n');
}

/** For people: what is printed on standard output is the result. */
function progress(line: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
}
