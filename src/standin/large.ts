// Big clusters, quickly: for benches and tests of size.

import { type Clock, seededRandom, systemClock } from './clock.ts';
import { Cluster } from './cluster.ts';
import { type AppSpec, Scheduler } from './scheduler.ts';

export interface LargeOptions {
  readonly agents: number;
  readonly tasks: number;
  /** Tasks per application (default 10). */
  readonly instancesPerApp?: number;
  readonly clock?: Clock;
  readonly seed?: number;
}

/** 1,000 agents, 20,000 tasks: a `/state` of about 15 MB. */
export const MEDIUM: LargeOptions = { agents: 1000, tasks: 20_000 };
/** 5,000 agents, 100,000 tasks: a `/state` of about 75 MB. */
export const HUGE: LargeOptions = { agents: 5000, tasks: 100_000 };

export interface LargeCluster {
  readonly cluster: Cluster;
  /** Scales and restarts the applications, for churn. */
  readonly scheduler: Scheduler;
}

const GROUPS = ['shop', 'search', 'billing', 'media', 'data', 'edge', 'mail', 'lab'];
const TEAMS = ['front', 'back', 'batch', 'core'];
const SERVICES = ['web', 'api', 'worker', 'cache', 'queue'];

/**
 * Applications in groups (`web12.front.shop`). Of each five, two have plain host ports, two announce a named host port,
 * and one is on a container network, every other time with IPv6.
 */
export function largeCluster(options: LargeOptions): LargeCluster {
  const cluster = new Cluster({ clock: options.clock ?? systemClock, random: seededRandom(options.seed ?? 1) });
  for (let number = 0; number < options.agents; number += 1) {
    cluster.addAgent({
      ip: `10.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`,
      hostname: `agent-${number}.example`,
      attributes: { rack: `r${number % 40}`, zone: `z${number % 3}` },
      cpus: 48,
    });
  }
  const scheduler = new Scheduler(
    cluster,
    { name: 'marathon', hostname: 'marathon.example', pid: 'scheduler-1@10.255.0.1:15101', principal: 'marathon' },
    { withoutStarting: true },
  );
  const perApp = options.instancesPerApp ?? 10;
  for (let number = 0; number * perApp < options.tasks; number += 1) {
    scheduler.launch({ ...application(number), instances: Math.min(perApp, options.tasks - number * perApp) });
  }
  return { cluster, scheduler };
}

function application(number: number): AppSpec {
  const pick = (list: readonly string[], from: number): string => list[from % list.length] ?? '';
  const service = pick(SERVICES, number);
  const team = pick(TEAMS, Math.floor(number / SERVICES.length));
  const group = pick(GROUPS, Math.floor(number / (SERVICES.length * TEAMS.length)));
  const name = `${service}${number}.${team}.${group}`;
  const onContainerNetwork = number % 5 === 4;
  return {
    name,
    instances: 1,
    ports: onContainerNetwork
      ? [{ name: 'http', containerPort: 8080 }]
      : [{ name: 'http', ...(number % 3 === 0 ? { vip: `/${name}:80` } : {}) }],
    ...(number % 5 < 2 ? {} : { discovery: {} }),
    ...(onContainerNetwork ? { network: { name: 'overlay', ipv6: number % 10 === 9 } } : {}),
  };
}
