// The zone as text: what the generator derives, the HTTP API lists and the table builder encodes.

/**
 * Owner name to its values, both as derived: names end in a dot, letters keep their case. Values are distinct.
 *
 * Names with equal values mostly have the same array, which readers may use to do work only once: `T.F.D.`, its twin below
 * `slave.D.` and the canonical names of tasks with the same addresses in `as` and `aaaas`; the `_T._tcp` and `_T._udp` names, and
 * `_portname._T._proto` beside `_T._proto`, in `srvs`. Different arrays may be equal nevertheless.
 */
export type RecordMap = ReadonlyMap<string, readonly string[]>;

export interface RecordSet {
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
