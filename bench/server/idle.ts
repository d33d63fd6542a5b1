// What a server costs while nobody asks.

import { setTimeout as sleep } from 'node:timers/promises';
import { usageOf } from './children.ts';
import type { Contestant } from './field.ts';
import type { ServerName } from './servers.ts';

/** For what the start, and the reading of the whole zone, leave behind: garbage is collected up to 50 s later. */
const SETTLE_MS = 60_000;

/** @returns percent of a core, all servers at the same time */
export async function measureIdle(
  contestants: readonly Contestant[],
  seconds: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<ServerName, number>> {
  await sleep(SETTLE_MS, undefined, { signal });
  const usages = () => Promise.all(contestants.map(({ child }) => usageOf(child)));
  const before = await usages();
  const startMs = performance.now();
  await Promise.race([sleep(seconds * 1000, undefined, { signal }), ...contestants.map(({ child }) => child.failed)]);
  const passedUs = (performance.now() - startMs) * 1000;
  const after = await usages();
  return new Map(
    contestants.map(({ name }, i) => {
      const usedUs = totalUs(after[i]) - totalUs(before[i]);
      return [name, (100 * usedUs) / passedUs];
    }),
  );
}

function totalUs(usage: { readonly userUs: number; readonly systemUs: number } | undefined): number {
  return usage === undefined ? Number.NaN : usage.userUs + usage.systemUs;
}
