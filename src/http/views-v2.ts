// The JSON documents of the API v2.

import type { Config } from '../config/config.ts';
import { parseIp } from '../dns/ip-text.ts';
import { foldCase, fqdn } from '../dns/name.ts';
import { parseSrvValue } from '../dns/srv-text.ts';
import type { ForwardingFigures } from '../forwarder/figures.ts';
import type { Hold } from '../guard/cluster-guard.ts';
import { tasksOfTargets } from '../records/explain.ts';
import type { PublishedZone } from './published-zone.ts';

export interface RecordView {
  readonly type: 'A' | 'AAAA' | 'SRV';
  readonly ttl: number;
  readonly value: string;
}

/** What DNS has at a name, dotted aliases included; null where there is nothing. */
export function recordsView(text: string, { records, serial }: PublishedZone, { ttl }: Pick<Config, 'ttl'>) {
  const name = fqdn(text);
  const { as, aaaas, srvs } = valuesOf(name, records);
  const list = (type: RecordView['type'], values: readonly string[]) => values.map((value) => ({ type, ttl, value }));
  const found: RecordView[] = [...list('A', as), ...list('AAAA', aaaas), ...list('SRV', srvs)];
  return found.length === 0 ? null : { name: foldCase(name), serial, records: found };
}

/** The instances behind an SRV name; null where it has none. */
export function serviceView(text: string, zone: PublishedZone) {
  const name = foldCase(fqdn(text));
  const { records } = zone;
  const { srvs } = valuesOf(name, records);
  if (srvs.length === 0) return null;
  const labels = name.split('.');
  const protocolAt = labels.findIndex((each) => each === '_tcp' || each === '_udp');
  const values = srvs.map((value) => parseSrvValue(value)).filter((value) => value !== null);
  const tasks = tasksOfTargets(zone.input, [...new Set(values.map(({ target }) => target))]);
  const instances = values.map(({ target, port }) => {
    const { as, aaaas } = valuesOf(target, records);
    const found = tasks.get(target);
    const discovered = found?.task.discovery?.ports.find(({ number }) => Number(number) === port);
    return {
      target,
      port,
      portName: discovered?.name || null,
      addresses: [...as, ...aaaas],
      task: found === undefined ? null : { id: found.task.id, name: found.task.name },
      framework: found === undefined ? null : { id: found.framework.id, name: found.framework.name },
      agent: found?.task.agentId ?? null,
    };
  });
  return { name, protocol: labels[protocolAt]?.slice(1) ?? null, serial: zone.serial, instances };
}

/** What Prometheus reads with `http_sd_configs`: one group for each instance, with its first address. */
export function targetsView(services: readonly string[], zone: PublishedZone) {
  return services.flatMap((service) => {
    const view = serviceView(service, zone);
    if (view === null) return [];
    return view.instances.flatMap(({ target, port, portName, addresses: [address], task, framework, agent }) => {
      if (address === undefined) return [];
      const host = parseIp(address)?.family === 6 ? `[${address}]` : address;
      const labels = {
        __meta_mesos_dns_service: view.name,
        __meta_mesos_dns_target: target,
        __meta_mesos_dns_port_name: portName ?? '',
        __meta_mesos_task_id: task?.id ?? '',
        __meta_mesos_task_name: task?.name ?? '',
        __meta_mesos_framework: framework?.name ?? '',
        __meta_mesos_agent_id: agent ?? '',
      };
      return [{ targets: [`${host}:${port}`], labels }];
    });
  });
}

/** The update that is held back: why, and after how many seconds it is published at the latest. */
export function heldView(held: Hold | null) {
  return held === null ? null : { reason: held.reason, endsInSeconds: Math.ceil(held.endsInMs / 1000) };
}

export interface StatusParts {
  readonly version: string;
  readonly config: Config;
  readonly zone: PublishedZone | null;
  readonly reasons: readonly string[];
  readonly held: Hold | null;
  readonly forwarding: ForwardingFigures | null;
}

/** What the page shows of the server's and the cluster's health. */
export function statusView({ version, config, zone, reasons, held, forwarding }: StatusParts) {
  const state = zone?.input.state;
  return {
    version,
    domain: config.domain,
    ready: reasons.length === 0,
    reasons,
    held: heldView(held),
    zone:
      zone === null
        ? null
        : {
            serial: zone.serial,
            stale: zone.isStale,
            names: zone.records.as.size + zone.records.srvs.size,
          },
    cluster:
      state === undefined
        ? null
        : {
            leader: `${state.leader.host}:${state.leader.port}`,
            mesosVersion: state.version,
            agents: state.agents.length,
            activeAgents: state.agents.filter(({ active }) => active).length,
            recoveredAgents: state.recoveredAgentIds.length,
            frameworks: state.frameworks.map(({ id, name, active, tasks }) => ({
              id,
              name,
              active,
              tasks: tasks.length,
            })),
          },
    upstreams: (forwarding?.upstreams ?? []).map(({ name, isFailing, isLooping, requests }) => ({
      name,
      healthy: !isFailing && !isLooping,
      requests,
    })),
  };
}

/** The lists of a name in lower case, as they stand or, at the dotted alias of a task, as those of the names behind it. */
function valuesOf(name: string, records: PublishedZone['records']) {
  const key = foldCase(name);
  const names = records.aliases.get(key) ?? (records.as.has(name) || records.srvs.has(name) ? [name] : [key]);
  const all = (map: ReadonlyMap<string, readonly string[]>) => [
    ...new Set(names.flatMap((each) => map.get(each) ?? [])),
  ];
  return { as: all(records.as), aaaas: all(records.aaaas), srvs: all(records.srvs) };
}
