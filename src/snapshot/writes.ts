// Writes to disk, one after the other. One that fails is told and counted, and what was on disk before stays.

import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';

export interface WritesOptions {
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'snapshotFailures'>;
}

export class Writes {
  readonly #options: WritesOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  /** Resolves when the last of them is done or has failed; never rejects. */
  get done(): Promise<void> {
    return this.#last;
  }

  /** @param write is called when those before are done. @returns as `done`, then */
  add(write: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(write).catch((error) => {
      const { logger, metrics } = this.#options;
      metrics.snapshotFailures.inc();
      logger.error(messageOf(error));
    });
    return this.#last;
  }
}
