import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bestOf } from './best-of.ts';

function recording() {
  const told: string[] = [];
  return { told, test: { diagnostic: (message: string) => void told.push(message) } };
}

describe('bestOf', () => {
  it('ends with the first round in which all has held, and tells of each', async () => {
    const { told, test } = recording();
    const figures = [3, 1.234, 0];
    await bestOf(test, { ms: 2 }, (round) => ({ ms: figures[round - 1] ?? 0 }));
    assert.deepEqual(told, ['round 1: 3 ms', 'round 2: 1.23 ms']);
  });

  it('lets each figure hold in a round of its own', async () => {
    const { told, test } = recording();
    await bestOf(test, { ms: 2, MB: 2 }, (round) => (round === 1 ? { ms: 1, MB: 9 } : { ms: 9, MB: 1 }));
    assert.equal(told.length, 2);
  });

  it('fails with all figures where none holds, also where they are not numbers', async () => {
    const { told, test } = recording();
    const failing = bestOf(test, { ms: 2 }, (round) => ({ ms: round === 2 ? Number.NaN : 2 }), { rounds: 4 });
    await assert.rejects(failing, /ms: 2, NaN, 2, 2 in 4 rounds, never below 2/);
    assert.equal(told.length, 4);
  });
});
