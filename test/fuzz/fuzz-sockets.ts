// Fuzzed queries to the real process: over UDP with each driver, and over TCP. Every answer is judged, every query that is
// due one must get one, and the process must serve as before in the end.

import { readFileSync } from 'node:fs';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { type Program, startProgram } from '../support/program.ts';
import { verdictOn } from './judge.ts';
import { QueryPool } from './query-pool.ts';
import { Random } from './random.ts';
import { dueTo } from './reading.ts';
import { EchoUpstream, type FuzzWire, TcpWire, UdpWire } from './wires.ts';

export const WAYS = ['batched', 'dgram', 'tcp'] as const;
export type Way = (typeof WAYS)[number];

export interface SocketFuzzOptions {
  readonly way: Way;
  readonly seed: number;
  readonly count: number;
  readonly onProgress?: (count: number) => void;
}

export interface SocketFuzzResult {
  readonly sent: number;
  readonly answered: number;
  /** Queries over UDP that were sent again, because the answer did not come in time. */
  readonly resent: number;
  readonly residentBytes: number;
}

const UDP_PAYLOAD_SIZE = 1232;
const OPEN_QUERIES = 200;
const ID_COUNT = 65_536;
/** Longer than the forwarder takes to give up. */
const ANSWER_WITHIN_MS = 1500;
const TRIES = 6;
const LARGEST_UDP = 4096;

/** @throws Error that names seed, query and fault */
export async function fuzzSockets({ way, seed, count, onProgress }: SocketFuzzOptions): Promise<SocketFuzzResult> {
  const { cluster } = demoCluster();
  const master = new StandinMaster(cluster);
  await master.start();
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  const upstream = await EchoUpstream.start();
  let program: Program | undefined;
  let wire: FuzzWire | undefined;
  try {
    program = await startProgram(
      {
        masters: [master.endpoint],
        resolvers: [upstream.address],
        io: way === 'dgram' ? 'dgram' : 'auto',
        refreshSeconds: 3600,
        nsid: 'fuzzed',
      },
      { untilLoaded: true },
    );
    wire = way === 'tcp' ? new TcpWire(program.dnsPort) : await UdpWire.open(program.dnsPort);
    const result = await run(wire, { way, seed, count, ...(onProgress === undefined ? {} : { onProgress }) });
    const after = await program.ask('nginx.marathon.mesos');
    if (after.answers.length !== 1) throw new Error(`seed ${seed}: another answer than before, after ${count} packets`);
    return { ...result, residentBytes: residentBytes(program.pid) };
  } finally {
    wire?.close();
    await program?.stop();
    upstream.close();
    await master.stop();
  }
}

interface Open {
  readonly query: Uint8Array;
  tries: number;
  sentAtMs: number;
}

async function run(wire: FuzzWire, { way, seed, count, onProgress }: SocketFuzzOptions) {
  const random = new Random(seed);
  const pool = new QueryPool(random);
  const transport = way === 'tcp' ? 'tcp' : 'udp';
  const open = new Map<number, Open>();
  /** Ids of queries to which nothing may be said. */
  const silent = new Map<number, Uint8Array>();
  let fault: string | null = null;
  let wake = () => {};
  let answered = 0;
  let resent = 0;

  wire.onAnswer = (message) => {
    const id = message.length < 2 ? -1 : (message[0] ?? 0) * 256 + (message[1] ?? 0);
    const refused = silent.get(id);
    if (refused !== undefined) fault ??= `an answer to ${hex(refused)}`;
    const waiting = open.get(id);
    // A second answer, to a query that was sent twice, finds nobody.
    if (waiting === undefined) return;
    open.delete(id);
    answered += 1;
    const found = verdictOn(
      waiting.query,
      { kind: 'answer', message },
      { transport, udpPayloadSize: UDP_PAYLOAD_SIZE },
    );
    if (found !== null) fault ??= `${found}: ${hex(waiting.query)}`;
    wake();
  };
  const settle = async (most: number) => {
    while (open.size > most && fault === null) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, 100).unref();
      });
      const now = performance.now();
      for (const [id, waiting] of open) {
        if (now - waiting.sentAtMs < ANSWER_WITHIN_MS) continue;
        waiting.tries += 1;
        if (waiting.tries > TRIES) {
          fault ??= `no answer to ${hex(waiting.query)}`;
          open.delete(id);
        } else {
          resent += 1;
          waiting.sentAtMs = now;
          wire.send(waiting.query);
        }
      }
    }
  };

  for (let sent = 0; sent < count && fault === null; sent += 1) {
    let query = pool.next();
    while (transport === 'udp' && query.length > LARGEST_UDP) query = pool.next();
    const id = sent % ID_COUNT;
    if (query.length >= 2) {
      query[0] = id >> 8;
      query[1] = id & 255;
    }
    silent.delete(id);
    if (dueTo(query).kind === 'silence') silent.set(id, query);
    else open.set(id, { query, tries: 1, sentAtMs: performance.now() });
    wire.send(query);
    if (open.size >= OPEN_QUERIES) await settle(OPEN_QUERIES / 2);
    else if (sent % 1024 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (sent % 4096 === 0) onProgress?.(sent);
  }
  await settle(0);
  if (fault !== null) throw new Error(`${way}, seed ${seed}: ${fault}`);
  return { sent: count, answered, resent };
}

function residentBytes(pid: number): number {
  const [, kilobytes = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
