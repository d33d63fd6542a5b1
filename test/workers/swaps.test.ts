// Tables are swapped, and their memory used again, while queries are answered: none is lost, no answer is of two
// generations. `npm run bench:swap` shows the same under full load, with large zones.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { decode } from 'dns-packet';
import type { TableInput } from '../../src/engine/table-input.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { ServiceSupervisor } from '../../src/workers/supervisor.ts';
import { bestOf } from '../support/best-of.ts';
import { DRIVERS, serviceSettings } from '../support/dns-service.ts';
import { buildGenerations, type Generations } from '../support/generations.ts';
import { freePort } from '../support/ports.ts';
import { UdpClient } from '../support/udp-client.ts';
import { query, recordSet, SOA, tableInput } from '../support/zone.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const APPS = 300;
const GENERATIONS = 3;
const FIRST_TTL = 1000;
const OPEN_QUERIES = 40;
const DURATION_MS = 1200;
/** On a busy machine it takes longer until there was a load at all, and tables were swapped under it. */
const DURATION_MAX_MS = 60_000;
const QUERIES_MIN = 1000;

/** Every record of a generation has its TTL, and addresses and ports that no other has. */
function generation(number: number): TableInput {
  const lines = Array.from({ length: APPS }, (_, app) => [
    `app-${app}.mesos. A 10.${number}.${app >> 8}.${app & 255}`,
    `app-${app}.mesos. A 10.${number}.100.${app & 255}`,
    `_app-${app}._tcp.mesos. SRV app-${app}.mesos.:${2000 + number}`,
  ]).flat();
  const ttl = FIRST_TTL + number;
  return tableInput(recordSet(lines), { ttl, soa: { ...SOA, minimum: ttl } });
}

async function serving(io: 'batched' | 'dgram'): Promise<{ generations: Generations; asking: UdpClient }> {
  const generations = await buildGenerations(Array.from({ length: GENERATIONS }, (_, i) => generation(i)));
  const port = await freePort();
  const supervisor = new ServiceSupervisor({
    settings: serviceSettings({ module: generations.module, memory: generations.memory, io, port, workers: 2 }),
    logger: silentLogger(),
    metrics: createMetrics(),
  });
  await supervisor.start();
  open.push(() => supervisor.stop(0));
  const asking = await UdpClient.open(port);
  open.push(() => asking.close());
  return { generations, asking };
}

/** The generation of every record of an answer. Throws where they differ. */
function generationOf(message: Uint8Array): number {
  const { answers = [], authorities = [], additionals = [] } = decode(Buffer.from(message));
  const ofRecords = [...answers, ...authorities, ...additionals].flatMap((record) => {
    const own = 'ttl' in record && record.ttl !== undefined ? [record.ttl - FIRST_TTL] : [];
    if (record.type === 'A') return [...own, Number(record.data.split('.')[1])];
    return record.type === 'SRV' ? [...own, record.data.port - 2000] : own;
  });
  const [first] = ofRecords;
  assert.ok(first !== undefined, 'an answer without records');
  assert.deepEqual(new Set(ofRecords), new Set([first]));
  return first;
}

interface Swapping {
  readonly everyMs: number;
  readonly swap: () => void;
  /** The time is not over before so many generations are seen, and so many swaps made. */
  readonly generations: number;
  readonly swaps: number;
}

/** Keeps queries underway until the time is over, then waits for the last ones. @returns the generations seen */
async function ask(asking: UdpClient, { everyMs, swap, generations, swaps }: Swapping): Promise<ReadonlySet<number>> {
  const seen = new Set<number>();
  let swapped = 0;
  let asked = 0;
  let answered = 0;
  const next = () => {
    const app = asked % APPS;
    const kinds = [
      query(`app-${app}.mesos`, 'A'),
      query(`_app-${app}._tcp.mesos`, 'SRV'),
      query(`no-${app}.mesos`, 'A'),
    ];
    asking.send(kinds[asked % kinds.length] ?? new Uint8Array());
    asked += 1;
  };
  let error: unknown;
  const startMs = performance.now();
  const isOver = () => {
    const ms = performance.now() - startMs;
    const isEnough = asked > QUERIES_MIN && seen.size >= generations && swapped >= swaps;
    return (ms > DURATION_MS && isEnough) || ms > DURATION_MAX_MS;
  };
  asking.onBytes((message) => {
    answered += 1;
    try {
      seen.add(generationOf(message));
    } catch (torn) {
      error ??= torn;
    }
    if (!isOver()) next();
  });
  const timer = setInterval(() => {
    swapped += 1;
    swap();
  }, everyMs);
  for (let i = 0; i < OPEN_QUERIES; i += 1) next();
  while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 50));
  clearInterval(timer);
  const deadlineMs = performance.now() + 20_000;
  while (answered < asked && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 10));
  if (error !== undefined) throw error;
  assert.equal(answered, asked);
  assert.ok(asked > QUERIES_MIN, `${asked} queries`);
  assert.ok(swapped >= swaps, `${swapped} swaps`);
  return seen;
}

for (const io of DRIVERS) {
  describe(`tables that are swapped under load, with io ${io}`, () => {
    it('lose no query, and every answer is of one generation', async () => {
      const { generations, asking } = await serving(io);
      const swap = () => generations.swap();
      const seen = await ask(asking, { everyMs: 5, swap, generations: GENERATIONS, swaps: 20 });
      assert.deepEqual([...seen].sort(), [0, 1, 2]);
    });

    it('may lie in memory that the one before has just left', async (test) => {
      const inputs = Array.from({ length: 20 }, (_, i) => generation(GENERATIONS + i));
      // One table takes less than 200 KB; three at a time are all that is needed, unless a thread stands still in a batch:
      // all that come meanwhile are kept then.
      await bestOf(test, { 'octets more': 3 * 2 ** 20 }, async () => {
        const { generations, asking } = await serving(io);
        let number = 0;
        const before = generations.memory.buffer.byteLength;
        const swap = () => {
          const input = inputs[number % inputs.length];
          number += 1;
          if (input !== undefined) generations.replace(input);
        };
        const seen = await ask(asking, { everyMs: 20, swap, generations: 11, swaps: 21 });
        assert.ok(seen.size > 10);
        return { 'octets more': generations.memory.buffer.byteLength - before };
      });
    });
  });
}
