// A few seconds of `npm run fuzz`, on both builds of the module; each failure names the seed.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import { fuzzCore } from './fuzz-core.ts';

const COUNTS = { release: 60_000, debug: 20_000 } as const;

for (const build of ['release', 'debug'] as const) {
  describe(`the ${build} core under fuzzed queries`, () => {
    it('gives each its due, and writes nowhere but into the slots and its own block', async (test) => {
      const seed = randomInt(2 ** 32);
      test.diagnostic(`seed ${seed}`);
      const { reactions, rcodes } = await fuzzCore({ build, seed, count: COUNTS[build] });
      for (const [kind, times] of Object.entries(reactions)) assert.ok(times > 300, `seed ${seed}: ${times} × ${kind}`);
      for (const rcode of [0, 1, 3, 4, 5]) {
        assert.ok((rcodes.get(rcode) ?? 0) > 300, `seed ${seed}: ${rcodes.get(rcode)} × rcode ${rcode}`);
      }
    });
  });
}
