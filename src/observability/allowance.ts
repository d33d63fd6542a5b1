// How much may be told of what comes without end: so many in a second, and the others are counted.

const PER_SECOND = 20;

export class Allowance {
  readonly #now: () => number;
  #secondStart = Number.NEGATIVE_INFINITY;
  #taken = 0;
  #omitted = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns how many were left out since the one before; null where this one is to be left out */
  takes(): number | null {
    const now = this.#now();
    if (now - this.#secondStart >= 1000) {
      this.#secondStart = now;
      this.#taken = 0;
    }
    if (this.#taken >= PER_SECOND) {
      this.#omitted += 1;
      return null;
    }
    this.#taken += 1;
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }
}
