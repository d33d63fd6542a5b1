import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { BatchPause } from '../../src/sockets/batch-pause.ts';
import { loadLibc } from '../../src/sockets/libc.ts';
import { until } from '../support/until.ts';

/** A C library whose every sleep takes so long. */
function sleepyLibc({ sleepMs, result = 0, slack = 0 }: { sleepMs: number; result?: number; slack?: number }) {
  const calls = { sleeps: 0, nowMs: 0, sleepMs };
  const libc = {
    nanosleep: () => {
      calls.sleeps += 1;
      calls.nowMs += calls.sleepMs;
      return result;
    },
    prctl: () => slack,
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

  it('makes no pauses where a system call is refused', () => {
    assert.equal(sleepsAfter(9, sleepyLibc({ sleepMs: 0, result: -1 })), 0);
    assert.equal(sleepsAfter(9, sleepyLibc({ sleepMs: 0.03, slack: -1 })), 0);
  });

  it('tries again later where timers were coarse', () => {
    const machine = sleepyLibc({ sleepMs: 4 });
    machine.calls.sleepMs = 0.03;
    let leftOut = 0;
    while (sleepsAfter(9, machine) === 0) leftOut += 1;
    assert.equal(leftOut, 9999);
    assert.equal(sleepsAfter(9, machine), 1);
  });

  it('takes 20 microseconds and little more with the real C library', async () => {
    const libc = await loadLibc();
    // On a busy machine a thread may find timers coarse, and then makes no pauses.
    await until(() => {
      const pause = new BatchPause(libc);
      const times = Array.from({ length: 20 }, () => {
        const startMs = performance.now();
        pause.after(9);
        return performance.now() - startMs;
      });
      const shortest = Math.min(...times);
      return shortest >= 0.02 && shortest < 0.1;
    }, 'short pause');
  });
});
