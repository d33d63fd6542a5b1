// Bodies that names with the same list of values share; lists do not change while a table is built or changed.

/** A body in the heap. */
export interface Body {
  readonly address: number;
  readonly count: number;
  /** Octets of its records in a message. */
  readonly size: number;
}

const RECENT = 8;

/**
 * As a rule only the last few lists are known: names that have the same one come close together, and a map of all lists would
 * take longer to fill than bodies take to write. Aliases come last of all, long after the names that they answer like.
 */
export class SharedBodies {
  readonly #lists: (readonly string[])[] = [];
  readonly #bodies: Body[] = [];
  #next = 0;
  /** Every list; null where the last few do. */
  #all: Map<readonly string[], Body> | null;

  constructor(knowsAll: boolean) {
    this.#all = knowsAll ? new Map() : null;
  }

  get(values: readonly string[]): Body | undefined {
    const at = this.#lists.indexOf(values);
    return at === -1 ? this.#all?.get(values) : this.#bodies[at];
  }

  set(values: readonly string[], body: Body): void {
    this.#lists[this.#next] = values;
    this.#bodies[this.#next] = body;
    this.#next = (this.#next + 1) % RECENT;
    this.#all?.set(values, body);
  }

  /** Forgets them; from then on the last few are known. */
  clear(): void {
    this.#lists.length = 0;
    this.#bodies.length = 0;
    this.#next = 0;
    this.#all = null;
  }
}
