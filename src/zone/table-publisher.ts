// What stands in a table beside the records, and how one comes into force: with the figures that tell of it, and a word about
// what it does not hold.

import type { Config } from '../config/config.ts';
import { type LocalZone, specialZones } from '../dns/special-use.ts';
import type { Engine } from '../engine/engine.ts';
import type { TableInput } from '../engine/table-input.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { RecordChanges } from '../records/record-changes.ts';
import type { RecordSet } from '../records/record-set.ts';
import type { StoredImage } from '../snapshot/image-file.ts';

export interface TablePublisherOptions {
  readonly config: Config;
  readonly engine: Pick<Engine, 'expect' | 'publish' | 'change' | 'publishImage'>;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'zoneNames' | 'zoneUnwritableRecords' | 'tablesRefused'>;
  /** Told of every new table of records, with the names that differ from the one before; null: all may. */
  readonly onPublished?: (serial: number, names: ReadonlySet<string> | null) => void;
}

export interface NewTable {
  /** null: no state is known. */
  readonly records: RecordSet | null;
  readonly serial: number;
  /** In what the records differ from those being served; null: the whole table is made anew. */
  readonly changes: RecordChanges | null;
  readonly isStale: boolean;
}

/** Publications that follow each other more closely have a line only where everything is logged. */
const LOG_GAP_MS = 500;
/** Octets of a task's two canonical names in a table, with their places in the index: none that runs takes less. */
export const TASK_MIN_BYTES = 300;
/** How many unwritable records a warning names. */
const NAMED_MAX = 5;

export class TablePublisher {
  readonly #options: TablePublisherOptions;
  readonly #log: Logger;
  #config: Config;
  #localZones: readonly LocalZone[];
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #saidUnwritable = '';
  #warnedOfSize: ReadonlySet<string> = new Set();

  constructor(options: TablePublisherOptions) {
    this.#options = options;
    this.#log = options.logger;
    this.#config = options.config;
    this.#localZones = localZonesOf(options.config);
  }

  /** What stands in tables from now on. */
  configure(config: Config): void {
    this.#config = config;
    this.#localZones = localZonesOf(config);
  }

  /** A table of so many tasks' records comes soon. */
  expect(taskCount: number): void {
    this.#options.engine.expect(taskCount * TASK_MIN_BYTES);
  }

  /** Makes a table the current one. @returns false where the table was refused; the one before stays */
  publish(next: NewTable): boolean {
    const { engine, metrics } = this.#options;
    const { records, serial, changes, isStale } = next;
    const input = this.#tableInput(next);
    try {
      const table =
        records === null || changes === null
          ? engine.publish(input)
          : engine.change({ records, soa: input.soa, stale: isStale, ...changes }, () => input);
      if (records === null) return true;
      this.#options.onPublished?.(serial, changes?.names ?? null);
      metrics.zoneNames.set(table.nameCount);
      metrics.zoneUnwritableRecords.set(table.unwritable.length);
      this.#warnOfUnwritable(table.unwritable);
      this.#warnOfSize([...table.cut, ...table.overlong]);
      const figures = { names: table.nameCount, bytes: table.sizeBytes, serial };
      // On a busy cluster there are hundreds in a second.
      const nowMs = performance.now();
      const isRare = nowMs - this.#loggedAtMs >= LOG_GAP_MS;
      if (isRare) this.#loggedAtMs = nowMs;
      this.#log[isRare ? 'info' : 'debug'](figures, 'zone published');
      if (!isStale) this.#logRecords(records, changes);
      return true;
    } catch (error) {
      metrics.tablesRefused.inc();
      this.#log.error(`the new zone is refused and the one before stays: ${messageOf(error)}`);
      return false;
    }
  }

  /** Makes what was kept the current table. @returns false where it does not fit; throws what `fill` throws */
  publishImage({ image, fill }: StoredImage, serial: number): boolean {
    const input = this.#tableInput({ records: null, serial, isStale: true });
    return this.#options.engine.publishImage(image, input, fill);
  }

  #tableInput({ records, serial, isStale }: Pick<NewTable, 'records' | 'serial' | 'isStale'>): TableInput {
    const config = this.#config;
    return {
      domain: config.domain,
      ttl: config.ttl,
      srvWeight: config.srvRecordDefaultWeight,
      soa: {
        mname: config.SOAMname,
        rname: config.SOARname,
        serial,
        refresh: config.SOARefresh,
        retry: config.SOARetry,
        expire: config.SOAExpire,
        minimum: config.SOAMinttl,
      },
      records,
      forwardZones: Object.keys(config.zoneResolvers),
      localZones: this.#localZones,
      recursionAvailable: config.recurseOn && config.externalOn,
      forward: config.externalOn,
      setTruncateBit: config.setTruncateBit,
      subnetFirst: config.resolvSubnetFirst,
      stale: isStale,
      udpPayloadSize: config.ednsUdpSize,
      identity: { nsid: config.nsid, version: config.serverVersion, id: config.serverId },
    };
  }

  /** Says what is left out of the table, unless that was said of the one before. */
  #warnOfUnwritable(unwritable: readonly string[]): void {
    const line =
      unwritable.length === 0
        ? ''
        : `${unwritable.length} records cannot be written in DNS and are listed over HTTP only: ${unwritable.slice(0, NAMED_MAX).join('; ')}`;
    if (line !== '' && line !== this.#saidUnwritable) this.#log.warn(line);
    this.#saidUnwritable = line;
  }

  /** Says which RRsets a table or a message does not hold, unless that was said of the one before. */
  #warnOfSize(lines: readonly string[]): void {
    for (const line of lines) if (!this.#warnedOfSize.has(line)) this.#log.warn(line);
    this.#warnedOfSize = new Set(lines);
  }

  /** `-v=2`: every record that is new, in the form that Mesos-DNS documents. @param changes null: all are. */
  #logRecords(records: RecordSet, changes: RecordChanges | null): void {
    if (!this.#log.isLevelEnabled('trace')) return;
    const { as, aaaas, srvs } = records;
    for (const [type, map] of Object.entries({ A: as, AAAA: aaaas, SRV: srvs })) {
      for (const name of changes?.names ?? map.keys()) {
        for (const value of map.get(name) ?? []) this.#log.trace(`[${type}]\t${name}: ${value}`);
      }
    }
  }
}

function localZonesOf({ domain, specialUseNames, zoneResolvers }: Config): readonly LocalZone[] {
  return specialUseNames ? specialZones(domain, Object.keys(zoneResolvers)) : [];
}
