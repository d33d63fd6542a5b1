// A follower of stand-in masters, with the cluster that it keeps.

import type { Config } from '../../src/config/config.ts';
import { ClusterGuard } from '../../src/guard/cluster-guard.ts';
import type { MasterSet } from '../../src/leader/leader.ts';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';
import { createStateClient } from '../../src/state/client.ts';
import { createEventStreamClient } from '../../src/state/event-stream.ts';
import { Follower } from '../../src/state/follower.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import { parseState } from '../../src/state/parse.ts';
import { recordedLog } from './log.ts';

export interface Following {
  readonly follower: Follower;
  readonly cluster: LiveCluster;
  readonly lines: readonly string[];
  readonly metrics: Metrics;
  /** Announces masters, `host:port`, the leader first. */
  lead(...endpoints: readonly string[]): void;
  /** Announces masters that the configuration names, as a list of which nobody knows who leads. */
  name(...endpoints: readonly string[]): void;
  /** Waits until something holds of the cluster and the follower. */
  until(what: string, holds: () => boolean, limitMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** @param endpoints announced before the start; none: nothing is. */
export function following(
  endpoints: readonly string[],
  config: Partial<Pick<Config, 'follow' | 'refreshSeconds' | 'agentReregisterSeconds' | 'holdSeconds'>> = {},
  options: { readonly maxRecordBytes?: number } = {},
): Following {
  const { log, lines } = recordedLog();
  const metrics = createMetrics();
  const settings = {
    follow: 'auto' as const,
    refreshSeconds: 60,
    agentReregisterSeconds: 600,
    holdSeconds: 600,
    holdLossPercent: 50,
    mesosHTTPSOn: false,
    stateTimeoutSeconds: 5,
    ...config,
  };
  const cluster = new LiveCluster({ recoveryMs: () => settings.agentReregisterSeconds * 1000 });
  const guard = new ClusterGuard({ config: settings, logger: log, metrics });
  const listeners: ((masters: MasterSet) => void)[] = [];
  let current: MasterSet | null = null;
  const setOf = (list: readonly string[]): MasterSet => {
    const masters = list.map((endpoint) => {
      const at = endpoint.lastIndexOf(':');
      return { host: endpoint.slice(0, at), port: Number(endpoint.slice(at + 1)) };
    });
    return { leader: masters[0] ?? null, masters, source: 'zookeeper' };
  };
  const client = createStateClient({ config: settings });
  const { maxRecordBytes } = options;
  const stream = createEventStreamClient({
    config: settings,
    access: client,
    ...(maxRecordBytes === undefined ? {} : { maxRecordBytes }),
  });
  const follower = new Follower({
    config: settings,
    cluster,
    leader: {
      get current() {
        return current;
      },
      onChange: (listener) => {
        listeners.push(listener);
        return () => undefined;
      },
    },
    client,
    stream,
    parse: parseState,
    onState: (state) => {
      cluster.take(guard.admit(state, cluster.leader === null ? null : cluster.toState()));
      cluster.takeChanges();
    },
    onEvents: () => void cluster.takeChanges(),
    logger: log,
    metrics,
    random: () => 0,
  });
  const announce = (masters: MasterSet) => {
    current = masters;
    for (const listener of listeners) listener(masters);
  };
  const lead = (...list: readonly string[]) => announce(setOf(list));
  if (endpoints.length > 0) lead(...endpoints);
  follower.start();
  return {
    follower,
    cluster,
    lines,
    metrics,
    lead,
    name: (...list) => announce({ ...setOf(list), leader: null, source: 'static' }),
    async until(what, holds, limitMs = 30_000) {
      const deadline = performance.now() + limitMs;
      while (!holds()) {
        if (performance.now() > deadline)
          throw new Error(`${what}: not within ${limitMs} ms; log:\n${lines.join('\n')}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async close() {
      await follower.close();
      await Promise.all([client.close(), stream.close()]);
    },
  };
}
