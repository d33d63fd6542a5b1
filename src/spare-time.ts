// When this thread has nothing to do, for what must be done soon and not first.

import { performance } from 'node:perf_hooks';

const LOOK_EVERY_MS = 20;
/** Of the time between two looks that this thread was busy. Loading modules and reading a document take all of it. */
const BUSY_SHARE = 0.5;

/** Resolves when this thread has waited for others for most of 20 ms, or `latest` has settled, or after `limitMs`. */
export async function untilIdle(latest: Promise<unknown>, limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  await new Promise<void>((resolve) => {
    let before = performance.eventLoopUtilization();
    const look = () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      if (utilization < BUSY_SHARE || performance.now() >= until) done();
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    const done = () => {
      clearInterval(timer);
      resolve();
    };
    latest.then(done, done);
  });
}
