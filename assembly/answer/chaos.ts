// What a server says of itself in class CH: TXT records at a few names (RFC 4892).

import {
  CHAOS_HASH,
  CHAOS_NAME,
  CHAOS_NAME_SIZE,
  CHAOS_RECORD,
  CHAOS_RECORD_SIZE,
  CHAOS_SIZE,
  QUESTION_HASHES,
  QUESTION_LABEL_COUNT,
  QUESTION_NAME,
  QUESTION_NAME_SIZE,
  REPLY_ANSWERS,
  REPLY_AT,
  REPLY_LIMIT,
  TABLE_CHAOS,
  TABLE_CHAOS_COUNT,
} from '../shared/layout';
import { sameName } from '../wire/name';

/** The text at the question's name; 0 where there is none. */
export function findText(worker: usize, table: usize): usize {
  if (load<u32>(worker + QUESTION_LABEL_COUNT) == 0) return 0;
  const hash = load<u64>(worker + QUESTION_HASHES);
  const size = load<u32>(worker + QUESTION_NAME_SIZE);
  let text = table + load<u32>(table + TABLE_CHAOS);
  for (let left = load<u32>(table + TABLE_CHAOS_COUNT); left > 0; left--, text += CHAOS_SIZE) {
    if (load<u64>(text + CHAOS_HASH) != hash || load<u32>(text + CHAOS_NAME_SIZE) != size) continue;
    if (sameName(worker + QUESTION_NAME, table + load<u32>(text + CHAOS_NAME), size)) return text;
  }
  return 0;
}

/** Writes the record to the answer section. @returns false where it does not fit */
export function writeText(worker: usize, table: usize, message: usize, text: usize): bool {
  const at = load<u32>(worker + REPLY_AT);
  const size = load<u32>(text + CHAOS_RECORD_SIZE);
  if (load<u32>(worker + REPLY_LIMIT) - at < size) return false;
  memory.copy(message + at, table + load<u32>(text + CHAOS_RECORD), size);
  store<u32>(worker + REPLY_AT, at + size);
  store<u32>(worker + REPLY_ANSWERS, 1);
  return true;
}
