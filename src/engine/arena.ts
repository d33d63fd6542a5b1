// Regions of the memory for tables: first fit among freed regions, else from the end, where the memory grows.

export interface Region {
  readonly address: number;
  readonly size: number;
}

export class Arena {
  readonly #base: number;
  #end: number;
  /** Sorted by address; neighbours are merged. */
  readonly #free: Region[] = [];
  readonly #align: number;
  readonly #reserve: (end: number) => void;

  /** @param reserve makes memory up to an address usable, or throws */
  constructor(base: number, align: number, reserve: (end: number) => void) {
    this.#base = base;
    this.#end = base;
    this.#align = align;
    this.#reserve = reserve;
  }

  /** Throws what `reserve` throws where the region does not fit. */
  allocate(size: number): Region {
    const rounded = Math.ceil(size / this.#align) * this.#align;
    const fit = this.#free.findIndex((region) => region.size >= rounded);
    const found = this.#free[fit];
    if (found !== undefined) {
      const rest = { address: found.address + rounded, size: found.size - rounded };
      this.#free.splice(fit, 1, ...(rest.size > 0 ? [rest] : []));
      return { address: found.address, size: rounded };
    }
    // A free region that touches the end is extended rather than left behind.
    const last = this.#free.at(-1);
    const address = last !== undefined && last.address + last.size === this.#end ? last.address : this.#end;
    this.#reserve(address + rounded);
    if (address !== this.#end) this.#free.pop();
    this.#end = address + rounded;
    return { address, size: rounded };
  }

  /**
   * Takes a region of a given place, as allocate() would have given it.
   * Throws what `reserve` throws where the memory does not reach so far.
   * @returns false where some of it is taken
   */
  claim({ address, size }: Region): boolean {
    const end = address + size;
    if (address >= this.#end) {
      this.#reserve(end);
      const gap = { address: this.#end, size: address - this.#end };
      this.#end = end;
      if (gap.size > 0) this.release(gap);
      return true;
    }
    const at = this.#free.findIndex((region) => region.address <= address && end <= region.address + region.size);
    const around = this.#free[at];
    if (around === undefined) return false;
    const rests = [
      { address: around.address, size: address - around.address },
      { address: end, size: around.address + around.size - end },
    ];
    this.#free.splice(at, 1, ...rests.filter((rest) => rest.size > 0));
    return true;
  }

  release(region: Region): void {
    const at = this.#indexBehind(region.address);
    const before = this.#free[at - 1];
    const after = this.#free[at];
    const joinsBefore = before !== undefined && before.address + before.size === region.address;
    const joinsAfter = after !== undefined && region.address + region.size === after.address;
    const address = joinsBefore ? before.address : region.address;
    const end = joinsAfter ? after.address + after.size : region.address + region.size;
    this.#free.splice(joinsBefore ? at - 1 : at, Number(joinsBefore) + Number(joinsAfter), {
      address,
      size: end - address,
    });
  }

  /** Behind everything that was ever allocated. */
  get end(): number {
    return this.#end;
  }

  /** Octets in allocated regions. */
  get usedBytes(): number {
    return this.#end - this.#base - this.#free.reduce((sum, region) => sum + region.size, 0);
  }

  /** Index of the first free region behind an address, by bisection. */
  #indexBehind(address: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#free[middle]?.address ?? 0) < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
