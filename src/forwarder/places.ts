// The places for questions in flight, and who gets them when they are all taken: no network more than its share.

export class Places<Holder> {
  readonly #max: number;
  /** Oldest first. */
  readonly #groups = new Map<number, Set<Holder>>();
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get taken(): number {
    return this.#taken;
  }

  /**
   * Whether a place can be taken for a group of clients (client-group.ts).
   *
   * @returns `free`; `full` where the group has its share already; else the oldest holder of the group that has most,
   * which must go first
   */
  find(group: number): 'free' | 'full' | { readonly holder: Holder } {
    if (this.#taken < this.#max) return 'free';
    const own = this.#groups.get(group)?.size ?? 0;
    if (own > this.#max / (this.#groups.size + 1)) return 'full';
    let largest: Set<Holder> | undefined;
    for (const holders of this.#groups.values()) {
      if (largest === undefined || holders.size > largest.size) largest = holders;
    }
    if (largest === undefined || largest.size <= own + 1) return 'full';
    for (const holder of largest) return { holder };
    return 'full';
  }

  take(group: number, holder: Holder): void {
    const holders = this.#groups.get(group) ?? new Set();
    this.#groups.set(group, holders);
    holders.add(holder);
    this.#taken += 1;
  }

  giveBack(group: number, holder: Holder): void {
    const holders = this.#groups.get(group);
    if (holders?.delete(holder) !== true) return;
    this.#taken -= 1;
    if (holders.size === 0) this.#groups.delete(group);
  }
}
