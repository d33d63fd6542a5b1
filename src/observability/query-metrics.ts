// The metrics of DNS queries. CoreDNS's names for the same things, so that its dashboards fit; read from the workers' counts
// when they are asked for.

import { typeName } from '../dns/type-name.ts';
import type { HistogramTotals, QueryTotals, Transport } from '../engine/query-counts.ts';
import { CountedHistogram } from './counted-histogram.ts';
import { Counter, type Registry } from './prometheus.ts';
import { rcodeName } from './rcode-name.ts';

const NAMES = {
  requests: 'mesos_dns_dns_requests_total',
  responses: 'mesos_dns_dns_responses_total',
  duration: 'mesos_dns_dns_request_duration_seconds',
  requestSize: 'mesos_dns_dns_request_size_bytes',
  responseSize: 'mesos_dns_dns_response_size_bytes',
  truncated: 'mesos_dns_dns_truncated_total',
  dropped: 'mesos_dns_dns_dropped_total',
  forwarded: 'mesos_dns_dns_forwarded_total',
  rateLimited: 'mesos_dns_dns_rate_limited_total',
  prohibited: 'mesos_dns_dns_prohibited_total',
  coreFailures: 'mesos_dns_core_failures_total',
} as const;

/** Types without a value of their own of the label `type`. */
const OTHER = 'other';

/** @param read null while nothing counts */
export function registerQueryMetrics(registry: Registry, read: () => QueryTotals | null): void {
  const registers = [registry];
  new Counter({
    name: NAMES.requests,
    help: 'DNS queries by transport, family of the sender (1 IPv4, 2 IPv6) and type.',
    labelNames: ['proto', 'family', 'type'],
    registers,
    collect() {
      this.reset();
      for (const { transport, family, type, count } of read()?.requests ?? []) {
        this.inc({ proto: transport, family, type: typeName(type) ?? OTHER }, count);
      }
    },
  });
  new Counter({
    name: NAMES.responses,
    help: 'DNS answers by response code, those of upstream resolvers included.',
    labelNames: ['rcode'],
    registers,
    collect() {
      this.reset();
      for (const { rcode, count } of read()?.responses ?? []) this.inc({ rcode: rcodeName(rcode) }, count);
    },
  });
  const histogram = (name: string, help: string, of: (totals: QueryTotals) => ByTransport) =>
    registry.registerMetric(
      new CountedHistogram(name, help, ['proto'], () => {
        const totals = read();
        return Object.entries(totals === null ? {} : of(totals)).map(([proto, each]) => ({
          labels: { proto },
          ...each,
        }));
      }),
    );
  histogram(
    NAMES.duration,
    'Time from the receipt of a query to its answer; over UDP that of the batch it came in.',
    ({ duration }) => duration,
  );
  histogram(NAMES.requestSize, 'Size of DNS queries.', ({ requestSize }) => requestSize);
  histogram(NAMES.responseSize, 'Size of DNS answers.', ({ responseSize }) => responseSize);
  const counter = (name: string, help: string, of: (totals: QueryTotals) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        const totals = read();
        if (totals !== null) this.inc(of(totals));
      },
    });
  counter(NAMES.truncated, 'DNS answers with the TC bit: they were cut to fit.', ({ truncated }) => truncated);
  counter(NAMES.dropped, 'DNS messages that get no answer: they are no queries.', ({ dropped }) => dropped);
  counter(NAMES.forwarded, 'DNS queries handed to the forwarder.', ({ forwarded }) => forwarded);
  new Counter({
    name: NAMES.rateLimited,
    help: 'DNS answers over UDP that rateLimit held back (dropped) or replaced by an empty one (slipped).',
    labelNames: ['action'],
    registers,
    collect() {
      this.reset();
      const totals = read();
      if (totals === null) return;
      this.inc({ action: 'dropped' }, totals.rateDropped);
      this.inc({ action: 'slipped' }, totals.rateSlipped);
    },
  });
  counter(
    NAMES.prohibited,
    'DNS queries for names outside the domain from networks that are not in `allowForward`.',
    ({ prohibited }) => prohibited,
  );
  counter(
    NAMES.coreFailures,
    'Queries that the program failed on, which is a fault in it; they get SERVFAIL.',
    ({ coreFailures }) => coreFailures,
  );
}

type ByTransport = Readonly<Record<Transport, HistogramTotals>>;
