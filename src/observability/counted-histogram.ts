// A histogram that others have counted: prom-client's own ones count for themselves.

import { Histogram, type MetricType } from './prometheus.ts';

/** One histogram of several that differ by their labels. */
export interface LabelledTotals<Label extends string> {
  readonly labels: Readonly<Record<Label, string | number>>;
  /** Upper bounds; behind the last one comes one bucket more. */
  readonly bounds: readonly number[];
  /** What is in each bucket alone. */
  readonly buckets: readonly number[];
  readonly sum: number;
}

export class CountedHistogram<Label extends string> extends Histogram<Label> {
  /** Set by the base class; a registry may change it. */
  declare readonly name: string;
  readonly #help: string;
  readonly #read: () => readonly LabelledTotals<Label>[] | Promise<readonly LabelledTotals<Label>[]>;

  constructor(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: () => readonly LabelledTotals<Label>[] | Promise<readonly LabelledTotals<Label>[]>,
  ) {
    super({ name, help, labelNames: [...labelNames], registers: [] });
    this.#help = help;
    this.#read = read;
  }

  override async get() {
    const values = (await this.#read()).flatMap((totals) => this.#valuesOf(totals));
    return {
      name: this.name,
      help: this.#help,
      type: 'histogram' as unknown as MetricType, // which is what the package's own histograms say
      aggregator: 'sum' as const,
      collect: () => undefined,
      values,
    };
  }

  /** What the text format is made of. */
  getForPromString() {
    return this.get();
  }

  #valuesOf({ labels, bounds, buckets, sum }: LabelledTotals<Label>) {
    let count = 0;
    const below = buckets.map((inBucket, i) => {
      count += inBucket;
      const le = bounds[i] ?? '+Inf';
      return { metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: count };
    });
    return [
      ...below,
      { metricName: `${this.name}_sum`, labels: { ...labels }, value: sum },
      { metricName: `${this.name}_count`, labels: { ...labels }, value: count },
    ];
  }
}
