// What an upstream resolver answered becomes an entry. For the cache's writer, with the message in its stream slot.

import {
  BUCKET_FIRST,
  BUCKET_SLOTS,
  CACHE_ENTRIES,
  CACHE_EVICTIONS,
  CACHE_MAIN,
  CACHE_MAX_NEGATIVE_TTL,
  CACHE_MAX_TTL,
  CACHE_MIN_TTL,
  CACHE_PROBATION,
  CACHED_ADDITIONAL,
  CACHED_ANSWERS,
  CACHED_AUTHORITY,
  CACHED_BODY_SIZE,
  CACHED_END,
  CACHED_FLAGS,
  CACHED_HASH,
  CACHED_NAME,
  CACHED_NAME_SIZE,
  CACHED_OPTIONS,
  CACHED_RECHECK,
  CACHED_RECORDS_MAX,
  CACHED_RECORDS_SIZE,
  CACHED_STORED,
  CACHED_TTL_COUNT,
  CACHED_TTLS_MAX,
  CACHED_TURN_COUNT,
  CACHED_TURN_SIZE,
  CACHED_TURN_START,
  CACHED_TYPE,
  CONTROL_CACHE,
  KEY_ANY_TYPE,
  KEY_DO,
  QUESTION_CLASS,
  QUESTION_END,
  QUESTION_NAME,
  QUESTION_NAME_SIZE,
  QUESTION_TYPE,
  SEGMENT_QUEUE,
  STREAM_MESSAGE,
  WORKER_CLOCK,
  WORKER_EMITTED,
  WORKER_ORDER,
} from '../shared/layout';
import {
  CLASS_IN,
  FLAG_AD,
  FLAG_TC,
  HEADER_SIZE,
  RCODE_MASK,
  RCODE_NOERROR,
  RCODE_NXDOMAIN,
  TYPE_A,
  TYPE_AAAA,
  TYPE_OPT,
  TYPE_SIG,
  TYPE_SOA,
  TYPE_TSIG,
} from '../shared/wire';
import { load16, load32, store16, store32 } from '../wire/bytes';
import { additionalCount, answerCount, authorityCount, flagsOf, questionCount } from '../wire/header';
import { MALFORMED, sameName, skipName } from '../wire/name';
import { readQuestion } from '../wire/query';
import { expandName } from './expand';
import { isKeepable, keyHash } from './key';
import { aligned, bucketOf, markOf, recordsOf, segmentOf, tagOf, ttlsOf } from './region';
import { allocate, clearSlot, wasHereBefore } from './segments';

/** Type, class, TTL and rdlength of a record. */
const FIXED_SIZE: u32 = 10;
/** The five numbers that end a SOA record; the last one is how long it may be remembered that there is nothing. */
const SOA_NUMBERS: u32 = 20;
const NONE: u32 = 0;

// What was read of a message, in the order of the fields of an entry; u32 each, in the room for emitted records.
const READ_BODY: usize = 0;
const READ_END: usize = 4;
const READ_ADDITIONAL: usize = 8;
const READ_TTLS: usize = 12;
const READ_SMALLEST: usize = 16;
const READ_SOA: usize = 20; // offset of the owner of the first SOA of the authority section
const READ_TURN_START: usize = 24;
const READ_TURN_COUNT: usize = 28;
const READ_TURN_SIZE: usize = 32;
const READ_SIZE: usize = 64;

/**
 * Keeps the upstream's answer in the stream slot, which is changed by that.
 * @param options KEY_… of the query
 * @returns true where it can be kept
 */
export function storeReply(worker: usize, length: u32, options: u32): bool {
  const cache: usize = load<u32>(CONTROL_CACHE);
  const message = worker + STREAM_MESSAGE;
  if (cache == 0 || length < <u32>HEADER_SIZE || questionCount(message) != 1) return false;
  if (!readQuestion(worker, message, length) || load<u32>(worker + QUESTION_CLASS) != CLASS_IN) return false;
  const type = load<u32>(worker + QUESTION_TYPE);
  const rcode = flagsOf(message) & RCODE_MASK;
  if (!isKeepable(type) || (flagsOf(message) & FLAG_TC) != 0) return false;
  if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN) return false;
  if (!readSections(worker, cache, message, length)) return false;

  const read = worker + WORKER_EMITTED;
  let ttl = load<u32>(read + READ_SMALLEST);
  const isDenial = answerCount(message) == 0;
  if (isDenial) {
    // Without a SOA nobody says for how long (RFC 2308 section 5); it may be a referral.
    if (load<u32>(read + READ_SOA) == NONE) return false;
    ttl = min<u32>(ttl, load<u32>(cache + CACHE_MAX_NEGATIVE_TTL));
  }
  if (ttl == 0) return false;
  if (isDenial) shortenTtls(worker, message, ttl);
  if (!isDenial || rcode != RCODE_NXDOMAIN) {
    write(worker, cache, message, type, options, ttl);
    // What was said before of the name holds no more.
    if (rcode == RCODE_NOERROR) forget(worker, cache, KEY_ANY_TYPE, options);
    return true;
  }
  if ((options & KEY_DO) == 0 && !keepSoaAlone(worker, message, length)) return false;
  write(worker, cache, message, KEY_ANY_TYPE, options, ttl);
  forget(worker, cache, type, options);
  return true;
}

/** Walks the sections, up to the records that concern one hop only. @returns false where it cannot be kept */
function readSections(worker: usize, cache: usize, message: usize, length: u32): bool {
  const read = worker + WORKER_EMITTED;
  const offsets = worker + WORKER_ORDER;
  const start = load<u32>(worker + QUESTION_END);
  const answers = answerCount(message);
  const others = answers + authorityCount(message);
  const count = others + additionalCount(message);
  const minTtl = load<u32>(cache + CACHE_MIN_TTL);
  const maxTtl = load<u32>(cache + CACHE_MAX_TTL);
  let smallest = maxTtl;
  let body = start;
  let at = start;
  let i: u32 = 0;
  memory.fill(read, 0, READ_SIZE);
  for (; i < count; i++) {
    const owner = at;
    const fixed = skipName(message, length, at);
    if (fixed == MALFORMED || length - fixed < FIXED_SIZE) return false;
    const type = load16(message + fixed);
    const dataSize = load16(message + fixed + 8);
    const data = fixed + FIXED_SIZE;
    if (length - data < dataSize) return false;
    if (type == TYPE_OPT || type == TYPE_TSIG || (type == TYPE_SIG && load<u8>(message + owner) == 0)) {
      if (i < others) return false;
      break;
    }
    at = data + dataSize;
    if (i >= <u32>CACHED_TTLS_MAX || at - start > <u32>CACHED_RECORDS_MAX) return false;
    let ttl = load32(message + fixed + 4);
    // RFC 2181 section 8
    if (ttl & 0x80000000) ttl = 0;
    ttl = min<u32>(max<u32>(ttl, minTtl), maxTtl);
    store32(message + fixed + 4, ttl);
    store<u16>(offsets + (i << 1), <u16>(fixed + 4 - start));
    smallest = min<u32>(smallest, ttl);
    if (type == TYPE_SOA && i >= answers && i < others) {
      if (dataSize < SOA_NUMBERS) return false;
      smallest = min<u32>(smallest, max<u32>(load32(message + at - 4), minTtl));
      if (load<u32>(read + READ_SOA) == NONE) store<u32>(read + READ_SOA, owner);
    }
    if (i < answers) noteTurn(read, message, start, owner, type, fixed - owner, at - owner);
    if (i < others) body = at;
  }
  store<u32>(read + READ_BODY, body);
  store<u32>(read + READ_END, at);
  store<u32>(read + READ_ADDITIONAL, i > others ? i - others : 0);
  store<u32>(read + READ_TTLS, i);
  store<u32>(read + READ_SMALLEST, smallest);
  return true;
}

/**
 * Follows the run of addresses at the end of the answer section. Its records may change places where all have the same
 * owner, which is a pointer: then nothing can point to what is different in them.
 */
function noteTurn(read: usize, message: usize, start: u32, owner: u32, type: u32, ownerSize: u32, size: u32): void {
  const count = load<u32>(read + READ_TURN_COUNT);
  const isAddress = (type == TYPE_A || type == TYPE_AAAA) && ownerSize == 2;
  const first = start + load<u32>(read + READ_TURN_START);
  const goesOn =
    count > 0 &&
    size == load<u32>(read + READ_TURN_SIZE) &&
    load<u32>(message + first) == load<u32>(message + owner) &&
    owner == first + count * size;
  if (isAddress && goesOn) {
    store<u32>(read + READ_TURN_COUNT, count + 1);
    return;
  }
  store<u32>(read + READ_TURN_START, owner - start);
  store<u32>(read + READ_TURN_SIZE, size);
  store<u32>(read + READ_TURN_COUNT, isAddress ? 1 : 0);
}

/** Who remembers that there is nothing goes by the TTL of the SOA record. */
function shortenTtls(worker: usize, message: usize, ttl: u32): void {
  const start = message + load<u32>(worker + QUESTION_END);
  let offsets = worker + WORKER_ORDER;
  for (let left = load<u32>(worker + WORKER_EMITTED + READ_TTLS); left > 0; left--, offsets += 2) {
    const at = start + load<u16>(offsets);
    store32(at, min<u32>(load32(at), ttl));
  }
}

/**
 * Replaces the records by the SOA alone, written without pointers, so that it can stand behind the question of any name
 * below. @returns false where its names are malformed
 */
function keepSoaAlone(worker: usize, message: usize, length: u32): bool {
  const read = worker + WORKER_EMITTED;
  const soa = load<u32>(read + READ_SOA);
  const scratch = read + READ_SIZE;
  const ownerSize = expandName(message, length, soa, scratch);
  const fixed = skipName(message, length, soa);
  if (ownerSize == MALFORMED || fixed == MALFORMED) return false;
  const data = fixed + FIXED_SIZE;
  const to = scratch + ownerSize;
  memory.copy(to, message + fixed, FIXED_SIZE);
  const mname = expandName(message, length, data, to + FIXED_SIZE);
  const rnameAt = skipName(message, length, data);
  if (mname == MALFORMED || rnameAt == MALFORMED) return false;
  const rname = expandName(message, length, rnameAt, to + FIXED_SIZE + mname);
  const numbersAt = skipName(message, length, rnameAt);
  if (rname == MALFORMED || numbersAt == MALFORMED || length - numbersAt < SOA_NUMBERS) return false;
  memory.copy(to + FIXED_SIZE + mname + rname, message + numbersAt, SOA_NUMBERS);
  const dataSize = mname + rname + SOA_NUMBERS;
  store16(to + 8, dataSize);

  const start = load<u32>(worker + QUESTION_END);
  const size = ownerSize + FIXED_SIZE + dataSize;
  memory.copy(message + start, scratch, size);
  store<u16>(worker + WORKER_ORDER, <u16>(ownerSize + 4));
  store16(message + 8, 1);
  store<u32>(read + READ_BODY, start + size);
  store<u32>(read + READ_END, start + size);
  store<u32>(read + READ_ADDITIONAL, 0);
  store<u32>(read + READ_TTLS, 1);
  return true;
}

/** Writes the entry, and leads the key's slot to it. */
function write(worker: usize, cache: usize, message: usize, type: u32, options: u32, ttl: u32): void {
  const read = worker + WORKER_EMITTED;
  const start = load<u32>(worker + QUESTION_END);
  const nameSize = load<u32>(worker + QUESTION_NAME_SIZE);
  const recordsSize = load<u32>(read + READ_END) - start;
  const ttlCount = load<u32>(read + READ_TTLS);
  const size = CACHED_NAME + aligned(nameSize) + aligned(ttlCount * 2) + aligned(recordsSize);
  const hash = keyHash(worker, 0, type, options);
  // What is asked for a second time is worth more than what is asked for once.
  const isKnown = findOwn(worker, cache, hash, type, options) != 0 || wasHereBefore(cache, hash);
  const entry = allocate(worker, cache, isKnown ? CACHE_MAIN : CACHE_PROBATION, size);
  const now = load<u32>(worker + WORKER_CLOCK);
  store<u64>(entry + CACHED_HASH, hash);
  store<u16>(entry + CACHED_TYPE, <u16>type);
  store<u16>(entry + CACHED_OPTIONS, <u16>options);
  store<u16>(entry + CACHED_NAME_SIZE, <u16>nameSize);
  store<u16>(entry + CACHED_RECORDS_SIZE, <u16>recordsSize);
  store<u16>(entry + CACHED_ANSWERS, <u16>answerCount(message));
  store<u16>(entry + CACHED_AUTHORITY, <u16>authorityCount(message));
  store<u16>(entry + CACHED_ADDITIONAL, <u16>load<u32>(read + READ_ADDITIONAL));
  store<u16>(entry + CACHED_FLAGS, <u16>(flagsOf(message) & (FLAG_AD | RCODE_MASK)));
  store<u32>(entry + CACHED_STORED, now);
  store<u32>(entry + CACHED_END, now + ttl);
  store<u32>(entry + CACHED_RECHECK, 0);
  store<u16>(entry + CACHED_BODY_SIZE, <u16>(load<u32>(read + READ_BODY) - start));
  store<u16>(entry + CACHED_TTL_COUNT, <u16>ttlCount);
  store<u16>(entry + CACHED_TURN_START, <u16>load<u32>(read + READ_TURN_START));
  store<u16>(entry + CACHED_TURN_COUNT, <u16>load<u32>(read + READ_TURN_COUNT));
  store<u16>(entry + CACHED_TURN_SIZE, <u16>load<u32>(read + READ_TURN_SIZE));
  memory.copy(entry + CACHED_NAME, worker + QUESTION_NAME, nameSize);
  memory.copy(ttlsOf(entry), worker + WORKER_ORDER, ttlCount * 2);
  memory.copy(recordsOf(entry), message + start, recordsSize);
  const slot = slotFor(worker, cache, hash, type, options);
  atomic.store<u64>(slot, tagOf(hash) | <u64>entry);
  store<u8>(markOf(slot), 0);
}

/** The slot to take for a key: its own, an empty one, or that of an entry that was not asked for, rather a new one. */
function slotFor(worker: usize, cache: usize, hash: u64, type: u32, options: u32): usize {
  const own = findOwn(worker, cache, hash, type, options);
  if (own != 0) return own;
  const first = bucketOf(cache, hash) + BUCKET_FIRST;
  let victim: usize = 0;
  let isNew = false;
  for (let i: usize = 0; i < <usize>BUCKET_SLOTS; i++) {
    const slot = first + (i << 3);
    const entry: usize = load<u32>(slot);
    if (entry == 0) {
      store<u32>(cache + CACHE_ENTRIES, load<u32>(cache + CACHE_ENTRIES) + 1);
      return slot;
    }
    if (isNew || load<u8>(markOf(slot)) != 0) continue;
    isNew = load<u32>(segmentOf(cache, entry) + SEGMENT_QUEUE) == CACHE_PROBATION;
    if (isNew || victim == 0) victim = slot;
  }
  store<f64>(cache + CACHE_EVICTIONS, load<f64>(cache + CACHE_EVICTIONS) + 1);
  if (victim != 0) return victim;
  // All were asked for: one of them goes, and the others must be asked for again to stay.
  store<u64>(first - BUCKET_FIRST, 0);
  return first + ((<usize>(hash >> 40) % BUCKET_SLOTS) << 3);
}

function forget(worker: usize, cache: usize, type: u32, options: u32): void {
  const slot = findOwn(worker, cache, keyHash(worker, 0, type, options), type, options);
  if (slot != 0) clearSlot(cache, slot);
}

/** The slot of a key; 0 where it is not in the cache. The writer need not fear that something changes. */
export function findOwn(worker: usize, cache: usize, hash: u64, type: u32, options: u32): usize {
  const nameSize = load<u32>(worker + QUESTION_NAME_SIZE);
  let slot = bucketOf(cache, hash) + BUCKET_FIRST;
  const tag = tagOf(hash);
  for (let left = BUCKET_SLOTS; left > 0; left--, slot += 8) {
    const value = load<u64>(slot);
    const entry = <usize>(<u32>value);
    // Entries of other keys are not looked at: they lie anywhere.
    if (entry == 0 || tagOf(value) != tag) continue;
    if (load<u64>(entry + CACHED_HASH) != hash || load<u16>(entry + CACHED_TYPE) != type) continue;
    if (load<u16>(entry + CACHED_OPTIONS) != options || load<u16>(entry + CACHED_NAME_SIZE) != nameSize) continue;
    if (sameName(worker + QUESTION_NAME, entry + CACHED_NAME, nameSize)) return slot;
  }
  return 0;
}
