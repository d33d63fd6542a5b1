// Readers beside the writer: an answer is whole and the present one, however fast entries are replaced and segments reused.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { TCP } from '../support/zone.ts';
import type { OverwritingSetup } from './overwriting-thread.ts';
import { createTestCache, type TestCache } from './support.ts';
import { COUNTS, countOf, NAMES, nameOf, questionFor, readVersion } from './versions.ts';

const ENOUGH_MS = 550;
const ENOUGH_ANSWERS = 100;
const ENOUGH_STORES = 1000;
/** On a busy machine it takes longer until there was enough of both. */
const GUARD_MS = 60_000;

/** Has a thread write to the cache until the returned function is called, which tells how many answers it has stored. */
async function overwrite(t: TestContext, cache: TestCache, shared: Int32Array, flushEvery: number) {
  const workerData: OverwritingSetup = { module: cache.engine.module, memory: cache.engine.memory, shared, flushEvery };
  const thread = new Worker(new URL('./overwriting-thread.js', import.meta.url), { workerData });
  t.after(() => thread.terminate());
  await once(thread, 'message');
  return async (): Promise<number> => {
    const told = once(thread, 'message');
    Atomics.store(shared, 1, 1);
    const [stores] = (await told) as [number];
    return stores;
  };
}

for (const build of ['debug', 'release'] as const) {
  describe(`the cache beside its writer (${build})`, () => {
    for (const flushEvery of [0, 20]) {
      const how = flushEvery === 0 ? 'replaced' : 'replaced and forgotten';
      it(`answers from one version, the present one, while everything is ${how} all the time`, async (t) => {
        const cache = await createTestCache({}, build);
        const shared = new Int32Array(new SharedArrayBuffer(8));
        const stop = await overwrite(t, cache, shared, flushEvery);
        const questions = Array.from({ length: NAMES }, (_, name) => questionFor(name));
        let answered = 0;
        const startedMs = performance.now();
        const isOver = () => {
          const ms = performance.now() - startedMs;
          const rounds = Atomics.load(shared, 0);
          return (ms > ENOUGH_MS && answered > ENOUGH_ANSWERS && rounds * NAMES > ENOUGH_STORES) || ms > GUARD_MS;
        };
        while (!isOver()) {
          for (const [name, question] of questions.entries()) {
            const before = Atomics.load(shared, 0);
            const verdict = cache.answerer.answer(question, TCP);
            if (verdict.kind !== 'answered') continue;
            const newest = Atomics.load(shared, 0);
            const version = readVersion(verdict.message, question.length);
            assert.equal(nameOf(version), name);
            answered += 1;
            // The round before the last complete one is over; the one that goes on may have come here already.
            const age = (newest + COUNTS - countOf(version)) % COUNTS;
            const allowed = newest - before + 1;
            assert.ok(age <= allowed, `${age} rounds old, expected at most ${allowed}`);
          }
        }
        const stores = await stop();
        assert.ok(answered > ENOUGH_ANSWERS && stores > ENOUGH_STORES, `${answered} answers beside ${stores} stores`);
        t.diagnostic(`${answered} answers beside ${stores} stores`);
      });
    }
  });
}
