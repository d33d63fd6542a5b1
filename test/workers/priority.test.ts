import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { getPriority, release } from 'node:os';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { loadLibc } from '../../src/sockets/libc.ts';
import { ownThreads, startAt, takeShortTurns } from '../../src/workers/priority.ts';

it('asks for short turns on the processor, and keeps the nice value', async () => {
  const nice = getPriority();
  assert.equal(takeShortTurns(await loadLibc()), true);
  assert.equal(getPriority(), nice);
  if (keepsSlices()) assert.equal(sliceNs(), 100_000);
});

it('starts threads with a nice value, and leaves the others theirs', async () => {
  const nice = getPriority();
  const others = ownThreads();
  const worker = startAt(nice + 3, () => new Worker('setInterval(() => {}, 1000)', { eval: true }));
  try {
    const started = ownThreads().filter((thread) => !others.includes(thread));
    assert.deepEqual(
      started.map((thread) => getPriority(thread)),
      [nice + 3],
    );
    assert.ok(others.every((thread) => getPriority(thread) !== nice + 3));
  } finally {
    await worker.terminate();
  }
});

/** Of the calling thread, as the kernel tells it; null where it does not. */
function sliceNs(): number | null {
  try {
    const [, slice] = /^se\.slice\s*:\s*(\d+)$/m.exec(readFileSync('/proc/thread-self/sched', 'utf8')) ?? [];
    return slice === undefined ? null : Number(slice);
  } catch {
    return null;
  }
}

function keepsSlices(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return sliceNs() !== null && (major > 6 || (major === 6 && minor >= 12));
}
