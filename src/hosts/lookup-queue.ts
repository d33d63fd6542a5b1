// Asks the system's resolver, a few host names at a time: getaddrinfo blocks one of libuv's four threads for as long as
// a dead name server takes, and file access shares those threads.

/** Resolves with every address of a host, or rejects where it has none or nobody could be asked. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export interface LookupQueueOptions {
  readonly lookup: Lookup;
  /** Look-ups under way at once. */
  readonly parallel: number;
  /** Called once per name that was asked for; `addresses` is null where the look-up failed. */
  readonly onResult: (host: string, addresses: readonly string[] | null) => void;
}

/** Every name is queued or under way at most once; names nobody knows yet go before names that are only refreshed. */
export class LookupQueue {
  readonly #options: LookupQueueOptions;
  readonly #urgent = new Set<string>();
  readonly #background = new Set<string>();
  readonly #underWay = new Set<string>();
  #closed = false;

  constructor(options: LookupQueueOptions) {
    this.#options = options;
  }

  ask(host: string, urgency: 'urgent' | 'background'): void {
    if (this.#closed || this.#underWay.has(host) || this.#urgent.has(host)) return;
    if (urgency === 'urgent') {
      this.#background.delete(host);
      this.#urgent.add(host);
    } else {
      this.#background.add(host);
    }
    this.#startNext();
  }

  /** Forgets a name that is only queued. */
  withdraw(host: string): void {
    this.#urgent.delete(host);
    this.#background.delete(host);
  }

  /** No result is reported any more. Look-ups under way cannot be stopped; their results are dropped. */
  close(): void {
    this.#closed = true;
    this.#urgent.clear();
    this.#background.clear();
  }

  #startNext(): void {
    while (this.#underWay.size < this.#options.parallel) {
      const queue = this.#urgent.size > 0 ? this.#urgent : this.#background;
      const [host] = queue;
      if (host === undefined) return;
      queue.delete(host);
      this.#underWay.add(host);
      void this.#run(host);
    }
  }

  async #run(host: string): Promise<void> {
    let addresses: readonly string[] | null = null;
    try {
      addresses = await this.#options.lookup(host);
    } catch {
      // Why a look-up failed makes no difference: the addresses known before stay, and it is tried again later.
    }
    this.#underWay.delete(host);
    if (this.#closed) return;
    this.#options.onResult(host, addresses);
    this.#startNext();
  }
}
