// Writes of a file, one after the other. One that fails, or takes long, is told and counted; what was on disk before stays.

import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';

export interface WritesOptions {
  readonly path: string;
  /** Nothing is written before: others may still write the same file. */
  readonly after?: Promise<void> | undefined;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'snapshotFailures'>;
}

/** @param late given when it has taken too long: what is held for it may be let go */
type Write = (late: AbortSignal) => Promise<void>;

const LATE_SECONDS = 30;

export class Writes {
  readonly #options: WritesOptions;
  /** What comes next. */
  #waiting: Write | null = null;
  #running: Promise<void> | null = null;

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  /** Resolves when nothing is written or waits; never rejects. */
  get done(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /**
   * @param write is called when the one before is done. It takes the place of one that waits, whose content is older
   * @returns as `done`, then
   */
  add(write: Write): Promise<void> {
    this.#waiting = write;
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    await this.#options.after;
    for (;;) {
      const write = this.#waiting;
      if (write === null) break;
      this.#waiting = null;
      await this.#perform(write);
    }
    this.#running = null;
  }

  async #perform(write: Write): Promise<void> {
    const { path, logger, metrics } = this.#options;
    const late = new AbortController();
    const timer = setTimeout(() => {
      metrics.snapshotFailures.inc();
      logger.error(`${path} is not written yet after ${LATE_SECONDS} s`);
      late.abort(new Error(`it takes longer than ${LATE_SECONDS} s`));
    }, LATE_SECONDS * 1000);
    try {
      await write(late.signal);
      if (late.signal.aborted) logger.info(`${path} is written after all`);
    } catch (error) {
      if (!late.signal.aborted) metrics.snapshotFailures.inc();
      logger.error(messageOf(error));
    } finally {
      clearTimeout(timer);
    }
  }
}
