// Stand-in masters over a small cluster, registered in a real ZooKeeper: what the program meets in production, but for
// the machines.

import { Cluster } from '../../src/standin/cluster.ts';
import { Ensemble, type EnsembleOptions } from '../../src/standin/ensemble.ts';
import { EnsembleRegistration } from '../../src/standin/registration.ts';
import { Scheduler } from '../../src/standin/scheduler.ts';
import type { TestZooKeeper } from './zookeeper.ts';

/** Addresses of the agents. */
export const AGENTS = ['10.0.0.11', '10.0.0.12', '10.0.0.13'] as const;
/** An address for each master, so that `leader.mesos` tells them apart. */
export const MASTERS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;

export interface Election {
  readonly ensemble: Ensemble;
  readonly registration: EnsembleRegistration;
  /** Marathon, without applications. */
  readonly scheduler: Scheduler;
  close(): Promise<void>;
}

export interface ElectionSettings extends Pick<EnsembleOptions, 'pace'> {
  readonly path: string;
  /**
   * Milliseconds, 2,000 to 20,000 (default). A master that is killed stays listed so long; one that ZooKeeper does not hear
   * for so long, because ZooKeeper is frozen, is struck off.
   */
  readonly sessionTimeoutMs?: number;
}

/** Three masters, the first of which leads, and three agents. */
export async function startElection(zookeeper: TestZooKeeper, settings: ElectionSettings): Promise<Election> {
  const { path, pace, sessionTimeoutMs = 20_000 } = settings;
  const cluster = new Cluster();
  for (const ip of AGENTS) cluster.addAgent({ ip });
  const scheduler = new Scheduler(cluster, { name: 'marathon', pid: 'scheduler-1@10.0.0.5:15101' });
  const ensemble = new Ensemble(cluster, {
    masters: MASTERS.map((host) => ({ host })),
    ...(pace === undefined ? {} : { pace }),
  });
  await ensemble.start();
  const servers = `${zookeeper.host}:${zookeeper.port}`;
  const registration = new EnsembleRegistration(ensemble, { servers, path, sessionTimeoutMs });
  await registration.settled();
  return {
    ensemble,
    registration,
    scheduler,
    async close() {
      await registration.close();
      await ensemble.stop();
    },
  };
}
