// What a newly elected master goes through: it reads its registry, then agents come back one by one with their tasks, then
// frameworks.

import type { Clock } from './clock.ts';
import type { StandinMaster } from './master.ts';

export interface RecoveryPace {
  /** From election to having read the registry, milliseconds; meanwhile `/state` is 200 and empty. */
  readonly recoveryMs: number;
  /** Between two agents that come back, milliseconds; null: all are back with the recovery. */
  readonly agentMs: number | null;
  /** From the last agent's return to the first framework's, and between frameworks; unused with agentMs null. */
  readonly frameworkMs: number;
}

/** Begins for a master that leads since a moment ago. @returns ends it halfway */
export function startRecovery(leader: StandinMaster, pace: RecoveryPace, clock: Clock): () => void {
  const { recoveryMs, agentMs, frameworkMs } = pace;
  let cancel: () => void = () => undefined;
  const runInTurn = (steps: readonly Step[], next = 0): void => {
    const step = steps[next];
    if (step === undefined) return;
    cancel = clock.after(step.delayMs, () => {
      step.run();
      runInTurn(steps, next + 1);
    });
  };
  const readRegistry = (): void => {
    leader.view.recover(agentMs === null);
    if (agentMs === null) return;
    runInTurn([
      ...leader.view.recoveredAgents.map(({ id }) => ({ delayMs: agentMs, run: () => leader.view.agentBack(id) })),
      ...[...leader.cluster.frameworks.keys()].map((id) => ({
        delayMs: frameworkMs,
        run: () => leader.view.frameworkBack(id),
      })),
    ]);
  };
  if (recoveryMs === 0) readRegistry();
  else cancel = clock.after(recoveryMs, readRegistry);
  return () => cancel();
}

interface Step {
  readonly delayMs: number;
  readonly run: () => unknown;
}
