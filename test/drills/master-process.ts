// A stand-in master in a process of its own, so that it can be killed, frozen and cut off like a real one. It takes part
// in the election in ZooKeeper, hears of the cluster's changes over its channel, and tells over it what became of them.

import { Contender } from '../../src/standin/contender.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import type { RecoveryPace } from '../../src/standin/recovery.ts';
import { type Change, type DrillTask, Truth } from './truth.ts';

export interface MasterSetup {
  readonly host: string;
  readonly port: number;
  /** ZooKeeper's `host:port`. */
  readonly servers: string;
  readonly path: string;
  readonly sessionTimeoutMs: number;
  readonly pace: RecoveryPace;
}

export type ToMaster =
  | { readonly kind: 'start'; readonly setup: MasterSetup; readonly changes: readonly Change[] }
  | { readonly kind: 'change'; readonly change: Change };

export type FromMaster =
  | { readonly kind: 'joined' }
  | { readonly kind: 'elected' }
  /** Everything has come back to it. */
  | { readonly kind: 'recovered' }
  /** It leads, and has told its streams that a task is no more, or that the task's agent is back without it. Unix ms. */
  | { readonly kind: 'reported'; readonly taskId: string; readonly atMs: number };

const truth = new Truth();
let master: StandinMaster | null = null;
/** Killed tasks of which this master has not told yet. */
const untold = new Set<DrillTask>();

process.on('disconnect', () => process.exit(0));
process.on('message', (message: ToMaster) => {
  if (message.kind === 'change') return apply(message.change);
  for (const change of message.changes) apply(change);
  void start(message.setup);
});

function tell(message: FromMaster): void {
  process.send?.(message);
}

function apply(change: Change): void {
  truth.apply(change);
  if (change.kind !== 'kill') return;
  untold.add(change.task);
  report();
}

async function start({ host, port, pace, ...election }: MasterSetup): Promise<void> {
  const started = new StandinMaster(truth.cluster, { host, port, events: {} });
  master = started;
  const awaited = new Set([...truth.cluster.agents.keys(), ...truth.cluster.frameworks.keys()]);
  started.view.onReturn((id) => {
    report();
    awaited.delete(id);
    if (awaited.size === 0) tell({ kind: 'recovered' });
  });
  await started.start();
  new Contender(started, {
    ...election,
    pace,
    onJoined: () => tell({ kind: 'joined' }),
    onElected: () => tell({ kind: 'elected' }),
    onLost: (reason) => {
      console.error(`master ${host}: ${reason}`);
      process.exit(1);
    },
  });
}

/** What a leader knows of an agent's tasks, it has told. */
function report(): void {
  for (const task of untold) {
    const agent = truth.cluster.agents.get(truth.agentId(task));
    if (master === null || agent === undefined || !master.view.knowsAgent(agent)) continue;
    untold.delete(task);
    tell({ kind: 'reported', taskId: task.id, atMs: Date.now() });
  }
}
