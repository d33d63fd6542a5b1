// What a client gets: the upstream's answer fitted to the client's query, or an answer of our own that says why not.

import {
  ERROR_STALE,
  ERROR_STALE_NXDOMAIN,
  FLAG_AD,
  FLAG_CD,
  FLAG_QR,
  FLAG_RA,
  FLAG_RD,
  FLAG_TC,
  HEADER_SIZE,
  OPCODE_MASK,
  RCODE_MASK,
} from '../dns/constants.ts';
import { type MessageLayout, readUint16, writeUint16 } from './message.ts';
import { type ClientQuery, optBytes, writeOpt } from './query.ts';

/**
 * Extended DNS errors (RFC 8914 section 4): the answer is out of date; there was none a moment ago, nor a new try; no upstream
 * gave one; no upstream could even be talked to.
 */
export const EDE_STALE = ERROR_STALE;
export const EDE_STALE_NXDOMAIN = ERROR_STALE_NXDOMAIN;
export const EDE_CACHED_ERROR = 13;
export const EDE_NO_REACHABLE_AUTHORITY = 22;
export const EDE_NETWORK_ERROR = 23;
const OPTION_EDE = 15;
const NO_OPTIONS = new Uint8Array(0);

/**
 * Fits an upstream's answer to one client: its id, spelling of the question, RD and CD; our RA and OPT (only where the
 * client sent one, DO echoed). AA is cleared, since we are no authority for the name (RFC 1035 section 4.1.1); AD is
 * the upstream's. The question has the same length on both sides, so compression pointers stay right.
 *
 * The upstream's OPT goes, and with it the additional records behind it: pointers in them would have to be moved, and
 * additional records may always be left out. Where the rest exceeds `maxSizeBytes`, the other additional records go
 * too, without TC (RFC 2181 section 9); where that is not enough, header, question and OPT remain, with TC.
 *
 * @param reply an answer to `query`'s question, walked as `layout`; only read.
 * @param ede to tell in the OPT, or null
 */
export function fitReply(
  reply: Uint8Array,
  layout: MessageLayout,
  query: ClientQuery,
  maxSizeBytes: number,
  recursionAvailable: boolean,
  ede: number | null = null,
): Uint8Array {
  const upstreamFlags = readUint16(reply, 2);
  const flags =
    FLAG_QR |
    (upstreamFlags & (FLAG_TC | FLAG_AD | RCODE_MASK)) |
    (query.flags & (FLAG_RD | FLAG_CD)) |
    (recursionAvailable ? FLAG_RA : 0);
  const more = ede === null ? NO_OPTIONS : edeOption(ede);
  const room = maxSizeBytes - optBytes(query, more);
  if (layout.hopStart <= room) return assemble(reply, layout.hopStart, flags, layout.additionalsBeforeHop, query, more);
  if (layout.additionalStart <= room) return assemble(reply, layout.additionalStart, flags, 0, query, more);
  const cut = new Uint8Array(layout.questionEnd);
  cut[5] = 1;
  return assemble(cut, layout.questionEnd, flags | FLAG_TC, 0, query, more);
}

/** An answer without records under the client's id and question; the EDE goes into an OPT, where the client sent one. */
export function buildEmptyReply(
  query: ClientQuery,
  rcode: number,
  ede: number | null,
  recursionAvailable: boolean,
): Uint8Array {
  const flags =
    FLAG_QR | (query.flags & (OPCODE_MASK | FLAG_RD | FLAG_CD)) | (recursionAvailable ? FLAG_RA : 0) | rcode;
  const bare = new Uint8Array(HEADER_SIZE + query.question.length);
  bare[5] = 1;
  return assemble(bare, bare.length, flags, 0, query, ede === null ? NO_OPTIONS : edeOption(ede));
}

/** An answer to a message whose question cannot be echoed: a header. Empty where not even an id came. */
export function buildHeaderReply(message: Uint8Array, rcode: number): Uint8Array {
  if (message.length < HEADER_SIZE) return new Uint8Array(0);
  const reply = new Uint8Array(HEADER_SIZE);
  writeUint16(reply, 0, readUint16(message, 0));
  writeUint16(reply, 2, FLAG_QR | (readUint16(message, 2) & (OPCODE_MASK | FLAG_RD)) | rcode);
  return reply;
}

/** Copies `source` up to `end`, puts the client's id and question in, and appends our OPT where the client sent one. */
function assemble(
  source: Uint8Array,
  end: number,
  flags: number,
  additionals: number,
  query: ClientQuery,
  more: Uint8Array = NO_OPTIONS,
): Uint8Array {
  // All of it is written below.
  const message = Buffer.allocUnsafe(end + optBytes(query, more));
  message.set(end === source.length ? source : source.subarray(0, end));
  writeUint16(message, 0, query.id);
  writeUint16(message, 2, flags);
  writeUint16(message, 10, additionals + (query.opt === null ? 0 : 1));
  message.set(query.question, HEADER_SIZE);
  if (query.opt !== null) writeOpt(message, end, query.opt.dnssecOk, query.options, more);
  return message;
}

function edeOption(ede: number): Uint8Array {
  const option = new Uint8Array(6);
  writeUint16(option, 0, OPTION_EDE);
  writeUint16(option, 2, 2);
  writeUint16(option, 4, ede);
  return option;
}
