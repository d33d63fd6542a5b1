// Reverse names, changed one at a time. An address that several names have has no PTR record.

/** Name to how many tasks of it have the address. */
type Sources = Map<string, number>;

export class CountedPointers {
  readonly map = new Map<string, string>();
  /** Most addresses have one name, which one task has. */
  readonly #sources = new Map<string, string | Sources>();
  #before = new Map<string, string | undefined>();

  add(reverseName: string, name: string): void {
    const known = this.#sources.get(reverseName);
    if (known === undefined) {
      this.#sources.set(reverseName, name);
      this.#set(reverseName, name);
      return;
    }
    const sources: Sources = typeof known === 'string' ? new Map([[known, 1]]) : known;
    sources.set(name, (sources.get(name) ?? 0) + 1);
    this.#sources.set(reverseName, sources);
    this.#set(reverseName, only(sources));
  }

  remove(reverseName: string, name: string): void {
    const known = this.#sources.get(reverseName);
    if (known === undefined) return;
    if (typeof known === 'string') {
      this.#sources.delete(reverseName);
      this.#set(reverseName, undefined);
      return;
    }
    const count = (known.get(name) ?? 0) - 1;
    if (count > 0) known.set(name, count);
    else known.delete(name);
    const [[single, singleCount] = ['', 0]] = known;
    if (known.size === 1 && singleCount === 1) this.#sources.set(reverseName, single);
    this.#set(reverseName, only(known));
  }

  /** Reverse names with another PTR record than at the last call, or none any more, with what they had then. */
  take(): Map<string, string | undefined> {
    const changed = this.#before;
    for (const [name, target] of changed) if (this.map.get(name) === target) changed.delete(name);
    this.#before = new Map();
    return changed;
  }

  #set(reverseName: string, name: string | undefined): void {
    if (!this.#before.has(reverseName)) this.#before.set(reverseName, this.map.get(reverseName));
    if (name === undefined) this.map.delete(reverseName);
    else this.map.set(reverseName, name);
  }
}

function only(sources: Sources): string | undefined {
  const [name] = sources.keys();
  return sources.size === 1 ? name : undefined;
}
