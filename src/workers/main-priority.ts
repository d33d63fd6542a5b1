// The priority of the main thread. It gives way to those that answer while whole states are read; what a single event
// asks of it is done in a millisecond, and somebody waits for that: behind all others it takes ten and more where
// processors are short.

import { constants, getPriority, setPriority } from 'node:os';
import { YIELD } from './priority.ts';

export interface MainPriorityOptions {
  /** The nice value that the thread has started with. Default: the present one. */
  readonly nice?: number;
  /** Sets the thread's nice value; throws where it may not. */
  readonly set?: (nice: number) => void;
  /** Told once that the thread may not be raised again. */
  readonly onRefused?: () => void;
}

/**
 * Begins lowered, see lowerPriority(). To raise it again takes a privilege or a limit that allows it (RLIMIT_NICE); without,
 * everything stays as it is.
 */
export class MainPriority {
  readonly #nice: number;
  readonly #set: (nice: number) => void;
  readonly #onRefused: () => void;
  #isLowered = true;
  /** Whole states that are being read. */
  #large = 0;
  #mayRaise = process.platform === 'linux';

  constructor({ nice = getPriority(), set = setMain, onRefused = () => {} }: MainPriorityOptions = {}) {
    this.#nice = nice;
    this.#set = set;
    this.#onRefused = onRefused;
  }

  /** There is a single event's work to do. */
  takeUp(): void {
    if (!this.#isLowered || this.#large > 0 || !this.#mayRaise) return;
    try {
      this.#set(this.#nice);
      this.#isLowered = false;
    } catch {
      this.#mayRaise = false;
      this.#onRefused();
    }
  }

  /** Until the next event. */
  giveWay(): void {
    if (this.#isLowered) return;
    this.#isLowered = true;
    this.#set(Math.min(constants.priority.PRIORITY_LOW, this.#nice + YIELD));
  }

  /** For something large. @returns that to which it leads, once it is done and what follows at once is as well */
  async givingWay<T>(work: Promise<T>): Promise<T> {
    this.#large += 1;
    this.giveWay();
    try {
      return await work;
    } finally {
      setImmediate(() => {
        this.#large -= 1;
      });
    }
  }
}

/** On Linux the value belongs to a thread, and this one has the number of the process. */
function setMain(nice: number): void {
  setPriority(process.pid, nice);
}
