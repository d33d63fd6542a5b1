// The drill of an outage, seconds instead of minutes.

import { describe, it } from 'node:test';
import { runDrill } from './run-drill.ts';

describe('in an outage of ZooKeeper and all masters', () => {
  it('everything known is answered, over restarts too, and is fresh when they are back', async (t) => {
    await runDrill(t, 'outage', '--minutes', '0.05', '--slack', '3');
  });
});
