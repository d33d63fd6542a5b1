// A few seconds of `npm run fuzz -- --sockets`; each failure names the seed.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import { DRIVERS } from '../support/dns-service.ts';
import { fuzzSockets, type Way } from './fuzz-sockets.ts';

const COUNT = 5000;
const WAYS: readonly Way[] = [...DRIVERS, 'tcp'];

describe('the program under fuzzed queries', () => {
  for (const way of WAYS) {
    it(`gives each its due ${way === 'tcp' ? 'over TCP' : `over UDP, with io ${way}`}, and serves as before`, async (test) => {
      const seed = randomInt(2 ** 32);
      test.diagnostic(`seed ${seed}`);
      const { answered } = await fuzzSockets({ way, seed, count: COUNT });
      assert.ok(answered > 0.9 * COUNT, `seed ${seed}: ${answered} answers`);
    });
  }
});
