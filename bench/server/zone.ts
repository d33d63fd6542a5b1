// The zone that every server serves: derived by our own program from a synthetic cluster, read back over its HTTP API.

import { isIPv4 } from 'node:net';
import { parseSrvValue } from '../../src/dns/srv-text.ts';
import type { AxfrDocument } from '../../src/records/listing.ts';
import { type Clock, seededRandom, systemClock } from '../../src/standin/clock.ts';
import { Cluster } from '../../src/standin/cluster.ts';
import { Scheduler } from '../../src/standin/scheduler.ts';

export interface Size {
  readonly apps: number;
  readonly tasks: number;
  readonly agents: number;
}

/** Tasks without DiscoveryInfo, one host port each: 4 address names and 8 service names and more for each application. */
export const SIZES = {
  /** About 46,000 names. */
  small: { apps: 5000, tasks: 8000, agents: 100 },
  /** About 320,000 names. */
  large: { apps: 20_000, tasks: 100_000, agents: 5000 },
} as const satisfies Readonly<Record<string, Size>>;
export type SizeName = keyof typeof SIZES;

/** Of every record and of negative answers: nothing that was cached may run out within a bench. */
export const TTL_SECONDS = 86_400;

/** The tasks spread evenly over applications and agents; every tenth application has addresses of both families. */
export function benchCluster({ apps, tasks, agents }: Size, clock: Clock = systemClock): Cluster {
  const cluster = new Cluster({ clock, random: seededRandom(1) });
  for (let i = 0; i < agents; i += 1) {
    cluster.addAgent({
      ip: `10.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
      hostname: `agent-${i}.example`,
      cpus: 48,
    });
  }
  const scheduler = new Scheduler(
    cluster,
    { name: 'marathon', hostname: 'marathon.example', pid: 'scheduler-1@10.255.0.1:15101' },
    { withoutStarting: true },
  );
  for (let app = 0; app < apps; app += 1) {
    scheduler.launch({
      name: `web-${app}`,
      instances: Math.floor(tasks / apps) + (app < tasks % apps ? 1 : 0),
      ports: [{}],
      ...(app % 10 === 9 ? { network: { name: 'dual', ipv6: true } } : {}),
    });
  }
  return cluster;
}

/** What is asked for and served, names with their final dot. */
export interface ServedZone {
  readonly addressNames: readonly string[];
  readonly serviceNames: readonly string[];
  /** All owner names. */
  readonly nameCount: number;
  readonly recordCount: number;
  /** The zone as a master file (RFC 1035, section 5). */
  readonly masterFile: string;
}

export function servedZone({ Domain, Mname, Rname, Serial, Records }: AxfrDocument): ServedZone {
  const { As, AAAAs, SRVs } = Records;
  const apex = `${Domain}.`;
  const lines = [
    `${apex} ${TTL_SECONDS} IN SOA ${Mname} ${Rname} ${Serial} 60 600 86400 ${TTL_SECONDS}`,
    `${apex} ${TTL_SECONDS} IN NS ${Mname}`,
  ];
  for (const [name, values] of Object.entries(As)) {
    for (const ip of values) if (isIPv4(ip)) lines.push(`${name} ${TTL_SECONDS} IN A ${ip}`);
  }
  for (const [name, values] of Object.entries(AAAAs)) {
    for (const ip of values) lines.push(`${name} ${TTL_SECONDS} IN AAAA ${ip}`);
  }
  for (const [name, values] of Object.entries(SRVs)) {
    for (const value of values) {
      const srv = parseSrvValue(value);
      if (srv !== null) lines.push(`${name} ${TTL_SECONDS} IN SRV 0 1 ${srv.port} ${srv.target}`);
    }
  }
  return {
    addressNames: Object.keys(As),
    serviceNames: Object.keys(SRVs),
    nameCount: new Set([As, AAAAs, SRVs].flatMap((map) => Object.keys(map))).size,
    recordCount: lines.length,
    masterFile: `${lines.join('\n')}\n`,
  };
}
