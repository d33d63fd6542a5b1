import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoffMs } from '../../src/leader/backoff.ts';

describe('backoffMs', () => {
  it('doubles from 100 ms to 0.5 s', () => {
    const delays = [1, 2, 3, 4, 5, 6, 1000].map((failures) => backoffMs(failures, 1, 1));
    assert.deepEqual(delays, [100, 200, 400, 500, 500, 500, 500]);
  });

  it('doubles after a round through all servers', () => {
    const delays = [1, 2, 3, 4, 6, 7].map((failures) => backoffMs(failures, 3, 1));
    assert.deepEqual(delays, [100, 100, 100, 200, 200, 400]);
  });

  it('waits at least half of it', () => {
    assert.equal(backoffMs(1, 1, 0), 50);
    assert.equal(backoffMs(50, 1, 0), 250);
  });
});
