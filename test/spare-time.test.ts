import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { untilIdle } from '../src/spare-time.ts';

const never = new Promise<never>(() => undefined);
const LONG_MS = 3_600_000;

test('a thread that waits for others is idle', async () => {
  await untilIdle(never, LONG_MS);
});

/** Far beyond any time that this process stands still. */
const GUARD_MS = 10_000;

/** Busy in the event loop, as while a document comes. @returns whether the promise settled meanwhile, with which it ends */
async function settlesWithin(promise: Promise<void>, busyMs: number): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (const end = performance.now() + busyMs; !settled && performance.now() < end; ) await turn();
  return settled;
}

test('a thread that is busy is not, however often it looks', async () => {
  const idle = untilIdle(never, LONG_MS);
  assert.equal(await settlesWithin(idle, 300), false);
  await idle;
});

test('it is waited for no longer than until the promise has settled, well or badly', async () => {
  assert.equal(await settlesWithin(untilIdle(Promise.resolve(), LONG_MS), GUARD_MS), true);
  assert.equal(await settlesWithin(untilIdle(Promise.reject(new Error('ended')), LONG_MS), GUARD_MS), true);
});

test('and no longer than the limit', async () => {
  assert.equal(await settlesWithin(untilIdle(never, 100), GUARD_MS), true);
});
