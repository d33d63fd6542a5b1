// An endless row of queries: valid ones as they are, and what became of them.

import { mutated } from './mutations.ts';
import { someQuery } from './queries.ts';
import type { Random } from './random.ts';

const POOL_SIZE = 2048;
/** One query in so many replaces one of the pool. */
const RENEWAL = 16;
/** One query in so many is sent as it is, is random octets, is large. */
const UNCHANGED = 3;
const NOISE = 200;
const LARGE = 300;
const LARGEST = 65_535;

export class QueryPool {
  readonly #random: Random;
  readonly #valid: Uint8Array[];

  constructor(random: Random) {
    this.#random = random;
    this.#valid = Array.from({ length: POOL_SIZE }, () => someQuery(random));
  }

  /** 0 to 65,535 octets; never the same array twice. */
  next(): Uint8Array {
    const random = this.#random;
    if (random.oneIn(RENEWAL)) this.#valid[random.below(POOL_SIZE)] = someQuery(random);
    if (random.oneIn(NOISE)) return random.bytes(random.below(200));
    const chosen = random.pick(this.#valid);
    const query = random.oneIn(UNCHANGED)
      ? Uint8Array.from(chosen)
      : mutated(chosen, random, () => random.pick(this.#valid));
    if (!random.oneIn(LARGE)) return query.length > LARGEST ? query.subarray(0, LARGEST) : query;
    return this.#large(query);
  }

  /** Records to the full size of a message, or of a slot. */
  #large(query: Uint8Array): Uint8Array {
    if (query.length < 12) return query;
    const random = this.#random;
    const size = random.pick([4096, 4096, 8000, LARGEST]);
    const record = random.pick([
      Uint8Array.of(0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0),
      Uint8Array.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 1),
    ]);
    const count = Math.floor((size - query.length) / record.length);
    if (count <= 0) return query;
    const large = new Uint8Array(Buffer.concat([query, ...Array.from({ length: count }, () => record)]));
    const additional = (large[10] ?? 0) * 256 + (large[11] ?? 0) + count;
    large[10] = (additional >> 8) & 255;
    large[11] = additional & 255;
    return large;
  }
}
