// Keeps the threads that serve DNS running: chooses the UDP driver, opens its sockets, starts the threads, connects them.
//
//    main thread                     UDP worker 1 … N                 stream thread
//    sockets (batched), orders  -->  recvmmsg, core, sendmmsg         TCP, forwarder; UDP where `dgram` serves
//                                         | queries to be forwarded        ^
//                                         +--------------------------------+

import { getPriority } from 'node:os';
import { type CacheTotals, readCacheFigures } from '../engine/cache-settings.ts';
import { countViews } from '../engine/memory.ts';
import { type QueryTotals, totalsOf } from '../engine/query-counts.ts';
import { MesosDnsError } from '../errors.ts';
import type { Logger, Verbosity } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { chooseIo, type IoDriver, type IoWanted } from '../sockets/io-driver.ts';
import type { Libc } from '../sockets/libc.ts';
import type { SampledQuery } from '../sockets/query-sampler.ts';
import type { Place } from '../sockets/service.ts';
import type { UdpCounter } from '../sockets/udp-control.ts';
import { CoreBlocks, STREAM_BLOCK } from './core-blocks.ts';
import { availableCores } from './cores.ts';
import type { BoundEndpoint, CoreSettings, StreamFigures, StreamSettings, StreamTuning } from './messages.ts';
import { forwardingPriority, lowerPriority, ownThreads, startAt } from './priority.ts';
import { SupervisedStream } from './supervised-stream.ts';
import { SupervisedUdp, sumOf, UDP_STOP_MS, type UdpTuning } from './supervised-udp.ts';

export interface SupervisorSettings extends ServiceTuning, Pick<CoreSettings, 'module' | 'memory'> {
  readonly verbosity: Verbosity;
  readonly io: IoWanted;
  /** UDP workers of the batched driver; 0: as many as there are cores. At most WORKERS_MAX - 1. */
  readonly workers: number;
}

/** What a reload may change. */
export interface ServiceTuning extends Omit<StreamTuning, 'udp' | 'tcp'> {
  /** Addresses to listen on, IP literals. */
  readonly listeners: readonly string[];
  readonly port: number;
  /** Sockets that were bound by somebody else; where there are any, they are served instead of the listeners. */
  readonly passed?: { readonly udp: readonly Place[]; readonly tcp: readonly Place[] };
}

export interface SupervisorOptions {
  readonly settings: SupervisorSettings;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'workerRestarts'>;
  /** One of the queries that `queryLogSample` asks for. */
  readonly onQuery?: (query: SampledQuery) => void;
}

/** Beyond the grace given to open queries, before the stream thread is ended by force. */
const STOP_MARGIN_MS = 500;

/** Its threads start. */
export interface LaunchedService {
  /** Resolves when they serve, with what they are bound to; rejects where it does not come to that. */
  readonly serving: Promise<readonly BoundEndpoint[]>;
}

export class ServiceSupervisor {
  readonly #options: SupervisorOptions;
  readonly #blocks: CoreBlocks;
  readonly #counts: readonly Float64Array[];
  /** Of the process when it was started. */
  readonly #priority = getPriority();
  #io: IoDriver | null = null;
  #tuning: ServiceTuning;
  readonly #stream: SupervisedStream;
  /** null where `dgram` serves. */
  #udp: SupervisedUdp | null = null;

  constructor(options: SupervisorOptions) {
    const { settings, logger, metrics } = options;
    const { module, memory } = settings;
    this.#options = options;
    this.#tuning = settings;
    this.#blocks = new CoreBlocks({ module, memory, priority: this.#priority });
    this.#counts = countViews(memory);
    this.#stream = new SupervisedStream({
      settings: () => this.#streamSettings(),
      onQuery: (query) => options.onQuery?.(query),
      onEnded: () => this.#blocks.release(STREAM_BLOCK),
      onRestart: () => {
        metrics.workerRestarts.inc();
        this.#udp?.reconnect();
      },
      logger,
    });
  }

  /** The UDP driver that serves, and why; null before start(). */
  get io(): Pick<IoDriver, 'kind' | 'reason'> | null {
    return this.#io === null ? null : { kind: this.#io.kind, reason: this.#io.reason };
  }

  /** Of all UDP workers since start; zeros where `dgram` serves. */
  get udpCounters(): Readonly<Record<UdpCounter, number>> {
    return this.#udp?.counters ?? sumOf([]);
  }

  /** Of all threads that serve since start, over every transport. */
  get queryTotals(): QueryTotals {
    return totalsOf(this.#counts);
  }

  /** Null where there is no cache. */
  async cacheTotals(): Promise<CacheTotals | null> {
    const figures = readCacheFigures(this.#options.settings.memory);
    if (figures === null) return null;
    const stream = await this.streamFigures();
    return {
      ...figures,
      ...this.queryTotals.cache,
      prefetches: stream?.prefetches ?? 0,
      drops: stream?.forwarding.counters.otherQuestions ?? 0,
    };
  }

  /**
   * Forgets what the cache knows of the name of a question and of names below it; null: everything.
   * @returns the number of answers; null where the stream thread is not there
   */
  flushCache(question: Uint8Array | null): Promise<number | null> {
    return this.#stream.flush(question);
  }

  /** Of the stream thread since it was started; as they were before where it does not say; null before the first time. */
  streamFigures(): Promise<StreamFigures | null> {
    return this.#stream.figures();
  }

  /** Names that no zone of `zoneResolvers` holds are forwarded to these from now on. */
  setResolvers(upstreams: readonly string[]): void {
    this.#tuning = { ...this.#tuning, routes: [upstreams, ...this.#tuning.routes.slice(1)] };
    this.#stream.route(0, upstreams);
  }

  /** Starts serving. Throws ERR_LISTEN. */
  async start(): Promise<readonly BoundEndpoint[]> {
    const { serving } = await this.launch();
    return serving;
  }

  /**
   * Resolves when the threads are on their way, and start whatever this one does; `serving` does when they serve, and
   * everything else in this process gives way to them. Both reject with ERR_LISTEN.
   */
  async launch(): Promise<LaunchedService> {
    const { settings, logger } = this.#options;
    const others = ownThreads();
    const io = await chooseIo(settings.io);
    this.#io = io;
    if (io.kind === 'dgram' && io.isFallback) logger.warn(`UDP is served by "dgram": ${io.reason}`);
    if (io.kind === 'batched') {
      const workers = settings.workers === 0 ? Math.min(availableCores(), this.#blocks.maxWorkers) : settings.workers;
      this.#udp = this.#createUdp(io.libc, workers);
      logger.info(`UDP is served by "batched" with ${workers} ${workers === 1 ? 'worker' : 'workers'}: ${io.reason}`);
    } else if (!io.isFallback) {
      logger.info(`UDP is served by "dgram": ${io.reason}`);
    }
    const serving = this.#untilServing(others);
    serving.catch(() => undefined); // whoever awaits it is told
    return { serving };
  }

  async #untilServing(others: readonly number[]): Promise<readonly BoundEndpoint[]> {
    try {
      // Who answers over UDP starts first, and goes first.
      await Promise.all([this.#udp?.start(), startAt(this.#streamPriority, () => this.#stream.start())]);
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    lowerPriority(others);
    return this.#endpoints();
  }

  /**
   * Goes over to other settings without losing a query: what stays is not touched. `io` and the number of workers are
   * those of the start. Throws ERR_LISTEN, and goes on as before, where a socket cannot be opened.
   */
  async tune(tuning: ServiceTuning): Promise<readonly BoundEndpoint[]> {
    const change = this.#udp?.change(udpPart(tuning));
    const refusal = await this.#stream.tune(this.#streamTuning(tuning));
    if (refusal !== null) {
      change?.undo();
      throw new MesosDnsError('ERR_LISTEN', refusal);
    }
    this.#tuning = tuning;
    await change?.done();
    return this.#endpoints();
  }

  /** Answers what was received, for up to `graceMs`, then ends. */
  async stop(graceMs: number): Promise<void> {
    // What the workers forwarded last reaches the stream thread before their ports close, and it waits for that.
    const limitMs = Math.max(graceMs, UDP_STOP_MS) + STOP_MARGIN_MS;
    await Promise.all([this.#udp?.stop(), this.#stream.stop(graceMs, limitMs)]);
    this.#udp?.close();
  }

  #createUdp(libc: Libc, workers: number): SupervisedUdp {
    const { logger, metrics, onQuery } = this.#options;
    return new SupervisedUdp(
      {
        libc,
        workers,
        blocks: this.#blocks,
        attach: (order) => this.#stream.attach(order),
        onQuery: (query) => onQuery?.(query),
        onRestart: () => metrics.workerRestarts.inc(),
        logger,
      },
      udpPart(this.#tuning),
    );
  }

  #streamSettings(): StreamSettings {
    return {
      ...this.#streamTuning(this.#tuning),
      ...this.#blocks.settingsOf(STREAM_BLOCK),
      priority: this.#streamPriority,
      io: this.#io?.kind ?? 'dgram',
      verbosity: this.#options.settings.verbosity,
    };
  }

  #streamTuning(tuning: ServiceTuning): StreamTuning {
    const udp = this.#io?.kind === 'batched' ? [] : placesOf(tuning, 'udp');
    return { ...streamPart(tuning), udp, tcp: placesOf(tuning, 'tcp') };
  }

  get #streamPriority(): number {
    return this.#io?.kind === 'batched' ? forwardingPriority(this.#priority) : this.#priority;
  }

  /** In the order of the listeners, UDP before TCP. */
  #endpoints(): readonly BoundEndpoint[] {
    const ofStream = (transport: 'udp' | 'tcp') =>
      this.#stream.endpoints.filter((endpoint) => endpoint.transport === transport);
    const udp =
      this.#udp === null
        ? ofStream('udp')
        : this.#udp.endpoints.map((endpoint) => ({ transport: 'udp' as const, ...endpoint }));
    const tcp = ofStream('tcp');
    return Array.from({ length: Math.max(udp.length, tcp.length) }, (_, i) => [
      ...udp.slice(i, i + 1),
      ...tcp.slice(i, i + 1),
    ]).flat();
  }
}

function placesOf({ listeners, port, passed }: ServiceTuning, transport: 'udp' | 'tcp'): readonly Place[] {
  const handed = passed?.[transport] ?? [];
  return handed.length > 0 ? handed : listeners.map((address) => ({ address, port }));
}

function udpPart(tuning: ServiceTuning): UdpTuning {
  return {
    places: placesOf(tuning, 'udp'),
    receiveBufferBytes: tuning.udpReceiveBufferBytes,
    sendBufferBytes: tuning.udpSendBufferBytes,
    queryLogSample: tuning.queryLogSample,
  };
}

/** Without what only this thread knows: all of it is copied to the other one. */
function streamPart(tuning: ServiceTuning): Omit<StreamTuning, 'udp' | 'tcp'> {
  return {
    udpReceiveBufferBytes: tuning.udpReceiveBufferBytes,
    udpSendBufferBytes: tuning.udpSendBufferBytes,
    udpPayloadBytes: tuning.udpPayloadBytes,
    tcpLimits: tuning.tcpLimits,
    routes: tuning.routes,
    zones: tuning.zones,
    forwardPolicy: tuning.forwardPolicy,
    forwardRandomCase: tuning.forwardRandomCase,
    forwardAuthorities: tuning.forwardAuthorities,
    timeoutSeconds: tuning.timeoutSeconds,
    recursionAvailable: tuning.recursionAvailable,
    logFormat: tuning.logFormat,
    queryLogSample: tuning.queryLogSample,
  };
}
