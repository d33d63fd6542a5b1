// The drill of failovers, one of each kind. It runs in a network namespace of its own.

import { describe, it } from 'node:test';
import { runDrill } from './run-drill.ts';

describe('over failovers of real-protocol masters in ZooKeeper', () => {
  it('no client misses a task that runs, and none hears of a killed one for long', async (t) => {
    await runDrill(t, 'failover', '--failovers', '3', '--session', '4', '--rate', '1000', '--slack', '2');
  });
});
