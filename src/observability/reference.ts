// Writes the README's table of metrics from the metrics themselves.

import { createMetrics } from './metrics.ts';

/** A Markdown table of every metric, in the order in which they are registered. Ends without a line break. */
export function renderMetrics(): string {
  const rows = createMetrics()
    .registry.getMetricsAsArray()
    .map((metric) => `| \`${metric.name}\`${labelsOf(metric)} | ${String(metric.type)} | ${metric.help} |`);
  return ['| metric | type | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function labelsOf(metric: object): string {
  const names = 'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames : [];
  return names.length === 0 ? '' : ` {${names.map((name) => `\`${String(name)}\``).join(', ')}}`;
}
