// The `/state` document of the benches: applications of ten tasks with dotted names, every other one with DiscoveryInfo.

import { Buffer } from 'node:buffer';
import { clusterDocument } from '../../test/support/clusters.ts';

/** Tasks, unless the environment says otherwise: `BENCH_TASKS=100000`. */
const DEFAULT_TASKS = 20_000;
const TASKS_PER_APP = 10;
const TASKS_PER_AGENT = 20;

export const taskCount = Number(process.env['BENCH_TASKS'] ?? DEFAULT_TASKS);

export function benchDocument(): Buffer {
  const apps = Math.ceil(taskCount / TASKS_PER_APP);
  const agents = Math.ceil(taskCount / TASKS_PER_AGENT);
  return Buffer.from(clusterDocument({ tasks: taskCount, agents, apps, groups: true }));
}
