// The stream thread, kept running: TCP, the forwarder, and UDP where `dgram` serves. What it is told while it does not run
// reaches the next one.

import { MesosDnsError } from '../errors.ts';
import type { SampledQuery } from '../sockets/query-sampler.ts';
import { AskedFigures } from './asked-figures.ts';
import type {
  BoundEndpoint,
  StreamFigures,
  StreamOrder,
  StreamReport,
  StreamSettings,
  StreamTuning,
} from './messages.ts';
import { type Readiness, SupervisedThread, type ThreadOptions } from './supervised-thread.ts';

export type AttachOrder = Omit<Extract<StreamOrder, { kind: 'attach' }>, 'kind'>;

export interface SupervisedStreamOptions extends Pick<ThreadOptions<StreamReport>, 'onEnded' | 'onRestart' | 'logger'> {
  /** What it is started with, asked for before every start. */
  readonly settings: () => StreamSettings;
  readonly onQuery: (query: SampledQuery) => void;
}

/** As with Node 20: with Node 24's own limit, 2,000 forwarded queries a second take 70 MB more. */
const YOUNG_MEGABYTES = 48;
/** For it to go over to other settings. */
const TUNE_LIMIT_MS = 5000;

export class SupervisedStream {
  readonly #options: SupervisedStreamOptions;
  readonly #thread: SupervisedThread<StreamReport>;
  readonly #figures = new AskedFigures<StreamFigures>();
  /** Ways from UDP workers, for the next thread. */
  readonly #unattached: AttachOrder[] = [];
  /** Who waits for it to have emptied the cache. */
  readonly #flushing: ((entries: number) => void)[] = [];
  /** Called with what it says to an order to change. */
  #onTuned: ((report: StreamReport) => void) | null = null;
  #endpoints: readonly BoundEndpoint[] = [];

  constructor(options: SupervisedStreamOptions) {
    this.#options = options;
    this.#thread = new SupervisedThread<StreamReport>({
      name: 'the stream thread',
      entry: new URL('../../joined/stream-worker.cjs', import.meta.url),
      prepare: () => ({
        workerData: options.settings(),
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
      }),
      onStarted: () => {
        for (const order of this.#unattached.splice(0)) this.attach(order);
      },
      onReport: (report) => this.#take(report),
      onEnded: () => {
        options.onEnded();
        // The next thread begins with an empty cache.
        for (const resolve of this.#flushing.splice(0)) resolve(0);
      },
      onRestart: options.onRestart,
      logger: options.logger,
    });
  }

  /** What it is bound to. */
  get endpoints(): readonly BoundEndpoint[] {
    return this.#endpoints;
  }

  /** See SupervisedThread. */
  start(): Promise<void> {
    return this.#thread.start();
  }

  /** Answers what was taken, for up to `graceMs`. By force after `limitMs`. */
  stop(graceMs: number, limitMs: number): Promise<void> {
    return this.#thread.stop(() => this.#order({ kind: 'stop', graceMs }), limitMs);
  }

  /** Takes the queries that a UDP worker forwards. */
  attach(order: AttachOrder): void {
    if (!this.#thread.post({ kind: 'attach', ...order } satisfies StreamOrder, [order.way.port])) {
      this.#unattached.push(order);
    }
  }

  /** Since it was started; as they were before where it does not say; null before the first time. */
  figures(): Promise<StreamFigures | null> {
    return this.#figures.ask(() => this.#order({ kind: 'figures' }));
  }

  /** @returns the number of answers forgotten, see StreamOrder; null where the thread is not there */
  flush(question: Uint8Array | null): Promise<number | null> {
    return new Promise((resolve) => {
      if (this.#order({ kind: 'flush', question })) this.#flushing.push(resolve);
      else resolve(null);
    });
  }

  route(route: number, upstreams: readonly string[]): void {
    this.#order({ kind: 'route', route, upstreams });
  }

  /** @returns why it cannot go over to these; null where it does, or will when it is started again */
  async tune(tuning: StreamTuning): Promise<string | null> {
    const told = new Promise<StreamReport | null>((resolve) => {
      const timer = setTimeout(() => resolve(null), TUNE_LIMIT_MS);
      this.#onTuned = (report) => {
        clearTimeout(timer);
        resolve(report);
      };
    });
    if (!this.#order({ kind: 'tune', tuning })) return null;
    const report = await told;
    this.#onTuned = null;
    if (report?.kind === 'listening') return null;
    return report?.kind === 'refused' ? report.message : 'the stream thread does not answer';
  }

  #order(order: StreamOrder): boolean {
    return this.#thread.post(order);
  }

  #take(report: StreamReport): Readiness {
    switch (report.kind) {
      case 'failed':
        return new MesosDnsError(report.code, report.message);
      case 'figures':
        this.#figures.take(report);
        return null;
      case 'query':
        this.#options.onQuery(report.query);
        return null;
      case 'flushed':
        this.#flushing.shift()?.(report.entries);
        return null;
      case 'refused':
        this.#onTuned?.(report);
        return null;
      case 'listening':
        this.#endpoints = report.endpoints;
        this.#onTuned?.(report);
        return 'ready';
    }
  }
}
