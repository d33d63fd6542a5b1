// Keeps the threads that serve DNS running: chooses the UDP driver, opens its sockets, starts the threads, connects them.
//
//    main thread                     UDP worker 1 … N                 stream thread
//    sockets (batched), orders  -->  recvmmsg, core, sendmmsg         TCP, forwarder; UDP where `dgram` serves
//                                         | queries to be forwarded        ^
//                                         +--------------------------------+
//
// A UDP worker that ends leaves its socket, and what waits there, to the one that is started in its place.

import { randomBytes } from 'node:crypto';
import { getPriority } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { type CacheTotals, readCacheFigures } from '../engine/cache-settings.ts';
import { announcementViews, countViews } from '../engine/memory.ts';
import { type QueryTotals, totalsOf } from '../engine/query-counts.ts';
import { MesosDnsError } from '../errors.ts';
import type { Logger, Verbosity } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Bell } from '../sockets/bell.ts';
import { createForwardRing } from '../sockets/forward-ring.ts';
import { chooseIo, type IoDriver, type IoWanted } from '../sockets/io-driver.ts';
import type { Libc } from '../sockets/libc.ts';
import type { SampledQuery } from '../sockets/query-sampler.ts';
import type { Place } from '../sockets/service.ts';
import { COUNTERS, createControlBuffer, ORDER_STOP, UdpControl, type UdpCounter } from '../sockets/udp-control.ts';
import { RECEIVE_TIMEOUT_MS, type UdpSocket, UdpSockets } from '../sockets/udp-sockets.ts';
import { wakeReceivers } from '../sockets/wake.ts';
import { AskedFigures } from './asked-figures.ts';
import { availableCores } from './cores.ts';
import type {
  BoundEndpoint,
  CoreSettings,
  ForwardTo,
  ForwardWay,
  StreamFigures,
  StreamOrder,
  StreamReport,
  StreamSettings,
  StreamTuning,
  UdpReport,
  UdpWorkerSettings,
} from './messages.ts';
import { forwardingPriority, lowerPriority, ownThreads, startAt } from './priority.ts';
import { SupervisedThread } from './supervised-thread.ts';

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

/** Beyond the grace given to open queries, before a thread is ended by force. */
const STOP_MARGIN_MS = 500;
/** For a UDP worker to see the order and to answer what its sockets hold. */
const UDP_STOP_MS = RECEIVE_TIMEOUT_MS + 2 * STOP_MARGIN_MS;
/** For a thread to go over to other sockets. */
const CHANGE_LIMIT_MS = 5000;
/** For queries that came to sockets given up and were forwarded: longer than that may take. */
const RETIRE_MS = 5000;
/** The stream thread's block of memory; UDP worker n has block n. */
const STREAM_BLOCK = 0;

/** As with Node 20: with Node 24's own limit, 2,000 forwarded queries a second take 70 MB more. */
const STREAM_YOUNG_MEGABYTES = 48;

type AttachOrder = Extract<StreamOrder, { kind: 'attach' }>;

interface UdpWorker {
  readonly thread: SupervisedThread<UdpReport>;
  readonly controlBuffer: SharedArrayBuffer;
  readonly control: UdpControl;
  /** Rung after every order. */
  readonly bell: Bell;
  /** Called when it serves the sockets that it was told of last. */
  onChanged: (() => void) | null;
}

/** Its threads start. */
export interface LaunchedService {
  /** Resolves when they serve, with what they are bound to; rejects where it does not come to that. */
  readonly serving: Promise<readonly BoundEndpoint[]>;
}

export class ServiceSupervisor {
  readonly #options: SupervisorOptions;
  readonly #announcements: readonly Uint32Array[];
  readonly #counts: readonly Float64Array[];
  /** Of the process when it was started. */
  readonly #priority = getPriority();
  #io: IoDriver | null = null;
  #tuning: ServiceTuning;
  #sockets: UdpSockets | null = null;
  /** Given up, and open until nobody can send from them any more. */
  #retired: readonly UdpSockets[] = [];
  #stream: SupervisedThread<StreamReport> | null = null;
  #udpWorkers: readonly UdpWorker[] = [];
  #streamEndpoints: readonly BoundEndpoint[] = [];
  /** Of UDP workers, for the next stream thread. */
  readonly #unattached: AttachOrder[] = [];
  /** Called with what the stream thread says to an order to change. */
  #onTuned: ((report: StreamReport) => void) | null = null;
  readonly #figures = new AskedFigures<StreamFigures>();
  /** Who waits for the stream thread to have emptied the cache. */
  readonly #flushing: ((entries: number) => void)[] = [];
  /** A process that ends waits for its threads, whatever it ends for. */
  readonly #onExit = () => this.#stopUdpWorkers();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#tuning = options.settings;
    this.#announcements = announcementViews(options.settings.memory);
    this.#counts = countViews(options.settings.memory);
  }

  /** The UDP driver that serves, and why; null before start(). */
  get io(): Pick<IoDriver, 'kind' | 'reason'> | null {
    return this.#io === null ? null : { kind: this.#io.kind, reason: this.#io.reason };
  }

  /** Of all UDP workers since start; zeros where `dgram` serves. */
  get udpCounters(): Readonly<Record<UdpCounter, number>> {
    const each = this.#udpWorkers.map(({ control }) => control.counters);
    const entries = COUNTERS.map((name) => [name, each.reduce((sum, counters) => sum + counters[name], 0)] as const);
    return Object.fromEntries(entries) as Record<UdpCounter, number>;
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
    return new Promise((resolve) => {
      if (this.#stream?.post({ kind: 'flush', question } satisfies StreamOrder) === true) this.#flushing.push(resolve);
      else resolve(null);
    });
  }

  /** Of the stream thread since it was started; as they were before where it does not say; null before the first time. */
  streamFigures(): Promise<StreamFigures | null> {
    return this.#figures.ask(() => this.#stream?.post({ kind: 'figures' } satisfies StreamOrder) === true);
  }

  /** Names that no zone of `zoneResolvers` holds are forwarded to these from now on. */
  setResolvers(upstreams: readonly string[]): void {
    this.#tuning = { ...this.#tuning, routes: [upstreams, ...this.#tuning.routes.slice(1)] };
    this.#stream?.post({ kind: 'route', route: 0, upstreams } satisfies StreamOrder);
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
      const workers = settings.workers === 0 ? this.#workersForCores() : settings.workers;
      this.#sockets = this.#openSockets(io.libc, settings, workers);
      this.#udpWorkers = this.#sockets.ofWorkers.map((_, i) => this.#createUdpWorker(i + 1, io.libc));
      process.once('exit', this.#onExit);
      logger.info(`UDP is served by "batched" with ${workers} ${workers === 1 ? 'worker' : 'workers'}: ${io.reason}`);
    } else if (!io.isFallback) {
      logger.info(`UDP is served by "dgram": ${io.reason}`);
    }
    this.#stream = this.#createStream(io.kind);
    const serving = this.#untilServing(this.#stream, others);
    serving.catch(() => undefined); // whoever awaits it is told
    return { serving };
  }

  async #untilServing(
    stream: SupervisedThread<StreamReport>,
    others: readonly number[],
  ): Promise<readonly BoundEndpoint[]> {
    try {
      // Who answers over UDP starts first, and goes first.
      const udp = this.#udpWorkers.map(({ thread }) => thread.start());
      await Promise.all([...udp, startAt(this.#streamPriority, () => stream.start())]);
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
    const last = this.#sockets;
    const libc = this.#io?.kind === 'batched' ? this.#io.libc : null;
    const next =
      last === null || libc === null
        ? null
        : this.#openSockets(libc, tuning, this.#udpWorkers.length, [last, ...this.#retired]);
    const refusal = await this.#tuneStream(tuning);
    if (refusal !== null) {
      if (last !== null) next?.without(last).close();
      throw new MesosDnsError('ERR_LISTEN', refusal);
    }
    this.#tuning = tuning;
    for (const { control } of this.#udpWorkers) control.sample(tuning.queryLogSample);
    if (last === null || next === null) return this.#endpoints();
    this.#sockets = next;
    next.setBuffers(tuning.udpReceiveBufferBytes, tuning.udpSendBufferBytes);
    const given = last.without(next);
    if (given.endpoints.length > 0 || next.without(last).endpoints.length > 0) await this.#changeSockets(given);
    return this.#endpoints();
  }

  /** Answers what was received, for up to `graceMs`, then ends. */
  async stop(graceMs: number): Promise<void> {
    const stream = this.#stream;
    this.#stopUdpWorkers();
    wakeReceivers(this.#sockets?.endpoints ?? [], this.#udpWorkers.length);
    await Promise.all([
      ...this.#udpWorkers.map(({ thread }) => thread.stop(() => undefined, UDP_STOP_MS)),
      // What the workers forwarded last reaches it before their ports close, and it waits for that.
      stream?.stop(
        () => stream.post({ kind: 'stop', graceMs } satisfies StreamOrder),
        Math.max(graceMs, UDP_STOP_MS) + STOP_MARGIN_MS,
      ),
    ]);
    process.off('exit', this.#onExit);
    for (const { bell } of this.#udpWorkers) bell.close();
    this.#sockets?.close();
    this.#sockets = null;
    for (const sockets of this.#retired) sockets.close();
    this.#retired = [];
  }

  #stopUdpWorkers(): void {
    for (const { control, bell } of this.#udpWorkers) {
      control.give(ORDER_STOP);
      bell.ring();
    }
  }

  #openSockets(libc: Libc, tuning: ServiceTuning, workers: number, others: readonly UdpSockets[] = []): UdpSockets {
    const { udpReceiveBufferBytes: receiveBufferBytes, udpSendBufferBytes: sendBufferBytes } = tuning;
    const { logger } = this.#options;
    const places = placesOf(tuning, 'udp');
    return UdpSockets.open(libc, { places, workers, receiveBufferBytes, sendBufferBytes, logger }, others);
  }

  /** @returns why the stream thread cannot do that; null where it does, or will when it is started again */
  async #tuneStream(tuning: ServiceTuning): Promise<string | null> {
    const told = new Promise<StreamReport | null>((resolve) => {
      const timer = setTimeout(() => resolve(null), CHANGE_LIMIT_MS);
      this.#onTuned = (report) => {
        clearTimeout(timer);
        resolve(report);
      };
    });
    const order: StreamOrder = { kind: 'tune', tuning: this.#streamTuning(tuning) };
    if (this.#stream?.post(order) !== true) return null;
    const report = await told;
    this.#onTuned = null;
    if (report?.kind === 'listening') return null;
    return report?.kind === 'refused' ? report.message : 'the stream thread does not answer';
  }

  /** Tells the UDP workers, waits until none of them reads the sockets given up, and closes those later. */
  async #changeSockets(given: UdpSockets): Promise<void> {
    const changes = this.#udpWorkers.map((worker, i) => this.#changeWorker(worker, this.#sockets?.ofWorkers[i] ?? []));
    const changed = (await Promise.all(changes)).every((each) => each);
    if (given.endpoints.length === 0) return;
    if (!changed) {
      // Their numbers must not go to other sockets while somebody may read them.
      this.#options.logger.error('a UDP worker does not give up its sockets; they stay open until the program ends');
      return;
    }
    this.#retired = [...this.#retired, given];
    const timer = setTimeout(() => {
      if (!this.#retired.includes(given)) return;
      this.#retired = this.#retired.filter((each) => each !== given);
      // One that is served again meanwhile was taken over.
      (this.#sockets === null ? given : given.without(this.#sockets)).close();
    }, RETIRE_MS);
    timer.unref();
  }

  /** @returns false where it did not answer in time */
  async #changeWorker(worker: UdpWorker, sockets: readonly UdpSocket[]): Promise<boolean> {
    const { thread, controlBuffer } = worker;
    if (!thread.isRunning) return true;
    const changed = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), CHANGE_LIMIT_MS);
      worker.onChanged = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.#forwardFrom(worker, this.#openWay(sockets, controlBuffer), sockets);
    return changed;
  }

  #streamTuning(tuning: ServiceTuning): StreamTuning {
    const udp = this.#io?.kind === 'batched' ? [] : placesOf(tuning, 'udp');
    return { ...streamPart(tuning), udp, tcp: placesOf(tuning, 'tcp') };
  }

  get #streamPriority(): number {
    return this.#io?.kind === 'batched' ? forwardingPriority(this.#priority) : this.#priority;
  }

  #workersForCores(): number {
    return Math.min(availableCores(), this.#announcements.length - 1);
  }

  /** In the order of the listeners, UDP before TCP. */
  #endpoints(): readonly BoundEndpoint[] {
    const ofStream = (transport: 'udp' | 'tcp') =>
      this.#streamEndpoints.filter((endpoint) => endpoint.transport === transport);
    const udp =
      this.#sockets === null
        ? ofStream('udp')
        : this.#sockets.endpoints.map((endpoint) => ({ transport: 'udp' as const, ...endpoint }));
    const tcp = ofStream('tcp');
    return Array.from({ length: Math.max(udp.length, tcp.length) }, (_, i) => [
      ...udp.slice(i, i + 1),
      ...tcp.slice(i, i + 1),
    ]).flat();
  }

  #coreSettings(block: number): CoreSettings {
    const { module, memory } = this.#options.settings;
    return { module, memory, worker: block, seed: randomBytes(8).readBigUInt64LE() | 1n, priority: this.#priority };
  }

  /** What a thread announced it cannot withdraw any more. */
  #clearAnnouncement(block: number): void {
    const word = this.#announcements[block];
    if (word !== undefined) Atomics.store(word, 0, 0);
  }

  #createStream(io: 'batched' | 'dgram'): SupervisedThread<StreamReport> {
    const { settings, logger, metrics } = this.#options;
    return new SupervisedThread<StreamReport>({
      name: 'the stream thread',
      entry: new URL('../../joined/stream-worker.cjs', import.meta.url),
      prepare: () => {
        const core = this.#coreSettings(STREAM_BLOCK);
        const tuning = this.#streamTuning(this.#tuning);
        const workerData: StreamSettings = {
          ...tuning,
          ...core,
          priority: this.#streamPriority,
          io,
          verbosity: settings.verbosity,
        };
        return { workerData, resourceLimits: { maxYoungGenerationSizeMb: STREAM_YOUNG_MEGABYTES } };
      },
      onStarted: () => {
        for (const order of this.#unattached.splice(0)) this.#attach(order);
      },
      onReport: (report) => {
        if (report.kind === 'failed') return new MesosDnsError(report.code, report.message);
        if (report.kind === 'figures') {
          this.#figures.take(report);
          return null;
        }
        if (report.kind === 'query') {
          this.#options.onQuery?.(report.query);
          return null;
        }
        if (report.kind === 'flushed') {
          this.#flushing.shift()?.(report.entries);
          return null;
        }
        if (report.kind === 'listening') this.#streamEndpoints = report.endpoints;
        this.#onTuned?.(report);
        return report.kind === 'listening' ? 'ready' : null;
      },
      onEnded: () => {
        this.#clearAnnouncement(STREAM_BLOCK);
        // The next thread begins with an empty cache.
        for (const resolve of this.#flushing.splice(0)) resolve(0);
      },
      onRestart: () => {
        metrics.workerRestarts.inc();
        this.#reconnectAll();
      },
      logger,
    });
  }

  #createUdpWorker(number: number, libc: Libc): UdpWorker {
    const { logger, metrics } = this.#options;
    const controlBuffer = createControlBuffer();
    const bell = new Bell(libc);
    const name = `UDP worker ${number}`;
    const thread = new SupervisedThread<UdpReport>({
      name,
      entry: new URL('../../joined/udp-worker.cjs', import.meta.url),
      prepare: () => {
        const sockets = this.#sockets?.ofWorkers[number - 1] ?? [];
        const forwardTo = this.#openWay(sockets, controlBuffer);
        const workerData: UdpWorkerSettings = {
          ...this.#coreSettings(number),
          sockets,
          control: controlBuffer,
          bell: bell.fd,
          forwardTo,
        };
        return { workerData, transferList: [forwardTo.port] };
      },
      onReport: (report) => {
        if (report.kind === 'serving') return 'ready';
        if (report.kind === 'changed') {
          worker.onChanged?.();
          return null;
        }
        if (report.kind === 'query') {
          this.#options.onQuery?.(report.query);
          return null;
        }
        logger.error({ err: report.error }, `${name}: ${report.what}`);
        return null;
      },
      onEnded: () => {
        this.#clearAnnouncement(number);
        // The next one begins with the sockets that are in force then.
        worker.onChanged?.();
      },
      onRestart: () => metrics.workerRestarts.inc(),
      logger,
    });
    const worker: UdpWorker = { thread, controlBuffer, control: new UdpControl(controlBuffer), bell, onChanged: null };
    worker.control.sample(this.#tuning.queryLogSample);
    return worker;
  }

  /** What was underway to the stream thread that ended is lost; what comes from now on waits for the next one. */
  #reconnectAll(): void {
    for (const [i, worker] of this.#udpWorkers.entries()) {
      if (!worker.thread.isRunning) continue;
      const sockets = this.#sockets?.ofWorkers[i] ?? [];
      this.#forwardFrom(worker, this.#openWay(sockets, worker.controlBuffer), sockets);
    }
  }

  #forwardFrom({ thread, control, bell }: UdpWorker, way: ForwardWay, sockets: readonly UdpSocket[]): void {
    thread.post({ kind: 'forward-to', way, sockets } satisfies ForwardTo, [way.port]);
    control.announceMessage();
    bell.ring();
  }

  /** A new way from a UDP worker to the stream thread. @returns the worker's end */
  #openWay(sockets: readonly UdpSocket[], control: SharedArrayBuffer): ForwardWay {
    const { port1, port2 } = new MessageChannel();
    const ring = createForwardRing();
    this.#attach({ kind: 'attach', way: { ring, port: port2 }, control, sockets });
    return { ring, port: port1 };
  }

  #attach(order: AttachOrder): void {
    if (this.#stream?.post(order, [order.way.port]) !== true) this.#unattached.push(order);
  }
}

function placesOf({ listeners, port, passed }: ServiceTuning, transport: 'udp' | 'tcp'): readonly Place[] {
  const handed = passed?.[transport] ?? [];
  return handed.length > 0 ? handed : listeners.map((address) => ({ address, port }));
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
