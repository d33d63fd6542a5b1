// What an answer is kept under: the name, the type, and the bits of the query that make another answer of it.

import { EDNS_DO, KEY_AD, KEY_ANY_TYPE, KEY_CD, KEY_DO, QUESTION_HASHES, QUESTION_LABEL_COUNT } from '../shared/layout';
import { FLAG_AD, FLAG_CD, TYPE_OPT } from '../shared/wire';
import { HASH_ROOT } from '../table/hash';

const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;
/** From here to 255 stand types that are none of records (RFC 6895 section 3.1). */
const FIRST_META_TYPE: u32 = 128;
const LAST_META_TYPE: u32 = 255;

/** True where answers for the type may be kept. */
export function isKeepable(type: u32): bool {
  if (type == KEY_ANY_TYPE || type == TYPE_OPT) return false;
  return type < FIRST_META_TYPE || type > LAST_META_TYPE;
}

/** KEY_… of a query whose records were read. @param flags the query's */
export function keyOptions(worker: usize, flags: u32): u32 {
  const checking: u32 = flags & FLAG_CD ? KEY_CD : 0;
  if (load<u32>(worker + EDNS_DO) != 0) return checking | KEY_DO;
  return flags & FLAG_AD ? checking | KEY_AD : checking;
}

/** The hash of a key. @param label the name is the question's from this label on */
export function keyHash(worker: usize, label: u32, type: u32, options: u32): u64 {
  const isRoot = label == load<u32>(worker + QUESTION_LABEL_COUNT);
  const name = isRoot ? HASH_ROOT : load<u64>(worker + QUESTION_HASHES + (label << 3));
  const h = (name ^ ((<u64>((type << 3) | options)) << 20)) * MULTIPLIER;
  return h ^ (h >> 32);
}
