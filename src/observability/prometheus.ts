// prom-client, as far as it is used: all of it takes ten times as long to load, which everybody who waits for a start would
// pay.

import { createRequire } from 'node:module';
import type * as client from 'prom-client';

const load = createRequire(import.meta.url);

export const Registry = load('prom-client/lib/registry') as typeof client.Registry;
export const Counter = load('prom-client/lib/counter') as typeof client.Counter;
export const Gauge = load('prom-client/lib/gauge') as typeof client.Gauge;
export const Histogram = load('prom-client/lib/histogram') as typeof client.Histogram;

export type Registry = client.Registry;
export type Counter<T extends string = string> = client.Counter<T>;
export type Gauge<T extends string = string> = client.Gauge<T>;
export type Histogram<T extends string = string> = client.Histogram<T>;
export type { Metric, MetricType } from 'prom-client';
