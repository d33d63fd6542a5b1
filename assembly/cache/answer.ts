// Answers from the cache: as an answer from the zone, but for TTLs that are counted down.

import { count } from '../answer/count';
import { begin, finish } from '../answer/encode';
import { randomBelow } from '../answer/order';
import {
  CACHE_REFRESHES,
  CACHED_ADDITIONAL,
  CACHED_ANSWERS,
  CACHED_AUTHORITY,
  CACHED_BODY_SIZE,
  CACHED_END,
  CACHED_FLAGS,
  CACHED_HASH,
  CACHED_STORED,
  CACHED_TURN_COUNT,
  CACHED_TURN_SIZE,
  CACHED_TURN_START,
  CONTROL_CACHE,
  COUNT_CACHE_DENIAL,
  COUNT_CACHE_MISSES,
  COUNT_CACHE_STALE,
  COUNT_CACHE_SUCCESS,
  FOUND_SLOT,
  MARK_ASKED,
  MARK_REPORTED,
  QUESTION_END,
  QUESTION_TYPE,
  RECORDS_END,
  REFRESHES_HASHES,
  REFRESHES_MAX,
  REFRESHES_WRITTEN,
  REPLY_ADDITIONAL,
  REPLY_ANSWERS,
  REPLY_AT,
  REPLY_AUTHORITY,
  REPLY_ERROR,
  REPLY_LIMIT,
  WORKER_CLOCK,
  WORKER_ORDER,
  WORKER_REFRESHES,
} from '../shared/layout';
import {
  ERROR_STALE,
  ERROR_STALE_NXDOMAIN,
  FLAG_AD,
  FLAG_CD,
  FLAG_RD,
  FLAG_TC,
  RCODE_MASK,
  RCODE_NXDOMAIN,
  STALE_TTL,
} from '../shared/wire';
import { load32, store32 } from '../wire/bytes';
import { flagsOf } from '../wire/header';
import { FRESH, findAnswer, isWhole, RECHECKED } from './find';
import { isKeepable, keyOptions } from './key';
import { markOf, recordsOf, recordsSizeOf, ttlCountOf, ttlsOf } from './region';

/** An entry that is overwritten while it is read is looked for again so often, before it counts as missing. */
const TRIES: u32 = 3;

/**
 * Answers the question that was read. The message is as it was where there is no answer.
 * @param limit the largest reply, octets
 * @param flags of the reply
 * @param zoneLabels see findAnswer()
 * @returns the length of the reply; 0 where the cache has none
 */
export function replyFromCache(
  worker: usize,
  table: usize,
  message: usize,
  limit: u32,
  flags: u32,
  zoneLabels: u32,
): u32 {
  const cache: usize = load<u32>(CONTROL_CACHE);
  const queryFlags = flagsOf(message);
  if (cache == 0 || (queryFlags & FLAG_RD) == 0 || !isKeepable(load<u32>(worker + QUESTION_TYPE))) return 0;
  const options = keyOptions(worker, queryFlags);
  const end = load<u32>(worker + QUESTION_END);
  // Records go where the query's OPT record is, which who is asked instead must see.
  const tail = load<u32>(worker + RECORDS_END) - end;
  let isOverwritten = false;
  for (let tries: u32 = 0; tries < TRIES; tries++) {
    let entry = findAnswer(worker, cache, options, zoneLabels, FRESH);
    if (entry == 0) entry = findAnswer(worker, cache, options, zoneLabels, RECHECKED);
    if (entry == 0) break;
    if (!isOverwritten) {
      memory.copy(worker + WORKER_ORDER, message + end, tail);
      isOverwritten = true;
    }
    const entryFlags = writeEntry(worker, table, message, entry, limit);
    if (!isWhole(worker, cache)) continue;
    const rcode = entryFlags & RCODE_MASK;
    if (load<u32>(worker + REPLY_ERROR) == 0) noteAsked(worker, cache, entry);
    else count(worker, COUNT_CACHE_STALE);
    count(worker, (entryFlags & IS_DENIAL) != 0 ? COUNT_CACHE_DENIAL : COUNT_CACHE_SUCCESS);
    const replyFlags = flags | (queryFlags & FLAG_CD) | (entryFlags & (FLAG_AD | FLAG_TC));
    return finish(worker, table, message, replyFlags, rcode);
  }
  if (isOverwritten) memory.copy(message + end, worker + WORKER_ORDER, tail);
  count(worker, COUNT_CACHE_MISSES);
  return 0;
}

/** In writeEntry()'s result: the answer is that there are no records. */
export const IS_DENIAL: u32 = 0x10000;

/**
 * Writes an entry's records behind the question, as far as they fit: all, or without the additional section, or none.
 * The entry may be overwritten meanwhile: all that is written stays inside the reply in any case.
 * @returns flags: AD, TC, rcode, IS_DENIAL
 */
export function writeEntry(worker: usize, table: usize, message: usize, entry: usize, limit: u32): u32 {
  const now = load<u32>(worker + WORKER_CLOCK);
  let flags: u32 = load<u16>(entry + CACHED_FLAGS);
  const answers = load<u16>(entry + CACHED_ANSWERS);
  const isNxdomain = (flags & RCODE_MASK) == RCODE_NXDOMAIN;
  if (isNxdomain || answers == 0) flags |= IS_DENIAL;
  const isStale = now >= load<u32>(entry + CACHED_END);
  store<u32>(worker + REPLY_ERROR, !isStale ? 0 : isNxdomain ? ERROR_STALE_NXDOMAIN : ERROR_STALE);
  begin(worker, table, limit);
  const at = load<u32>(worker + REPLY_AT);
  const room = load<u32>(worker + REPLY_LIMIT) - at;
  let size = recordsSizeOf(entry);
  let additional: u32 = load<u16>(entry + CACHED_ADDITIONAL);
  if (size > room) {
    size = load<u16>(entry + CACHED_BODY_SIZE);
    additional = 0;
    if (size > room) return flags | FLAG_TC;
  }
  copyRecords(worker, message + at, entry, size);
  const stored = load<u32>(entry + CACHED_STORED);
  // The clock may have been set back.
  const age = now > stored ? now - stored : 0;
  let offsets = ttlsOf(entry);
  for (let left = ttlCountOf(entry); left > 0; left--, offsets += 2) {
    const offset: u32 = load<u16>(offsets);
    if (offset + 4 > size) break;
    const ttl = message + at + offset;
    store32(ttl, isStale ? STALE_TTL : load32(ttl) - age);
  }
  store<u32>(worker + REPLY_AT, at + size);
  store<u32>(worker + REPLY_ANSWERS, answers);
  store<u32>(worker + REPLY_AUTHORITY, load<u16>(entry + CACHED_AUTHORITY));
  store<u32>(worker + REPLY_ADDITIONAL, additional);
  return flags;
}

/** Copies the first `size` octets of the records; addresses in another order each time. */
function copyRecords(worker: usize, to: usize, entry: usize, size: u32): void {
  const records = recordsOf(entry);
  const turnCount: u32 = load<u16>(entry + CACHED_TURN_COUNT);
  const start: u32 = load<u16>(entry + CACHED_TURN_START);
  const turnSize: u32 = load<u16>(entry + CACHED_TURN_SIZE);
  const whole = turnCount * turnSize;
  if (turnCount < 2 || start + whole > size) {
    copyOctets(to, records, size);
    return;
  }
  const first = randomBelow(worker, turnCount) * turnSize;
  copyOctets(to, records, start);
  copyOctets(to + start, records + start + first, whole - first);
  copyOctets(to + start + whole - first, records + start, first);
  const behind = start + whole;
  copyOctets(to + behind, records + behind, size - behind);
}

/** A call of memory.copy() takes longer than most answers do. */
function copyOctets(to: usize, from: usize, size: u32): void {
  let left = size;
  let p = from;
  let q = to;
  for (; left >= 8; left -= 8, p += 8, q += 8) store<u64>(q, load<u64>(p));
  for (; left > 0; left--, p++, q++) store<u8>(q, load<u8>(p));
}

/** Marks the entry that was found as asked for, and reports it where it must be refreshed before its end. */
function noteAsked(worker: usize, cache: usize, entry: usize): void {
  const slot: usize = load<u32>(worker + FOUND_SLOT);
  const mark = markOf(slot);
  const present = load<u8>(mark);
  if (present == 0) {
    store<u8>(mark, MARK_ASKED);
    return;
  }
  if (present >= <u8>MARK_REPORTED || load<u32>(cache + CACHE_REFRESHES) == 0) return;
  const end = load<u32>(entry + CACHED_END);
  const ttl = end - load<u32>(entry + CACHED_STORED);
  const left = end - load<u32>(worker + WORKER_CLOCK);
  if (ttl < SHORTEST_REFRESHED || left > max<u32>(ttl / 10, 1)) return;
  store<u8>(mark, MARK_REPORTED);
  const refreshes = worker + WORKER_REFRESHES;
  const written = atomic.load<u32>(refreshes + REFRESHES_WRITTEN);
  store<u64>(refreshes + REFRESHES_HASHES + ((written % REFRESHES_MAX) << 3), load<u64>(entry + CACHED_HASH));
  atomic.store<u32>(refreshes + REFRESHES_WRITTEN, written + 1);
}

/** Seconds. What is shorter would be asked for all the time. */
const SHORTEST_REFRESHED: u32 = 3;
