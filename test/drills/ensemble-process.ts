// Three stand-in masters of a large cluster in a process of their own, registered in ZooKeeper. It says `ready` when one
// of them leads there, and `returned` after a change that only a cluster which is back can tell of.

import { setPriority } from 'node:os';
import { benchCluster, SIZES, type Size } from '../../bench/server/zone.ts';
import { type Clock, systemClock } from '../../src/standin/clock.ts';
import type { Cluster } from '../../src/standin/cluster.ts';
import { Ensemble } from '../../src/standin/ensemble.ts';
import { EnsembleRegistration } from '../../src/standin/registration.ts';

export interface EnsembleSetup {
  readonly tasks: number;
  /** ZooKeeper's `host:port`. */
  readonly servers: string;
  readonly path: string;
  /** Of the masters, in turn: they come back under the addresses that they had. Empty: any. */
  readonly ports: readonly number[];
  /** An application that this run of the cluster has more than others; null: none. */
  readonly newcomer: string | null;
}

export interface EnsembleReady {
  readonly ports: readonly number[];
  /** By name in DNS: the addresses of its tasks. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** When one of them led and could be asked, Unix time in milliseconds. */
  readonly backAtMs: number;
}

/** Tasks run since then: masters that come back are told so by their agents. */
const BEGAN_MS = Date.UTC(2026, 0, 1);
const CLOCK: Clock = { ...systemClock, now: () => BEGAN_MS };

// A real master runs on another machine: here it has to wait for the cores.
setPriority(10);
process.on('disconnect', () => process.exit(0));
process.once('message', (setup: EnsembleSetup) => void start(setup));

async function start({ tasks, servers, path, ports, newcomer }: EnsembleSetup): Promise<void> {
  const cluster = benchCluster(sizeOf(tasks), CLOCK);
  if (newcomer !== null) launch(cluster, newcomer);
  const names = new Map<string, string[]>();
  const agents = cluster.agents;
  for (const entry of cluster.frameworks.values()) {
    for (const task of entry.tasks.values()) {
      const name = `${task.name.replaceAll('.', '-')}.marathon.mesos`;
      const addresses = task.statuses.at(-1)?.networks?.flatMap((network) => network.addresses) ?? [];
      const known = names.get(name) ?? [];
      known.push(...(addresses.length > 0 ? addresses : [agents.get(task.agentId)?.ip ?? '']));
      names.set(name, known);
    }
  }
  const masters = [0, 1, 2].map((n) => ({ events: {}, port: ports[n] ?? 0 }));
  const ensemble = new Ensemble(cluster, { masters });
  await ensemble.start();
  // From now on whoever remembers their addresses can ask them.
  const backAtMs = Date.now();
  const registration = new EnsembleRegistration(ensemble, { servers, path });
  await registration.settled();
  const known = ensemble.masters.map(({ identity }) => identity.port);
  process.send?.({ ports: known, names, backAtMs } satisfies EnsembleReady);
}

/** The cluster of the benches for 100,000 tasks, others in proportion. */
function sizeOf(tasks: number): Size {
  const share = tasks / SIZES.large.tasks;
  return { apps: Math.ceil(SIZES.large.apps * share), tasks, agents: Math.ceil(SIZES.large.agents * share) };
}

/** Lets one more task run, on the first agent, for the first framework. */
function launch(cluster: Cluster, name: string): void {
  const [agentId = ''] = cluster.agents.keys();
  const [frameworkId = ''] = cluster.frameworks.keys();
  const task = cluster.launchTask({ id: `${name}.1`, name, frameworkId, agentId, cpus: 0.1, memMb: 32, ports: [] });
  cluster.updateTask(frameworkId, task.id, 'TASK_RUNNING');
}
