// The last step of building a table: hash the names that its header leads to.

import {
  CHAOS_HASH,
  CHAOS_NAME,
  CHAOS_SIZE,
  CONTROL_LABELS,
  TABLE_CHAOS,
  TABLE_CHAOS_COUNT,
  TABLE_ZONE_BUCKET_MASK,
  TABLE_ZONE_BUCKETS,
  TABLE_ZONE_COUNT,
  TABLE_ZONES,
  ZONE_HASH,
  ZONE_NAME,
  ZONE_SIZE,
} from '../shared/layout';
import { hashName } from './hash';

/** Fills in the hashes of a header that the host has written and not yet published. */
export function sealTable(table: usize): void {
  const buckets = table + load<u32>(table + TABLE_ZONE_BUCKETS);
  const mask = load<u32>(table + TABLE_ZONE_BUCKET_MASK);
  const count = load<u32>(table + TABLE_ZONE_COUNT);
  let zone = table + load<u32>(table + TABLE_ZONES);
  for (let i: u32 = 0; i < count; i++, zone += ZONE_SIZE) {
    const hash = hashName(table + load<u32>(zone + ZONE_NAME), CONTROL_LABELS);
    store<u64>(zone + ZONE_HASH, hash);
    if (i == 0) continue;
    let bucket = <u32>hash & mask;
    while (load<u16>(buckets + (bucket << 1)) != 0) bucket = (bucket + 1) & mask;
    store<u16>(buckets + (bucket << 1), <u16>i);
  }
  let text = table + load<u32>(table + TABLE_CHAOS);
  for (let left = load<u32>(table + TABLE_CHAOS_COUNT); left > 0; left--, text += CHAOS_SIZE) {
    store<u64>(text + CHAOS_HASH, hashName(table + load<u32>(text + CHAOS_NAME), CONTROL_LABELS));
  }
}
