// Keeps what took longest, so that loops without a bound show.

export interface Timed {
  readonly micros: number;
}

export class Slowest<T extends Timed> {
  readonly #limit: number;
  #kept: T[] = [];
  /** What took no longer is not among the slowest. */
  #threshold = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  wouldKeep(micros: number): boolean {
    return micros > this.#threshold;
  }

  add(timed: T): void {
    this.#kept.push(timed);
    if (this.#kept.length < 2 * this.#limit) return;
    this.#kept = this.slowest();
    this.#threshold = this.#kept.at(-1)?.micros ?? 0;
  }

  /** The slowest first. */
  slowest(): T[] {
    return [...this.#kept].sort((a, b) => b.micros - a.micros).slice(0, this.#limit);
  }
}
