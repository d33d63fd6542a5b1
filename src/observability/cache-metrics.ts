// The metrics of the cache. CoreDNS's names for the same things, so that its dashboards fit; read when they are asked for.

import type { CacheTotals } from '../engine/cache-settings.ts';
import { Counter, Gauge, type Registry } from './prometheus.ts';

/** @param read null while there is no cache */
export function registerCacheMetrics(registry: Registry, read: () => Promise<CacheTotals | null>): void {
  const registers = [registry];
  const counter = (name: string, help: string, of: (totals: CacheTotals) => number) =>
    new Counter({
      name,
      help,
      registers,
      async collect() {
        const totals = await read();
        this.reset();
        if (totals !== null) this.inc(of(totals));
      },
    });
  new Gauge({
    name: 'mesos_dns_cache_entries',
    help: 'Answers in the cache, those out of date included.',
    registers,
    async collect() {
      this.set((await read())?.entries ?? 0);
    },
  });
  new Counter({
    name: 'mesos_dns_cache_hits_total',
    help: 'Questions answered from the cache: with records (`success`), or that there are none (`denial`).',
    labelNames: ['type'],
    registers,
    async collect() {
      const totals = await read();
      this.reset();
      this.inc({ type: 'success' }, totals?.success ?? 0);
      this.inc({ type: 'denial' }, totals?.denial ?? 0);
    },
  });
  counter(
    'mesos_dns_cache_requests_total',
    'Questions looked up in the cache.',
    ({ success, denial, misses }) => success + denial + misses,
  );
  counter('mesos_dns_cache_misses_total', 'Questions that the cache had no answer to.', ({ misses }) => misses);
  counter('mesos_dns_cache_evictions_total', 'Answers that made room for others.', ({ evictions }) => evictions);
  counter(
    'mesos_dns_cache_drops_total',
    'Answers of servers that were not kept, because their question is another one than was asked.',
    ({ drops }) => drops,
  );
  counter(
    'mesos_dns_cache_prefetch_total',
    'Answers in demand that were asked for again before their end.',
    ({ prefetches }) => prefetches,
  );
  counter(
    'mesos_dns_cache_served_stale_total',
    'Questions answered out of date, because no server answered.',
    ({ stale }) => stale,
  );
}
