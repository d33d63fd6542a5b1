// Unpredictable numbers by the block: asking the system for each one would cost more than the rest of a query.

import { randomFillSync } from 'node:crypto';

const BLOCK = 1024;

/** A source of integers, 0 to 65535, from the system's generator. */
export function createRandomId(): () => number {
  const block = new Uint16Array(BLOCK);
  let next = BLOCK;
  return () => {
    if (next === BLOCK) {
      randomFillSync(block);
      next = 0;
    }
    const id = block[next] ?? 0;
    block[next] = 0;
    next += 1;
    return id;
  };
}
