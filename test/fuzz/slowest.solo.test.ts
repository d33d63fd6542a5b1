// That no packet keeps a worker for long.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { fuzzCore } from './fuzz-core.ts';

const LIMIT_MICROS = 20;

it('answers the 100 slowest of 100,000 fuzzed packets in less than 20 µs each', async () => {
  const seed = randomInt(2 ** 32);
  const { slowest } = await fuzzCore({ build: 'release', seed, count: 100_000 });
  assert.equal(slowest.length, 100);
  for (const { micros, query } of slowest) {
    assert.ok(micros < LIMIT_MICROS, `seed ${seed}: ${micros} µs for ${Buffer.from(query).toString('hex')}`);
  }
});
