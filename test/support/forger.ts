// An upstream that knows the truth and tells it late, and a forger beside it who is quicker: every question is answered with
// as many forgeries as a core can send, of a wrong id from the right port, or of the right id from another port.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface ForgerSettings {
  readonly port: number;
  /** At most so many forgeries per second. */
  readonly perSecond: number;
  /** When the true answer, 192.0.2.1, follows. Forgeries say 6.6.6.6. */
  readonly truthAfterMs: number;
}

export interface ForgerResult {
  readonly forgeries: number;
  readonly queries: number;
  readonly seconds: number;
}

export class Forger {
  readonly #thread: Worker;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  static async start(settings: ForgerSettings): Promise<Forger> {
    const thread = new Worker(new URL('./forger-thread.js', import.meta.url), { workerData: settings });
    await once(thread, 'message');
    return new Forger(thread);
  }

  async stop(): Promise<ForgerResult> {
    const told = once(this.#thread, 'message');
    this.#thread.postMessage('stop');
    const [result] = (await told) as [ForgerResult];
    await this.#thread.terminate();
    return result;
  }
}
