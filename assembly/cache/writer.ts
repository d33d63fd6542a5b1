// What the thread that asks upstream resolvers wants of the cache, beside storing: answers, and what to ask for again.

import {
  BUCKET_FIRST,
  BUCKET_SLOTS,
  CACHED_HASH,
  CACHED_NAME,
  CACHED_NAME_SIZE,
  CACHED_OPTIONS,
  CACHED_RECHECK,
  CACHED_TYPE,
  CONTROL_CACHE,
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_SIZE,
  DESCRIPTOR_VERDICT,
  EDNS_PRESENT,
  KEY_AD,
  KEY_ANY_TYPE,
  KEY_CD,
  KEY_DO,
  QUESTION_TYPE,
  REPLY_ADDITIONAL,
  REPLY_ANSWERS,
  REPLY_AT,
  REPLY_AUTHORITY,
  REPLY_ERROR,
  STREAM_MESSAGE,
  STREAM_SLOT,
  TABLE_ZONE_COUNT,
  WORKER_CLOCK,
  WORKER_DESCRIPTORS,
  ZONE_LABEL_COUNT,
} from '../shared/layout';
import { ROUTE_SHIFT, VERDICT_FORWARD } from '../shared/status';
import {
  CLASS_IN,
  FLAG_AD,
  FLAG_CD,
  FLAG_QR,
  FLAG_RA,
  FLAG_RD,
  HEADER_SIZE,
  MAX_MESSAGE_SIZE,
  OPT_SIZE,
  RCODE_MASK,
  RECHECK_SECONDS,
  TYPE_A,
  TYPE_OPT,
} from '../shared/wire';
import { announce, withdraw } from '../table/announce';
import { NO_ZONE, zoneAt, zoneOf } from '../table/lookup';
import { store16 } from '../wire/bytes';
import { flagsOf, setCounts, setFlags } from '../wire/header';
import { readQuestion, readRecords } from '../wire/query';
import { writeEntry } from './answer';
import { FRESH, findAnswer, RECHECKED, STALE } from './find';
import { isKeepable, keyOptions } from './key';
import { bucketOf } from './region';

/** Set in the result of findReply() where the answer is out of date. */
const STALE_BIT: u32 = 0x80000000;

/**
 * Replaces the query in the stream slot by the answer to it, as an upstream would give it.
 * @param route of the query
 * @param isLastResort resolvers do not answer: an answer that is out of date does, and is told to others for a while
 * @returns its length, STALE_BIT | length where it is out of date, 0 where there is none
 */
export function findReply(worker: usize, length: u32, route: u32, isLastResort: bool): u32 {
  const cache: usize = load<u32>(CONTROL_CACHE);
  const message = worker + STREAM_MESSAGE;
  const descriptor = worker + WORKER_DESCRIPTORS + STREAM_SLOT * DESCRIPTOR_SIZE;
  if (cache == 0 || !readQuestion(worker, message, length)) return 0;
  if (!readRecords(worker, descriptor, message, length) || !isKeepable(load<u32>(worker + QUESTION_TYPE))) return 0;
  const queryFlags = flagsOf(message);
  if ((queryFlags & FLAG_RD) == 0) return 0;
  const options = keyOptions(worker, queryFlags);
  const table = announce(worker);
  const isZone = route != 0 && table != 0 && route < load<u32>(table + TABLE_ZONE_COUNT);
  const zoneLabels: u32 = isZone ? load<u32>(zoneAt(table, route) + ZONE_LABEL_COUNT) : 0;
  let entry = findAnswer(worker, cache, options, zoneLabels, FRESH);
  if (entry == 0) entry = findAnswer(worker, cache, options, zoneLabels, isLastResort ? STALE : RECHECKED);
  let size: u32 = 0;
  if (entry != 0) {
    store<u32>(worker + EDNS_PRESENT, 0);
    const flags = writeEntry(worker, table, message, entry, MAX_MESSAGE_SIZE);
    setFlags(message, FLAG_QR | FLAG_RA | (flags & (FLAG_AD | RCODE_MASK)));
    const answers = load<u32>(worker + REPLY_ANSWERS);
    setCounts(message, 1, answers, load<u32>(worker + REPLY_AUTHORITY), load<u32>(worker + REPLY_ADDITIONAL));
    size = load<u32>(worker + REPLY_AT);
    if (load<u32>(worker + REPLY_ERROR) != 0) {
      size |= STALE_BIT;
      if (isLastResort) atomic.store<u32>(entry + CACHED_RECHECK, load<u32>(worker + WORKER_CLOCK) + RECHECK_SECONDS);
    }
  }
  withdraw(worker);
  return size;
}

/**
 * Writes the query that refreshes an entry to the stream slot, with its length and route in the descriptor, as if a client
 * had asked.
 * @param hash the address of the hash of its key
 * @returns false where the entry is gone
 */
export function askAgain(worker: usize, hash: usize): bool {
  const cache: usize = load<u32>(CONTROL_CACHE);
  const message = worker + STREAM_MESSAGE;
  const descriptor = worker + WORKER_DESCRIPTORS + STREAM_SLOT * DESCRIPTOR_SIZE;
  if (cache == 0) return false;
  const entry = entryOf(cache, load<u64>(hash));
  if (entry == 0) return false;
  const options: u32 = load<u16>(entry + CACHED_OPTIONS);
  const type: u32 = load<u16>(entry + CACHED_TYPE);
  const nameSize: u32 = load<u16>(entry + CACHED_NAME_SIZE);
  store16(message, 0);
  setFlags(message, FLAG_RD | (options & KEY_CD ? FLAG_CD : 0) | (options & KEY_AD ? FLAG_AD : 0));
  setCounts(message, 1, 0, 0, 1);
  memory.copy(message + HEADER_SIZE, entry + CACHED_NAME, nameSize);
  const end = message + HEADER_SIZE + nameSize;
  store16(end, type == KEY_ANY_TYPE ? TYPE_A : type);
  store16(end + 2, CLASS_IN);
  memory.fill(end + 4, 0, OPT_SIZE);
  store16(end + 5, TYPE_OPT);
  store16(end + 11, options & KEY_DO ? 0x8000 : 0);
  const length = HEADER_SIZE + nameSize + 4 + OPT_SIZE;
  readQuestion(worker, message, length);
  const table = announce(worker);
  const zone = table == 0 ? NO_ZONE : zoneOf(table, worker);
  withdraw(worker);
  store<u32>(descriptor + DESCRIPTOR_LENGTH, length);
  store<u32>(descriptor + DESCRIPTOR_VERDICT, VERDICT_FORWARD | ((zone == NO_ZONE ? 0 : zone) << ROUTE_SHIFT));
  return true;
}

/** The entry of a key's hash; 0 where there is none. */
function entryOf(cache: usize, hash: u64): usize {
  let slot = bucketOf(cache, hash) + BUCKET_FIRST;
  for (let left = BUCKET_SLOTS; left > 0; left--, slot += 8) {
    const entry: usize = load<u32>(slot);
    if (entry != 0 && load<u64>(entry + CACHED_HASH) == hash) return entry;
  }
  return 0;
}
