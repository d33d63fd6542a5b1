// One thread that must run: started, started again when it ends by itself, stopped in the end.

import { type TransferListItem, Worker, type WorkerOptions } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';

/** What a report says of the thread that made it: it works, it gives up for a reason, or neither. */
export type Readiness = 'ready' | Error | null;

export interface ThreadOptions<Report> {
  /** As the log names it: `UDP worker 1`. */
  readonly name: string;
  readonly entry: URL;
  /** Called before every start. */
  readonly prepare: () => Pick<WorkerOptions, 'workerData' | 'transferList' | 'resourceLimits'>;
  /** Called at once after every start. */
  readonly onStarted?: (worker: Worker) => void;
  readonly onReport: (report: Report) => Readiness;
  /** Called after every end. */
  readonly onEnded: () => void;
  /** Called when the thread ended by itself and is going to be started again. */
  readonly onRestart: () => void;
  readonly logger: Logger;
}

/** A thread that fails again at once is started at this pace, doubled each time. */
const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MAX_MS = 5000;
/** One that has worked so long starts afresh at the first delay. */
const STABLE_MS = 10_000;
/** One that is told to end while it starts gets so much longer: koffi aborts the process where a thread that loads it is ended. */
const LOADING_MS = 2000;

export class SupervisedThread<Report> {
  readonly #options: ThreadOptions<Report>;
  #worker: Worker | null = null;
  #stopping = false;
  /** It has worked once: from then on it is started again. */
  #established = false;
  #delayMs = RESTART_DELAY_MS;
  #readyAtMs = 0;
  #restartTimer: NodeJS.Timeout | undefined;

  constructor(options: ThreadOptions<Report>) {
    this.#options = options;
  }

  /** Resolves when the thread works. Rejects where it does not come to that; then it is not started again. */
  async start(): Promise<void> {
    await this.#run();
  }

  /** False where the thread does not run at present. */
  post(message: unknown, transferList: TransferListItem[] = []): boolean {
    this.#worker?.postMessage(message, transferList);
    return this.#worker !== null;
  }

  get isRunning(): boolean {
    return this.#worker !== null;
  }

  /** @param order tells the thread to end; by force after `limitMs` */
  async stop(order: () => void, limitMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    const worker = this.#worker;
    if (worker === null) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    order();
    const isLoading = this.#readyAtMs === 0;
    const timer = setTimeout(() => void worker.terminate(), isLoading ? limitMs + LOADING_MS : limitMs);
    await ended;
    clearTimeout(timer);
  }

  /** Throws at once where the system lacks what a thread needs, such as file descriptors. */
  #run(): Promise<void> {
    const { entry, prepare, onStarted, onReport, onEnded, name, logger } = this.#options;
    const worker = new Worker(entry, prepare());
    this.#worker = worker;
    onStarted?.(worker);
    return new Promise<void>((resolve, reject) => {
      worker.on('message', (report: Report) => {
        const readiness = onReport(report);
        if (readiness === 'ready') {
          this.#established = true;
          this.#readyAtMs = performance.now();
          resolve();
        } else if (readiness !== null) {
          reject(readiness);
          void worker.terminate();
        }
      });
      worker.on('error', (err) => {
        logger.error({ err }, `${name} failed`);
        reject(err);
      });
      worker.once('exit', (code) => {
        this.#worker = null;
        onEnded();
        reject(new Error(`${name} ended with code ${code} before it worked`));
        if (this.#established && !this.#stopping) this.#scheduleRestart();
      });
    });
  }

  #scheduleRestart(): void {
    this.#options.onRestart();
    if (this.#readyAtMs > 0 && performance.now() - this.#readyAtMs > STABLE_MS) this.#delayMs = RESTART_DELAY_MS;
    this.#readyAtMs = 0;
    this.#restartTimer = setTimeout(() => this.#restart(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, RESTART_DELAY_MAX_MS);
  }

  #restart(): void {
    const { name, logger } = this.#options;
    const failed = (error: unknown) => logger.error(`${name} could not be started again: ${messageOf(error)}`);
    try {
      // Where it fails after it was started, its end schedules the next attempt.
      this.#run().then(() => logger.warn(`${name} was started again`), failed);
    } catch (error) {
      failed(error);
      this.#scheduleRestart();
    }
  }
}
