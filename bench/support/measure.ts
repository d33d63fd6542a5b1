// Time and memory of something that makes a large value: too slow for a statistic over thousands of runs.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Cost {
  /** Processor time of the quickest run, garbage collection in it included, milliseconds. */
  readonly cpuMs: number;
  /** What the value takes while it is kept, bytes. */
  readonly keptBytes: number;
}

const RUNS = 5;

setFlagsFromString('--expose-gc');
export const collectGarbage = runInNewContext('gc') as () => void;

export function measure(make: () => unknown): Cost {
  const costs = Array.from({ length: RUNS }, () => measureOnce(make));
  return { cpuMs: Math.min(...costs.map(({ cpuMs }) => cpuMs)), keptBytes: costs.at(-1)?.keptBytes ?? 0 };
}

/** A function of its own, so that nothing of one run is left when the next begins. */
function measureOnce(make: () => unknown): Cost {
  collectGarbage();
  const heapBefore = process.memoryUsage().heapUsed;
  const before = process.cpuUsage();
  const value = make();
  const { user, system } = process.cpuUsage(before);
  collectGarbage();
  const keptBytes = process.memoryUsage().heapUsed - heapBefore;
  // Read after the collection, so that the value lives through it.
  if (value === undefined) throw new Error('nothing was made');
  return { cpuMs: (user + system) / 1000, keptBytes };
}
