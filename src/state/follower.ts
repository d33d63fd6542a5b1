// Keeps the model of the cluster up to date: over the leader's event stream where it has one, by reading its whole state
// again and again where it has none. Losing one of them, or both, never takes anything away.

import type { Config } from '../config/config.ts';
import { messageOf } from '../errors.ts';
import { formatEndpoint, type LeaderDetector, type Master, type MasterSet } from '../leader/leader.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { everySeconds } from '../pulse.ts';
import type { StateClient } from './client.ts';
import { FailureLog, WarningLog } from './complaints.ts';
import type { EventStreamClient, StreamEnd } from './event-stream.ts';
import type { MasterEvent, Snapshot } from './events.ts';
import { fetchState, type ParseState } from './fetch-state.ts';
import { LiveCluster } from './live-cluster.ts';
import type { Endpoint, MesosState } from './model.ts';
import { EventParser } from './parse-event.ts';
import { createStatePoller, type StatePoller } from './poller.ts';

export interface FollowerOptions {
  readonly config: Pick<Config, 'follow' | 'refreshSeconds'>;
  readonly cluster: LiveCluster;
  readonly leader: Pick<LeaderDetector, 'current' | 'onChange'>;
  readonly client: Pick<StateClient, 'fetch'>;
  readonly stream: Pick<EventStreamClient, 'follow' | 'pids'>;
  readonly parse: ParseState<MesosState>;
  /** Takes a whole state over: by its return, the cluster is what is to be published of it. */
  readonly onState: (state: MesosState) => void;
  /** Events have changed the cluster. */
  readonly onEvents: () => void;
  readonly logger: Logger;
  readonly metrics: Pick<
    Metrics,
    | 'stateRefused'
    | 'stateFetchFailures'
    | 'stateOddElements'
    | 'streamConnected'
    | 'streamEvents'
    | 'streamEnds'
    | 'reconciliations'
  >;
  /** In [0, 1). */
  readonly random?: () => number;
}

/** How the cluster is followed at present. */
export interface FollowerStatus {
  /** `nothing` while no master can be asked. */
  readonly source: 'stream' | 'poll' | 'nothing';
  /** Endpoint of the master; null without one. */
  readonly master: string | null;
  /** `performance.now()` when something was last heard of the cluster; null: never. */
  readonly heardAtMs: number | null;
}

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 10_000;
/** A leader that recovers tells of its agents from one moment to the next: it is asked again at least so often. */
const ABSENT_RETRY_MAX_MS = 500;
/** A master without a stream, or that has closed it, is asked for one again after so long, and then less and less often. */
const NO_STREAM_MIN_MS = 30_000;
const NO_STREAM_MAX_MS = 600_000;
/**
 * So long nothing is polled after a stream was lost: the next leader has one as well. And so long a stream is not asked for
 * where states are polled and none has come since: reading both at once would make both late.
 */
const GRACE_MS = 3000;
/** A reconciliation comes after so many times refreshSeconds, and up to a fifth later. */
const RECONCILE_AFTER = 5;
const RECONCILE_SPREAD = 0.2;
/** Events that a reconciliation may overlap with; where more come, it is given up. */
const MAX_OVERLAP = 200_000;
/** Schedulers are looked up so long after they were heard of, and not more often than that. */
const PIDS_DELAY_MS = 200;
const PIDS_GAP_MS = 5000;
/** More frameworks than this are looked up together. */
const MAX_SINGLE_PIDS = 3;
/** How often it is looked what is due, and where nothing is being waited for. */
const TICK_MS = 250;
const QUIET_TICK_SECONDS = 1;

export class Follower {
  readonly #options: FollowerOptions;
  readonly #log: Logger;
  readonly #random: () => number;
  readonly #poller: StatePoller;
  readonly #failures: FailureLog;
  readonly #warnings: WarningLog;
  readonly #parser: EventParser;
  #loop: Promise<void> | null = null;
  /** While something is being waited for. */
  #ticker: NodeJS.Timeout | null = null;
  /** null before the start. */
  #endPulse: (() => void) | null = null;
  #closed = false;
  readonly #closing = new AbortController();
  /** The attempt under way, and the leader that it was made for. */
  #attempt: AbortController | null = null;
  #asked: string | null = null;
  #wake: (() => void) | null = null;
  #hurry = false;
  /** The master whose stream is followed. */
  #live: Master | null = null;
  #lostAtMs = Number.NEGATIVE_INFINITY;
  #heardAtMs: number | null = null;
  #isPolling = false;
  #hasPolled = false;
  /** Goes on with a stream that waits for a polled state. */
  #onPolledOnce = () => {};
  #polledMaster: string | null = null;
  /** Events since a reconciliation was asked for; null: none is under way. */
  #overlap: MasterEvent[] | null = null;
  #reconcileAtMs = Number.POSITIVE_INFINITY;
  #reconciledAtMs = Number.NEGATIVE_INFINITY;
  #pidsAtMs = Number.POSITIVE_INFINITY;
  #hasNews = false;
  /** Why there is no stream, to be said once a state was polled; null: there is nothing to say any more. */
  #whyPolled: string | null = null;
  #hasSaidPolling = false;
  #leave = () => {};

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#log = options.logger;
    this.#random = options.random ?? Math.random;
    const { config, leader, client, parse, logger, metrics } = options;
    this.#failures = new FailureLog({ logger, now: () => performance.now(), recovery: 'the event stream is back' });
    this.#warnings = new WarningLog(logger);
    this.#parser = new EventParser(options.cluster.knownTask);
    this.#poller = createStatePoller({
      config,
      leader,
      client,
      parse,
      onState: (state, { master }) => this.#onPolled(state, master),
      logger,
      metrics,
    });
  }

  get status(): FollowerStatus {
    const live = this.#live;
    const hasPolled = this.#polledMaster !== null;
    return {
      source: live !== null ? 'stream' : hasPolled ? 'poll' : 'nothing',
      master: live === null ? this.#polledMaster : formatEndpoint(live),
      heardAtMs: this.#heardAtMs,
    };
  }

  /** Reads the whole state soon. */
  refresh(): void {
    if (this.#live === null) {
      this.#poller.refresh();
    } else {
      this.#reconcileAtMs = 0;
      this.#tickIn(TICK_MS);
    }
  }

  start(): void {
    if (this.#endPulse !== null) return;
    this.#endPulse = everySeconds(QUIET_TICK_SECONDS, () => {
      if (this.#ticker === null) this.#look();
    });
    this.#tickIn(TICK_MS);
    this.#poller.start();
    this.#isPolling = true;
    if (this.#options.config.follow === 'poll') return;
    if (this.#options.config.follow === 'stream') this.#pausePolling();
    this.#leave = this.#options.leader.onChange((masters) => this.#onMasters(masters));
    this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#leave();
    this.#endPulse?.();
    if (this.#ticker !== null) clearTimeout(this.#ticker);
    this.#closing.abort(new Error('shutting down'));
    this.#attempt?.abort(new Error('shutting down'));
    this.#wake?.();
    await Promise.all([this.#loop, this.#poller.close()]);
  }

  // --- by whole states ---

  #onPolled(state: MesosState, master: Master): void {
    this.#hasPolled = true;
    this.#polledMaster = formatEndpoint(master);
    this.#heardAtMs = performance.now();
    if (this.#live === null) this.#options.onState(state);
    if (this.#whyPolled !== null) {
      this.#log.info(this.#whyPolled);
      this.#whyPolled = null;
      this.#hasSaidPolling = true;
    }
    this.#onPolledOnce();
  }

  // --- by events ---

  async #run(): Promise<void> {
    const { leader } = this.#options;
    let retryMs = RETRY_MIN_MS;
    let noStreamMs = NO_STREAM_MIN_MS;
    while (!this.#closed) {
      this.#hurry = false;
      const masters = leader.current;
      const master = masters?.leader ?? masters?.masters[0] ?? null;
      if (masters === null || master === null) {
        await this.#pause(null);
        continue;
      }
      const asked = formatEndpoint(master);
      if (asked !== this.#asked) retryMs = RETRY_MIN_MS;
      this.#asked = asked;
      const { end, wasLive } = await this.#follow(master, masters);
      if (this.#closed) return;
      if (wasLive) {
        this.#lostAtMs = performance.now();
        retryMs = RETRY_MIN_MS;
        if (end?.kind === 'lost') noStreamMs = NO_STREAM_MIN_MS;
      }
      if (end === null) continue;
      this.#options.metrics.streamEnds.inc({ how: end.kind });
      this.#sayEnd(end, wasLive);
      if (end.kind === 'lost') {
        const maxMs = end.isAbsence ? ABSENT_RETRY_MAX_MS : RETRY_MAX_MS;
        await this.#pause(Math.min(retryMs, maxMs) * (1 - this.#random() / 2));
        retryMs = Math.min(maxMs, retryMs * 2);
      } else {
        this.#resumePolling();
        await this.#pause(noStreamMs * (1 - this.#random() / 2));
        noStreamMs = Math.min(NO_STREAM_MAX_MS, noStreamMs * 2);
      }
    }
  }

  /** Where states can be polled, a master without a stream is no trouble: said once, and its failures are the poller's to say. */
  #sayEnd({ kind, reason }: StreamEnd, wasLive: boolean): void {
    const line = kind === 'lost' ? reason : `${reason}; polling instead`;
    if (wasLive || this.#options.config.follow === 'stream') {
      this.#failures.failed(line);
    } else {
      this.#log.debug(line);
      if (kind !== 'lost' && !this.#hasSaidPolling) this.#whyPolled = line;
    }
  }

  /** @returns why the stream has ended, null where it was given up for another leader. */
  async #follow(master: Master, masters: MasterSet): Promise<{ end: StreamEnd | null; wasLive: boolean }> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    let wasLive = false;
    let version = '';
    let leader: MesosState['leader'] | null = null;
    try {
      const end = await this.#options.stream.follow(
        master,
        masters.masters,
        {
          opened: async (opened) => {
            version = opened.version;
            leader = opened.leader;
            await this.#polledFirst(attempt.signal);
          },
          record: (bytes, receivedAtMs) => {
            this.#heardAtMs = receivedAtMs;
            const { event, warnings, oddElementCount } = this.#parser.parse(bytes);
            if (oddElementCount > 0) {
              this.#options.metrics.stateOddElements.inc(oddElementCount);
              this.#warnings.write(warnings);
            }
            if (event.kind !== 'subscribed') {
              // Some releases send a heartbeat first; nothing else counts before the cluster is known.
              if (this.#live !== null) this.#onEvent(event, receivedAtMs);
              return null;
            }
            if (leader === null) return null;
            this.#takeSnapshot(event.snapshot, version, leader);
            wasLive = true;
            this.#goLive(master, version);
            return event.heartbeatMs;
          },
          drained: () => {
            if (!this.#hasNews) return;
            this.#hasNews = false;
            this.#options.onEvents();
          },
        },
        attempt.signal,
      );
      return { end, wasLive };
    } catch (error) {
      if (!attempt.signal.aborted) throw error;
      return { end: null, wasLive };
    } finally {
      this.#attempt = null;
      if (this.#live !== null) {
        this.#live = null;
        this.#overlap = null;
        this.#options.metrics.streamConnected.set(0);
        this.#tickIn(TICK_MS);
      }
    }
  }

  #takeSnapshot(snapshot: Snapshot, version: string, leader: Endpoint): void {
    const { cluster, onState } = this.#options;
    cluster.takeSnapshot(snapshot, (state) => onState({ ...state, version, leader }));
  }

  #goLive(master: Master, version: string): void {
    this.#live = master;
    this.#polledMaster = null;
    this.#hasNews = true;
    this.#pausePolling();
    this.#failures.recovered();
    this.#hasSaidPolling = false;
    this.#whyPolled = null;
    this.#options.metrics.streamConnected.set(1);
    this.#log.info(`following master ${formatEndpoint(master)} over its event stream, Mesos ${version}`);
    const now = performance.now();
    // What was polled just now is a reconciliation as well.
    if (this.#reconciledAtMs === Number.NEGATIVE_INFINITY) this.#reconciledAtMs = now;
    const periodMs = this.#reconcilePeriodMs();
    this.#reconcileAtMs = Math.max(now, this.#reconciledAtMs + periodMs * (1 + RECONCILE_SPREAD * this.#random()));
    this.#schedulePids();
  }

  #onEvent(event: MasterEvent, receivedAtMs: number): void {
    this.#options.metrics.streamEvents.inc({ kind: event.kind });
    if (event.kind === 'heartbeat' || event.kind === 'other') return;
    if (this.#overlap !== null) {
      if (this.#overlap.length < MAX_OVERLAP) this.#overlap.push(event);
      else this.#overlap = null;
    }
    const { cluster } = this.#options;
    cluster.apply(event, receivedAtMs);
    if (!cluster.changes.isEmpty) this.#hasNews = true;
    if (event.kind === 'framework') this.#schedulePids();
  }

  #onMasters({ leader }: MasterSet): void {
    if (this.#closed) return;
    if (leader === null) {
      // Configured masters, of which none is known to lead: who waits for any can ask them.
      this.#wake?.();
      return;
    }
    const endpoint = formatEndpoint(leader);
    if (endpoint === this.#asked && this.#attempt !== null) return;
    this.#hurry = true;
    this.#attempt?.abort(new Error('the leader has changed'));
    this.#wake?.();
  }

  #resumePolling(): void {
    if (this.#options.config.follow !== 'auto') return;
    this.#isPolling = true;
    this.#poller.resume();
  }

  #pausePolling(): void {
    this.#isPolling = false;
    this.#poller.pause();
  }

  /** Resolves when a state that is being polled has come, or after the grace. */
  async #polledFirst(signal: AbortSignal): Promise<void> {
    if (!this.#isPolling || this.#poller.isCurrent) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GRACE_MS);
      this.#onPolledOnce = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', this.#onPolledOnce, { once: true });
    });
    this.#onPolledOnce = () => {};
  }

  // --- now and then ---

  #tickIn(ms: number): void {
    if (this.#closed) return;
    if (this.#ticker !== null) clearTimeout(this.#ticker);
    this.#ticker = setTimeout(() => {
      this.#ticker = null;
      this.#look();
    }, ms);
  }

  #look(): void {
    this.#tick();
    if (this.#isWaiting) this.#tickIn(TICK_MS);
  }

  /** For agents to come back, for schedulers to be looked up, or for a stream before states are polled again. */
  get #isWaiting(): boolean {
    const waitsForStream = this.#live === null && !this.#isPolling;
    return waitsForStream || this.#options.cluster.nextExpiryMs !== null || Number.isFinite(this.#pidsAtMs);
  }

  #tick(): void {
    const { cluster, onEvents } = this.#options;
    const now = performance.now();
    if (this.#live === null && this.#hasPolled && now - this.#lostAtMs > GRACE_MS) this.#resumePolling();
    const expiresAtMs = cluster.nextExpiryMs;
    if (expiresAtMs !== null && expiresAtMs <= now) {
      cluster.expire();
      onEvents();
    }
    if (this.#live === null) return;
    if (now >= this.#pidsAtMs) void this.#askForPids(this.#live);
    const isDue = now >= this.#reconcileAtMs;
    const isWanted = cluster.reconciliationWanted && now - this.#reconciledAtMs >= this.#reconcilePeriodMs();
    if (isDue || isWanted) void this.#reconcile(this.#live);
  }

  #reconcilePeriodMs(): number {
    return RECONCILE_AFTER * Math.max(1, this.#options.config.refreshSeconds) * 1000;
  }

  #schedulePids(): void {
    if (this.#options.cluster.pidsWanted.size === 0 || this.#pidsAtMs !== Number.POSITIVE_INFINITY) return;
    this.#pidsAtMs = performance.now() + PIDS_DELAY_MS * (1 + this.#random());
    this.#tickIn(TICK_MS);
  }

  async #askForPids(master: Master): Promise<void> {
    const { cluster, stream, leader, onEvents } = this.#options;
    const wanted = [...cluster.pidsWanted];
    this.#pidsAtMs = Number.MAX_VALUE;
    try {
      const known = leader.current?.masters ?? [];
      for (const id of wanted.length > MAX_SINGLE_PIDS ? [null] : wanted) {
        const pids = await stream.pids(master, known, id, this.#closing.signal);
        for (const frameworkId of id === null ? wanted : [id]) {
          const pid = pids.get(frameworkId);
          if (pid !== undefined) cluster.setPid(frameworkId, pid);
          else cluster.pidsWanted.delete(frameworkId);
        }
      }
      onEvents();
    } catch (error) {
      if (!this.#closed) this.#log.debug(`where schedulers are could not be read: ${messageOf(error)}`);
    }
    this.#pidsAtMs = Number.POSITIVE_INFINITY;
    if (cluster.pidsWanted.size > 0) this.#pidsAtMs = performance.now() + PIDS_GAP_MS;
  }

  /** Reads the whole state, for what the stream does not tell of. */
  async #reconcile(master: Master): Promise<void> {
    const { cluster, client, leader, metrics, onState, parse } = this.#options;
    const overlap: MasterEvent[] = [];
    this.#overlap = overlap;
    this.#reconcileAtMs = Number.POSITIVE_INFINITY;
    this.#reconciledAtMs = performance.now();
    cluster.reconciliationWanted = false;
    try {
      const known = leader.current?.masters ?? [];
      const { read } = await fetchState(client, master, { known, signal: this.#closing.signal }, parse);
      // What has come since may be newer than the document, or older: events can be repeated.
      if (this.#overlap !== overlap) return;
      const { state } = await read();
      if (this.#overlap !== overlap) return;
      const isSame = state.leader.host === cluster.leader?.host && state.leader.port === cluster.leader.port;
      if (!isSame) throw new Error(`it names the leader ${state.leader.host}:${state.leader.port}`);
      const target = LiveCluster.from(state);
      for (const event of overlap) target.apply(event);
      metrics.reconciliations.inc();
      onState(target.toState());
    } catch (error) {
      if (this.#closed) return;
      metrics.stateFetchFailures.inc();
      this.#log.warn(`the state could not be compared with the event stream: ${messageOf(error)}`);
    } finally {
      if (this.#overlap === overlap) this.#overlap = null;
      const periodMs = this.#reconcilePeriodMs();
      this.#reconcileAtMs = this.#reconciledAtMs + periodMs * (1 + RECONCILE_SPREAD * this.#random());
    }
  }

  /** @param ms null: until something changes. */
  async #pause(ms: number | null): Promise<void> {
    if (this.#closed || this.#hurry) return;
    await new Promise<void>((resolve) => {
      const timer = ms === null ? null : setTimeout(() => done(), ms);
      const done = () => {
        if (timer !== null) clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      this.#wake = () => {
        if (this.#closed || this.#hurry || ms === null) done();
      };
    });
  }
}
