// The zone as text: what the generator derives, the HTTP API lists and the table builder encodes.

import type { OwnNames } from './own-names.ts';

/**
 * Owner name to its values, both as derived: names end in a dot, letters keep their case. Values are distinct.
 *
 * Names with equal values mostly have the same array, which readers may use to do work only once: `T.F.D.`, its twin below
 * `slave.D.` and the canonical names of tasks with the same addresses in `as` and `aaaas`; the `_T._tcp` and `_T._udp` names, and
 * `_portname._T._proto` beside `_T._proto`, in `srvs`. Different arrays may be equal nevertheless.
 */
export type RecordMap = ReadonlyMap<string, readonly string[]>;

export interface RecordSet {
  /** `as` and `aaaas` apart, while nobody has asked for either: that puts them together, and takes time. Null or absent else. */
  readonly apart?: RecordsApart | null;
  /** IPv4 addresses in dotted form (an unresolvable agent's host text may stand here too, see the naming rules). */
  readonly as: RecordMap;
  /** IPv6 addresses in RFC 5952 form. */
  readonly aaaas: RecordMap;
  /** `target.:port`. */
  readonly srvs: RecordMap;
  /** Reverse name (`1.0.0.10.in-addr.arpa.`) to the one name that its address has; empty unless `reverseDNSOn`. Not listed by the API. */
  readonly ptrs: ReadonlyMap<string, string>;
  /** Dotted alias to the names whose A, AAAA and SRV records it answers with. Not listed by the API. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
}

/** The addresses of a zone that has just been derived. */
export interface RecordsApart {
  /** Any of them may come twice all the same, or be one of the others, or have SRV records; no alias has to do with any. */
  readonly own: Pick<OwnNames, 'names' | 'addresses'>;
  /** What the other names have. */
  readonly as: RecordMap;
  readonly aaaas: RecordMap;
}
