// How many processor cores this process may keep busy: those it is bound to, and no more than its control groups grant.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** What the answer is read from, for tests. */
export interface CoreSources {
  /** The cores of the process's affinity mask. */
  readonly parallelism: number;
  /** The text of a file; throws where there is none. */
  readFile(path: string): string;
}

const MACHINE: CoreSources = {
  parallelism: availableParallelism(),
  readFile: (path) => readFileSync(path, 'utf8'),
};

const CGROUP_ROOT = '/sys/fs/cgroup';

/** At least 1. A share of a core counts as a core: a thread that is throttled now and then serves better than none. */
export function availableCores(sources: CoreSources = MACHINE): number {
  const quota = Math.min(quotaV2(sources), quotaV1(sources));
  return Math.max(1, Math.min(sources.parallelism, Math.ceil(quota)));
}

/** The smallest quota on the way from this process's group to the root; within a container the root is its own group. */
function quotaV2({ readFile }: CoreSources): number {
  const group = /^0::(\/.*)$/m.exec(textOf(readFile, '/proc/self/cgroup'))?.[1] ?? '/';
  let smallest = Number.POSITIVE_INFINITY;
  for (let path = group; ; path = dirname(path)) {
    // `max 100000`, or `150000 100000`: microseconds of processor time in a period of so many
    const [quota, period] = textOf(readFile, join(CGROUP_ROOT, path, 'cpu.max')).split(/\s+/);
    const cores = Number(quota) / Number(period);
    if (cores > 0) smallest = Math.min(smallest, cores);
    if (path === '/') return smallest;
  }
}

function quotaV1({ readFile }: CoreSources): number {
  const number = (file: string) => Number(textOf(readFile, join(CGROUP_ROOT, 'cpu', file)));
  const cores = number('cpu.cfs_quota_us') / number('cpu.cfs_period_us');
  return cores > 0 ? cores : Number.POSITIVE_INFINITY;
}

function textOf(readFile: CoreSources['readFile'], path: string): string {
  try {
    return readFile(path).trim();
  } catch {
    return '';
  }
}
