// Keeps the newest set of masters and tells the listeners: the part that every detector shares.

import type { Logger } from '../observability/logger.ts';
import type { MasterSet } from './leader.ts';

export class Announcer {
  #current: MasterSet | null = null;
  #listeners: readonly ((masters: MasterSet) => void)[] = [];
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  get current(): MasterSet | null {
    return this.#current;
  }

  onChange(listener: (masters: MasterSet) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((each) => each !== listener);
    };
  }

  /** A listener that throws is logged; the others are still told. */
  announce(masters: MasterSet): void {
    this.#current = masters;
    for (const listener of this.#listeners) {
      try {
        listener(masters);
      } catch (err) {
        this.#log.error({ err }, 'a listener for changes of the masters failed');
      }
    }
  }
}
