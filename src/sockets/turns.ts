// The rhythm of the forwarder's thread where UDP is served by the batch: as long as there is work, it is looked for once a
// turn of the event loop, and nobody has to announce it. Announcements between threads cost more than the work.

export interface Source {
  /** Does a helping of what there is. @returns whether there was something */
  work(): boolean;
  /** Called behind each turn, for what is best done together. */
  settle?(): void;
  /** Nothing is left at present: from now on the source has to call wake(). */
  rest(): void;
}

/** Helpings of every source before the event loop has its turn. */
const ROUNDS_MAX = 4;

export class Turns {
  readonly #sources = new Set<Source>();
  #isTurning = false;

  add(source: Source): void {
    this.#sources.add(source);
    this.wake();
  }

  remove(source: Source): void {
    this.#sources.delete(source);
  }

  /** There is, or soon will be, something to do. */
  wake(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    let found = false;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      let foundNow = false;
      for (const source of this.#sources) foundNow = source.work() || foundNow;
      if (!foundNow) break;
      found = true;
    }
    for (const source of this.#sources) source.settle?.();
    if (found) {
      setImmediate(this.#turn);
      return;
    }
    this.#isTurning = false;
    for (const source of this.#sources) source.rest();
  };
}
