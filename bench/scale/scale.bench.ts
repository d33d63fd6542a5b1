// 100,000 tasks on 5,000 agents: how long from exec to the first answer, how much memory, how long for a full build and for
// one changed task? The cluster of the large size of bench:server.

import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Engine } from '../../src/engine/engine.ts';
import { deriveRecords } from '../../src/records/derive.ts';
import { changesBetween } from '../../src/records/record-changes.ts';
import { RecordIndex } from '../../src/records/record-index.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import type { MesosState } from '../../src/state/model.ts';
import { parseState } from '../../src/state/parse.ts';
import { TASK_MIN_BYTES } from '../../src/zone/table-publisher.ts';
import { freePort } from '../../test/support/ports.ts';
import { deriveInput } from '../../test/support/states.ts';
import { query, tableInput } from '../../test/support/zone.ts';
import { SIZES } from '../server/zone.ts';
import { stateDocument } from '../swap/zone.ts';

const STARTS = 3;
const BUILDS = 3;
const CHANGES = 21;
const HOST = '127.0.0.1';

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mesos-dns-scale-'));
  try {
    const file = join(folder, 'state.json');
    await writeFile(file, await stateDocument(SIZES.large));
    const document = await readFile(file);
    const { tasks, agents } = SIZES.large;
    console.log(`${tasks} tasks on ${agents} agents, a state of ${(document.length / 1e6).toFixed(0)} MB`);
    const state = parseState(document).state;
    const name = firstName(state);
    console.table({ ...(await measureStarts(folder, file, name)), ...(await measureBuilds(state)) });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function firstName(state: MesosState): string {
  const [name = ''] = deriveRecords(deriveInput(state)).as.keys();
  return name.replace(/\.$/, '');
}

type Figures = Record<string, { readonly median: string; readonly all: string }>;

function figure(values: readonly number[], unit: string): Figures[string] {
  const sorted = [...values].sort((a, b) => a - b);
  const text = (value: number | undefined) => `${(value ?? Number.NaN).toFixed(unit === 'ms' ? 1 : 0)} ${unit}`;
  return { median: text(sorted[sorted.length >> 1]), all: `${text(sorted[0])} to ${text(sorted.at(-1))}` };
}

async function measureStarts(folder: string, file: string, name: string): Promise<Figures> {
  const master = spawn(process.execPath, [fileURLToPath(new URL('./static-master.js', import.meta.url)), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const masterPort = await new Promise<number>((resolve) =>
    master.stdout.once('data', (line) => resolve(Number(line))),
  );
  const answered: number[] = [];
  const resident: number[] = [];
  const residentAfter: number[] = [];
  for (let i = 0; i < STARTS; i += 1) {
    const [port, httpPort] = [await freePort(HOST), await freePort(HOST)];
    const config = join(folder, 'config.json');
    const settings = { masters: [`${HOST}:${masterPort}`], listener: HOST, port, httpListener: HOST, httpPort };
    await writeFile(config, JSON.stringify({ ...settings, externalOn: false, refreshSeconds: 86_400, ttl: 60 }));
    const startMs = performance.now();
    const program = fileURLToPath(new URL('../../src/main.js', import.meta.url));
    const child = spawn(process.execPath, [program, `-config=${config}`], { stdio: 'ignore' });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    await untilAnswered(port, name);
    answered.push(performance.now() - startMs);
    await sleep(2000);
    resident.push(await residentOctets(child.pid));
    await (await fetch(`http://${HOST}:${httpPort}/v1/axfr`)).arrayBuffer();
    residentAfter.push(await residentOctets(child.pid));
    child.kill();
    await exited;
  }
  master.kill();
  const mb = (octets: number) => octets / 1e6;
  return {
    'exec to the first answer': figure(answered, 'ms'),
    'resident, 2 s later': figure(resident.map(mb), 'MB'),
    'resident after /v1/axfr': figure(residentAfter.map(mb), 'MB'),
  };
}

/** Until the name has an address. */
async function untilAnswered(port: number, name: string): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  const message = query(name, 'A');
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => socket.send(message, port, HOST), 5);
    socket.on('message', (answer) => {
      if ((answer[7] ?? 0) === 0) return;
      clearInterval(timer);
      resolve();
    });
  });
  socket.close();
}

async function residentOctets(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

async function measureBuilds(first: MesosState): Promise<Figures> {
  const derived: number[] = [];
  const built: number[] = [];
  const settled: number[] = [];
  for (let i = 0; i < BUILDS; i += 1) {
    const engine = await Engine.create();
    const cluster = LiveCluster.from(first);
    const { config, hostAddresses, masters, nameServerAddresses } = deriveInput(first);
    const surroundings = { hostAddresses, masters, nameServerAddresses, warn: () => undefined };
    const startMs = performance.now();
    engine.expect(cluster.taskCount * TASK_MIN_BYTES);
    const index = new RecordIndex(config, cluster, surroundings);
    const derivedMs = performance.now();
    engine.publish(tableInput(index.records));
    const builtMs = performance.now();
    index.settle();
    derived.push(derivedMs - startMs);
    built.push(builtMs - startMs);
    settled.push(performance.now() - builtMs);
  }

  const engine = await Engine.create();
  let state = first;
  let records = deriveRecords(deriveInput(state));
  engine.publish(tableInput(records));
  const compared: number[] = [];
  const changed: number[] = [];
  for (let i = 0; i < CHANGES; i += 1) {
    state = withChangedTask(state, i);
    const next = deriveRecords(deriveInput(state));
    const startMs = performance.now();
    const changes = changesBetween(records, next);
    const comparedMs = performance.now();
    if (changes === null) throw new Error('nothing has changed');
    const { soa } = tableInput(next);
    engine.change({ records: next, soa: { ...soa, serial: soa.serial + i }, ...changes }, () => tableInput(next));
    compared.push(comparedMs - startMs);
    changed.push(performance.now() - comparedMs);
    records = next;
  }
  return {
    'records of the whole state': figure(derived, 'ms'),
    'full build: records and table': figure(built, 'ms'),
    'getting ready for changes, afterwards': figure(settled, 'ms'),
    'one changed task: comparing all records': figure(compared, 'ms'),
    'one changed task: table in force': figure(changed, 'ms'),
  };
}

/** One task has failed and runs on another agent. */
function withChangedTask(state: MesosState, number: number): MesosState {
  const [framework, ...others] = state.frameworks;
  if (framework === undefined) return state;
  const at = Math.floor((framework.tasks.length * (number + 1)) / (CHANGES + 2));
  const agents = state.agents;
  const tasks = framework.tasks.map((task, i) => {
    if (i !== at) return task;
    const agent = agents[(agents.findIndex(({ id }) => id === task.agentId) + 1) % agents.length];
    return { ...task, id: `${task.id}-again`, agentId: agent?.id ?? task.agentId };
  });
  return { ...state, frameworks: [{ ...framework, tasks }, ...others] };
}
