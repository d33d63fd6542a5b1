// Says a complaint once, however often it comes: repeated failures and repeated warnings must not fill the log.

import type { Logger } from '../observability/logger.ts';

const REMINDER_MS = 60_000;
/** Different messages written out within one run of failures; more would be the same trouble in other words. */
const MAX_MESSAGES = 20;

export interface FailureLogOptions {
  readonly logger: Logger;
  /** What works again when failures end, for the log line: `the state can be read again`. */
  readonly recovery: string;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** A run of failures: each message once, then a count at most once a minute, then the recovery. */
export class FailureLog {
  readonly #options: FailureLogOptions;
  readonly #said = new Set<string>();
  #attempts = 0;
  #saidAtMs = 0;

  constructor(options: FailureLogOptions) {
    this.#options = options;
  }

  failed(message: string): void {
    const { logger, now } = this.#options;
    this.#attempts += 1;
    if (!this.#said.has(message) && this.#said.size < MAX_MESSAGES) {
      this.#said.add(message);
      logger.warn(message);
    } else if (now() - this.#saidAtMs >= REMINDER_MS) {
      logger.warn(`still failing, ${this.#attempts} attempts: ${message}`);
    } else {
      return;
    }
    this.#saidAtMs = now();
  }

  recovered(): void {
    if (this.#attempts === 0) return;
    const attempts = this.#attempts === 1 ? '1 failed attempt' : `${this.#attempts} failed attempts`;
    this.#options.logger.info(`${this.#options.recovery}, after ${attempts}`);
    this.#attempts = 0;
    this.#said.clear();
  }
}

/** Warnings about a document: those that the document before did not cause. */
export class WarningLog {
  readonly #logger: Logger;
  #last: ReadonlySet<string> = new Set();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param warnings all of one document, one line each. */
  write(warnings: readonly string[]): void {
    const news = [...new Set(warnings)].filter((warning) => !this.#last.has(warning));
    for (const warning of news.slice(0, MAX_MESSAGES)) this.#logger.warn(warning);
    if (news.length > MAX_MESSAGES) this.#logger.warn(`… and ${news.length - MAX_MESSAGES} more like these`);
    this.#last = new Set(warnings);
  }
}
