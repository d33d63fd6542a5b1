// When garbage is collected while the program has nothing to do: soon after a whole state was read, which leaves a lot of it.
//
// V8's own way is its memory reducer. It goes through the heap of each thread 70 to 150 s after its last busy moment, up to
// three times, when all is quiet again: half a second of the processor for 100,000 tasks, for a few megabytes of most threads.
// That of the main thread is there before any of this and comes once more, 100 s after the collection here.
//
// It holds up the main thread for that half second, and changes of the cluster with it: it waits until they pause.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { untilIdle } from './spare-time.ts';

/**
 * Behind all that is made of the state. And where little was allocated for so long, V8 gives back the room for young objects
 * too, which is 30 MB after a large state.
 */
const DELAY_MS = 30_000;
const IDLE_WITHIN_MS = 10_000;
/** Since the last change. Where they follow each other more closely for ever, V8 collects by itself as the heap grows. */
const QUIET_MS = 1000;
/** States that are polled come more often; what V8 collects by itself as the heap grows is enough between. */
const EVERY_MS = 600_000;
/** A heap up to this size, bytes, is not worth it. */
const SMALL_HEAP = 48 * 1024 * 1024;

export interface GarbageOptions {
  readonly collect: () => void;
  /** Bytes of the heap in use. */
  readonly used: () => number;
  /** Default: half a minute. */
  readonly delayMs?: number;
  /** Default: a second. */
  readonly quietMs?: number;
}

/** For the process. Threads that are started from here on have no memory reducer. */
export function takeOverGarbage(options: Pick<GarbageOptions, 'delayMs'> = {}): Garbage {
  setFlagsFromString('--no-memory-reducer');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return new Garbage({ collect, used: () => process.memoryUsage().heapUsed, ...options });
}

export class Garbage {
  readonly #options: GarbageOptions;
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #collectedAtMs = Number.NEGATIVE_INFINITY;
  #changedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: GarbageOptions) {
    this.#options = options;
  }

  /** A whole state has come into force. */
  left(): void {
    if (this.#timer !== undefined || this.#closed.signal.aborted) return;
    const { delayMs = DELAY_MS } = this.#options;
    const dueMs = Math.max(delayMs, this.#collectedAtMs + EVERY_MS - performance.now());
    this.#timer = setTimeout(() => void this.#collect(), dueMs).unref();
  }

  /** An event has changed the cluster. */
  changed(): void {
    this.#changedAtMs = performance.now();
  }

  close(): void {
    this.#closed.abort();
    clearTimeout(this.#timer);
  }

  async #collect(): Promise<void> {
    await untilIdle(new Promise(() => undefined), IDLE_WITHIN_MS);
    const { quietMs = QUIET_MS } = this.#options;
    const leftMs = this.#changedAtMs + quietMs - performance.now();
    if (leftMs > 0 && !this.#closed.signal.aborted) {
      this.#timer = setTimeout(() => void this.#collect(), leftMs).unref();
      return;
    }
    this.#timer = undefined;
    if (this.#closed.signal.aborted || this.#options.used() <= SMALL_HEAP) return;
    this.#collectedAtMs = performance.now();
    this.#options.collect();
  }
}
