// The metrics of the process and of Node.js, under the names that Prometheus clients give them. Watching the event loop and
// the garbage collector begins with the first reader.

import {
  constants,
  type IntervalHistogram,
  monitorEventLoopDelay,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import { descriptorLimit, openDescriptors } from './descriptors.ts';
import { Counter, Gauge, Histogram, type Registry } from './prometheus.ts';

const NS_PER_SECOND = 1e9;
/** How late a timer of this interval is tells the lag; ten wake-ups in a second cost nothing. */
const LAG_RESOLUTION_MS = 100;
const GC_BOUNDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2];

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak_callbacks',
};

/** Counted by ProcessWatch; the others are read when they are asked for. */
export interface ProcessMetrics {
  /** Times that the whole process stood still. */
  readonly pauses: Counter;
  readonly pausedSeconds: Counter;
  /** Times that it ran out of file descriptors. */
  readonly descriptorShortages: Counter;
}

export function registerProcessMetrics(registry: Registry): ProcessMetrics {
  const registers = [registry];
  const startSeconds = Math.floor(Date.now() / 1000 - process.uptime());
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Time that all threads have spent on processors, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge('process_start_time_seconds', 'Unix time at which the process started.', () => startSeconds);
  gauge('process_resident_memory_bytes', 'Memory of the process that is in use now.', () => process.memoryUsage.rss());
  gauge('process_open_fds', 'File descriptors in use.', openDescriptors);
  gauge('process_max_fds', 'File descriptors that there may be at most.', () => descriptorLimit());
  gauge(
    'nodejs_heap_size_used_bytes',
    'JavaScript heap of the main thread in use.',
    () => process.memoryUsage().heapUsed,
  );
  gauge(
    'nodejs_external_memory_bytes',
    'Memory outside the heap that objects of the main thread hold; the shared memory of the tables is not in it.',
    () => process.memoryUsage().external,
  );

  const lag = new LagWatch();
  gauge(
    'nodejs_eventloop_lag_p99_seconds',
    'How late the main thread came to its work since the last reading, 99 %.',
    () => lag.read('p99'),
  );
  gauge(
    'nodejs_eventloop_lag_max_seconds',
    'The latest that the main thread came to its work since the last reading.',
    () => lag.read('max'),
  );
  new Counter({
    name: 'nodejs_eventloop_active_seconds_total',
    help: 'Time in which the event loop of the main thread was busy.',
    registers,
    collect() {
      this.reset();
      this.inc(performance.eventLoopUtilization().active / 1000);
    },
  });

  let observer: PerformanceObserver | null = null;
  new Histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Garbage collections of the main thread by kind: minor, major, incremental or weak_callbacks.',
    labelNames: ['kind'],
    buckets: GC_BOUNDS,
    registers,
    collect() {
      if (observer !== null) return;
      observer = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          const { duration, detail } = entry as typeof entry & { readonly detail: { readonly kind: number } };
          this.observe({ kind: GC_KINDS[detail.kind] ?? 'other' }, duration / 1000);
        }
      });
      observer.observe({ entryTypes: ['gc'] });
    },
  });

  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  return {
    pauses: counter(
      'mesos_dns_process_pauses_total',
      'Times that the whole process stood still for 1 s or more: it, or its machine, was stopped.',
    ),
    pausedSeconds: counter('mesos_dns_process_paused_seconds_total', 'Time in which the process stood still.'),
    descriptorShortages: counter(
      'mesos_dns_descriptor_shortages_total',
      'Times that the process was found without a free file descriptor; it looks twice a second.',
    ),
  };
}

/** Each figure is of the time since it was read last, so that no peak between two readings is lost. */
class LagWatch {
  readonly #watches: Record<'p99' | 'max', IntervalHistogram | null> = { p99: null, max: null };

  /** Seconds; 0 at the first reading. */
  read(figure: 'p99' | 'max'): number {
    const watch = this.#watches[figure];
    if (watch === null) {
      const started = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
      started.enable();
      this.#watches[figure] = started;
      return 0;
    }
    const delayNs = figure === 'p99' ? watch.percentile(99) : watch.max;
    const isEmpty = watch.count === 0;
    watch.reset();
    // The interval itself is part of what is measured.
    return isEmpty ? 0 : Math.max(0, delayNs / NS_PER_SECOND - LAG_RESOLUTION_MS / 1000);
  }
}
