// In which order the upstreams of a route are asked.

import type { Upstream } from './upstream.ts';

/** `sequential`: as configured. `fastest`: the quickest first. `random`: any first. Those that fail are last in each. */
export type ForwardPolicy = 'sequential' | 'fastest' | 'random';

export const FORWARD_POLICIES: readonly ForwardPolicy[] = ['sequential', 'fastest', 'random'];

/** One question in so many goes to another upstream than the quickest, so that it is known how quick that one is now. */
const EXPLORE_EVERY = 32;

/** Those that send questions back to us are left out. */
export function orderUpstreams(
  upstreams: readonly Upstream[],
  policy: ForwardPolicy,
  randomId: () => number,
): readonly Upstream[] {
  if (policy === 'sequential' && upstreams.every((each) => !each.isFailing && !each.isLooping)) return upstreams;
  const healthy = upstreams.filter((each) => !each.isFailing && !each.isLooping);
  const failing = upstreams.filter((each) => each.isFailing && !each.isLooping);
  if (policy === 'random' || (policy === 'fastest' && randomId() % EXPLORE_EVERY === 0)) {
    moveToFront(healthy, randomId() % Math.max(healthy.length, 1));
    if (policy === 'random') moveToFront(failing, randomId() % Math.max(failing.length, 1));
  } else if (policy === 'fastest') {
    // One that has never answered comes first: it has not been asked, or it would be failing.
    const expectedMs = ({ times }: Upstream) => (times.typicalMs === Number.POSITIVE_INFINITY ? 0 : times.typicalMs);
    healthy.sort((a, b) => expectedMs(a) - expectedMs(b));
  }
  return [...healthy, ...failing];
}

function moveToFront(upstreams: Upstream[], index: number): void {
  upstreams.unshift(...upstreams.splice(index, 1));
}
