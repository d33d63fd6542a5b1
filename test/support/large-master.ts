// A stand-in master over a cluster of 20,000 tasks, in a process of its own, so that writing its documents does not
// delay the test that started it. It says `{ endpoint, names }` once it listens, changes the cluster at each message, and
// ends when the channel closes.

import { setPriority } from 'node:os';
import { Ensemble } from '../../src/standin/ensemble.ts';
import { largeCluster, MEDIUM } from '../../src/standin/large.ts';

export interface LargeMasterReady {
  readonly endpoint: string;
  /** Names of applications which run all the time, without the framework's part. */
  readonly names: readonly string[];
}

// A real master runs on another machine: here it has to wait for the cores.
setPriority(19);
const { cluster, scheduler } = largeCluster(MEDIUM);
const ensemble = new Ensemble(cluster, { masters: [{}] });
await ensemble.start();

const names = scheduler.apps.map(({ name }) => name);
let turn = 0;
process.on('message', () => {
  // Other tasks on other agents under the same names.
  for (let count = 0; count < 20; count += 1) scheduler.restart(names[turn++ % names.length] ?? '');
});
process.on('disconnect', () => process.exit(0));
process.send?.({ endpoint: ensemble.endpoints[0] ?? '', names } satisfies LargeMasterReady);
