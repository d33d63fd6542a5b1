// Figures of speed, on a machine that has other things to do at times: an absolute time is asserted as the best of several
// rounds, of which the first one that holds is the last. What must never happen is asserted in each round, not here.
//
//   await bestOf(test, { 'ms more at p99': 1 }, async () => ({ 'ms more at p99': await measured() }));

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

export const ROUNDS = 3;

export interface BestOfOptions {
  /** At most so many rounds (default 3). */
  readonly rounds?: number;
}

/**
 * Measures until each figure has been below its limit in a round, and tells all of them as diagnostics.
 *
 * @param limits by what is measured, the unit with it
 * @param measure is given the number of the round, from 1; figures that are not numbers hold nothing
 * @throws AssertionError that lists the figures of all rounds where one was never below its limit
 */
export async function bestOf<What extends string>(
  test: Pick<TestContext, 'diagnostic'>,
  limits: Readonly<Record<What, number>>,
  measure: (round: number) => Readonly<Record<What, number>> | Promise<Readonly<Record<What, number>>>,
  { rounds = ROUNDS }: BestOfOptions = {},
): Promise<void> {
  const kinds = Object.keys(limits) as What[];
  const seen: Readonly<Record<What, number>>[] = [];
  const holds = (what: What) => seen.some((figures) => figures[what] < limits[what]);
  while (seen.length < rounds && !(seen.length > 0 && kinds.every(holds))) {
    const figures = await measure(seen.length + 1);
    seen.push(figures);
    test.diagnostic(`round ${seen.length}: ${kinds.map((what) => `${shown(figures[what])} ${what}`).join(', ')}`);
  }
  for (const what of kinds) {
    const all = seen.map((figures) => shown(figures[what])).join(', ');
    assert.ok(holds(what), `${what}: ${all} in ${seen.length} rounds, never below ${limits[what]}`);
  }
}

function shown(figure: number): string {
  return Number.isInteger(figure) ? String(figure) : figure.toFixed(2);
}
