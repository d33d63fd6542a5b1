// The real program over the stand-in cluster, for clients that other people wrote.

import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { type Program, startProgram } from '../support/program.ts';

/** More addresses than a UDP answer holds. */
export const LARGE = 120;

export interface ClientServer {
  readonly program: Program;
  readonly port: number;
  /** The host ports of the two tasks of `myapp.dev`. */
  readonly servicePorts: readonly number[];
  stop(): Promise<void>;
}

export async function startServer(keys: Readonly<Record<string, unknown>> = {}): Promise<ClientServer> {
  const { cluster, marathon } = demoCluster();
  marathon.launch({ name: 'large', instances: LARGE, network: { name: 'dual' } });
  const master = new StandinMaster(cluster);
  await master.start();
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  try {
    const program = await startProgram(
      { masters: [master.endpoint], reverseDNSOn: true, refreshSeconds: 3600, ...keys },
      { untilLoaded: true },
    );
    return {
      program,
      port: program.dnsPort,
      servicePorts: marathon.tasks('myapp.dev').flatMap((task) => task.ports),
      async stop() {
        await program.stop();
        await master.stop();
      },
    };
  } catch (error) {
    await master.stop();
    throw error;
  }
}
