// Which threads go first where there are more of them than processors: those that answer, before those that load.
//
// Loading a large state keeps the main thread and the engine's helpers (garbage collection, compilation) busy for a second
// and more. At equal priority the scheduler makes an answer wait for their time slices: 20,000 tasks loaded once a second
// on 2 processors, 2,000 queries a second, brought 40–50 ms at the 999th of 1,000, and 5–9 ms with this.

import { readdirSync, readlinkSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';
import { type Libc, SCHED_ATTR_SIZE, SCHED_NICE, SCHED_RUNTIME, SYS_SCHED_SETATTR } from '../sockets/libc.ts';

/** Added to the nice value of what must not disturb; its share beside an answering thread is then a tenth. */
export const YIELD = 10;

/** Likewise of the thread that forwards: what has to come from elsewhere may wait for what is known here. */
const FORWARDING_YIELD = 5;

/** The nice value of a thread that forwards and does not answer UDP itself, from that of the threads that do. */
export function forwardingPriority(nice: number): number {
  return Math.min(constants.priority.PRIORITY_LOW, nice + FORWARDING_YIELD);
}

/** Thread ids of this process, in the sense of Linux; none on other systems. */
export function ownThreads(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [];
  }
}

/** Lowers the priority of threads of this process, the main one's until MainPriority raises it. Threads that they start later inherit it. */
export function lowerPriority(threads: readonly number[]): void {
  for (const thread of threads) {
    // On Linux the value belongs to a thread, though the system call is named for processes.
    ignoringErrors(() => setPriority(thread, Math.min(constants.priority.PRIORITY_LOW, getPriority(thread) + YIELD)));
  }
}

/**
 * Gives the calling thread this nice value. Needs a privilege where that is a raise: a thread which was started again
 * by a lowered one stays lowered without.
 */
export function takePriority(nice: number): void {
  ignoringErrors(() => {
    const thread = Number(basename(readlinkSync('/proc/thread-self')));
    if (getPriority(thread) !== nice) setPriority(thread, nice);
  });
}

/** Has threads started that have this nice value from the first moment on. It must not be a raise. */
export function startAt<T>(nice: number, start: () => T): T {
  const before = new Set(ownThreads());
  const started = start();
  for (const thread of ownThreads()) if (!before.has(thread)) ignoringErrors(() => setPriority(thread, nice));
  return started;
}

/** The shortest that Linux grants. */
const SLICE_NS = 100_000n;

/**
 * Asks for short turns on the processor for the calling thread, which in exchange come at once: from Linux 6.12 on, who
 * wakes up with a shorter turn to ask for goes before who is in the middle of a longer one. Older kernels take no notice.
 *
 * @returns whether it was granted
 */
export function takeShortTurns(libc: Libc): boolean {
  if (SYS_SCHED_SETATTR === undefined) return false;
  const attributes = new DataView(new ArrayBuffer(SCHED_ATTR_SIZE));
  attributes.setUint32(0, SCHED_ATTR_SIZE, true);
  attributes.setInt32(SCHED_NICE, getPriority(), true);
  attributes.setBigUint64(SCHED_RUNTIME, SLICE_NS, true);
  return libc.syscall(SYS_SCHED_SETATTR, 0, attributes.buffer, 0) === 0;
}

/** A priority is a favour: the program works without. */
function ignoringErrors(action: () => void): void {
  try {
    action();
  } catch {
    // Another system, a sandbox, or a thread that has ended meanwhile.
  }
}
