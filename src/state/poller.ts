// When to read the state: at the start, every refreshSeconds, at once when the leader changes, and soon after a failure.

import type { Config } from '../config/config.ts';
import type { MesosDnsError } from '../errors.ts';
import { formatEndpoint, type LeaderDetector, type Master, type MasterSet } from '../leader/leader.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { StateClient } from './client.ts';
import { FailureLog, WarningLog } from './complaints.ts';
import { isAbsence } from './fetch-failure.ts';
import type { ParseState } from './fetch-state.ts';
import { type NamesLeader, type ReadState, readLeadingState } from './leading-state.ts';

/** The first retry: a newly elected master may need a moment to know it (it answers 307 or 503 until then). */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 10_000;
/** Masters that are not there, or not ready, lose nothing by being asked, and shall be followed as soon as they are back. */
const ABSENT_RETRY_MAX_MS = 500;
/** A refused document is large and will hardly be better at once. */
const REFUSED_RETRY_MS = 1000;
/** Share of the interval by which a poll may come early, so that many instances do not ask the master together. */
const JITTER = 0.05;

/** Where a state came from. */
export interface StateSource {
  readonly master: Master;
  readonly receivedAt: Date;
  /** Size of the document, unpacked. */
  readonly sizeBytes: number;
}

export interface StatePollerOptions<S extends NamesLeader> {
  /** `refreshSeconds` below 1 counts as 1. */
  readonly config: Pick<Config, 'refreshSeconds'>;
  readonly leader: Pick<LeaderDetector, 'current' | 'onChange'>;
  readonly client: Pick<StateClient, 'fetch'>;
  readonly parse: ParseState<S>;
  /** Called with every state read. What it throws is logged; the next poll comes as planned. */
  readonly onState: (state: S, source: StateSource) => void;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'stateRefused' | 'stateFetchFailures' | 'stateOddElements'>;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

export interface StatePoller {
  /** The last round has read a state, and no other one has begun. */
  readonly isCurrent: boolean;
  start(): void;
  /** Asks no more until resume(), and ends a fetch under way; no state is reported meanwhile. */
  pause(): void;
  /** Goes on with asking, at once. */
  resume(): void;
  /** Asks soon, instead of when it is time. */
  refresh(): void;
  /** Ends a fetch under way; no state is reported afterwards. */
  close(): Promise<void>;
}

export function createStatePoller<S extends NamesLeader>(options: StatePollerOptions<S>): StatePoller {
  return new Poller(options);
}

type RoundResult = 'read' | 'absent' | 'failed' | 'refused' | 'superseded';

class Poller<S extends NamesLeader> implements StatePoller {
  readonly #options: StatePollerOptions<S>;
  readonly #refreshMs: number;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #failures: FailureLog;
  readonly #refusals: FailureLog;
  readonly #warnings: WarningLog;
  #loop: Promise<void> | null = null;
  #closed = false;
  #paused = false;
  #leave = () => {};
  /** The round under way. */
  #abort: AbortController | null = null;
  /** Ends the pause under way. */
  #wake: (() => void) | null = null;
  /** Something has changed that makes the next pause pointless. */
  #hurry = false;
  isCurrent = false;
  /** Of the set that the last round used; null: it had none. */
  #leaderAsked: string | null = null;
  #lastResult: RoundResult = 'failed';
  /** Endpoint of the master that the last state came from. */
  #following: string | null = null;
  #retryMs = RETRY_MIN_MS;

  constructor(options: StatePollerOptions<S>) {
    this.#options = options;
    this.#refreshMs = Math.max(1, options.config.refreshSeconds) * 1000;
    this.#random = options.random ?? Math.random;
    this.#now = options.now ?? (() => performance.now());
    const { logger } = options;
    this.#failures = new FailureLog({ logger, now: this.#now, recovery: 'the state can be read again' });
    this.#refusals = new FailureLog({ logger, now: this.#now, recovery: 'the state can be used again' });
    this.#warnings = new WarningLog(logger);
  }

  start(): void {
    if (this.#loop !== null) return;
    this.#leave = this.#options.leader.onChange((masters) => this.#onMasters(masters));
    this.#loop = this.#run();
  }

  pause(): void {
    this.#paused = true;
    this.#abort?.abort(new Error('not needed'));
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#hurry = true;
    this.#wake?.();
  }

  refresh(): void {
    if (this.#paused) return;
    this.#hurry = true;
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#leave();
    this.#abort?.abort(new Error('shutting down'));
    this.#wake?.();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#hurry = false;
      const masters = this.#options.leader.current;
      if (this.#paused || masters === null || (masters.leader === null && masters.masters.length === 0)) {
        await this.#pause(null);
        continue;
      }
      const startedAtMs = this.#now();
      this.isCurrent = false;
      this.#lastResult = await this.#round(masters);
      this.isCurrent = this.#lastResult === 'read';
      await this.#pause(this.#pauseAfter(this.#lastResult, this.#now() - startedAtMs));
    }
  }

  /** Asks the masters once; on success reports the state. */
  async #round(masters: MasterSet): Promise<RoundResult> {
    const { client, parse, metrics } = this.#options;
    const leader = masters.leader === null ? null : formatEndpoint(masters.leader);
    if (leader !== this.#leaderAsked) this.#retryMs = RETRY_MIN_MS;
    this.#leaderAsked = leader;
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const { found, failures } = await readLeadingState(masters, { client, parse, signal: abort.signal });
      abort.signal.throwIfAborted();
      const refusals = failures.filter(({ code }) => code === 'ERR_STATE_DOCUMENT');
      metrics.stateRefused.inc({ reason: 'document' }, refusals.length);
      metrics.stateFetchFailures.inc(failures.length - refusals.length);
      this.#logFailures(failures, found !== null);
      if (found === null) {
        if (refusals.length > 0) return 'refused';
        return failures.every((failure) => isAbsence(failure)) ? 'absent' : 'failed';
      }
      this.#report(found);
      return 'read';
    } catch (error) {
      if (abort.signal.aborted) return 'superseded';
      throw error;
    } finally {
      this.#abort = null;
    }
  }

  #logFailures(failures: readonly MesosDnsError[], found: boolean): void {
    const refused = failures.filter(({ code }) => code === 'ERR_STATE_DOCUMENT').map(({ message }) => message);
    const failed = failures.filter(({ code }) => code !== 'ERR_STATE_DOCUMENT').map(({ message }) => message);
    if (refused.length > 0) this.#refusals.failed(refused.join('; '));
    else if (found) this.#refusals.recovered();
    if (found) {
      // Another master had the state: worth a line only to those who look for one.
      for (const message of failed) this.#options.logger.debug(message);
      this.#failures.recovered();
    } else if (failed.length > 0) {
      this.#failures.failed(failed.join('; '));
    }
  }

  #report({ state, warnings, oddElementCount, document }: ReadState<S>): void {
    const { logger, metrics, onState } = this.#options;
    const { master, sizeBytes } = document;
    const endpoint = formatEndpoint(master);
    if (endpoint !== this.#following) logger.info(`following master ${endpoint}`);
    this.#following = endpoint;
    metrics.stateOddElements.inc(oddElementCount);
    this.#warnings.write(warnings);
    try {
      onState(state, { master, receivedAt: new Date(), sizeBytes });
    } catch (err) {
      logger.error({ err }, 'the state could not be turned into a zone');
    }
  }

  #onMasters(masters: MasterSet): void {
    if (this.#closed || this.#paused) return;
    const leader = masters.leader === null ? null : formatEndpoint(masters.leader);
    const leaderChanged = leader !== null && leader !== this.#leaderAsked;
    // The same leader with other masters beside it has nothing new to say; but a failed round has new masters to ask.
    if (!leaderChanged && this.#lastResult === 'read') return;
    this.#hurry = true;
    this.isCurrent = false;
    if (leaderChanged) this.#abort?.abort(new Error('the leader has changed'));
    this.#wake?.();
  }

  #pauseAfter(result: RoundResult, tookMs: number): number {
    switch (result) {
      case 'read':
        this.#retryMs = RETRY_MIN_MS;
        return Math.max(this.#refreshMs * (1 - JITTER * this.#random()) - tookMs, this.#refreshMs / 4);
      case 'superseded':
        return 0;
      case 'absent':
      case 'refused':
      case 'failed': {
        const capMs = Math.min(this.#refreshMs, result === 'absent' ? ABSENT_RETRY_MAX_MS : RETRY_MAX_MS);
        const waitMs = Math.min(
          capMs,
          result === 'refused' ? Math.max(this.#retryMs, REFUSED_RETRY_MS) : this.#retryMs,
        );
        this.#retryMs = Math.min(capMs, waitMs * 2);
        return waitMs * (1 - this.#random() / 2);
      }
      default:
        return result satisfies never;
    }
  }

  /** @param ms null: until something changes. */
  async #pause(ms: number | null): Promise<void> {
    if (this.#closed || this.#hurry || ms === 0) return;
    await new Promise<void>((resolve) => {
      const timer = ms === null ? null : setTimeout(() => this.#wake?.(), ms);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }
}
