// A long life at full speed: tasks end and begin by the hundred thousand, and the program must not grow.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Program, startProgram } from '../support/program.ts';
import type { ChurnOrder, ChurnReport } from './churn-process.ts';
import { atMost, type Finding } from './findings.ts';
import { INSPECTED, Inspected } from './inspected.ts';

export interface ChurnOptions {
  readonly changes: number;
  readonly tasks: number;
  /** What memory may grow by after the first tenth. */
  readonly growthPercent: number;
}

const PROCESS = fileURLToPath(new URL('./churn-process.js', import.meta.url));
const PARTS = 10;
/** A table holds as much garbage as it holds records, at most, before it is made anew. */
const TABLE_MAX_TIMES = 2.5;
const LIMIT_MS = 600_000;
/** Names whose answers are compared, beside all records over HTTP. */
const ASKED = 500;

interface Sample {
  readonly heap: number;
  readonly resident: number;
  readonly table: number;
}

export async function churnDrill({ changes, tasks, growthPercent }: ChurnOptions): Promise<readonly Finding[]> {
  const child = spawn(process.execPath, [PROCESS, String(tasks)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ endpoint }] = (await once(child, 'message')) as [ChurnReport];
  const keys = { masters: [endpoint], refreshSeconds: 3600, externalOn: false, reverseDNSOn: true };
  const program = await startProgram(keys, { untilLoaded: true, environment: INSPECTED });
  const inspected = await Inspected.attach(program.log);
  try {
    await program.waitForLine(/over its event stream/);
    const samples: Sample[] = [];
    const startedAtMs = performance.now();
    for (let part = 1; part <= PARTS; part += 1) {
      await churn(child, program, { changes: Math.ceil(changes / PARTS), mark: `mark-${part}` });
      samples.push(await sample(program, inspected));
    }
    const seconds = (performance.now() - startedAtMs) / 1000;
    const fresh = await startProgram(keys, { untilLoaded: true });
    const difference = (await differenceOf(program, fresh)) ?? (await differenceInDns(program, fresh));
    const freshTable = tableBytes(fresh);
    await fresh.stop();
    if (difference !== null) console.error(difference);
    for (const each of ['heap', 'resident', 'table'] as const) {
      console.error(`${each}, MB: ${samples.map((one) => megabytes(one[each])).join(' ')}`);
    }
    return [
      {
        what: `tasks that ended or began, of ${tasks.toLocaleString('en')}`,
        limit: '',
        measured: `${changes.toLocaleString('en')} in ${seconds.toFixed(0)} s`,
        holds: true,
      },
      growth('heap of the main thread after a collection', samples, 'heap', growthPercent),
      growth('resident memory', samples, 'resident', growthPercent),
      atMost(
        'table, times the size of a fresh one',
        Math.max(...samples.map(({ table }) => table)) / freshTable,
        TABLE_MAX_TIMES,
      ),
      {
        what: 'records and answers in the end, against those of a program that has just started',
        limit: 'equal',
        measured: difference === null ? 'equal' : 'different',
        holds: difference === null,
      },
    ];
  } catch (error) {
    console.error(program.log.slice(-4000));
    throw error;
  } finally {
    inspected.close();
    await program.stop();
    child.kill('SIGKILL');
  }
}

/** Has tasks end and begin, and waits until that is answered. */
async function churn(child: ChildProcess, program: Program, order: ChurnOrder): Promise<void> {
  child.send(order);
  await once(child, 'message', { signal: AbortSignal.timeout(LIMIT_MS) });
  await program.waitUntil(
    async () => (await program.ask(`${order.mark}.marathon.mesos`)).rcode === 0,
    `answer for ${order.mark}`,
    LIMIT_MS,
  );
}

async function sample(program: Program, inspected: Inspected): Promise<Sample> {
  const heap = await inspected.usedHeap();
  const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
  const resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  return { heap, resident, table: tableBytes(program) };
}

/** As the log tells of the last zone: twice a second at most. */
function tableBytes(program: Program): number {
  const last = program.linesMatching(/zone published/).at(-1) ?? '';
  return Number(/"bytes":(\d+)/.exec(last)?.[1] ?? 0);
}

/** From the end of the first part on: what the most is above that. */
function growth(what: string, samples: readonly Sample[], of: 'heap' | 'resident', limit: number): Finding {
  const [first = 0, ...later] = samples.map((each) => each[of]);
  const most = Math.max(...later);
  const percent = ((most - first) / first) * 100;
  return {
    what: `${what}: growth after the first tenth`,
    limit: `< ${limit} %`,
    measured: `${percent.toFixed(1)} % (${megabytes(first)} → ${megabytes(most)} MB at most)`,
    holds: percent < limit,
    isFigure: true,
  };
}

/** @returns the first difference of what two programs list; null: none */
async function differenceOf(one: Program, other: Program): Promise<string | null> {
  const [own, fresh] = await Promise.all([one, other].map(listed));
  if (own === undefined || fresh === undefined) return 'nothing to compare';
  if (own.size < 100) return `only ${own.size} names`;
  for (const [name, values] of fresh) {
    if (own.get(name) !== values) return `${name}: ${own.get(name)} instead of ${values}`;
  }
  for (const name of own.keys()) if (!fresh.has(name)) return `${name} is too much`;
  return null;
}

/** Asks for some names, and for one that has gone. */
async function differenceInDns(one: Program, other: Program): Promise<string | null> {
  const names = [...(await listed(other)).keys()].map((key) => key.split(' '));
  const asked = names.filter((_, i) => i % Math.ceil(names.length / ASKED) === 0);
  for (const [list, name = ''] of [...asked, ['As', 'job-5-batch.marathon.mesos.']]) {
    const type = list === 'As' ? 'A' : list === 'AAAAs' ? 'AAAA' : 'SRV';
    const [own, fresh] = await Promise.all([one, other].map((program) => program.ask(name, type)));
    const shown = [own, fresh].map((reply) => [
      reply?.rcode,
      (reply?.answers ?? []).map((record) => JSON.stringify('data' in record ? record.data : null)).sort(),
    ]);
    if (JSON.stringify(shown[0]) !== JSON.stringify(shown[1])) return `${name} ${type}: ${JSON.stringify(shown)}`;
  }
  return null;
}

async function listed(program: Program): Promise<ReadonlyMap<string, string>> {
  const { Records } = (await (await program.get('/v1/axfr')).json()) as {
    readonly Records: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  };
  return new Map(
    Object.entries(Records).flatMap(([type, names]) =>
      Object.entries(names).map(([name, values]) => [`${type} ${name}`, [...values].sort().join(' ')] as const),
    ),
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
