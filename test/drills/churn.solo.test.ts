// The drill of churn, for as long as a test may take. Caches fill up meanwhile, so that its first tenth is no measure for
// the rest of a long life; `npm run drills -- churn` has that.

import { describe, it } from 'node:test';
import { runDrill } from './run-drill.ts';

describe('under churn', () => {
  it('the program does not grow, and has the records of one that has just started', async (t) => {
    await runDrill(t, 'churn', '--changes', '60000', '--tasks', '1000', '--growth', '15');
  });
});
