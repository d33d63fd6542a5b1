// Waits for a condition instead of a time: the limit is a guard, which a machine that stands still for seconds does not reach.

import { setTimeout as sleep } from 'node:timers/promises';

const GUARD_MS = 60_000;
const LOOK_EVERY_MS = 5;

/** @throws Error that names `what` where it does not hold within 60 s */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const giveUpAt = performance.now() + GUARD_MS;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`no ${what} within ${GUARD_MS} ms`);
    await sleep(LOOK_EVERY_MS);
  }
}
