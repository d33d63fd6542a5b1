// What is kept of a cluster over a restart, and what must be the same for it to be used again.

import type { Config } from '../config/config.ts';
import { redactZk } from '../config/zk-url.ts';
import type { MesosState } from '../state/model.ts';

/** The last good cluster, with all that its records were derived from and the number that they were served under. */
export interface ClusterSnapshot {
  readonly state: MesosState;
  /** Known masters as `host:port`, in the order in which they are numbered. */
  readonly masters: readonly string[];
  /** Host name to its addresses, for the hosts of the state that are no IP literals. */
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  /** The SOA serial in force, 1 to 2^32 - 1. */
  readonly serial: number;
}

/** Whose cluster it is, and what turns it into records: a snapshot that differs in any of these is somebody else's. */
export type SnapshotIdentity = Readonly<Record<string, string>>;

const RECORD_KEYS = [
  'domain',
  'IPSources',
  'enforceRFC952',
  'reverseDNSOn',
  'dottedNames',
  'slaveNamedPorts',
  'healthAware',
  'SOAMname',
  'masters',
] as const satisfies (keyof Config)[];

export function identityOf(config: Pick<Config, (typeof RECORD_KEYS)[number] | 'zk'>): SnapshotIdentity {
  const entries = RECORD_KEYS.map((key) => [key, JSON.stringify(config[key])] as const);
  return Object.fromEntries([...entries, ['zk', redactZk(config.zk)]]);
}

/** The name of a key in which two identities differ; null where they are the same. */
export function differingKey(one: SnapshotIdentity, other: SnapshotIdentity): string | null {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  for (const key of keys) if (one[key] !== other[key]) return key;
  return null;
}

/** What makes another zone of the same records: the serial moves with it. */
export function contentOf(config: Config): string {
  const { domain, ttl, srvRecordDefaultWeight, SOAMname, SOARname } = config;
  const { SOARefresh, SOARetry, SOAExpire, SOAMinttl } = config;
  return JSON.stringify([
    [domain, ttl, srvRecordDefaultWeight, SOAMname, SOARname],
    [SOARefresh, SOARetry, SOAExpire, SOAMinttl],
  ]);
}
