// The life of the process after its arguments are read: start, readiness, reloads, watchdog, stop. Signals come in, the
// service manager is told.

import { type App, startApp } from './app.ts';
import { EXIT_CODES } from './cli.ts';
import type { Config } from './config/config.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { MesosDnsError, messageOf } from './errors.ts';
import { type Log, type Logger, roomLogger, type Verbosity } from './observability/logger.ts';
import { loadKnownLibc } from './sockets/io-driver.ts';
import type { Libc } from './sockets/libc.ts';
import { createNotifier, monotonicUsec, type Notifier } from './systemd/notify.ts';
import {
  NO_SOCKETS,
  type PassedSockets,
  passedCount,
  takePassedSockets,
  withPassedSockets,
} from './systemd/passed-sockets.ts';
import { startWatchdog, watchdogInterval } from './systemd/watchdog.ts';

export interface DaemonOptions {
  readonly file: string;
  readonly config: Config;
  readonly verbosity: Verbosity;
  readonly log: Log;
}

/** Without a state of the cluster for so long, the program counts as started nevertheless: other names are served. */
const READY_WITHIN_MS = 15_000;
/** The service manager's patience is renewed this often, and by so much, while something takes its time. */
const EXTEND_EVERY_MS = 2000;
const EXTEND_BY_USEC = 10_000_000;
const STATUS_EVERY_MS = 2000;

/** Runs until a signal comes, or the program cannot go on. @returns its exit code */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  const { environment, libc } = await surroundings();
  const log = roomLogger(options.log.root, 'main');
  const notifier = createNotifier({ libc, environment, logger: log });
  try {
    return await new Daemon(options, notifier, log).run(environment, libc);
  } catch (error) {
    options.log.root.fatal(messageOf(error));
    notifier.notify({ STATUS: messageOf(error) });
    return EXIT_CODES.failure;
  }
}

/** The C library is loaded only where a service manager is to be talked to. */
async function surroundings(): Promise<{ environment: NodeJS.ProcessEnv; libc: Libc | null }> {
  const environment = { ...process.env };
  const isManaged = (environment['NOTIFY_SOCKET'] ?? '') !== '' || passedCount(environment, process.pid) > 0;
  return { environment, libc: isManaged ? await loadKnownLibc() : null };
}

class Daemon {
  readonly #options: DaemonOptions;
  readonly #notifier: Notifier;
  readonly #log: Logger;
  readonly #ended: Promise<string>;
  #passed: PassedSockets = NO_SOCKETS;
  #app: App | null = null;
  #config: Config;
  #status = '';
  #isReady = false;
  /** One after another: SIGHUPs that come while one is worked on are one more. */
  #reloading: Promise<void> | null = null;
  #mustReload = false;
  /** Asked for before there was an app to ask. */
  #mustRelease = false;

  constructor(options: DaemonOptions, notifier: Notifier, log: Logger) {
    this.#options = options;
    this.#notifier = notifier;
    this.#log = log;
    this.#config = options.config;
    this.#ended = new Promise((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
    });
    process.on('SIGHUP', () => this.#onReload());
    process.on('SIGUSR1', () => this.#onRelease());
  }

  async run(environment: NodeJS.ProcessEnv, libc: Libc | null): Promise<number> {
    const { log, verbosity } = this.#options;
    this.#passed = takePassed(environment, libc, this.#config, this.#log);
    this.#config = withPassedSockets(this.#config, this.#passed);
    const patience = this.#notifier.isHeard ? setInterval(() => this.#extend(), EXTEND_EVERY_MS) : undefined;
    const app = await startApp({
      config: this.#config,
      verbosity,
      logger: log.root,
      setLogFormat: log.setFormat,
      passed: this.#passed,
    });
    this.#app = app;
    if (this.#mustRelease) app.releaseUpdate();
    const watchdog = this.#startWatchdog(app, environment);
    const status = this.#notifier.isHeard ? setInterval(() => this.#tellStatus(), STATUS_EVERY_MS) : undefined;
    const ended = Promise.race([this.#ended, app.failed]);
    await Promise.race([app.firstZone, new Promise((resolve) => setTimeout(resolve, READY_WITHIN_MS).unref()), ended]);
    clearInterval(patience);
    this.#isReady = true;
    this.#notifier.notify({ READY: 1, STATUS: app.summary });
    if (this.#mustReload) this.#onReload();

    const reason = await ended;
    clearInterval(status);
    watchdog?.stop();
    if (reason instanceof MesosDnsError) log.root.fatal(reason.message);
    else log.root.info(`${reason}: stopping`);
    this.#notifier.notify({ STOPPING: 1, STATUS: 'stopping' });
    await this.#reloading;
    await app.stop();
    return reason instanceof MesosDnsError ? EXIT_CODES.failure : EXIT_CODES.ok;
  }

  #extend(): void {
    this.#notifier.notify({ EXTEND_TIMEOUT_USEC: EXTEND_BY_USEC, ...(this.#app && { STATUS: this.#app.summary }) });
  }

  #tellStatus(): void {
    const summary = this.#app?.summary ?? '';
    if (summary === this.#status || !this.#isReady || this.#reloading !== null) return;
    this.#status = summary;
    this.#notifier.notify({ STATUS: summary });
  }

  #startWatchdog(app: App, environment: NodeJS.ProcessEnv): ReturnType<typeof startWatchdog> | null {
    const intervalMs = watchdogInterval(environment, process.pid);
    if (intervalMs === null) return null;
    return startWatchdog({
      notifier: this.#notifier,
      intervalMs,
      endpoints: () => app.endpoints.filter(({ transport }) => transport === 'udp'),
      domain: () => this.#config.domain,
      logger: roomLogger(this.#options.log.root, 'watchdog'),
    });
  }

  #onRelease(): void {
    if (this.#app === null) this.#mustRelease = true;
    else this.#app.releaseUpdate();
  }

  #onReload(): void {
    this.#mustReload = true;
    if (!this.#isReady || this.#reloading !== null) return;
    this.#reloading = this.#reloadWhileAsked().finally(() => {
      this.#reloading = null;
    });
  }

  async #reloadWhileAsked(): Promise<void> {
    while (this.#mustReload) {
      this.#mustReload = false;
      this.#notifier.notify({ RELOADING: 1, MONOTONIC_USEC: monotonicUsec() });
      const patience = setInterval(() => this.#extend(), EXTEND_EVERY_MS);
      const status = await this.#reload();
      clearInterval(patience);
      this.#status = '';
      this.#notifier.notify({ READY: 1, STATUS: status });
    }
  }

  /** @returns the line for the service manager */
  async #reload(): Promise<string> {
    const app = this.#app;
    if (app === null) return '';
    let loaded: LoadedConfig;
    try {
      loaded = await loadConfig(this.#options.file);
      for (const warning of loaded.warnings) this.#log.warn(warning);
      const config = withPassedSockets(loaded.config, this.#passed);
      const { changed, pending } = await app.reload(config);
      this.#config = config;
      this.#log.info(changed.length === 0 ? 'reload: nothing has changed' : `reload: changed ${changed.join(', ')}`);
      if (pending.length > 0) this.#log.warn(`reload: ${pending.join(', ')} will have effect after a restart`);
      return app.summary;
    } catch (error) {
      app.countFailedReload();
      this.#log.error(`reload: the configuration stays as it was: ${messageOf(error)}`);
      return `the last reload failed, the configuration before is in force: ${messageOf(error)}`;
    }
  }
}

function takePassed(environment: NodeJS.ProcessEnv, libc: Libc | null, config: Config, log: Logger): PassedSockets {
  const count = passedCount(environment, process.pid);
  if (count === 0) return NO_SOCKETS;
  if (libc === null) {
    throw new MesosDnsError('ERR_LISTEN', 'sockets were passed by the service manager, which need Linux and koffi');
  }
  const passed = takePassedSockets(libc, environment, process.pid, config);
  const { udp, tcp, http } = passed;
  const sockets = { udp: udp.length, tcp: tcp.length, http: http === null ? 0 : 1 };
  log.info(sockets, 'serving the sockets that the service manager has passed; they go before listener and port');
  return passed;
}
