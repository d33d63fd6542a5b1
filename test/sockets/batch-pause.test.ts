import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { BatchPause } from '../../src/sockets/batch-pause.ts';
import { loadLibc } from '../../src/sockets/libc.ts';

/** A C library whose every sleep takes so long. */
function sleepyLibc({ sleepMs, result = 0 }: { sleepMs: number; result?: number }) {
  const calls = { sleeps: 0, nowMs: 0 };
  const libc = {
    nanosleep: () => {
      calls.sleeps += 1;
      calls.nowMs += sleepMs;
      return result;
    },
    prctl: () => 0,
    addressOf: () => 0,
  };
  const pause = new BatchPause(libc, () => calls.nowMs);
  calls.sleeps = 0;
  return { pause, calls };
}

function sleepsAfter(count: number, { pause, calls }: ReturnType<typeof sleepyLibc>): number {
  const before = calls.sleeps;
  pause.after(count);
  return calls.sleeps - before;
}

describe('BatchPause', () => {
  it('pauses behind batches of middle size, and lets who asks alone or with many others not wait', () => {
    const machine = sleepyLibc({ sleepMs: 0.03 });
    for (const count of [0, 1, 3, 16, 64]) assert.equal(sleepsAfter(count, machine), 0, `${count}`);
    for (const count of [4, 9, 15]) assert.equal(sleepsAfter(count, machine), 1, `${count}`);
  });

  it('makes no pauses where timers are coarse', () => {
    assert.equal(sleepsAfter(9, sleepyLibc({ sleepMs: 4 })), 0);
  });

  it('makes no pauses where the system call is refused', () => {
    assert.equal(sleepsAfter(9, sleepyLibc({ sleepMs: 0, result: -1 })), 0);
  });

  it('takes 20 microseconds and little more with the real C library', async () => {
    const pause = new BatchPause(await loadLibc());
    const times = Array.from({ length: 200 }, () => {
      const startMs = performance.now();
      pause.after(9);
      return performance.now() - startMs;
    }).sort((a, b) => a - b);
    assert.ok((times[0] ?? 0) >= 0.02, `${times[0]} ms`);
    assert.ok((times[50] ?? 1) < 0.1, `the quickest quarter took up to ${times[50]} ms`);
  });
});
