// The thread of first-touch.ts: it ends when it is done.

import { workerData } from 'node:worker_threads';
import type { TouchedRange } from './first-touch.ts';

const PAGE_BYTES = 4096;

const { memory, from, to } = workerData as TouchedRange;
const words = new Int32Array(memory.buffer);
// A write, for the kernel, that changes nothing: whatever another thread writes meanwhile stays.
for (let at = from; at < to; at += PAGE_BYTES) Atomics.or(words, Math.floor(at / Int32Array.BYTES_PER_ELEMENT), 0);
