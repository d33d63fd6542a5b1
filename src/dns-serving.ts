// DNS as the configuration wants it served: the threads that do it, and what they are bound to.

import type { Config } from './config/config.ts';
import type { Engine } from './engine/engine.ts';
import { type Logger, roomLogger, type Verbosity } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import type { PreparedChange } from './prepared-change.ts';
import type { PassedSockets } from './systemd/passed-sockets.ts';
import type { BoundEndpoint } from './workers/messages.ts';
import { QueryLog } from './workers/query-log.ts';
import { type LaunchedService, ServiceSupervisor, type ServiceTuning } from './workers/supervisor.ts';

export interface DnsServingOptions {
  readonly engine: Pick<Engine, 'module' | 'memory'>;
  readonly passed: PassedSockets;
  readonly verbosity: Verbosity;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** For queries that wait for an upstream at the end; under the 5 s that an operator expects at most. */
const STOP_GRACE_MS = 2000;

export class DnsServing {
  readonly #options: DnsServingOptions;
  readonly #log: Logger;
  readonly #queryLog: QueryLog;
  #service: ServiceSupervisor | null = null;
  #endpoints: readonly BoundEndpoint[] = [];

  constructor(options: DnsServingOptions) {
    this.#options = options;
    this.#log = roomLogger(options.logger, 'main');
    this.#queryLog = new QueryLog(roomLogger(options.logger, 'queries'));
    const { metrics } = options;
    metrics.countUdp(() => this.#service?.udpCounters ?? {});
    metrics.countQueries(() => this.#service?.queryTotals ?? null);
    metrics.countForwarding(async () => (await this.#service?.streamFigures())?.forwarding ?? null);
    metrics.countCache(async () => (await this.#service?.cacheTotals()) ?? null);
    metrics.countTcp(async () => (await this.#service?.streamFigures())?.tcp ?? null);
  }

  /** null with dnsOn false. */
  get service(): ServiceSupervisor | null {
    return this.#service;
  }

  /** The sockets that DNS is served on. */
  get endpoints(): readonly BoundEndpoint[] {
    return this.#endpoints;
  }

  /** Starts the threads, which answer from the first table on. Resolves to null with dnsOn false; rejects as launch() of the service. */
  async launch(config: Config): Promise<LaunchedService | null> {
    if (!config.dnsOn) return null;
    this.#service = this.#createService(config);
    return await this.#service.launch();
  }

  /** What is served from now on, for the log and for who asks. */
  serves(endpoints: readonly BoundEndpoint[]): void {
    for (const { transport, address, port } of endpoints) {
      const isNew = !this.#endpoints.some(
        (each) => each.transport === transport && each.address === address && each.port === port,
      );
      if (isNew) this.#log.info(`DNS over ${transport} on ${address} port ${port}`);
    }
    this.#endpoints = endpoints;
  }

  /** Prepares another configuration. Rejects with ERR_LISTEN or ERR_CONFIG, and goes on as before. */
  async change(last: Config, next: Config): Promise<PreparedChange> {
    const service = this.#service;
    if (!next.dnsOn) {
      const done = () => {
        this.#service = null;
        this.serves([]);
        void service?.stop(STOP_GRACE_MS);
      };
      return { done, undo: async () => undefined };
    }
    if (service !== null) {
      const endpoints = await service.tune(this.#tuningOf(next));
      return { done: () => this.serves(endpoints), undo: () => service.tune(this.#tuningOf(last)) };
    }
    const started = this.#createService(next);
    const endpoints = await started.start();
    const done = () => {
      this.#service = started;
      this.serves(endpoints);
    };
    return { done, undo: () => started.stop(0) };
  }

  async stop(): Promise<void> {
    await this.#service?.stop(STOP_GRACE_MS);
  }

  #createService(config: Config): ServiceSupervisor {
    const { engine, verbosity, logger, metrics } = this.#options;
    const { module, memory } = engine;
    const { io, workers } = config;
    return new ServiceSupervisor({
      settings: { module, memory, io, workers, verbosity, ...this.#tuningOf(config) },
      logger: roomLogger(logger, 'workers'),
      metrics,
      onQuery: (query) => this.#queryLog.write(query),
    });
  }

  #tuningOf(config: Config): ServiceTuning {
    return {
      listeners: config.listener,
      port: config.port,
      passed: this.#options.passed,
      udpReceiveBufferBytes: config.udpReceiveBufferBytes,
      udpSendBufferBytes: config.udpSendBufferBytes,
      udpPayloadBytes: config.ednsUdpSize,
      tcpLimits: {
        idleMs: config.tcpIdleSeconds * 1000,
        maxConnections: config.tcpConnections,
        maxConnectionsPerAddress: config.tcpConnectionsPerAddress,
      },
      routes: [config.resolvers, ...Object.values(config.zoneResolvers)],
      zones: ['', ...Object.keys(config.zoneResolvers)],
      forwardPolicy: config.forwardPolicy,
      forwardRandomCase: config.forwardRandomCase,
      forwardAuthorities: config.forwardAuthorities,
      timeoutSeconds: config.timeout,
      recursionAvailable: config.recurseOn,
      logFormat: config.logFormat,
      queryLogSample: config.queryLogSample,
    };
  }
}
