// Sums of resources, and port numbers as Mesos prints them.

export interface Usage {
  readonly cpus: number;
  readonly memMb: number;
  readonly ports: readonly number[];
}

/** Adds up what several tasks use. */
export class UsageSum implements Usage {
  memMb = 0;
  readonly ports: number[] = [];
  #thousandths = 0;

  /** Whole thousandths of a CPU, as Mesos counts them, so that sums do not drift. */
  get cpus(): number {
    return this.#thousandths / 1000;
  }

  add(used: Usage): void {
    this.#thousandths += Math.round(used.cpus * 1000);
    this.memMb += used.memMb;
    for (const port of used.ports) this.ports.push(port);
  }
}

/** Ports as `[31000-31001, 31005-31005]`: ascending, neighbours united; null without ports. */
export function portRanges(ports: readonly number[]): string | null {
  if (ports.length === 0) return null;
  const ascending = [...ports].sort((one, other) => one - other);
  const ranges: string[] = [];
  let first = ascending[0] ?? 0;
  let last = first;
  for (const port of ascending.slice(1)) {
    if (port > last + 1) {
      ranges.push(`${first}-${last}`);
      first = port;
    }
    last = port;
  }
  ranges.push(`${first}-${last}`);
  return `[${ranges.join(', ')}]`;
}
