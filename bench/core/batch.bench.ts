// What does a query cost in the core when it comes in a batch, and what does looking up the whole batch ahead save?
//
// Names are drawn at random, so that a large table is not in the processor's caches. Batches of less than 4 are answered one
// query after the other; larger ones on large tables are looked up ahead (assembly/table/warm.ts).

import { BATCH_MAX, DESCRIPTOR_FAMILY, DESCRIPTOR_LENGTH } from '../../src/engine/contract.ts';
import { instantiateCore } from '../../src/engine/core.ts';
import { Engine } from '../../src/engine/engine.ts';
import { descriptorAt, workerViews } from '../../src/engine/memory.ts';
import { seededRandom } from '../../src/standin/clock.ts';
import { query, recordSet, tableInput } from '../../test/support/zone.ts';

const SIZES = [1000, 46_000, 320_000] as const;
const BATCHES = [1, 3, 4, 8, 16, 32, 64] as const;
const QUERIES = 400_000;
const ROUNDS = 5;

export async function run(): Promise<void> {
  const rows: Record<string, Record<string, string>> = {};
  for (const size of SIZES) {
    const engine = await Engine.create();
    const name = (i: number) => `app-${i}.marathon.mesos`;
    engine.publish(
      tableInput(recordSet(Array.from({ length: size }, (_, i) => `${name(i)}. A 10.0.${(i >> 8) & 255}.${i & 255}`))),
    );
    const core = instantiateCore(engine.module, engine.memory);
    const views = workerViews(engine.memory, 0, BATCH_MAX);
    views.random[0] = 1n;
    const random = seededRandom(1);
    const queries = Array.from({ length: QUERIES }, () => query(name(Math.floor(random() * size)), 'A'));

    /** Nanoseconds for each query. */
    const measure = (batch: number): number => {
      let spentMs = 0;
      for (let at = 0; at + batch <= QUERIES; at += batch) {
        for (let slot = 0; slot < batch; slot += 1) {
          const bytes = queries[at + slot] ?? new Uint8Array();
          views.packets[slot]?.set(bytes);
          views.descriptors.setUint32(descriptorAt(slot) + DESCRIPTOR_LENGTH, bytes.length, true);
          views.descriptors.setUint32(descriptorAt(slot) + DESCRIPTOR_FAMILY, 1, true);
        }
        const startMs = performance.now();
        core.answerBatch(views.address, batch);
        spentMs += performance.now() - startMs;
      }
      return (spentMs * 1e6) / QUERIES;
    };
    measure(BATCH_MAX);
    const best = new Map<number, number>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const batch of BATCHES)
        best.set(batch, Math.min(best.get(batch) ?? Number.POSITIVE_INFINITY, measure(batch)));
    }
    rows[`${size.toLocaleString('en')} names, ns/query`] = Object.fromEntries(
      [...best].map(([batch, ns]) => [`batches of ${batch}`, ns.toFixed(0)]),
    );
  }
  console.table(rows);
}
