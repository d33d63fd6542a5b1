// The composition root: builds every room, connects them, starts them in order, takes them over to another configuration,
// and stops them in reverse.

import { networkInterfaces } from 'node:os';
import { watchNetworks } from './access.ts';
import { changesOf, fingerprintOf } from './config/changes.ts';
import type { Config } from './config/config.ts';
import { ResolvConf } from './config/resolv-conf.ts';
import { DnsServing } from './dns-serving.ts';
import type { CacheSettings } from './engine/cache-settings.ts';
import { limitRate, offerKeepalive, startCookies } from './engine/core-options.ts';
import { Engine } from './engine/engine.ts';
import { type MesosDnsError, messageOf } from './errors.ts';
import { createFollowing, type Following } from './following.ts';
import { takeOverGarbage } from './garbage.ts';
import { ClusterGuard } from './guard/cluster-guard.ts';
import { HostAddresses } from './hosts/host-addresses.ts';
import type { HttpApiOptions } from './http/server.ts';
import { type HttpEndpoint, HttpServing } from './http-serving.ts';
import { createLeaderDetector } from './leader/detector.ts';
import { formatEndpoint, type LeaderDetector } from './leader/leader.ts';
import { type LogFormat, type Logger, roomLogger, type Verbosity } from './observability/logger.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { watchProcess } from './observability/process-watch.ts';
import { NO_CHANGE } from './prepared-change.ts';
import { hostsToResolve } from './records/addresses.ts';
import { enumerate } from './records/listing.ts';
import { KeptZone, stateDirectoryOf } from './snapshot/kept-zone.ts';
import type { ClusterSnapshot } from './snapshot/snapshot.ts';
import { untilIdle } from './spare-time.ts';
import { LiveCluster } from './state/live-cluster.ts';
import { NO_SOCKETS, type PassedSockets } from './systemd/passed-sockets.ts';
import { VERSION } from './version.ts';
import { MainPriority } from './workers/main-priority.ts';
import type { BoundEndpoint } from './workers/messages.ts';
import { startRateReport } from './workers/rate-report.ts';
import { type ServedZone, Zone } from './zone/zone.ts';

export interface AppOptions {
  readonly config: Config;
  readonly verbosity: Verbosity;
  readonly logger: Logger;
  /** Lines of the log look like this from now on. */
  readonly setLogFormat: (format: LogFormat) => void;
  /** Bound by the service manager, served instead of those that the configuration names. */
  readonly passed?: PassedSockets;
}

export interface Readiness {
  readonly isReady: boolean;
  /** Why not, in words for people; none where it is. */
  readonly reasons: readonly string[];
}

export interface Reloaded {
  readonly changed: readonly string[];
  /** Keys of these that have no effect before a restart. */
  readonly pending: readonly string[];
}

export interface App {
  /** The sockets that DNS is served on. */
  readonly endpoints: readonly BoundEndpoint[];
  /** Where HTTP is served, or null with httpOn false. */
  readonly http: HttpEndpoint | null;
  /** Resolves with the reason why the program must end by itself; most programs never see it. */
  readonly failed: Promise<MesosDnsError>;
  /** Resolves when the domain's names are served for the first time. */
  readonly firstZone: Promise<void>;
  readonly readiness: Readiness;
  /** What it is doing, in one line. */
  readonly summary: string;
  /**
   * Goes over to another configuration; what does not differ is not touched. Throws ERR_LISTEN or ERR_CONFIG, and goes on
   * as before, where that cannot be done.
   */
  reload(config: Config): Promise<Reloaded>;
  /** Publishes the next update of the zone, however much it removes. */
  releaseUpdate(): void;
  /** A reload did not get as far as reload(), or that threw. */
  countFailedReload(): void;
  stop(): Promise<void>;
}

/** For what is written at the end, where the disk is slow. */
const KEEP_MS = 5000;
/** What waits in passed sockets is answered from the first zone, if it comes soon enough for those who wait. */
const PASSED_WAIT_MS = 2000;
/** HTTP is served after so long, even where the first state is still being read. */
const HTTP_WITHIN_MS = 10_000;

/** Throws ERR_LISTEN, ERR_CONFIG or ERR_CORE where the program cannot start. */
export async function startApp(options: AppOptions): Promise<App> {
  const app = new RunningApp(options, await Engine.create());
  await app.start();
  return app;
}

class RunningApp implements App {
  readonly #options: AppOptions;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #engine: Engine;
  readonly #hosts: HostAddresses;
  readonly #guard: ClusterGuard;
  readonly #cluster: LiveCluster;
  /** null where no directory is given for it. */
  #kept: KeptZone | null;
  readonly #zone: Zone;
  readonly #interfaceAddresses = interfaceReader();
  readonly #passed: PassedSockets;
  readonly failed: Promise<MesosDnsError>;
  #fail: (reason: MesosDnsError) => void = () => undefined;
  #config: Config;
  #detector: LeaderDetector;
  #following: Following;
  /** The first state is taken no sooner: parsing a large one would hold up the start of the threads. */
  readonly #mayTakeState: Promise<void>;
  #takeState = () => {};
  readonly #dns: DnsServing;
  readonly #http: HttpServing;
  #resolvConf: ResolvConf | null = null;
  #stopCookies = () => {};
  #access: { close(): void } | null = null;
  readonly #stopRateReport: () => void;
  readonly #stopWatch: () => void;
  readonly #garbage = takeOverGarbage();
  readonly #priority: MainPriority;
  #isStopping = false;

  constructor(options: AppOptions, engine: Engine) {
    const { config, logger, verbosity, passed = NO_SOCKETS } = options;
    this.#options = options;
    this.#config = config;
    this.#engine = engine;
    this.#passed = passed;
    this.#log = roomLogger(logger, 'main');
    this.#priority = new MainPriority({
      onRefused: () =>
        this.#log.info('changes wait behind answers where processors are short: RLIMIT_NICE (LimitNICE=) forbids more'),
    });
    this.#metrics = createMetrics({ prefix: config.metricsPrefix, version: VERSION });
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#mayTakeState = new Promise((resolve) => {
      this.#takeState = resolve;
    });
    this.#hosts = new HostAddresses({ onChange: () => this.#zone.refresh() });
    const inForce = () => this.#config;
    this.#guard = new ClusterGuard({
      get config() {
        return inForce();
      },
      logger: roomLogger(logger, 'zone'),
      metrics: this.#metrics,
    });
    this.#kept = this.#createKept(config);
    this.#cluster = new LiveCluster({ recoveryMs: () => this.#config.agentReregisterSeconds * 1000 });
    this.#zone = new Zone({
      config,
      cluster: this.#cluster,
      engine,
      hosts: this.#hosts,
      guard: this.#guard,
      onPublished: (serial, names) => this.#http.publish(serial, names),
      onServed: (served) => {
        this.#kept?.served(served, () => snapshotOf(served, this.#hosts));
      },
      masters: () => this.#detector.current,
      interfaceAddresses: this.#interfaceAddresses,
      logger: roomLogger(logger, 'zone'),
      metrics: this.#metrics,
    });
    this.#detector = this.#createDetector(config);
    this.#following = this.#createFollowing(config, this.#detector);
    const metrics = this.#metrics;
    this.#dns = new DnsServing({ engine, passed, verbosity, logger, metrics });
    this.#http = new HttpServing(this.#httpOptions(), this.#log);
    this.#stopWatch = watchProcess({ metrics, logger: this.#log });
    this.#stopRateReport = startRateReport({
      memory: engine.memory,
      held: () => {
        const totals = this.#dns.service?.queryTotals;
        return totals === undefined ? 0 : totals.rateDropped + totals.rateSlipped;
      },
      logger: roomLogger(logger, 'workers'),
    });
  }

  get endpoints(): readonly BoundEndpoint[] {
    return this.#dns.endpoints;
  }

  get http(): HttpEndpoint | null {
    return this.#http.endpoint;
  }

  get firstZone(): Promise<void> {
    return this.#zone.first;
  }

  get readiness(): Readiness {
    const reasons = [
      ...(this.#isStopping ? ['stopping'] : []),
      ...(this.#zone.served === null ? ['no state of the cluster has been loaded yet'] : []),
    ];
    return { isReady: reasons.length === 0, reasons };
  }

  get summary(): string {
    const leader = this.#detector.current?.leader;
    const whom = leader === null || leader === undefined ? '' : `, following ${formatEndpoint(leader)}`;
    const { served } = this.#zone;
    if (served === null) return `no state of the cluster yet: ${this.#config.domain} is answered SERVFAIL${whom}`;
    return `serving ${this.#config.domain}, serial ${served.serial}${whom}`;
  }

  async start(): Promise<void> {
    const config = this.#config;
    offerKeepalive(this.#engine.memory, config.tcpIdleSeconds * 1000);
    if (config.cacheSizeMegabytes > 0) this.#engine.openCache(cacheSettings(config));
    this.#applyToCore(config);
    try {
      // Threads start while the snapshot is read, and answer from the first table on.
      const serving = (await this.#dns.launch(config))?.serving ?? Promise.resolve([]);
      await this.#kept?.restore(this.#zone, serving);
      // The state is on its way while all that starts.
      this.#follow();
      await this.#open(serving);
      this.#takeState();
      // HTTP takes long to load, and a state that has come already is to be read first.
      await untilIdle(Promise.race([this.#zone.first, this.failed]), HTTP_WITHIN_MS);
      await this.#http.start(config);
    } catch (error) {
      const closed = [this.#closeFollowing(), this.#dns.stop()];
      this.#takeState(); // nobody takes it any more
      await Promise.all(closed);
      throw error;
    }
    this.#followResolvConf(config);
    this.#metrics.configInForce(fingerprintOf(config));
  }

  async #open(serving: Promise<readonly BoundEndpoint[]>): Promise<void> {
    // Names outside the domain are answered before anything is known of the cluster. But who waits in passed sockets shall
    // not get SERVFAIL for a name that was answered before this process was restarted.
    if (this.#passed.udp.length + this.#passed.tcp.length > 0) {
      this.#takeState();
      await settledWithin(this.#zone.first, PASSED_WAIT_MS);
    }
    if (this.#zone.served === null) this.#zone.open();
    this.#dns.serves(await serving);
  }

  async reload(next: Config): Promise<Reloaded> {
    const last = this.#config;
    const changes = changesOf(last, next);
    // First all that can fail, in such a way that it can be taken back; nothing of it changes an answer.
    const detector = changes.concern('leader') ? this.#createDetector(next) : this.#detector;
    const following = changes.concern('following') ? this.#createFollowing(next, detector) : null;
    let dns = NO_CHANGE;
    let http = NO_CHANGE;
    try {
      if (changes.concern('service')) dns = await this.#dns.change(last, next);
      if (changes.concern('http')) http = await this.#http.change(last, next);
    } catch (error) {
      await this.#takeBack([dns.undo(), following?.close()]);
      throw error;
    }
    this.#config = next;
    dns.done();
    http.done();
    if (changes.concern('snapshot')) {
      // Before the zone: what is made under the new configuration is kept under its name.
      this.#kept = this.#createKept(next, this.#kept?.leave());
    }
    if (changes.concern('log')) this.#options.setLogFormat(next.logFormat);
    if (changes.concern('core')) this.#applyToCore(next);
    if (changes.concern('zone')) this.#zone.configure(next);
    if (changes.concern('service')) this.#followResolvConf(next);
    if (following !== null) {
      void this.#following.close();
      this.#following = following;
      following.start();
    }
    if (detector !== this.#detector) {
      const before = this.#detector;
      this.#detector = detector;
      // In this order: both tell through one metric whether their source is connected.
      void before.close().then(() => detector.start());
    }
    this.#metrics.configInForce(fingerprintOf(next));
    return { changed: changes.keys, pending: changes.pending };
  }

  async #takeBack(undone: readonly (Promise<unknown> | undefined)[]): Promise<void> {
    for (const result of await Promise.allSettled(undone)) {
      if (result.status === 'rejected')
        this.#log.error(`a change could not be taken back: ${messageOf(result.reason)}`);
    }
  }

  releaseUpdate(): void {
    this.#guard.release();
    this.#zone.refresh();
    this.#following.refresh();
  }

  countFailedReload(): void {
    this.#metrics.reloadFailed.inc();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#resolvConf?.close();
    this.#stopCookies();
    this.#stopRateReport();
    this.#stopWatch();
    this.#garbage.close();
    this.#access?.close();
    this.#zone.close();
    await Promise.all([this.#closeFollowing(), this.#http.close()]);
    this.#hosts.close();
    // Queries are answered while it is written: that may take a second with a large zone.
    if (this.#kept !== null && !(await settledWithin(this.#kept.close(), KEEP_MS))) {
      this.#log.warn(`what is kept of the zone could not be written within ${KEEP_MS / 1000} s`);
    }
    await this.#dns.stop();
  }

  #follow(): void {
    this.#following.start();
    this.#detector.start();
  }

  async #closeFollowing(): Promise<void> {
    await this.#following.close();
    await this.#detector.close();
  }

  /** null where no directory is given for it. @param after see KeptZone */
  #createKept(config: Config, after?: Promise<void>): KeptZone | null {
    const directory = stateDirectoryOf(config);
    if (directory === null) return null;
    return new KeptZone({
      config,
      directory,
      interfaceAddresses: this.#interfaceAddresses,
      takeImage: () => this.#engine.image(),
      after,
      logger: roomLogger(this.#options.logger, 'snapshot'),
      metrics: this.#metrics,
    });
  }

  /** Throws ERR_CONFIG where the masters cannot be found that way. */
  #createDetector(config: Config): LeaderDetector {
    const log = roomLogger(this.#options.logger, 'leader');
    return createLeaderDetector(config, { log, metrics: this.#metrics });
  }

  #createFollowing(config: Config, detector: LeaderDetector): Following {
    const { logger } = this.#options;
    return createFollowing({
      config,
      detector,
      cluster: this.#cluster,
      logger,
      metrics: this.#metrics,
      onState: (state) => void this.#zone.update(state).then(() => this.#garbage.left()),
      onEvents: () => {
        this.#garbage.changed();
        if (this.#zone.served?.isStale === false) this.#priority.takeUp();
        this.#zone.changed();
      },
      onMasters: () => this.#zone.refresh(),
      until: () => this.#mayTakeState,
      priority: this.#priority,
      onFailure: (reason) => this.#fail(reason),
    });
  }

  #httpOptions(): Omit<HttpApiOptions, 'feed'> {
    const fd = this.#passed.http?.fd;
    return {
      config: () => this.#config,
      zone: () => {
        const { served } = this.#zone;
        if (served === null) return null;
        const { records, serial, isStale } = served;
        return {
          records,
          serial,
          isStale,
          get input() {
            return served.input;
          },
          enumerate: () => enumerate(served.input),
        };
      },
      reasonsNotReady: () => this.readiness.reasons,
      hold: () => this.#guard.hold,
      release: () => this.releaseUpdate(),
      forwarding: async () => (await this.#dns.service?.streamFigures())?.forwarding ?? null,
      flushCache: async (question) => (await this.#dns.service?.flushCache(question)) ?? null,
      version: VERSION,
      metrics: this.#metrics,
      logger: roomLogger(this.#options.logger, 'http'),
      ...(fd !== undefined && { fd }),
    };
  }

  #applyToCore(config: Config): void {
    this.#stopCookies();
    const secrets = config.cookieSecrets.map((secret) => Buffer.from(secret, 'hex'));
    this.#stopCookies = startCookies(this.#engine.memory, config.dnsCookies ? { secrets } : null);
    limitRate(this.#engine.memory, config.rateLimit, config.rateLimitSlip);
    this.#engine.tuneCache(cacheSettings(config));
    this.#access?.close();
    this.#access = watchNetworks(this.#engine.memory, config.allowForward);
  }

  #followResolvConf(config: Config): void {
    this.#resolvConf?.close();
    this.#resolvConf = null;
    if (!config.followsResolvConf) return;
    this.#resolvConf = new ResolvConf({
      servers: config.resolvers,
      onChange: (servers) => this.#dns.service?.setResolvers(servers),
      interfaceAddresses: this.#interfaceAddresses,
      logger: roomLogger(this.#options.logger, 'forwarder'),
    });
    this.#resolvConf.start();
  }
}

/** @returns whether it has settled. Rejects as the promise does */
async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const hasSettled = await Promise.race([promise.then(() => true), timeout]);
  clearTimeout(timer);
  return hasSettled;
}

/** What is kept on disk over a restart. */
function snapshotOf({ input, serial }: ServedZone, hosts: HostAddresses): ClusterSnapshot {
  const { state, masters } = input;
  const known = hostsToResolve(state, masters).map((host) => [host, hosts.lookup(host)] as const);
  return { state, masters, hosts: Object.fromEntries(known), serial };
}

function cacheSettings(config: Config): CacheSettings {
  return {
    sizeBytes: config.cacheSizeMegabytes * 1024 * 1024,
    minTtlSeconds: config.cacheMinTtl,
    maxTtlSeconds: config.cacheMaxTtl,
    maxNegativeTtlSeconds: config.cacheMaxNegativeTtl,
    maxStaleSeconds: config.cacheMaxStale,
    prefetches: config.cachePrefetch,
    cutsNxdomain: config.cacheNxdomainCut,
  };
}

/** Addresses of this machine's interfaces; the last known ones where they cannot be read, for lack of a descriptor. */
function interfaceReader(): () => readonly string[] {
  let known: readonly string[] = [];
  return () => {
    try {
      known = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
    } catch {
      // They are asked for again with the next state.
    }
    return known;
  };
}
