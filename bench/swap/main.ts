// `npm run bench:swap`: tables are swapped under full load. Is a query lost, an answer torn, is it slower, does memory grow?

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { requirePackages } from '../../test/support/debian.ts';
import { freePort } from '../../test/support/ports.ts';
import { type Child, memoryOf, runOn, startChild } from '../server/children.ts';
import { drawQuestions, probeInput } from '../server/queries.ts';
import { table } from '../server/report.ts';
import { HOST, startKnot } from '../server/servers.ts';
import { SIZES, type SizeName, TTL_SECONDS } from '../server/zone.ts';
import type { SwapServerSetup } from './server.ts';
import { asServed, FIRST_TTL, GENERATIONS, recordsOf, stateDocument } from './zone.ts';

/** Swaps per second. */
const RATES: Readonly<Record<SizeName, number>> = { small: 100, large: 10 };
const SERVER_CORE = 0;
const CLIENT_CORE = 1;
const OPEN = 200;
/** Knot, and our service before and after the swaps, for comparison. */
const CALM_SECONDS = 10;
/** A server that has just begun to listen may still load its zone. */
const WARM_UP_SECONDS = 2;
/** Memory settles first. */
const SETTLED_SECONDS = 10;
const MEMORY_INTERVAL_MS = 2000;
const READY_LIMIT_MS = 120_000;
// What must hold.
const LATENCY_FACTOR_MAX = 2;
const MEMORY_GROWTH_MAX = 0.05;

const USAGE = `Swaps between ${GENERATIONS} tables, built beforehand, under full load, and looks at every answer.

  npm run bench:swap -- [--sizes small,large] [--seconds 60]

The ${GENERATIONS} generations hold the same names; all records of one have the same TTL, which tells the generations apart.
${RATES.small} swaps a second with about 46,000 names (small), ${RATES.large} with about 320,000 (large). Exit code 1: a query was lost, beyond Knot DNS's
share in the same run; an answer was torn; p99 more than doubled; or memory grew by 5 % after the first ${SETTLED_SECONDS} s.
Needs Debian's knot and gcc, and two processor cores.`;

interface Checked {
  readonly answered: number;
  readonly lost: number;
  readonly torn: number;
  readonly generations: number;
  readonly average: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const run = promisify(execFile);
const { signal } = new AbortController();
process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { sizes: { type: 'string' }, seconds: { type: 'string' }, help: { type: 'boolean' } },
  });
  const seconds = Number(values.seconds ?? 60);
  const sizes = (values.sizes ?? 'small,large').split(',').filter((size): size is SizeName => size in SIZES);
  if (values.help === true || sizes.length === 0 || !(seconds > SETTLED_SECONDS)) {
    console.log(USAGE);
    return values.help === true ? 0 : 2;
  }
  await requirePackages('knot', 'gcc', 'libc6-dev', 'util-linux');
  const folder = await mkdtemp(join(tmpdir(), 'mesos-dns-swap-'));
  try {
    const checker = join(folder, 'checker');
    const source = fileURLToPath(new URL('../../../bench/swap/checker.c', import.meta.url));
    await run('gcc', ['-O2', '-o', checker, source]);
    let faults: readonly string[] = [];
    for (const size of sizes) faults = [...faults, ...(await measure(folder, checker, size, seconds))];
    for (const fault of faults) console.log(`does not hold: ${fault}`);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(`bench:swap: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns what does not hold */
async function measure(folder: string, checker: string, size: SizeName, seconds: number): Promise<readonly string[]> {
  const stateFile = join(folder, `${size}.json`);
  const zoneFile = join(folder, `${size}.zone`);
  const questionFile = join(folder, `${size}.bin`);
  const document = await stateDocument(SIZES[size]);
  const zone = asServed(recordsOf(document));
  await writeFile(stateFile, document);
  await writeFile(zoneFile, zone.masterFile);
  await writeFile(questionFile, probeInput(drawQuestions(zone, 'mixed')));
  const check = async (child: Child, port: number, duration: number, firstTtl: number, generations: number) => {
    const args = [questionFile, port, duration, OPEN, firstTtl, generations].map(String);
    return parse(await Promise.race([runOn(CLIENT_CORE, checker, args, signal), child.failed]));
  };

  const knotPort = await freePort(HOST);
  const knot = await startKnot({ folder: join(folder, `${size}-knot`), core: SERVER_CORE, port: knotPort, zoneFile });
  const askKnot = (duration: number) => check(knot, knotPort, duration, TTL_SECONDS, 1);
  const ofKnot = await untilServing(() => askKnot(WARM_UP_SECONDS))
    .then(() => askKnot(CALM_SECONDS))
    .finally(knot.stop);

  const port = await freePort(HOST);
  const perSecond = RATES[size];
  const own = startChild(SERVER_CORE, process.execPath, [
    fileURLToPath(new URL('./server.js', import.meta.url)),
    JSON.stringify({ stateFile, port, perSecond } satisfies SwapServerSetup),
  ]);
  try {
    await said(own, /serving/);
    await check(own, port, WARM_UP_SECONDS, FIRST_TTL, GENERATIONS);
    const calm = await check(own, port, CALM_SECONDS, FIRST_TTL, GENERATIONS);
    own.process.kill('SIGUSR2');
    const memory = watchMemory(own);
    const swapping = await check(own, port, seconds, FIRST_TTL, GENERATIONS);
    const { settled, most } = await memory.end();
    own.process.kill('SIGUSR2');
    const swaps = Number((await said(own, /swapped (\d+)/))[1]);

    const title = `${zone.nameCount.toLocaleString('en')} names, ${perSecond} swaps a second for ${seconds} s`;
    const rows = [
      row('Knot DNS, no swaps', ofKnot, '', ''),
      row('mesos-dns, no swaps', calm, '0', ''),
      row('**mesos-dns, swapping**', swapping, String(swaps), `${megabytes(settled)} → ${megabytes(most)}`),
    ];
    const head = ['server', 'queries', 'lost', 'torn', 'average µs', 'p50', 'p99', 'p99.9', 'max', 'swaps', 'MB'];
    console.log(`**${title}** (MB: after ${SETTLED_SECONDS} s → the most afterwards)\n\n${table(head, rows)}\n`);
    const lostShare = ({ lost, answered }: Checked) => lost / (lost + answered);
    const faults = {
      [`${swapping.lost} queries were lost`]: lostShare(swapping) > lostShare(ofKnot),
      [`${swapping.torn} answers were torn`]: swapping.torn + calm.torn > 0,
      [`answers came from ${swapping.generations} generations`]: swapping.generations !== GENERATIONS,
      [`${swaps} swaps`]: swaps < 0.95 * perSecond * seconds,
      [`p99 went from ${calm.p99} to ${swapping.p99} µs`]: swapping.p99 > LATENCY_FACTOR_MAX * calm.p99,
      [`memory grew from ${settled} to ${most} octets`]: most > settled * (1 + MEMORY_GROWTH_MAX),
    };
    return Object.keys(faults)
      .filter((fault) => faults[fault])
      .map((fault) => `${title}: ${fault}`);
  } finally {
    await own.stop();
  }
}

function parse(printed: string): Checked {
  const [answered = 0, lost = 0, torn = 0, generations = 0, average = 0, p50 = 0, p99 = 0, p999 = 0, max = 0] = printed
    .split(' ')
    .map(Number);
  return { answered, lost, torn, generations, average, p50, p99, p999, max };
}

function row(
  title: string,
  { answered, lost, torn, average, p50, p99, p999, max }: Checked,
  swaps: string,
  mb: string,
) {
  return [title, ...[answered, lost, torn, average, p50, p99, p999, max].map(String), swaps, mb];
}

/** The checker fails where nothing answers. */
async function untilServing(ask: () => Promise<Checked>): Promise<Checked> {
  const deadline = performance.now() + READY_LIMIT_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

/** The next output of a child that matches. */
async function said(child: Child, pattern: RegExp): Promise<RegExpExecArray> {
  const matched = new Promise<RegExpExecArray>((resolve) => {
    const look = (chunk: Buffer) => {
      const match = pattern.exec(chunk.toString());
      if (match === null) return;
      child.process.stdout?.off('data', look);
      resolve(match);
    };
    child.process.stdout?.on('data', look);
  });
  return Promise.race([matched, child.failed]);
}

/** Looks at a process's memory until told to end, octets. */
function watchMemory(child: Child): { end(): Promise<{ settled: number; most: number }> } {
  const ended = new AbortController();
  const startMs = performance.now();
  const watched = (async () => {
    let settled = 0;
    let most = 0;
    while (!ended.signal.aborted) {
      await sleep(MEMORY_INTERVAL_MS, undefined, { signal: ended.signal }).catch(() => undefined);
      const octets = await memoryOf(child);
      if (settled === 0) {
        if (performance.now() - startMs >= SETTLED_SECONDS * 1000) settled = octets;
      } else {
        most = Math.max(most, octets);
      }
    }
    return { settled, most };
  })();
  return {
    end() {
      ended.abort();
      return watched;
    },
  };
}

function megabytes(octets: number): string {
  return (octets / 2 ** 20).toFixed(0);
}
