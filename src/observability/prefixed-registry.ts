// A registry whose metrics may go by another prefix, so that dashboards made for another server's names fit.

import { type Metric, Registry } from './prometheus.ts';

/** What the names of this program's own metrics begin with in the sources. */
export const DEFAULT_PREFIX = 'mesos_dns_';

export class PrefixedRegistry extends Registry {
  readonly #prefix: string;

  constructor(prefix: string) {
    super();
    this.#prefix = prefix;
  }

  /** Metrics of the process and of Node.js have names that others give them, too, and keep them. */
  override registerMetric<T extends string>(metric: Metric<T>): void {
    // Not in the package's types, but where each metric and the registry look for the name.
    const named = metric as unknown as { name: string };
    if (named.name.startsWith(DEFAULT_PREFIX)) named.name = this.#prefix + named.name.slice(DEFAULT_PREFIX.length);
    super.registerMetric(metric);
  }
}
