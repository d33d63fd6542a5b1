// The first use of a page of memory costs a page fault, as much as writing dozens of names. Before a large table is built,
// another thread uses its memory ahead.

import { Worker } from 'node:worker_threads';

/** What the thread is told. */
export interface TouchedRange {
  readonly memory: WebAssembly.Memory;
  /** Addresses. */
  readonly from: number;
  readonly to: number;
}

/** Begins to have memory used that may be written meanwhile. Its content stays; where no thread can be started, so does all. */
export function touchAhead(range: TouchedRange): void {
  const thread = new Worker(new URL('../../joined/touch-thread.cjs', import.meta.url), { workerData: range });
  thread.on('error', () => undefined);
  thread.unref();
}
