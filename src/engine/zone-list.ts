// The zones in a table's header: written once for all generations, which differ in their hashes' place only.

import { foldCase, fqdn, wireSize, writeName } from '../dns/name.ts';
import type { LocalZone } from '../dns/special-use.ts';
import {
  TABLE_HEADER_SIZE,
  ZONE_EMPTY,
  ZONE_FORWARDED,
  ZONE_KIND,
  ZONE_LABEL_COUNT,
  ZONE_LEAF_LABELS,
  ZONE_LOOPBACK,
  ZONE_NAME,
  ZONE_NAME_SIZE,
  ZONE_OURS,
  ZONE_SIZE,
} from './contract.ts';

/** Octets behind a name that hashing reads. */
const NAME_PADDING = 7;
/** `d.c.b.a.in-addr.arpa.`, and the 32 digits of `….ip6.arpa.` */
const IPV4_LABELS = 6;
const IPV6_LABELS = 34;

interface Zone {
  /** Folded, with its final dot. */
  readonly name: string;
  readonly kind: number;
}

// | zones | names | buckets |
export class ZoneList {
  readonly count: number;
  readonly bucketCount: number;
  /** Offset of the buckets from the table. */
  readonly bucketsAt: number;
  /** Behind the header; an even number of octets. The buckets are empty. */
  readonly bytes: Uint8Array;

  /** @param domain folded, with its final dot */
  constructor(domain: string, forwardZones: readonly string[], localZones: readonly LocalZone[]) {
    const zones: readonly Zone[] = [
      { name: domain, kind: ZONE_OURS },
      ...forwardZones.map((zone) => ({ name: foldCase(fqdn(zone)), kind: ZONE_FORWARDED })),
      ...localZones.map(({ name, kind }) => ({ name, kind: kind === 'loopback' ? ZONE_LOOPBACK : ZONE_EMPTY })),
    ];
    this.count = zones.length;
    this.bucketCount = 2;
    while (this.bucketCount < 2 * zones.length) this.bucketCount *= 2;
    const namesSize = zones.reduce((sum, { name }) => sum + wireSize(name) + NAME_PADDING, 0);
    const bucketsAt = Math.ceil((zones.length * ZONE_SIZE + namesSize) / 2) * 2;
    this.bucketsAt = TABLE_HEADER_SIZE + bucketsAt;
    this.bytes = new Uint8Array(bucketsAt + this.bucketCount * 2);
    const fields = new DataView(this.bytes.buffer);
    let nameAt = zones.length * ZONE_SIZE;
    for (const [i, { name, kind }] of zones.entries()) {
      const at = i * ZONE_SIZE;
      fields.setUint32(at + ZONE_LABEL_COUNT, name.split('.').length - 1, true);
      fields.setUint32(at + ZONE_NAME_SIZE, wireSize(name), true);
      fields.setUint32(at + ZONE_NAME, TABLE_HEADER_SIZE + nameAt, true);
      fields.setUint32(at + ZONE_KIND, kind, true);
      fields.setUint32(at + ZONE_LEAF_LABELS, leafLabels(name), true);
      nameAt = writeName(this.bytes, nameAt, name) + NAME_PADDING;
    }
  }
}

function leafLabels(name: string): number {
  if (name.endsWith('.in-addr.arpa.')) return IPV4_LABELS;
  return name.endsWith('.ip6.arpa.') ? IPV6_LABELS : 0;
}
