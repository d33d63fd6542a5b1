// The metrics of forwarding. CoreDNS's names for the same things, so that its dashboards fit; asked of the forwarder's thread
// when they are read.

import type { ForwardingFigures, UpstreamFigures } from '../forwarder/figures.ts';
import { DURATION_BOUNDS } from '../forwarder/upstream-times.ts';
import { CountedHistogram } from './counted-histogram.ts';
import { Counter, Gauge, type Registry } from './prometheus.ts';
import { rcodeName } from './rcode-name.ts';

type Read = () => Promise<ForwardingFigures | null>;

/** As CoreDNS labels what its plugin `forward` does. */
const PROXY = { proxy_name: 'forward' } as const;

/** What is counted of forwarded queries, by the value of the label `what`. */
const EVENTS = {
  coalesced: 'coalesced',
  over_tcp: 'overTcp',
  timeout: 'timeouts',
  error: 'errors',
  malformed: 'malformed',
  rejected: 'rejections',
  ignored: 'ignoredReplies',
  looped: 'looped',
} as const satisfies Record<string, keyof ForwardingFigures['counters']>;

/** @param read null while there is no forwarder */
export function registerForwardingMetrics(registry: Registry, read: Read): void {
  const registers = [registry];

  const perUpstream = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    rows: (upstream: UpstreamFigures) => readonly (readonly [Record<Label, string>, number])[],
  ) =>
    new Counter({
      name,
      help,
      labelNames: ['to', ...labelNames],
      registers,
      async collect() {
        const upstreams = (await read())?.upstreams ?? [];
        this.reset();
        for (const upstream of upstreams) {
          for (const [labels, count] of rows(upstream)) this.inc({ to: upstream.name, ...labels }, count);
        }
      },
    });
  const total = (name: string, help: string, of: (figures: ForwardingFigures) => number) =>
    new Counter({
      name,
      help,
      registers,
      async collect() {
        const figures = await read();
        this.reset();
        if (figures !== null) this.inc(of(figures));
      },
    });
  const gauge = (name: string, help: string, of: (figures: UpstreamFigures) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['to'],
      registers,
      async collect() {
        const upstreams = (await read())?.upstreams ?? [];
        this.reset();
        for (const upstream of upstreams) this.set({ to: upstream.name }, of(upstream));
      },
    });

  perUpstream(
    'mesos_dns_forward_requests_total',
    'Queries sent to each upstream, probes included.',
    [],
    ({ requests }) => [[{}, requests]],
  );
  perUpstream(
    'mesos_dns_forward_responses_total',
    'Answers of each upstream by response code.',
    ['rcode'],
    ({ durations }) => durations.map(([rcode, { count }]) => [{ rcode: rcodeName(rcode) }, count] as const),
  );
  total(
    'mesos_dns_forward_healthcheck_broken_total',
    'Questions that found all upstreams failing; they were asked nevertheless.',
    ({ counters }) => counters.allFailing,
  );
  total(
    'mesos_dns_forward_max_concurrent_rejects_total',
    'Forwarded queries answered SERVFAIL because too many were in flight.',
    ({ counters }) => counters.overLimit,
  );
  new Counter({
    name: 'mesos_dns_forward_events_total',
    help: 'What happened to forwarded queries: joined another one in flight (`coalesced`), asked again over TCP (`over_tcp`), late (`timeout`), failed to be sent (`error`), answered with what cannot be read (`malformed`) or with an error (`rejected`); and messages to nobody, forgeries among them (`ignored`), and questions of ours that came back (`looped`).',
    labelNames: ['what'],
    registers,
    async collect() {
      const figures = await read();
      this.reset();
      for (const [what, counter] of Object.entries(EVENTS)) this.inc({ what }, figures?.counters[counter] ?? 0);
    },
  });
  new Gauge({
    name: 'mesos_dns_forward_in_flight',
    help: 'Different questions being asked of upstreams now.',
    registers,
    async collect() {
      this.set((await read())?.counters.inFlight ?? 0);
    },
  });
  gauge('mesos_dns_forward_upstream_failing', '1 while an upstream does not answer, else 0.', ({ isFailing }) =>
    isFailing ? 1 : 0,
  );
  gauge('mesos_dns_forward_upstream_looping', '1 while an upstream sends our questions back to us, else 0.', (each) =>
    each.isLooping ? 1 : 0,
  );

  registry.registerMetric(
    new CountedHistogram(
      'mesos_dns_proxy_request_duration_seconds',
      'Time from a query to an upstream to its answer, by response code.',
      ['proxy_name', 'to', 'rcode'],
      async () =>
        ((await read())?.upstreams ?? []).flatMap(({ name, durations }) =>
          durations.map(([rcode, { buckets, sumSeconds }]) => ({
            labels: { ...PROXY, to: name, rcode: rcodeName(rcode) },
            bounds: DURATION_BOUNDS,
            buckets,
            sum: sumSeconds,
          })),
        ),
    ),
  );
  perUpstream(
    'mesos_dns_proxy_healthcheck_failures_total',
    'Probes of a failing upstream that it did not answer.',
    ['proxy_name'],
    ({ failedProbes }) => [[PROXY, failedProbes]],
  );
  perUpstream(
    'mesos_dns_proxy_conn_cache_hits_total',
    'Queries that went over an open socket or connection.',
    ['proxy_name', 'proto'],
    ({ socketHits }) => Object.entries(socketHits).map(([proto, count]) => [{ ...PROXY, proto }, count] as const),
  );
  perUpstream(
    'mesos_dns_proxy_conn_cache_misses_total',
    'Queries that a socket or connection was opened for.',
    ['proxy_name', 'proto'],
    ({ socketMisses }) => Object.entries(socketMisses).map(([proto, count]) => [{ ...PROXY, proto }, count] as const),
  );
}
