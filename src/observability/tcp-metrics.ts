// The metrics of TCP connections with clients; asked of the thread that serves them when they are read.

import type { TcpCounters } from '../sockets/tcp.ts';
import { Counter, Gauge, type Registry } from './prometheus.ts';

/** @param read null while nothing serves TCP */
export function registerTcpMetrics(registry: Registry, read: () => Promise<TcpCounters | null>): void {
  const registers = [registry];
  const gauge = (name: string, help: string, of: keyof TcpCounters) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set((await read())?.[of] ?? 0);
      },
    });
  const counter = (name: string, help: string, of: keyof TcpCounters) =>
    new Counter({
      name,
      help,
      registers,
      async collect() {
        const figures = await read();
        this.reset();
        this.inc(figures?.[of] ?? 0);
      },
    });
  gauge('mesos_dns_tcp_connections', 'TCP connections of clients that are open now.', 'open');
  gauge('mesos_dns_tcp_unsent_bytes', 'Answers that TCP clients have not taken, bytes.', 'unsentBytes');
  counter('mesos_dns_tcp_connections_total', 'TCP connections taken.', 'connections');
  counter(
    'mesos_dns_tcp_evicted_total',
    'TCP connections closed, or not taken, because there were too many of all or of one client, or too much unsent.',
    'evicted',
  );
  counter(
    'mesos_dns_tcp_idle_closed_total',
    'TCP connections closed because nothing useful happened on them.',
    'idleClosed',
  );
}
