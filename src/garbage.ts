// When garbage is collected while the program has nothing to do: soon after a whole state was read, which leaves a lot of it.
//
// V8's own way is its memory reducer. It looks every 8 s whether little is being allocated, and takes the average since the
// start for it: so it goes through the heap of a thread, twice, 50 to 150 s after its last busy moment, when all is quiet
// again. Threads that are started from here on have none. That of the main thread is there before any of this. It does not
// wait for little to be allocated while V8 is to save memory, and has done all that it had to do afterwards.
//
// It holds up the main thread for a part of that time, and changes of the cluster with it: it waits until they pause.

import { setFlagsFromString } from 'node:v8';
import { untilIdle } from './spare-time.ts';

/** Behind all that is made of the state. */
const DELAY_MS = 30_000;
const IDLE_WITHIN_MS = 10_000;
/** Since the last change. Where they follow each other more closely for ever, V8 collects by itself as the heap grows. */
const QUIET_MS = 1000;
/** States that are polled come more often; what V8 collects by itself as the heap grows is enough between. */
const EVERY_MS = 600_000;
/** For two looks of the memory reducer, and what it does at the first one. */
const SAVING_MS = 20_000;

export interface GarbageOptions {
  /** Says from when on V8 is to save memory, and when no more. */
  readonly save: (isSaving: boolean) => void;
  /** Default: half a minute. */
  readonly delayMs?: number;
  /** Default: a second. */
  readonly quietMs?: number;
  /** Default: 20 s. */
  readonly savingMs?: number;
}

/** For the process. Threads that are started from here on have no memory reducer. */
export function takeOverGarbage(options: Pick<GarbageOptions, 'delayMs'> = {}): Garbage {
  setFlagsFromString('--no-memory-reducer');
  const save = (isSaving: boolean) => setFlagsFromString(isSaving ? '--optimize-for-size' : '--no-optimize-for-size');
  return new Garbage({ save, ...options });
}

export class Garbage {
  readonly #options: GarbageOptions;
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isSaving = false;
  #savedAtMs = Number.NEGATIVE_INFINITY;
  #changedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: GarbageOptions) {
    this.#options = options;
  }

  /** A whole state has come into force. */
  left(): void {
    if (this.#timer !== undefined || this.#closed.signal.aborted) return;
    const { delayMs = DELAY_MS } = this.#options;
    this.#beginIn(Math.max(delayMs, this.#savedAtMs + EVERY_MS - performance.now()));
  }

  /** An event has changed the cluster. */
  changed(): void {
    this.#changedAtMs = performance.now();
    if (!this.#isSaving) return;
    this.#save(false);
    clearTimeout(this.#timer);
    this.#beginIn(this.#quietMs);
  }

  close(): void {
    this.#closed.abort();
    clearTimeout(this.#timer);
    this.#save(false);
  }

  #beginIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#begin(), ms).unref();
  }

  async #begin(): Promise<void> {
    await untilIdle(new Promise(() => undefined), IDLE_WITHIN_MS);
    if (this.#closed.signal.aborted) return;
    const leftMs = this.#changedAtMs + this.#quietMs - performance.now();
    if (leftMs > 0) {
      this.#beginIn(leftMs);
      return;
    }
    this.#save(true);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#save(false);
      this.#savedAtMs = performance.now();
    }, this.#options.savingMs ?? SAVING_MS).unref();
  }

  get #quietMs(): number {
    return this.#options.quietMs ?? QUIET_MS;
  }

  #save(isSaving: boolean): void {
    if (isSaving !== this.#isSaving) this.#options.save(isSaving);
    this.#isSaving = isSaving;
  }
}
