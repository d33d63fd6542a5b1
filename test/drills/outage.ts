// ZooKeeper and all masters are gone for a long time; meanwhile the program is restarted, once in good order and once by
// force; then everything comes back.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import packet from 'dns-packet';
import { DnsClient, eachOf } from '../support/dns-client.ts';
import { freePort } from '../support/ports.ts';
import { type Program, startProgram } from '../support/program.ts';
import { TestZooKeeper } from '../support/zookeeper.ts';
import type { EnsembleReady, EnsembleSetup } from './ensemble-process.ts';
import { atMost, type Finding, within } from './findings.ts';
import { Watch, type WatchResult } from './watch.ts';

export interface OutageOptions {
  readonly tasks: number;
  readonly minutes: number;
  /** Queries per second. */
  readonly rate: number;
  /** Times may be so many times as long. */
  readonly slack: number;
}

const PROCESS = fileURLToPath(new URL('./ensemble-process.js', import.meta.url));
const PATH = '/mesos';
const NAMES = 500;
const NEWCOMER = 'back-again';
/** From the start of the program to the right answers: for so many tasks, and more. */
const LARGE_TASKS = 20_000;
const RESTART_MAX_MS = 1000;
const LARGE_RESTART_MAX_MS = 3000;
const FRESH_MAX_MS = 2000;
/** What takes too long is done so many times at most, and the best counts. */
const ROUNDS = 3;
/** Until a cluster of this size has been read at first. */
const LOAD_LIMIT_MS = 120_000;
const STALE_ANSWER = 3;

export async function outageDrill(options: OutageOptions): Promise<readonly Finding[]> {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'mesos-dns-outage-'));
  const zookeeper = await TestZooKeeper.start();
  try {
    return await new Drill(zookeeper, stateDirectory, options).run();
  } finally {
    await zookeeper.stop();
    await rm(stateDirectory, { recursive: true, force: true });
  }
}

class Drill {
  readonly #zookeeper: TestZooKeeper;
  readonly #options: OutageOptions;
  readonly #stateDirectory: string;
  /** What every name in question is to be answered with. */
  readonly #expected = new Map<string, string>();
  #keys: Readonly<Record<string, unknown>> = {};

  constructor(zookeeper: TestZooKeeper, stateDirectory: string, options: OutageOptions) {
    this.#zookeeper = zookeeper;
    this.#stateDirectory = stateDirectory;
    this.#options = options;
  }

  async run(): Promise<readonly Finding[]> {
    const { tasks, minutes, rate, slack } = this.#options;
    const { child: masters } = await this.#startMasters(null);
    this.#keys = {
      zk: this.#zookeeper.url(PATH),
      refreshSeconds: 60,
      stateDirectory: this.#stateDirectory,
      port: await freePort(),
      httpPort: await freePort(),
    };
    let program = await startProgram(this.#keys);
    try {
      await program.loaded(LOAD_LIMIT_MS);
      await program.waitForLine(/over its event stream/, { timeoutMs: LOAD_LIMIT_MS });
      const watch = await Watch.start({ port: program.dnsPort, names: [...this.#expected.keys()], perSecond: rate });
      await Promise.all([endOf(masters), this.#zookeeper.kill()]);
      const phaseMs = (minutes * 60_000) / 3;
      const restarts: Restart[] = [];
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        await sleep(phaseMs);
        const own: Restart[] = [];
        while (own.length < ROUNDS && !own.some(({ tookMs }) => tookMs <= this.#restartLimitMs * slack)) {
          await program.stop(signal);
          own.push(await this.#start());
          program = own.at(-1)?.program ?? program;
        }
        restarts.push({
          program,
          tookMs: Math.min(...own.map(({ tookMs }) => tookMs)),
          rightCount: Math.min(...own.map(({ rightCount }) => rightCount)),
          staleCount: Math.min(...own.map(({ staleCount }) => staleCount)),
        });
      }
      await sleep(phaseMs);
      const freshMs = await this.#comeBack(program);
      return this.#findings(await watch.stop(), restarts, freshMs, tasks);
    } catch (error) {
      console.error(program.log.slice(-8000));
      throw error;
    } finally {
      await program.stop();
    }
  }

  get #restartLimitMs(): number {
    return this.#options.tasks > LARGE_TASKS ? LARGE_RESTART_MAX_MS : RESTART_MAX_MS;
  }

  async #startMasters(newcomer: string | null): Promise<{ readonly child: ChildProcess; readonly backAtMs: number }> {
    const child = spawn(process.execPath, [PROCESS], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    const { host, port } = this.#zookeeper;
    const { tasks } = this.#options;
    const servers = `${host}:${port}`;
    child.send({ tasks, servers, path: PATH, newcomer } satisfies EnsembleSetup);
    const [{ names, backAtMs }] = (await once(child, 'message')) as [EnsembleReady];
    const step = Math.max(1, Math.floor(names.size / NAMES));
    if (this.#expected.size > 0) return { child, backAtMs };
    [...names].forEach(([name, addresses], i) => {
      const v4 = addresses.filter((address) => !address.includes(':'));
      if (i % step === 0) this.#expected.set(name, [...new Set(v4)].sort().join(' '));
    });
    return { child, backAtMs };
  }

  /** Starts the program on what it has kept. */
  async #start(): Promise<Restart> {
    const client = await DnsClient.open({ host: '127.0.0.1', port: Number(this.#keys['port']) });
    const startedAtMs = performance.now();
    const starting = startProgram(this.#keys);
    let tookMs = Number.POSITIVE_INFINITY;
    const [[name, wanted] = ['', '']] = this.#expected;
    while (performance.now() - startedAtMs < LOAD_LIMIT_MS) {
      const { answer } = await ask(client, name, { timeoutMs: 20, tries: 1 });
      if (answer !== wanted) continue;
      tookMs = performance.now() - startedAtMs;
      break;
    }
    const program = await starting;
    let staleCount = 0;
    let rightCount = 0;
    await eachOf(this.#expected, 20, async ([each, expected]) => {
      const { answer, codes } = await ask(client, each);
      if (answer === expected) rightCount += 1;
      if (codes.includes(STALE_ANSWER)) staleCount += 1;
    });
    client.close();
    return { program, tookMs, rightCount, staleCount };
  }

  /** @returns how long after a master leads again its news are answered, milliseconds */
  async #comeBack(program: Program): Promise<number> {
    const client = await DnsClient.open({ host: '127.0.0.1', port: program.dnsPort });
    await this.#zookeeper.restart();
    const { child: masters, backAtMs } = await this.#startMasters(NEWCOMER);
    for (;;) {
      const { answer, codes } = await ask(client, `${NEWCOMER}.marathon.mesos`);
      if (/^\d/.test(answer) && !codes.includes(STALE_ANSWER)) break;
      if (Date.now() - backAtMs > LOAD_LIMIT_MS) throw new Error('the cluster is back, and nothing is fresh');
      await sleep(5);
    }
    const tookMs = Date.now() - backAtMs;
    client.close();
    // Some more answers, for the watch.
    await sleep(1000);
    await endOf(masters);
    return tookMs;
  }

  #findings(watched: WatchResult, restarts: readonly Restart[], freshMs: number, tasks: number): readonly Finding[] {
    let wrongCount = 0;
    for (const [name, runs] of watched.runs) {
      for (const { answer, count } of runs) {
        if (answer === this.#expected.get(name)) continue;
        wrongCount += count;
        if (wrongCount < 20) console.error(`${name} was answered ${answer || 'without records'}`);
      }
    }
    const count = this.#expected.size;
    const { slack } = this.#options;
    const answered = watched.askedCount - watched.lostCount;
    return [
      {
        what: `outage of ZooKeeper and all masters, ${tasks.toLocaleString('en')} tasks`,
        limit: '',
        measured: `${this.#options.minutes} minutes`,
        holds: true,
      },
      {
        what: `answers to ${count} names meanwhile`,
        limit: '',
        measured: answered.toLocaleString('en'),
        holds: answered > 0,
      },
      atMost('answers other than before', wrongCount, 0),
      ...restarts.flatMap(({ tookMs, rightCount, staleCount }, n) => {
        const how = n === 0 ? 'stopped and started' : 'killed and started';
        return [
          within(`${how} meanwhile: until the first answer`, Math.round(tookMs), this.#restartLimitMs, slack),
          exactly(`${how}: names answered as before`, rightCount, count),
          exactly(`${how}: answers marked as stale`, staleCount, count),
        ];
      }),
      within('fresh answers after a master led again', Math.round(freshMs), FRESH_MAX_MS, slack),
    ];
  }
}

interface Restart {
  readonly program: Program;
  readonly tookMs: number;
  readonly rightCount: number;
  readonly staleCount: number;
}

function exactly(what: string, measured: number, expected: number): Finding {
  return { what, limit: `${expected}`, measured: `${measured}`, holds: measured === expected };
}

async function endOf(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** The addresses of a name, or the response code, and the codes of the extended errors (RFC 8914). */
async function ask(
  client: DnsClient,
  name: string,
  options: { readonly timeoutMs?: number; readonly tries?: number } = {},
): Promise<{ readonly answer: string; readonly codes: readonly number[] }> {
  try {
    const { bytes, rcode, answers } = await client.ask(name, 'A', options);
    const addresses = answers.flatMap((record) => (record.type === 'A' ? [record.data] : [])).sort();
    const opt = (packet.decode(bytes).additionals ?? []).find(({ type }) => type === 'OPT');
    const extended = (opt as { readonly options?: readonly { readonly code: number; readonly data: Buffer }[] })
      ?.options;
    const codes = (extended ?? []).filter(({ code }) => code === 15).map(({ data }) => data.readUInt16BE(0));
    return { answer: rcode === 0 ? addresses.join(' ') : `rcode ${rcode}`, codes };
  } catch {
    return { answer: '', codes: [] };
  }
}
