// What a table is made from.

import type { LocalZone } from '../dns/special-use.ts';
import type { RecordSet } from '../records/record-set.ts';

/** The apex records' content (RFC 1035 section 3.3.13); times in seconds. */
export interface Soa {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

export interface TableInput {
  /** The domain we answer for. */
  readonly domain: string;
  readonly ttl: number;
  readonly srvWeight: number;
  readonly soa: Soa;
  /** null: no state has been read yet; names of the domain are answered SERVFAIL. */
  readonly records: RecordSet | null;
  /** Zones of `zoneResolvers` in the configuration's order: zone n is route n + 1. */
  readonly forwardZones: readonly string[];
  /** Zones that are answered here. */
  readonly localZones: readonly LocalZone[];
  readonly recursionAvailable: boolean;
  readonly forward: boolean;
  readonly setTruncateBit: boolean;
  readonly subnetFirst: boolean;
  /** The zone may be out of date: answers from it say so (EDE 3). */
  readonly stale: boolean;
  /** The largest answer over UDP, octets: MIN_UDP_PAYLOAD to SLOT_ROOM. */
  readonly udpPayloadSize: number;
  readonly identity: Identity;
}

/** Seconds for which clients may remember that something does not exist (RFC 2308 section 3). */
export function negativeTtlOf(ttl: number, { minimum }: Soa): number {
  return Math.min(ttl, minimum);
}

/** What the server says of itself; an empty text says nothing. */
export interface Identity {
  /** The NSID option (RFC 5001), at most NSID_MAX octets. */
  readonly nsid: string;
  /** Class CH, TXT: `version.bind` and `version.server`; at most 255 octets, as the next. */
  readonly version: string;
  /** Class CH, TXT: `id.server` and `hostname.bind` (RFC 4892). */
  readonly id: string;
}

/** In what a newer record set differs from the one that a table was made from. */
export interface TableChanges {
  readonly records: RecordSet;
  /**
   * Owner names that are to be written anew, with final dot: those with other records, or none any more, names with SRV
   * records that lead to them, and aliases of all these.
   */
  readonly names: ReadonlySet<string>;
  /** Reverse names whose PTR record is another than before, or gone. */
  readonly pointers: ReadonlySet<string>;
  readonly soa: Soa;
  /** See TableInput; absent: it is not. */
  readonly stale?: boolean;
}
