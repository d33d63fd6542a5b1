// The metrics of the control plane. Each room asks for its own; names and meanings are listed in the README.

import type { CacheTotals } from '../engine/cache-settings.ts';
import type { QueryTotals } from '../engine/query-counts.ts';
import type { ForwardingFigures } from '../forwarder/figures.ts';
import type { TcpCounters } from '../sockets/tcp.ts';
import { registerCacheMetrics } from './cache-metrics.ts';
import { registerForwardingMetrics } from './forwarding-metrics.ts';
import { type MesosMetrics, registerMesosMetrics } from './mesos-metrics.ts';
import { DEFAULT_PREFIX, PrefixedRegistry } from './prefixed-registry.ts';
import { type ProcessMetrics, registerProcessMetrics } from './process-metrics.ts';
import { Counter, Gauge, Histogram, type Registry } from './prometheus.ts';
import { registerQueryMetrics } from './query-metrics.ts';
import { registerTcpMetrics } from './tcp-metrics.ts';

export interface Metrics extends MesosMetrics, ProcessMetrics {
  readonly registry: Registry;
  /** Documents read from a master that could not be used; the zone stayed as it was. Label: reason. */
  readonly stateRefused: Counter<'reason'>;
  /** State requests that failed before a document came. */
  readonly stateFetchFailures: Counter;
  /** Agents, frameworks or tasks left out, or read only in part, because the document was odd there. */
  readonly stateOddElements: Counter;
  /** 1 while a master's event stream is followed. */
  readonly streamConnected: Gauge;
  /** Events of the stream, by what they tell of. Label: kind. */
  readonly streamEvents: Counter<'kind'>;
  /** Streams that have ended, or could not be had. Label: how. */
  readonly streamEnds: Counter<'how'>;
  /** Whole states read beside the stream, for what it does not tell of. */
  readonly reconciliations: Counter;
  /**
   * Seconds until a change that the event stream told of was answered: since its own time stamp, by the clocks of two
   * machines, or since its receipt. Label: since.
   */
  readonly propagation: Histogram<'since'>;
  /** Zones published since start. */
  readonly zonesPublished: Counter;
  /** Records that cannot be written on the wire in the present zone (they stay in the HTTP lists). */
  readonly zoneUnwritableRecords: Gauge;
  /** Tables that did not fit; the old one kept serving. */
  readonly tablesRefused: Counter;
  /** Agents that a master expects back after a failover and whose tasks stay published meanwhile. */
  readonly retainedAgents: Gauge;
  /** Tasks of those agents. */
  readonly retainedTasks: Gauge;
  /** Running tasks that went, by how. */
  readonly tasksGone: Counter;
  /** 1 while a suspicious update is held back, else 0. */
  readonly zoneHeld: Gauge;
  /** Updates that were held back. */
  readonly updatesHeld: Counter;
  /** Times that somebody ordered to publish an update whatever it removes. */
  readonly updatesReleased: Counter;
  /** 1 while the zone comes from the snapshot on disk and no master has confirmed it. */
  readonly zoneStale: Gauge;
  /** What is kept of the zone, and could not be read or written, or not within 30 s. */
  readonly snapshotFailures: Counter;
  /** Unix time of the last snapshot written, seconds. */
  readonly snapshotTimestamp: Gauge;
  /** Owner names in the present table. */
  readonly zoneNames: Gauge;
  /** Unix time at which the present zone was published, seconds. */
  readonly zonePublishedTimestamp: Gauge;
  /** Leader changes seen since start. */
  readonly leaderChanges: Counter;
  /** 1 while the source of leader knowledge (ZooKeeper) is connected. */
  readonly leaderSourceConnected: Gauge;
  /**
   * Datagrams of the batched UDP driver since start, by what became of them; read when the metrics are.
   * @see UdpCounter for the values of the label
   */
  readonly udpDatagrams: Counter<'what'>;
  /** Says where the figures of udpDatagrams come from. */
  readonly countUdp: (read: () => Readonly<Record<string, number>>) => void;
  /** Says where the figures of DNS queries come from. */
  readonly countQueries: (read: () => QueryTotals | null) => void;
  /** Says where the figures of forwarding come from. */
  readonly countForwarding: (read: () => Promise<ForwardingFigures | null>) => void;
  /** Reloads that left the configuration as it was. */
  readonly reloadFailed: Counter;
  /** Says by which name the configuration in force is known. */
  readonly configInForce: (fingerprint: string) => void;
  /** Says where the figures of TCP come from. */
  readonly countTcp: (read: () => Promise<TcpCounters | null>) => void;
  /** Says where the figures of the cache come from. */
  readonly countCache: (read: () => Promise<CacheTotals | null>) => void;
  /** Worker threads that ended unexpectedly and were started again. */
  readonly workerRestarts: Counter;
}

export interface MetricsOptions {
  /** What names begin with instead of `mesos_dns_`: the key `metricsPrefix`. */
  readonly prefix?: string;
  /** Of this program, for `build_info`. */
  readonly version?: string;
}

export function createMetrics({ prefix = DEFAULT_PREFIX, version = '' }: MetricsOptions = {}): Metrics {
  const registry = new PrefixedRegistry(prefix);
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  let readUdp: () => Readonly<Record<string, number>> = () => ({});
  let readQueries: () => QueryTotals | null = () => null;
  registerQueryMetrics(registry, () => readQueries());
  const versionInfo = new Gauge({
    name: 'mesos_dns_reload_version_info',
    help: '1 for the configuration in force, by a hash of it without its secrets.',
    labelNames: ['hash', 'value'],
    registers,
  });
  let readForwarding: () => Promise<ForwardingFigures | null> = async () => null;
  registerForwardingMetrics(registry, () => readForwarding());
  let readTcp: () => Promise<TcpCounters | null> = async () => null;
  registerTcpMetrics(registry, () => readTcp());
  new Gauge({
    name: 'mesos_dns_build_info',
    help: 'Always 1; the labels say what is running.',
    labelNames: ['version', 'nodejs'],
    registers,
  }).set({ version, nodejs: process.version }, 1);
  let readCache: () => Promise<CacheTotals | null> = async () => null;
  registerCacheMetrics(registry, () => readCache());
  const metrics: Metrics = {
    registry,
    ...registerMesosMetrics(registry),
    ...registerProcessMetrics(registry),
    udpDatagrams: new Counter({
      name: 'mesos_dns_udp_datagrams_total',
      help: 'Datagrams of the batched UDP driver, by what became of them.',
      labelNames: ['what'],
      registers,
      collect() {
        this.reset();
        for (const [what, count] of Object.entries(readUdp())) this.inc({ what }, count);
      },
    }),
    countUdp: (read) => {
      readUdp = read;
    },
    countQueries: (read) => {
      readQueries = read;
    },
    countForwarding: (read) => {
      readForwarding = read;
    },
    reloadFailed: counter(
      'mesos_dns_reload_failed_total',
      'Reloads that failed; the configuration before stayed in force.',
    ),
    configInForce: (fingerprint) => {
      versionInfo.reset();
      versionInfo.set({ hash: 'sha256', value: fingerprint }, 1);
    },
    countTcp: (read) => {
      readTcp = read;
    },
    countCache: (read) => {
      readCache = read;
    },
    stateRefused: new Counter({
      name: 'mesos_dns_state_refused_total',
      help: 'State documents that could not be used; the zone stayed as it was.',
      labelNames: ['reason'],
      registers,
    }),
    stateFetchFailures: counter('mesos_dns_state_fetch_failures_total', 'State requests that brought no document.'),
    stateOddElements: counter(
      'mesos_dns_state_odd_elements_total',
      'Agents, frameworks and tasks left out or read only in part because the document was odd there.',
    ),
    streamConnected: gauge('mesos_dns_stream_connected', "1 while a master's event stream is followed, else 0."),
    streamEvents: new Counter({
      name: 'mesos_dns_stream_events_total',
      help: 'Events of the event stream, by what they tell of.',
      labelNames: ['kind'],
      registers,
    }),
    streamEnds: new Counter({
      name: 'mesos_dns_stream_ends_total',
      help: 'Event streams that have ended or could not be had: lost, evicted, or unavailable.',
      labelNames: ['how'],
      registers,
    }),
    reconciliations: counter(
      'mesos_dns_reconciliations_total',
      'Whole states read beside the event stream, for what it does not tell of.',
    ),
    propagation: new Histogram({
      name: 'mesos_dns_propagation_seconds',
      help: "Time until a change told by the event stream was answered, since its time stamp ('event') and its receipt.",
      labelNames: ['since'],
      buckets: Array.from({ length: 17 }, (_, i) => 0.001 * 2 ** i),
      registers,
    }),
    zonesPublished: counter('mesos_dns_zones_published_total', 'Zones published since start.'),
    zoneUnwritableRecords: gauge(
      'mesos_dns_zone_unwritable_records',
      'Records of the present zone that cannot be written on the wire and are listed by the HTTP API only.',
    ),
    tablesRefused: counter('mesos_dns_tables_refused_total', 'Tables that did not fit; the old one kept serving.'),
    retainedAgents: gauge(
      'mesos_dns_retained_agents',
      'Agents that a master expects back after a failover; their tasks stay published meanwhile.',
    ),
    retainedTasks: gauge('mesos_dns_retained_tasks', 'Tasks of retained agents.'),
    tasksGone: new Counter({
      name: 'mesos_dns_tasks_gone_total',
      help: 'Running tasks that went: ended, or lost with their agent, which is unreachable or gone.',
      labelNames: ['how'],
      registers,
    }),
    zoneHeld: gauge('mesos_dns_zone_held', '1 while a suspicious update of the zone is held back, else 0.'),
    updatesHeld: counter('mesos_dns_updates_held_total', 'Updates of the zone that were held back.'),
    updatesReleased: counter(
      'mesos_dns_updates_released_total',
      'Orders to publish the next update of the zone whatever it removes.',
    ),
    zoneStale: gauge(
      'mesos_dns_zone_stale',
      '1 while the zone comes from the snapshot on disk and no master has confirmed it, else 0.',
    ),
    snapshotFailures: counter(
      'mesos_dns_snapshot_failures_total',
      'Snapshots that could not be read or written, or took longer than 30 s.',
    ),
    snapshotTimestamp: gauge(
      'mesos_dns_snapshot_timestamp_seconds',
      'Unix time at which the snapshot on disk was written or last confirmed.',
    ),
    zoneNames: gauge('mesos_dns_zone_names', 'Owner names in the present table.'),
    zonePublishedTimestamp: gauge(
      'mesos_dns_zone_published_timestamp_seconds',
      'Unix time at which the present zone was published.',
    ),
    leaderChanges: counter('mesos_dns_leader_changes_total', 'Changes of the leading master seen since start.'),
    leaderSourceConnected: gauge(
      'mesos_dns_leader_source_connected',
      '1 while the source of leader knowledge is connected, else 0.',
    ),
    workerRestarts: counter(
      'mesos_dns_worker_restarts_total',
      'Worker threads that ended unexpectedly and were started again.',
    ),
  };
  return metrics;
}
