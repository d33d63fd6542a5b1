// Replies without records, and what every reply has: flags and a size that its receiver takes.

import {
  DESCRIPTOR_TRANSPORT,
  EDNS_PAYLOAD,
  EDNS_PRESENT,
  QUESTION_END,
  REPLY_ERROR,
  REPLY_RCODE,
  TABLE_FLAG_RECURSION,
  TABLE_FLAGS,
  TABLE_UDP_PAYLOAD,
  TRANSPORT_TCP,
} from '../shared/layout';
import {
  ERROR_PROHIBITED,
  FLAG_CD,
  FLAG_QR,
  FLAG_RA,
  FLAG_RD,
  HEADER_SIZE,
  MAX_MESSAGE_SIZE,
  MIN_UDP_PAYLOAD,
  OPCODE_MASK,
  OPCODE_QUERY,
  RCODE_FORMERR,
  RCODE_NOTIMP,
  RCODE_REFUSED,
} from '../shared/wire';
import { flagsOf, opcodeOf, setCounts, setFlags } from '../wire/header';
import { begin, finish } from './encode';

/** The largest reply that the sender takes, octets (RFC 1035 section 4.2.1, RFC 6891 section 6.2.3). */
export function largestReply(worker: usize, table: usize, descriptor: usize): u32 {
  if (load<u32>(descriptor + DESCRIPTOR_TRANSPORT) == TRANSPORT_TCP) return MAX_MESSAGE_SIZE;
  if (load<u32>(worker + EDNS_PRESENT) == 0) return MIN_UDP_PAYLOAD;
  return max<u32>(MIN_UDP_PAYLOAD, min<u32>(load<u32>(worker + EDNS_PAYLOAD), load<u32>(table + TABLE_UDP_PAYLOAD)));
}

/** Flags of a reply: opcode and RD copied, RA as offered. CD is clear in authoritative data (RFC 4035 section 3.1.6). */
export function replyFlags(table: usize, message: usize): u32 {
  const recursion: u32 = load<u32>(table + TABLE_FLAGS) & TABLE_FLAG_RECURSION ? FLAG_RA : 0;
  return FLAG_QR | (flagsOf(message) & (OPCODE_MASK | FLAG_RD)) | recursion;
}

/** A reply without records, with the OPT record where the query had one. @param error to tell in it (RFC 8914), or 0 */
export function refuse(worker: usize, table: usize, descriptor: usize, message: usize, rcode: u32, error: u32): u32 {
  store<u32>(worker + REPLY_ERROR, error);
  begin(worker, table, largestReply(worker, table, descriptor));
  return finish(worker, table, message, replyFlags(table, message) | (flagsOf(message) & FLAG_CD), rcode);
}

/** A sender whose queries are not forwarded: to it, there is no recursion here. */
export function refuseStranger(worker: usize, table: usize, descriptor: usize, message: usize): u32 {
  store<u32>(worker + REPLY_ERROR, ERROR_PROHIBITED);
  begin(worker, table, largestReply(worker, table, descriptor));
  const flags = replyFlags(table, message) & ~FLAG_RA;
  return finish(worker, table, message, flags | (flagsOf(message) & FLAG_CD), RCODE_REFUSED);
}

/** A reply to a query that could be read up to the end of its question only. */
export function refuseBare(worker: usize, table: usize, message: usize, rcode: u32): u32 {
  store<u32>(worker + REPLY_RCODE, rcode);
  const end = load<u32>(worker + QUESTION_END);
  setFlags(message, replyFlags(table, message) | rcode);
  setCounts(message, end == HEADER_SIZE ? 0 : 1, 0, 0, 0);
  return end;
}

/** A reply to a message whose question cannot be read: the header alone. */
export function refuseHeader(worker: usize, table: usize, message: usize): u32 {
  const rcode: u32 = opcodeOf(message) == OPCODE_QUERY ? RCODE_FORMERR : RCODE_NOTIMP;
  store<u32>(worker + REPLY_RCODE, rcode);
  setFlags(message, replyFlags(table, message) | rcode);
  setCounts(message, 0, 0, 0, 0);
  return HEADER_SIZE;
}
