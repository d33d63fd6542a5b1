// Questions that no upstream has answered, remembered for a moment: a name that is dead is not asked for each time somebody
// wants it (RFC 9520).

import { type ClientQuery, sharingKey } from './query.ts';

/** After the first failure; then twice as long after each further one (section 3.2: from a second to five minutes). */
const FIRST_MS = 1000;
const LONGEST_MS = 5000;
/** Questions remembered at a time. */
const MAX = 4096;

interface Failure {
  readonly untilMs: number;
  readonly lengthMs: number;
}

export class Failures {
  readonly #now: () => number;
  /** In the order in which they failed. */
  readonly #failures = new Map<string, Failure>();

  constructor(now: () => number) {
    this.#now = now;
  }

  has(query: ClientQuery, route: number): boolean {
    if (this.#failures.size === 0) return false;
    const failure = this.#failures.get(sharingKey(query, route));
    return failure !== undefined && this.#now() < failure.untilMs;
  }

  add(query: ClientQuery, route: number): void {
    const key = sharingKey(query, route);
    const last = this.#failures.get(key);
    const nowMs = this.#now();
    // What failed long ago says nothing.
    const isAgain = last !== undefined && nowMs < last.untilMs + LONGEST_MS;
    const lengthMs = isAgain ? Math.min(last.lengthMs * 2, LONGEST_MS) : FIRST_MS;
    this.#failures.delete(key);
    this.#failures.set(key, { untilMs: nowMs + lengthMs, lengthMs });
    if (this.#failures.size <= MAX) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      break;
    }
  }

  delete(query: ClientQuery, route: number): void {
    if (this.#failures.size > 0) this.#failures.delete(sharingKey(query, route));
  }

  /** Upstreams are others, or alive again. */
  clear(): void {
    this.#failures.clear();
  }
}
