// Stands between what the masters say and what is published: a worse zone never takes the place of a good one on the word
// of a document that cannot be true. (That agents which are expected back keep their tasks is LiveCluster's part.)
//
//    state ──▶ a cluster without any known agent waits ──▶ zone ──▶ a zone that lost more than half of its names waits

import type { Config } from '../config/config.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { MesosState } from '../state/model.ts';

export interface ClusterGuardOptions {
  readonly config: Pick<Config, 'agentReregisterSeconds' | 'holdSeconds' | 'holdLossPercent'>;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'retainedAgents' | 'retainedTasks' | 'zoneHeld' | 'updatesHeld' | 'updatesReleased'>;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** What is being withheld from the zone, for `/ready` and for people. */
export interface Hold {
  readonly reason: string;
  /** When the newest state is published all the same, at the latest: milliseconds from now. */
  readonly endsInMs: number;
}

/** What an update would take out of the zone. */
export interface Loss {
  /** How many names the zone in force has. */
  readonly before: number;
  /** How many of them the update would take away. */
  readonly removed: number;
  /** Running tasks that have ended, by the word of the masters or because their agent has them no more. */
  readonly endedTasks: number;
  /** Running tasks that were lost with their agents, which are unreachable or gone. */
  readonly lostTasks: number;
  readonly lostAgents: number;
}

/** Fewer names than this may go at once without being suspicious. */
const LOSS_MIN_NAMES = 100;

export class ClusterGuard {
  readonly #options: ClusterGuardOptions;
  readonly #now: () => number;
  /** The hold in force, and when it began; a zone is held for one reason at a time. */
  #held: { readonly reason: string; readonly sinceMs: number } | null = null;
  #isReleased = false;
  /** admit() gave the cluster known before instead of the newest one. */
  #isWithholding = false;
  #awaitedCount = 0;

  constructor(options: ClusterGuardOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get hold(): Hold | null {
    if (this.#held === null) return null;
    const { holdSeconds } = this.#options.config;
    const leftMs = this.#held.sinceMs + holdSeconds * 1000 - this.#now();
    return { reason: this.#held.reason, endsInMs: Math.max(0, leftMs) };
  }

  /** Lets the next update through, however suspicious. */
  release(): void {
    this.#isReleased = true;
    this.#options.metrics.updatesReleased.inc();
    this.#options.logger.warn('the next update of the zone is published whatever it removes, as ordered');
  }

  /**
   * The state to publish for a state that a master has told: the cluster known before, under the new leader, where the new
   * one has lost every known agent.
   * @param before null: nothing is known yet
   */
  admit(told: MesosState, before: MesosState | null): MesosState {
    this.#isWithholding = false;
    if (before === null || !this.#lostEveryAgent(before, told)) return told;
    const reason = `the state of master ${told.leader.host} has none of the ${before.agents.length} known agents`;
    this.#isWithholding = this.#holds(reason);
    return this.#isWithholding ? underLeader(before, told) : told;
  }

  /** Whether an update that would remove names from the zone must wait. Ask it once for every state that admit() gave. */
  holdsLoss({ before, removed, endedTasks, lostTasks, lostAgents }: Loss): boolean {
    if (this.#isWithholding) return false;
    const { holdLossPercent } = this.#options.config;
    const isSuspicious = removed >= LOSS_MIN_NAMES && removed * 100 > before * holdLossPercent;
    const reason =
      `an update would remove ${removed} of ${before} names: ` +
      `${endedTasks} tasks have ended, ${lostTasks} were lost with ${lostAgents} agents`;
    if (isSuspicious && this.#holds(reason)) return true;
    this.#letThrough();
    return false;
  }

  /** Takes note of the agents that a master expects back, and of their tasks. */
  noteAwaited(agents: number, tasks: number): void {
    const { logger, metrics } = this.#options;
    const before = this.#awaitedCount;
    this.#awaitedCount = agents;
    metrics.retainedAgents.set(agents);
    metrics.retainedTasks.set(tasks);
    if (before === 0 && agents > 0) {
      logger.info(
        { agents, tasks },
        'the master expects agents back after a failover; what is known of them stays published meanwhile',
      );
    } else if (before > 0 && agents === 0) {
      logger.info('no agent is waited for any more');
    }
  }

  /** Agents that are expected back are not lost, as long as they are waited for. */
  #lostEveryAgent(before: MesosState, told: MesosState): boolean {
    if (before.agents.length === 0) return false;
    const isAwaiting = this.#options.config.agentReregisterSeconds > 0;
    const present = new Set(told.agents.map(({ id }) => id));
    if (isAwaiting) for (const id of told.recoveredAgentIds) present.add(id);
    return !before.agents.some(({ id }) => present.has(id));
  }

  /** @returns whether it is withheld, and not for too long already */
  #holds(reason: string): boolean {
    const { config, logger, metrics } = this.#options;
    if (this.#isReleased || config.holdSeconds === 0) return false;
    const now = this.#now();
    if (this.#held === null) {
      logger.error(
        `held back for up to ${config.holdSeconds} s: ${reason}; the zone before stays (SIGUSR1 or POST /v2/release publishes it at once)`,
      );
      this.#held = { reason, sinceMs: now };
    } else {
      this.#held = { reason, sinceMs: this.#held.sinceMs };
    }
    metrics.updatesHeld.inc();
    metrics.zoneHeld.set(1);
    if (now - this.#held.sinceMs < config.holdSeconds * 1000) return true;
    logger.error(`published after ${config.holdSeconds} s: ${reason}`);
    return false;
  }

  #letThrough(): void {
    this.#isReleased = false;
    if (this.#held === null) return;
    this.#held = null;
    this.#options.metrics.zoneHeld.set(0);
    this.#options.logger.info('updates of the zone are published again');
  }
}

/** The cluster of one state under the leader of a newer one. */
export function underLeader(cluster: MesosState, { version, leader }: MesosState): MesosState {
  return { ...cluster, version, leader };
}
