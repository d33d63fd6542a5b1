// The documents behind `/v1/axfr` and `/v1/enumerate`, with Mesos-DNS's field names. Values to serialise as they are.

import type { Config } from '../config/config.ts';
import { fqdn } from '../dns/name.ts';
import type { Framework } from '../state/model.ts';
import type { AddressSet } from './addresses.ts';
import { type DeriveInput, deriveInto } from './derive.ts';
import type { RecordMap, RecordSet } from './record-set.ts';
import { type RecordSink, type RecordType, ZoneBuilder } from './zone-builder.ts';

/** `/v1/axfr` as it is sent. */
export interface AxfrDocument extends Axfr<Readonly<Record<string, readonly string[]>>> {}

/** @typeParam List name to its values */
export interface Axfr<List> {
  readonly TTL: number;
  readonly Serial: number;
  readonly RefreshSeconds: number;
  readonly Mname: string;
  readonly Rname: string;
  readonly Domain: string;
  readonly Records: {
    readonly As: List;
    readonly AAAAs: List;
    readonly SRVs: List;
  };
}

/**
 * The content of `/v1/axfr`; its lists are the record set's own, which are too large to be copied.
 * @param serial the zone's SOA serial, 0 to 2^32 - 1.
 */
export function axfrDocument(
  records: RecordSet,
  config: Pick<Config, 'ttl' | 'refreshSeconds' | 'SOAMname' | 'SOARname' | 'domain'>,
  serial: number,
): Axfr<RecordMap> {
  return {
    TTL: config.ttl,
    Serial: serial,
    RefreshSeconds: config.refreshSeconds,
    Mname: fqdn(config.SOAMname),
    Rname: fqdn(config.SOARname),
    Domain: config.domain,
    Records: { As: records.as, AAAAs: records.aaaas, SRVs: records.srvs },
  };
}

export interface EnumerateDocument {
  /** Null where the state has no framework. */
  readonly frameworks: readonly EnumeratedFramework[] | null;
}

export interface EnumeratedFramework {
  readonly tasks: readonly EnumeratedTask[];
  readonly name: string;
}

export interface EnumeratedTask {
  readonly name: string;
  readonly id: string;
  /** Those that no task before it had; null where that leaves none. */
  readonly records: readonly EnumeratedRecord[] | null;
}

export interface EnumeratedRecord {
  readonly name: string;
  readonly host: string;
  readonly rtype: RecordType;
}

interface ListedTask {
  readonly name: string;
  readonly id: string;
  records: EnumeratedRecord[] | null;
}

/**
 * Lists the running tasks on known agents, each with the records that it was the first to add. Derives the whole zone once
 * more, so that nothing has to be kept for each task meanwhile.
 */
export function enumerate(input: DeriveInput): EnumerateDocument {
  const zone = new ZoneBuilder();
  const frameworks = new Map<Framework, { tasks: ListedTask[]; name: string }>();
  let current: ListedTask | null = null;
  const sink: RecordSink = {
    add(type: RecordType, name: string, value: string): boolean {
      const added = zone.add(type, name, value);
      if (added && current !== null) {
        current.records ??= [];
        current.records.push({ name, host: value, rtype: type });
      }
      return added;
    },
    addAddresses(name: string, { all }: AddressSet): boolean {
      for (const { family, text } of all) sink.add(family === 4 ? 'A' : 'AAAA', name, text);
      // Only addServices() could make use of the truth.
      return false;
    },
    addServices(names: readonly string[], target: string): void {
      for (const name of names) sink.add('SRV', name, target);
    },
  };
  deriveInto(input, zone, sink, {
    framework: (framework) => frameworks.set(framework, { tasks: [], name: framework.name }),
    task: ({ name, id }, framework) => {
      current = { name, id, records: null };
      frameworks.get(framework)?.tasks.push(current);
    },
  });
  return { frameworks: frameworks.size === 0 ? null : [...frameworks.values()] };
}
