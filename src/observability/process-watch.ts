// Notices what befalls the whole process from outside: that it stood still, and that it has no file descriptor left.

import { closeSync, openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { everySeconds } from '../pulse.ts';
import type { Logger } from './logger.ts';
import type { ProcessMetrics } from './process-metrics.ts';

export interface ProcessWatchOptions {
  readonly metrics: Pick<ProcessMetrics, 'pauses' | 'pausedSeconds' | 'descriptorShortages'>;
  readonly logger: Logger;
  readonly sources: ProcessSources;
}

/** What is looked at, for tests. */
export interface ProcessSources {
  /** Milliseconds of a clock that nobody sets. */
  now(): number;
  /** Milliseconds in which the main thread ran, or would have if there had been a processor for it. */
  runnable(): number;
  /** Takes a file descriptor and gives it back. Throws where there is none. */
  tryDescriptor(): void;
}

const INTERVAL_SECONDS = 1;
/** Shorter ones are nothing to be told of. */
const PAUSE_MIN_MS = 1000;

/** @returns a function that ends it */
export function watchProcess(options: Omit<ProcessWatchOptions, 'sources'>): () => void {
  const account = openAccount();
  const watch = new ProcessWatch({
    ...options,
    sources: {
      now: () => performance.now(),
      runnable: account.runnable,
      tryDescriptor: () => closeSync(openSync('/dev/null', 'r')),
    },
  });
  const end = everySeconds(INTERVAL_SECONDS, () => watch.look(INTERVAL_SECONDS * 1000));
  return () => {
    end();
    account.close();
  };
}

export class ProcessWatch {
  readonly #options: ProcessWatchOptions;
  readonly #sources: ProcessSources;
  #lookedAt: number;
  #runnableThen: number;
  #isShort = false;

  constructor(options: ProcessWatchOptions) {
    this.#options = options;
    this.#sources = options.sources;
    this.#lookedAt = this.#sources.now();
    this.#runnableThen = this.#sources.runnable();
  }

  /** @param intervalMs after which this was to be called */
  look(intervalMs: number): void {
    this.#lookForPause(intervalMs);
    this.#lookForDescriptors();
  }

  /** A thread that comes late because it works, or waits for a processor, is runnable meanwhile; one that is stopped is not. */
  #lookForPause(intervalMs: number): void {
    const { metrics, logger } = this.#options;
    const now = this.#sources.now();
    const runnable = this.#sources.runnable();
    const pausedMs = now - this.#lookedAt - intervalMs - (runnable - this.#runnableThen);
    this.#lookedAt = now;
    this.#runnableThen = runnable;
    if (pausedMs < PAUSE_MIN_MS) return;
    metrics.pauses.inc();
    metrics.pausedSeconds.inc(pausedMs / 1000);
    logger.warn(`the process stood still for ${(pausedMs / 1000).toFixed(1)} s: it, or its machine, was stopped`);
  }

  #lookForDescriptors(): void {
    const { metrics, logger } = this.#options;
    const isShort = !this.#hasDescriptor();
    if (isShort === this.#isShort) return;
    this.#isShort = isShort;
    if (!isShort) {
      logger.info('there are file descriptors again');
      return;
    }
    metrics.descriptorShortages.inc();
    logger.warn('no file descriptor is left: connections are refused; raise LimitNOFILE, or look for who takes them');
  }

  #hasDescriptor(): boolean {
    try {
      this.#sources.tryDescriptor();
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code !== 'EMFILE' && code !== 'ENFILE';
    }
  }
}

/** The scheduler's own account of the main thread; where there is none, the processor time of all threads. */
function openAccount(): Pick<ProcessSources, 'runnable'> & { close(): void } {
  try {
    // Kept open, so that it can be read when no other file can.
    const fd = openSync('/proc/self/schedstat', 'r');
    const text = Buffer.alloc(128);
    return {
      runnable: () => {
        // Nanoseconds on a processor, nanoseconds of waiting for one, time slices
        const [ranNs = 0, waitedNs = 0] = text
          .toString('latin1', 0, readSync(fd, text, { position: 0 }))
          .split(' ')
          .map(Number);
        return (ranNs + waitedNs) / 1e6;
      },
      close: () => closeSync(fd),
    };
  } catch {
    return {
      runnable: () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1000;
      },
      close: () => {},
    };
  }
}
