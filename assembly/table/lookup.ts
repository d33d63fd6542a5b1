// Finding things in the announced table: the zone of a question, the node of a name, an RRset of a node.

import {
  NODE_RRSET_COUNT,
  NODE_RRSETS,
  QUESTION_HASHES,
  QUESTION_LABEL_COUNT,
  QUESTION_LABELS,
  QUESTION_NAME,
  QUESTION_NAME_SIZE,
  RRSET_SIZE,
  RRSET_TYPE,
  SLOT_NODE,
  TABLE_ZONE_BUCKET_MASK,
  TABLE_ZONE_BUCKETS,
  TABLE_ZONES,
  ZONE_HASH,
  ZONE_LABEL_COUNT,
  ZONE_NAME,
  ZONE_NAME_SIZE,
  ZONE_SIZE,
} from '../shared/layout';
import { sameName } from '../wire/name';
import { findSlot } from './index-page';

/** What zoneOf returns for a name that is in none of the table's zones. */
export const NO_ZONE: u32 = 0xffffffff;

/** Index of the zone that the question's name is in, the closest one: 0 is the domain; or NO_ZONE. */
export function zoneOf(table: usize, worker: usize): u32 {
  const labelCount = load<u32>(worker + QUESTION_LABEL_COUNT);
  const domain = zoneAt(table, 0);
  const domainLabels = load<u32>(domain + ZONE_LABEL_COUNT);
  // First, because nearly every question is for it. No other zone is inside it.
  if (labelCount >= domainLabels && isNamed(worker, table, domain, labelCount - domainLabels)) return 0;
  const buckets = table + load<u32>(table + TABLE_ZONE_BUCKETS);
  const mask = load<u32>(table + TABLE_ZONE_BUCKET_MASK);
  for (let first: u32 = 0; first < labelCount; first++) {
    let bucket = <u32>load<u64>(worker + QUESTION_HASHES + (first << 3)) & mask;
    // Half of the buckets are empty at the least.
    for (let zone: u32 = load<u16>(buckets + (bucket << 1)); zone != 0; zone = load<u16>(buckets + (bucket << 1))) {
      if (isNamed(worker, table, zoneAt(table, zone), first)) return zone;
      bucket = (bucket + 1) & mask;
    }
  }
  return NO_ZONE;
}

/** Address of the zone of an index. */
export function zoneAt(table: usize, index: u32): usize {
  return table + load<u32>(table + TABLE_ZONES) + index * ZONE_SIZE;
}

/** True where the question's name from label `first` on is the zone's. */
function isNamed(worker: usize, table: usize, zone: usize, first: u32): bool {
  if (load<u64>(worker + QUESTION_HASHES + (first << 3)) != load<u64>(zone + ZONE_HASH)) return false;
  const suffix: u32 = load<u8>(worker + QUESTION_LABELS + first);
  const size = load<u32>(worker + QUESTION_NAME_SIZE) - suffix;
  if (size != load<u32>(zone + ZONE_NAME_SIZE)) return false;
  return sameName(worker + QUESTION_NAME + suffix, table + load<u32>(zone + ZONE_NAME), size);
}

/** Address of the node of the question's name, or 0 where the name does not exist. */
export function findNode(table: usize, worker: usize): usize {
  if (load<u32>(worker + QUESTION_LABEL_COUNT) == 0) return 0;
  const slot = findSlot(
    table,
    load<u64>(worker + QUESTION_HASHES),
    worker + QUESTION_NAME,
    load<u32>(worker + QUESTION_NAME_SIZE),
  );
  return slot == 0 ? 0 : load<u32>(slot + SLOT_NODE);
}

/** Address of the node's RRset of a type, or 0. */
export function findRRset(node: usize, type: u32): usize {
  let rrset = node + NODE_RRSETS;
  for (let left: u32 = load<u16>(node + NODE_RRSET_COUNT); left > 0; left--, rrset += RRSET_SIZE) {
    if (load<u16>(rrset + RRSET_TYPE) == type) return rrset;
  }
  return 0;
}
