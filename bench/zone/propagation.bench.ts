// How long does it take from the master's event to the right answer?
//
// The program follows a stand-in master of this process. Names that change are asked for again and again, from the moment
// before their event is written until the answer is right; another thread asks for other names meanwhile. Everything runs
// on one machine, so that the figures hold the stand-in's and the clients' share as well.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import dns from 'dns-packet';
import type { Cluster } from '../../src/standin/cluster.ts';
import { largeCluster } from '../../src/standin/large.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { lowerPriority, ownThreads } from '../../src/workers/priority.ts';
import { startProgram } from '../../test/support/program.ts';
import { collectGarbage } from '../support/measure.ts';

const TASKS = Number(process.env['BENCH_TASKS'] ?? 100_000);
const CHANGES = Number(process.env['BENCH_CHANGES'] ?? 1000);
const PER_SECOND = 250;
const BURST = 2500;
const LOAD_PER_SECOND = 5000;
/** Between the first zone and the first change. */
const SETTLING_MS = 10_000;
/** Changes before the measurement, at its rate: the first thousand after a start take longer than those behind them. */
const WARMING_UP = Math.min(1000, CHANGES);
/** From one question for a name to the next. */
const ASK_EVERY_MS = 1;
/** A question without answer is asked again. */
const LOST_AFTER_MS = 50;
/** A task that has begun is left alone until so many others have. */
const MIN_ALIVE = 100;

export async function run(): Promise<void> {
  const { cluster } = largeCluster({ agents: Math.max(1, TASKS / 20), tasks: TASKS });
  const master = new StandinMaster(cluster, { events: {} });
  await master.start();
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  const program = await startProgram({ masters: [master.endpoint], refreshSeconds: 600, externalOn: false });
  let load: Worker | null = null;
  try {
    await program.waitForLine(/over its event stream/, { timeoutMs: 60_000 });
    await program.waitForLine(/zone published/, { timeoutMs: 60_000 });
    await settled(master);
    // The threads that collect this process' garbage: they would stand in the way of the program on both processors.
    lowerPriority(ownThreads().filter((thread) => thread !== process.pid));
    const client = await Client.open(program.dnsPort);
    const changes = new Changes(cluster);
    load = startLoad(program.dnsPort, cluster);
    for (let i = 0; i < 300; i++) await client.timed(changes.next());
    await atRate(client, changes, WARMING_UP, PER_SECOND);
    const steady = await atRate(client, changes, CHANGES, PER_SECOND);
    console.log(
      `${TASKS} tasks, ${CHANGES} changes at ${PER_SECOND} a second, ${LOAD_PER_SECOND} queries a second beside them`,
    );
    console.table({ 'event to answer, ms': percentiles(steady) });
    const burst = await burstOf(client, changes, BURST, 1000);
    console.log(`${BURST} changes in a second: all answered ${burst.toFixed(0)} ms after the last`);
    console.log(
      `${client.asked} questions for all changes, ${client.lostCount} of them not answered within ${LOST_AFTER_MS} ms, ` +
        `${client.lateCount} of these later`,
    );
    load.postMessage('stop');
    const [{ sent, answered }] = (await once(load, 'message')) as [{ sent: number; answered: number }];
    console.log(`beside them ${sent} queries were sent and ${answered} answered`);
    const metrics = await (await program.get('/metrics')).text();
    console.log(
      metrics
        .split('\n')
        .filter((line) => /^mesos_dns_(propagation_seconds_(sum|count)|udp_datagrams_total)/.test(line))
        .join('\n'),
    );
    client.close();
  } catch (error) {
    console.error(program.log.slice(-500), error);
    throw error;
  } finally {
    await load?.terminate();
    await program.stop();
    await master.stop();
  }
}

/**
 * Gives back what serving the first state has taken. Some machines look through all memory in use again and again, in which
 * time everything is slow: the more there is, the longer.
 */
async function settled(master: StandinMaster): Promise<void> {
  master.forget();
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
  collectGarbage();
}

interface Change {
  readonly make: () => void;
  readonly name: string;
  /** The answer's address; null: NXDOMAIN. */
  readonly address: string | null;
}

/** Tasks of their own names that begin and end in turn. */
class Changes {
  readonly #cluster: Cluster;
  readonly #frameworkId: string;
  readonly #agentIds: readonly string[];
  readonly #alive: { readonly id: string; readonly name: string }[] = [];
  #count = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    [this.#frameworkId = ''] = cluster.frameworks.keys();
    this.#agentIds = [...cluster.agents.keys()];
  }

  next(): Change {
    const n = this.#count++;
    const { id: frameworkId } = { id: this.#frameworkId };
    if (n % 2 === 1 && this.#alive.length > MIN_ALIVE) {
      const ending = this.#alive.shift();
      if (ending !== undefined) {
        const make = () => {
          this.#cluster.updateTask(frameworkId, ending.id, 'TASK_KILLED');
          this.#cluster.completeTask(frameworkId, ending.id);
        };
        return { make, name: ending.name, address: null };
      }
    }
    const id = `probe-${n}.x`;
    const name = `probe-${n}`;
    const address = `10.200.${(n >>> 8) & 255}.${n & 255}`;
    const agentId = this.#agentIds[n % this.#agentIds.length] ?? '';
    this.#cluster.launchTask({ id, name, frameworkId, agentId, cpus: 0.1, memMb: 32, ports: [31999] });
    const make = () => {
      this.#cluster.updateTask(frameworkId, id, 'TASK_RUNNING', {
        containerId: id,
        networks: [{ addresses: [address] }],
      });
      this.#alive.push({ id, name });
    };
    return { make, name, address };
  }
}

/** Asks for names until they are answered right. */
class Client {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (answer: dns.DecodedPacket) => void>();
  #id = 0;
  asked = 0;
  /** Questions that were not answered in time. */
  lostCount = 0;
  /** Answers that came after that time. */
  lateCount = 0;

  static async open(port: number): Promise<Client> {
    const socket = createSocket('udp4');
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Client(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message) => {
      const answer = dns.decode(message);
      const take = this.#waiting.get(answer.id ?? -1);
      if (take === undefined) this.lateCount += 1;
      this.#waiting.delete(answer.id ?? -1);
      take?.(answer);
    });
  }

  close(): void {
    this.#socket.close();
  }

  /** Makes a change. @returns how long it took to be answered, milliseconds */
  async timed({ make, name, address }: Change): Promise<number> {
    const startedAtMs = performance.now();
    make();
    for (;;) {
      const isRight = await this.ask(name, address);
      const nowMs = performance.now();
      if (isRight) return nowMs - startedAtMs;
      if (nowMs - startedAtMs > 20_000) throw new Error(`${name} is not answered`);
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  }

  async ask(name: string, address: string | null): Promise<boolean> {
    this.asked += 1;
    const id = this.#id++ & 0xffff;
    const query = dns.encode({ type: 'query', id, questions: [{ type: 'A', name: `${name}.marathon.mesos` }] });
    const answer = await new Promise<dns.DecodedPacket | null>((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        resolve(null);
      }, LOST_AFTER_MS);
      this.#waiting.set(id, (decoded) => {
        clearTimeout(timer);
        resolve(decoded);
      });
      this.#socket.send(query);
    });
    if (answer === null) {
      this.lostCount += 1;
      return false;
    }
    const found = answer.answers?.flatMap((record) => (record.type === 'A' ? [record.data] : [])) ?? [];
    return address === null ? rcodeOf(answer) === 'NXDOMAIN' : found.includes(address);
  }
}

async function atRate(client: Client, changes: Changes, count: number, perSecond: number): Promise<number[]> {
  const startedAtMs = performance.now();
  const under: Promise<number>[] = [];
  while (under.length < count) {
    const due = Math.min(count, ((performance.now() - startedAtMs) * perSecond) / 1000);
    while (under.length < due) under.push(client.timed(changes.next()));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return await Promise.all(under);
}

/** @returns how long after the last change all were answered, milliseconds */
async function burstOf(client: Client, changes: Changes, count: number, withinMs: number): Promise<number> {
  const startedAtMs = performance.now();
  let open: Change[] = [];
  while (open.length < count) {
    const due = Math.min(count, ((performance.now() - startedAtMs) * count) / withinMs);
    while (open.length < due) {
      const change = changes.next();
      change.make();
      open.push(change);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const lastAtMs = performance.now();
  // Of a name that has begun and ended the end counts.
  open = [...new Map(open.map((change) => [change.name, change])).values()];
  while (open.length > 0) {
    const asked = open.slice(0, 20);
    const isRight = await Promise.all(asked.map(({ name, address }) => client.ask(name, address)));
    open = [...open.slice(20), ...asked.filter((_, i) => !isRight[i])];
    if (performance.now() - lastAtMs > 10_000)
      throw new Error(
        `${open.length} names are not answered: ${open
          .slice(0, 5)
          .map(({ name, address }) => `${name} ${address}`)
          .join(', ')}`,
      );
  }
  return performance.now() - lastAtMs;
}

function startLoad(port: number, cluster: Cluster): Worker {
  const names = [...cluster.frameworks.values()].flatMap(({ tasks }) => [...tasks.values()].slice(0, 500));
  const queries = names.map(({ name }, id) =>
    dns.encode({ type: 'query', id, questions: [{ type: 'A', name: `${name.replaceAll('.', '-')}.marathon.mesos` }] }),
  );
  return new Worker(new URL('./load-thread.js', import.meta.url), {
    workerData: { queries, port, perSecond: LOAD_PER_SECOND },
  });
}

/** The types of dns-packet leave it out. */
function rcodeOf(answer: dns.DecodedPacket): string {
  return (answer as unknown as { rcode: string }).rcode;
}

function percentiles(values: readonly number[]): Record<string, string> {
  const ascending = [...values].sort((one, other) => one - other);
  const at = (share: number) =>
    (ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? 0).toFixed(1);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
