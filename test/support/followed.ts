// A started leader detector whose sets are recorded, with ways to wait for one.

import type { LeaderDetector, MasterSet } from '../../src/leader/leader.ts';

export interface Followed {
  readonly detector: LeaderDetector;
  /** Every set announced, oldest first. */
  readonly sets: readonly MasterSet[];
  /** Resolves with the current set as soon as it is as wanted; rejects after `limitMs`. */
  until(what: string, wanted: (set: MasterSet) => boolean, limitMs?: number): Promise<MasterSet>;
  /** Waits for the leader on this port; `null`: for no leader. */
  untilLeader(port: number | null, limitMs?: number): Promise<MasterSet>;
}

export function follow(detector: LeaderDetector): Followed {
  const sets: MasterSet[] = [];
  const waiting = new Set<() => void>();
  detector.onChange((set) => {
    sets.push(set);
    for (const look of waiting) look();
  });
  detector.start();

  const until: Followed['until'] = (what, wanted, limitMs = 30_000) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`no ${what} within ${limitMs} ms; sets: ${JSON.stringify(sets)}`));
      }, limitMs);
      const look = (): void => {
        const set = detector.current;
        if (set === null || !wanted(set)) return;
        waiting.delete(look);
        clearTimeout(timer);
        resolve(set);
      };
      waiting.add(look);
      look();
    });
  return {
    detector,
    sets,
    until,
    untilLeader: (port, limitMs) =>
      until(`leader on port ${port}`, (set) => (set.leader?.port ?? null) === port, limitMs),
  };
}
