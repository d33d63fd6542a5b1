// The hot path, top to bottom: guards that answer or drop at once, then the answer.

import { isAllowed } from './answer/access';
import { findText, writeText } from './answer/chaos';
import { settleCookie } from './answer/cookie';
import { count, countRcode, countRequest, countResponseSize } from './answer/count';
import { begin, finish, writeAnswers, writeNegativeSoa } from './answer/encode';
import { writeLocal } from './answer/local';
import { optionsSize, writeOptions } from './answer/opt';
import { judgeRate, RATE_HOLD, RATE_PASS } from './answer/rate';
import { largestReply, refuse, refuseBare, refuseHeader, refuseStranger, replyFlags } from './answer/refuse';
import { replyFromCache } from './cache/answer';
import {
  BATCH_MAX,
  CONTROL_RATE,
  COOKIE_CLIENT_ONLY,
  COOKIE_MALFORMED,
  COOKIE_NONE,
  COOKIE_STATE,
  COOKIE_VALID,
  COUNT_DROPPED,
  COUNT_FORWARDED,
  COUNT_PROHIBITED,
  COUNT_RATE_DROPPED,
  COUNT_RATE_SLIPPED,
  COUNT_TRUNCATED,
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_SIZE,
  DESCRIPTOR_TRANSPORT,
  DESCRIPTOR_VERDICT,
  EDNS_PRESENT,
  EDNS_VERSION,
  GUARD_SIZE,
  NODE_FLAG_APEX,
  NODE_FLAGS,
  NODE_RRSET_COUNT,
  NODE_RRSETS,
  QUESTION_CLASS,
  QUESTION_END,
  QUESTION_HASHES,
  QUESTION_LABEL_COUNT,
  QUESTION_LABELS,
  QUESTION_TYPE,
  RATE_ANSWER,
  RATE_ERROR,
  RATE_FORWARD,
  RATE_NO_NAME,
  RECORDS_END,
  REPLY_ERROR,
  REPLY_RCODE,
  SLOT_ROOM,
  SLOT_SIZE,
  STREAM_MESSAGE,
  STREAM_ROOM,
  STREAM_SLOT,
  TABLE_FLAG_FORWARD,
  TABLE_FLAG_LOADED,
  TABLE_FLAG_STALE,
  TABLE_FLAG_TRUNCATE,
  TABLE_FLAGS,
  TABLE_ZONES,
  TRANSPORT_TCP,
  WORKER_DESCRIPTORS,
  WORKER_PACKETS,
  ZONE_EMPTY,
  ZONE_KIND,
  ZONE_LABEL_COUNT,
} from './shared/layout';
import { ROUTE_SHIFT, VERDICT_ANSWERED, VERDICT_BEGUN, VERDICT_DROP, VERDICT_FORWARD } from './shared/status';
import {
  CLASS_CH,
  CLASS_IN,
  ERROR_NOT_AUTHORITATIVE,
  ERROR_NOT_READY,
  ERROR_PROHIBITED,
  ERROR_STALE,
  FLAG_AA,
  FLAG_QR,
  FLAG_TC,
  HEADER_SIZE,
  OPCODE_QUERY,
  RCODE_BADCOOKIE,
  RCODE_BADVERS,
  RCODE_FORMERR,
  RCODE_NOERROR,
  RCODE_NOTIMP,
  RCODE_NXDOMAIN,
  RCODE_REFUSED,
  RCODE_SERVFAIL,
  TYPE_ANY,
  TYPE_AXFR,
  TYPE_IXFR,
  TYPE_OPT,
  TYPE_TXT,
} from './shared/wire';
import { announce, withdraw } from './table/announce';
import { findNode, findRRset, NO_ZONE, zoneAt, zoneOf } from './table/lookup';
import { warm } from './table/warm';
import { flagsOf, opcodeOf, questionCount } from './wire/header';
import { readNoQuestion, readQuestion, readRecords } from './wire/query';

/** Answers the first `count` slots of a worker. @param count 1–BATCH_MAX */
export function answerBatch(worker: usize, count: u32): void {
  const table = announce(worker);
  const packets = min<u32>(count, BATCH_MAX);
  warm(worker, table, packets);
  for (let i: u32 = 0; i < packets; i++) {
    const descriptor = worker + WORKER_DESCRIPTORS + i * DESCRIPTOR_SIZE;
    answer(worker, table, descriptor, worker + WORKER_PACKETS + i * SLOT_SIZE + GUARD_SIZE, SLOT_ROOM);
  }
  withdraw(worker);
}

/** Answers the message in one slot of the worker, with nothing looked up ahead: what is left of a batch after a trap. */
export function answerSlot(worker: usize, slot: u32): void {
  const table = announce(worker);
  const descriptor = worker + WORKER_DESCRIPTORS + slot * DESCRIPTOR_SIZE;
  answer(worker, table, descriptor, worker + WORKER_PACKETS + slot * SLOT_SIZE + GUARD_SIZE, SLOT_ROOM);
  withdraw(worker);
}

/** Answers the message in the worker's stream slot. */
export function answerStream(worker: usize): void {
  const table = announce(worker);
  const descriptor = worker + WORKER_DESCRIPTORS + STREAM_SLOT * DESCRIPTOR_SIZE;
  answer(worker, table, descriptor, worker + STREAM_MESSAGE, STREAM_ROOM);
  withdraw(worker);
}

/**
 * Answers SERVFAIL to the message in a slot that answering has trapped on, the stream slot included. Its question is as it
 * came; what stands behind that may be half an answer by now.
 */
export function failSlot(worker: usize, slot: u32): void {
  const table = announce(worker);
  const descriptor = worker + WORKER_DESCRIPTORS + slot * DESCRIPTOR_SIZE;
  const isStream = slot == STREAM_SLOT;
  const message = worker + (isStream ? STREAM_MESSAGE : WORKER_PACKETS + slot * SLOT_SIZE + GUARD_SIZE);
  const length = min<u32>(load<u32>(descriptor + DESCRIPTOR_LENGTH), isStream ? STREAM_ROOM : SLOT_ROOM);
  let size: u32 = 0;
  if (table != 0 && length >= <u32>HEADER_SIZE && (flagsOf(message) & FLAG_QR) == 0) {
    store<u32>(worker + QUESTION_TYPE, 0);
    if (questionCount(message) != 1 || !readQuestion(worker, message, length)) readNoQuestion(worker);
    size = refuseBare(worker, table, message, RCODE_SERVFAIL);
    countRequest(worker, descriptor, load<u32>(worker + QUESTION_TYPE), length);
    countRcode(worker, RCODE_SERVFAIL);
    countResponseSize(worker, descriptor, size);
  }
  store<u32>(descriptor + DESCRIPTOR_VERDICT, size == 0 ? VERDICT_DROP : VERDICT_ANSWERED);
  store<u32>(descriptor + DESCRIPTOR_LENGTH, size);
  withdraw(worker);
}

/**
 * The first step of answering alone: reads the message in the stream slot into the worker's question, as far as the
 * guards go. Tests hold it against another parser, benches time it.
 * @returns true where the message is a well-formed query
 */
export function parseStream(worker: usize): bool {
  const descriptor = worker + WORKER_DESCRIPTORS + STREAM_SLOT * DESCRIPTOR_SIZE;
  const message = worker + STREAM_MESSAGE;
  const length = min<u32>(load<u32>(descriptor + DESCRIPTOR_LENGTH), STREAM_ROOM);
  if (length < <u32>HEADER_SIZE || (flagsOf(message) & FLAG_QR) != 0 || questionCount(message) != 1) return false;
  return readQuestion(worker, message, length) && readRecords(worker, descriptor, message, length);
}

/**
 * The steps behind parseStream() alone: looks up the question that it read and writes the reply behind it.
 * @returns the length of the reply, or FORWARD_BIT | route
 */
export function encodeStream(worker: usize): u32 {
  const table = announce(worker);
  const descriptor = worker + WORKER_DESCRIPTORS + STREAM_SLOT * DESCRIPTOR_SIZE;
  const size = replyToQuestion(worker, table, descriptor, worker + STREAM_MESSAGE);
  withdraw(worker);
  return size;
}

function answer(worker: usize, table: usize, descriptor: usize, message: usize, room: u32): void {
  const length = min<u32>(load<u32>(descriptor + DESCRIPTOR_LENGTH), room);
  store<u32>(descriptor + DESCRIPTOR_VERDICT, VERDICT_BEGUN);
  let verdict: u32 = VERDICT_DROP;
  let size: u32 = 0;
  if (table != 0 && length >= <u32>HEADER_SIZE && (flagsOf(message) & FLAG_QR) == 0) {
    store<u32>(worker + QUESTION_TYPE, 0);
    let outcome = reply(worker, table, descriptor, message, length);
    countRequest(worker, descriptor, load<u32>(worker + QUESTION_TYPE), length);
    if (load<u32>(CONTROL_RATE) != 0) outcome = limitRate(worker, table, descriptor, message, outcome);
    if (outcome == 0) {
      count(worker, COUNT_RATE_DROPPED);
    } else if (outcome & FORWARD_BIT) {
      verdict = VERDICT_FORWARD | ((outcome & ~FORWARD_BIT) << ROUTE_SHIFT);
      size = appendOptions(worker, table, message, room);
      count(worker, COUNT_FORWARDED);
    } else {
      verdict = VERDICT_ANSWERED;
      size = outcome;
      countRcode(worker, load<u32>(worker + REPLY_RCODE));
      countResponseSize(worker, descriptor, size);
      if (flagsOf(message) & FLAG_TC) count(worker, COUNT_TRUNCATED);
    }
  } else {
    count(worker, COUNT_DROPPED);
  }
  store<u32>(descriptor + DESCRIPTOR_VERDICT, verdict);
  store<u32>(descriptor + DESCRIPTOR_LENGTH, size);
}

/** Set in reply()'s result where the query must be forwarded; the other bits are the route. */
const FORWARD_BIT: u32 = 0x80000000;

/** @returns the length of the reply, or FORWARD_BIT | route */
function reply(worker: usize, table: usize, descriptor: usize, message: usize, length: u32): u32 {
  store<u32>(worker + COOKIE_VALID, 0);
  const questions = questionCount(message);
  if (questions == 0) readNoQuestion(worker);
  else if (questions > 1 || !readQuestion(worker, message, length)) return refuseHeader(worker, table, message);
  const isWhole = readRecords(worker, descriptor, message, length);
  if (opcodeOf(message) != OPCODE_QUERY) {
    if (!isWhole) return refuseBare(worker, table, message, RCODE_NOTIMP);
    return refuse(worker, table, descriptor, message, RCODE_NOTIMP, 0);
  }
  if (!isWhole) return refuseBare(worker, table, message, RCODE_FORMERR);
  if (questions == 0) return replyToNoQuestion(worker, table, descriptor, message);
  return replyToQuestion(worker, table, descriptor, message);
}

/**
 * Leaves of a reply what its receiver may have, where it has had too many of the kind: nothing, or now and then an empty
 * reply that makes a real client ask over TCP, or come back with the cookie in it. Those who come with a cookie of ours, or
 * over TCP, are no forgers.
 * @returns as reply(); 0: nothing
 */
function limitRate(worker: usize, table: usize, descriptor: usize, message: usize, outcome: u32): u32 {
  if (load<u32>(descriptor + DESCRIPTOR_TRANSPORT) == TRANSPORT_TCP || load<u32>(worker + COOKIE_VALID) != 0) {
    return outcome;
  }
  let kind: u32 = RATE_FORWARD;
  if ((outcome & FORWARD_BIT) == 0) {
    const rcode = load<u32>(worker + REPLY_RCODE);
    kind = rcode == RCODE_NOERROR ? RATE_ANSWER : rcode == RCODE_NXDOMAIN ? RATE_NO_NAME : RATE_ERROR;
  }
  const isAboutName = kind == RATE_ANSWER || kind == RATE_FORWARD;
  const judgement = judgeRate(worker, descriptor, kind, isAboutName ? nameHash(worker) : 0);
  if (judgement == RATE_PASS) return outcome;
  // An error may stand for a question that could not be read.
  if (judgement == RATE_HOLD || kind == RATE_ERROR) return 0;
  count(worker, COUNT_RATE_SLIPPED);
  store<u32>(worker + REPLY_ERROR, 0);
  begin(worker, table, largestReply(worker, table, descriptor));
  const flags = replyFlags(table, message);
  if (load<u32>(worker + COOKIE_STATE) != COOKIE_NONE) return finish(worker, table, message, flags, RCODE_BADCOOKIE);
  return finish(worker, table, message, flags | FLAG_TC, RCODE_NOERROR);
}

/** Hash of the question's name; 0 for the root, and where there is none. */
function nameHash(worker: usize): u64 {
  if (load<u32>(worker + QUESTION_END) == HEADER_SIZE || load<u32>(worker + QUESTION_LABEL_COUNT) == 0) return 0;
  return load<u64>(worker + QUESTION_HASHES);
}

/** A query for nothing but a server cookie (RFC 7873 section 5.4). */
function replyToNoQuestion(worker: usize, table: usize, descriptor: usize, message: usize): u32 {
  const cookie = load<u32>(worker + COOKIE_STATE);
  if (cookie == COOKIE_NONE || cookie == COOKIE_MALFORMED || load<u32>(worker + EDNS_VERSION) != 0) {
    return refuse(worker, table, descriptor, message, RCODE_FORMERR, 0);
  }
  settleCookie(worker, descriptor);
  const isWelcome = cookie == COOKIE_CLIENT_ONLY || load<u32>(worker + COOKIE_VALID) != 0;
  return refuse(worker, table, descriptor, message, isWelcome ? RCODE_NOERROR : RCODE_BADCOOKIE, 0);
}

/** The reply to a question that was read without fault. */
function replyToQuestion(worker: usize, table: usize, descriptor: usize, message: usize): u32 {
  settleCookie(worker, descriptor);
  if (load<u32>(worker + EDNS_PRESENT) != 0) {
    if (load<u32>(worker + EDNS_VERSION) != 0) return refuse(worker, table, descriptor, message, RCODE_BADVERS, 0);
    if (load<u32>(worker + COOKIE_STATE) == COOKIE_MALFORMED) {
      return refuse(worker, table, descriptor, message, RCODE_FORMERR, 0);
    }
  }
  const type = load<u32>(worker + QUESTION_TYPE);
  if (type == TYPE_OPT) return refuse(worker, table, descriptor, message, RCODE_FORMERR, 0);
  if (type == TYPE_AXFR || type == TYPE_IXFR) {
    return refuse(worker, table, descriptor, message, RCODE_REFUSED, ERROR_PROHIBITED);
  }
  const questionClass = load<u32>(worker + QUESTION_CLASS);
  if (questionClass == CLASS_CH) return answerChaos(worker, table, descriptor, message, type);
  if (questionClass != CLASS_IN) {
    return refuse(worker, table, descriptor, message, RCODE_REFUSED, ERROR_NOT_AUTHORITATIVE);
  }

  const zone = zoneOf(table, worker);
  if (zone == 0) {
    if ((load<u32>(table + TABLE_FLAGS) & TABLE_FLAG_LOADED) == 0) {
      return refuse(worker, table, descriptor, message, RCODE_SERVFAIL, ERROR_NOT_READY);
    }
    return answerFromZone(worker, table, descriptor, message, findNode(table, worker), type);
  }
  const node = findNode(table, worker);
  if (zone != NO_ZONE && load<u32>(zoneAt(table, zone) + ZONE_KIND) >= <u32>ZONE_EMPTY) {
    if (node == 0 || rrsetOf(node, type) == 0) {
      return answerLocally(worker, table, descriptor, message, zoneAt(table, zone), node != 0, type);
    }
  }
  if (node != 0) return answerFromZone(worker, table, descriptor, message, node, type);
  if ((load<u32>(table + TABLE_FLAGS) & TABLE_FLAG_FORWARD) == 0) {
    return refuse(worker, table, descriptor, message, RCODE_REFUSED, ERROR_NOT_AUTHORITATIVE);
  }
  if (!isAllowed(descriptor)) {
    count(worker, COUNT_PROHIBITED);
    return refuseStranger(worker, table, descriptor, message);
  }
  const zoneLabels: u32 = zone == NO_ZONE ? 0 : load<u32>(zoneAt(table, zone) + ZONE_LABEL_COUNT);
  const flags = replyFlags(table, message);
  const size = replyFromCache(worker, table, message, largestReply(worker, table, descriptor), flags, zoneLabels);
  return size != 0 ? size : FORWARD_BIT | (zone == NO_ZONE ? 0 : zone);
}

/** @param node of the question's name, or 0 */
function answerFromZone(worker: usize, table: usize, descriptor: usize, message: usize, node: usize, type: u32): u32 {
  const isStale = (load<u32>(table + TABLE_FLAGS) & TABLE_FLAG_STALE) != 0;
  store<u32>(worker + REPLY_ERROR, isStale ? ERROR_STALE : 0);
  begin(worker, table, largestReply(worker, table, descriptor));
  let flags = replyFlags(table, message) | FLAG_AA;
  if (node == 0) {
    writeNegativeSoa(worker, table, message, apexOffset(worker, table));
    return finish(worker, table, message, flags, RCODE_NXDOMAIN);
  }
  const rrset = rrsetOf(node, type);
  if (rrset == 0) {
    const isApex = (load<u32>(node + NODE_FLAGS) & NODE_FLAG_APEX) != 0;
    writeNegativeSoa(worker, table, message, isApex ? HEADER_SIZE : apexOffset(worker, table));
  } else if (!writeAnswers(worker, table, message, rrset) && saysTruncated(table, descriptor)) {
    flags |= FLAG_TC;
  }
  return finish(worker, table, message, flags, RCODE_NOERROR);
}

/** Over TCP there is nothing to be had by asking again; BIND and others take a truncated answer there for a failure. */
function saysTruncated(table: usize, descriptor: usize): bool {
  if (load<u32>(descriptor + DESCRIPTOR_TRANSPORT) == TRANSPORT_TCP) return false;
  return (load<u32>(table + TABLE_FLAGS) & TABLE_FLAG_TRUNCATE) != 0;
}

/**
 * Leaves the options of the answer's OPT record behind the query's last record, for who asks an upstream to send.
 * @returns the offset behind them
 */
function appendOptions(worker: usize, table: usize, message: usize, room: u32): u32 {
  const end = load<u32>(worker + RECORDS_END);
  store<u32>(worker + REPLY_ERROR, 0);
  if (load<u32>(worker + EDNS_PRESENT) == 0 || room - end < optionsSize(worker, table)) return end;
  return end + writeOptions(worker, table, message + end);
}

/** The node's RRset of a type, or 0. Of type ANY, one stands for all (RFC 8482 section 4.1). */
function rrsetOf(node: usize, type: u32): usize {
  if (type != TYPE_ANY) return findRRset(node, type);
  return load<u16>(node + NODE_RRSET_COUNT) != 0 ? node + NODE_RRSETS : 0;
}

/** A name of a zone that is answered here. @param exists it has a node, though not with this type */
function answerLocally(
  worker: usize,
  table: usize,
  descriptor: usize,
  message: usize,
  zone: usize,
  exists: bool,
  type: u32,
): u32 {
  store<u32>(worker + REPLY_ERROR, 0);
  begin(worker, table, largestReply(worker, table, descriptor));
  const rcode = writeLocal(worker, table, message, zone, exists, type);
  return finish(worker, table, message, replyFlags(table, message) | FLAG_AA, rcode);
}

/** Class CH: what the server says of itself, where it is configured to (RFC 4892). */
function answerChaos(worker: usize, table: usize, descriptor: usize, message: usize, type: u32): u32 {
  const text = findText(worker, table);
  if (text == 0) return refuse(worker, table, descriptor, message, RCODE_REFUSED, ERROR_NOT_AUTHORITATIVE);
  store<u32>(worker + REPLY_ERROR, 0);
  begin(worker, table, largestReply(worker, table, descriptor));
  if (type == TYPE_TXT || type == TYPE_ANY) writeText(worker, table, message, text);
  return finish(worker, table, message, replyFlags(table, message) | FLAG_AA, RCODE_NOERROR);
}

/** Offset in the message of the domain's name, at the end of the question's name. */
function apexOffset(worker: usize, table: usize): u32 {
  const zone = table + load<u32>(table + TABLE_ZONES);
  const first = load<u32>(worker + QUESTION_LABEL_COUNT) - load<u32>(zone + ZONE_LABEL_COUNT);
  return HEADER_SIZE + load<u8>(worker + QUESTION_LABELS + first);
}
