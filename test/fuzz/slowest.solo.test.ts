// That no packet keeps a worker for long.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { bestOf } from '../support/best-of.ts';
import { fuzzCore } from './fuzz-core.ts';

const LIMIT_MICROS = 20;

it('answers the 100 slowest of 100,000 fuzzed packets in less than 20 µs each', async (test) => {
  // The same packets in each round: one that is slow by itself is slow in all of them.
  const seed = randomInt(2 ** 32);
  await bestOf(test, { 'µs for the slowest': LIMIT_MICROS }, async () => {
    const { slowest } = await fuzzCore({ build: 'release', seed, count: 100_000 });
    assert.equal(slowest.length, 100);
    const [first] = slowest;
    test.diagnostic(`seed ${seed}: ${first?.micros} µs for ${Buffer.from(first?.query ?? []).toString('hex')}`);
    return { 'µs for the slowest': first?.micros ?? Number.NaN };
  });
});
