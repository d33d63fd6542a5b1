// The processes that a bench starts: bound to a core, ended with it whatever happens, their cost read from /proc.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Rejects when the process ends before it is told to; never resolves. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

const END_LIMIT_MS = 3000;
const KEPT_OUTPUT = 4000;
const running = new Set<ChildProcess>();

// What is left when this process ends in whatever way. Should it be killed, the kernel ends its children (setpriv).
process.on('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
});

/** Starts a program on one core, in a process group of its own, so that what it forks ends with it. */
export function startChild(core: number, program: string, args: readonly string[]): Child {
  const bound = ['--pdeathsig', 'KILL', 'taskset', '-c', String(core), program, ...args];
  const child = spawn('setpriv', bound, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let isStopping = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`${signal ?? `exit code ${code}`}: ${output.trim()}`));
  });
  const failed = new Promise<never>((_, reject) => {
    void ended.then((how) => {
      running.delete(child);
      if (!isStopping) reject(new Error(`${program} ended by itself, ${how}`));
    });
  });
  failed.catch(() => undefined); // whoever waits for something of the child races with it
  return {
    process: child,
    pid: child.pid ?? 0,
    failed,
    async stop() {
      isStopping = true;
      signalGroup(child, 'SIGTERM');
      const over = new AbortController();
      await Promise.race([ended, sleep(END_LIMIT_MS, undefined, { signal: over.signal }).catch(() => undefined)]);
      over.abort();
      signalGroup(child, 'SIGKILL'); // what it forked and left
      await ended;
    },
  };
}

/** Runs a program on one core to its end and returns what it printed. */
export async function runOn(
  core: number,
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'taskset', '-c', String(core), program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let printed = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-KEPT_OUTPUT);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, by) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with ${by ?? code}: ${complaints.trim()}`));
    });
  });
  return printed;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}

export interface Usage {
  readonly userUs: number;
  readonly systemUs: number;
}

/** Linux counts in hundredths of a second for programs (sysconf(_SC_CLK_TCK)). */
const TICK_US = 10_000;

/** Processor time since start, of all threads of all processes of the child's group (proc(5), stat). */
export async function usageOf({ pid }: Child): Promise<Usage> {
  let userTicks = 0;
  let systemTicks = 0;
  for (const fields of await groupStats(pid)) {
    userTicks += Number(fields[11]);
    systemTicks += Number(fields[12]);
  }
  return { userUs: userTicks * TICK_US, systemUs: systemTicks * TICK_US };
}

/** Proportional set size, octets: memory that processes of the group share counts once. */
export async function memoryOf({ pid }: Child): Promise<number> {
  let octets = 0;
  for (const [id] of await groupStats(pid)) {
    const rollup = await readFile(`/proc/${id}/smaps_rollup`, 'utf8');
    octets += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
  }
  return octets;
}

/**
 * Of each process of the group: its id, then the fields of its stat behind the name, so that utime and stime are at 11
 * and 12 where the id takes the place of the state.
 */
async function groupStats(group: number): Promise<readonly (readonly string[])[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    ids.map(async (id) => {
      const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '');
      const [, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [id, ...fields];
    }),
  );
  return stats.filter((fields) => fields[2] === String(group));
}
