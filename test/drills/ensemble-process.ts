// Three stand-in masters of a large cluster in a process of their own, registered in ZooKeeper. It tells when one of them
// leads there.

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
  /** An application that this run of the cluster has more than others; null: none. */
  readonly newcomer: string | null;
}

export interface EnsembleReady {
  /** By name in DNS: the addresses of its tasks. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** When they began to register in ZooKeeper, which is all that clients know of them; Unix time in milliseconds. */
  readonly backAtMs: number;
}

/** Tasks run since then: masters that come back are told so by their agents. */
const BEGAN_MS = Date.UTC(2026, 0, 1);
const CLOCK: Clock = { ...systemClock, now: () => BEGAN_MS };

// A real master runs on another machine: here it has to wait for the cores.
setPriority(10);
process.on('disconnect', () => process.exit(0));
process.once('message', (setup: EnsembleSetup) => void start(setup));

async function start({ tasks, servers, path, newcomer }: EnsembleSetup): Promise<void> {
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
  const ensemble = new Ensemble(cluster, { masters: [{ events: {} }, { events: {} }, { events: {} }] });
  await ensemble.start();
  // Writing and packing the first document takes this process many times as long as a real master.
  await askForState(ensemble.leader?.endpoint ?? '');
  const backAtMs = Date.now();
  const registration = new EnsembleRegistration(ensemble, { servers, path });
  await registration.settled();
  process.send?.({ names, backAtMs } satisfies EnsembleReady);
}

async function askForState(endpoint: string): Promise<void> {
  const { status, body } = await fetch(`http://${endpoint}/state`, { headers: { 'accept-encoding': 'gzip' } });
  if (status !== 200) throw new Error(`the leading master answers ${status}`);
  await body?.pipeTo(new WritableStream());
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
