// What does a query over UDP cost with each driver, in processor time of the whole server process?
//
// Server and client (dnsperf) are bound to different cores; the servers take turns. The floor is a C program that takes
// packets by the batch and sends them back.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requirePackages } from '../../test/support/debian.ts';
import { startChild } from '../../test/support/dns-service.ts';

const execute = promisify(execFile);

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const ROUND_SECONDS = 3;
const NAMES = 1000;
const SERVER_CORE = '0';
const CLIENT_CORE = '1';
/** Linux counts a process's time in hundredths of a second (sysconf(_SC_CLK_TCK)). */
const TICK_US = 10_000;

interface Server {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  stop(): Promise<unknown>;
}

interface Cost {
  readonly userUs: number;
  readonly systemUs: number;
  readonly queriesPerSecond: number;
}

export async function run(): Promise<void> {
  await requirePackages('dnsperf');
  const folder = await mkdtemp(join(tmpdir(), 'mesos-dns-bench-'));
  const servers: Server[] = [];
  try {
    const queries = join(folder, 'queries.txt');
    await writeFile(queries, Array.from({ length: NAMES }, (_, i) => `n${i}.mesos A\n`).join(''));
    servers.push(await startEcho(folder));
    for (const [io, listener] of [
      ['batched', '127.0.0.1'],
      ['batched', '0.0.0.0'],
      ['dgram', '127.0.0.1'],
    ] as const) {
      servers.push(await startMesosDns(io, listener));
    }
    const costs = new Map<Server, Cost[]>(servers.map((server) => [server, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const server of servers) costs.get(server)?.push(await measure(server, queries));
    }
    print(costs);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true });
  }
}

async function startEcho(folder: string): Promise<Server> {
  const program = join(folder, 'echo');
  await execute('gcc', ['-O2', '-o', program, fileURLToPath(new URL('../../../bench/server/echo.c', import.meta.url))]);
  const child = spawn('taskset', ['-c', SERVER_CORE, program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve) =>
    createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line))),
  );
  return { name: 'C echo', pid: child.pid ?? 0, port, stop: async () => child.kill('SIGKILL') };
}

async function startMesosDns(io: 'batched' | 'dgram', listener: string): Promise<Server> {
  const setup = { io, names: NAMES, workers: 1, listeners: [listener] };
  const child = await startChild(setup, ['taskset', '-c', SERVER_CORE]);
  return { name: `${io} on ${listener}`, pid: child.process.pid ?? 0, port: child.port, stop: () => child.stop() };
}

async function measure(server: Server, queries: string): Promise<Cost> {
  const [userBefore, systemBefore] = await processTicks(server.pid);
  const { stdout } = await execute('taskset', [
    ...['-c', CLIENT_CORE, 'dnsperf', '-s', '127.0.0.1', '-p', String(server.port), '-d', queries],
    ...['-l', String(ROUND_SECONDS), '-c', '8', '-q', '200', '-T', '1'],
  ]);
  const [userAfter, systemAfter] = await processTicks(server.pid);
  const completed = Number(/Queries completed:\s+(\d+)/.exec(stdout)?.[1]);
  const queriesPerSecond = Number(/Queries per second:\s+([\d.]+)/.exec(stdout)?.[1]);
  return {
    userUs: ((userAfter - userBefore) * TICK_US) / completed,
    systemUs: ((systemAfter - systemBefore) * TICK_US) / completed,
    queriesPerSecond,
  };
}

/** The process's time in user mode and in the kernel (proc(5), fields 14 and 15; the second one may hold anything). */
async function processTicks(pid: number): Promise<[number, number]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [Number(fields[11]), Number(fields[12])];
}

function print(costs: ReadonlyMap<Server, readonly Cost[]>): void {
  const rows: Record<string, Record<string, string>> = {};
  let floor = Number.NaN;
  for (const [{ name }, each] of costs) {
    const total = median(each.map(({ userUs, systemUs }) => userUs + systemUs));
    if (Number.isNaN(floor)) floor = total;
    rows[name] = {
      'user µs': median(each.map(({ userUs }) => userUs)).toFixed(2),
      'system µs': median(each.map(({ systemUs }) => systemUs)).toFixed(2),
      'total µs/query': total.toFixed(2),
      '× C echo': (total / floor).toFixed(2),
      'queries/s': median(each.map(({ queriesPerSecond }) => queriesPerSecond)).toFixed(0),
    };
  }
  console.table(rows);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
