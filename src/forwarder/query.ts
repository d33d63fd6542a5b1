// The two queries of a forwarded question: the client's, taken apart, and ours, which is sent to an upstream.

import {
  CLASS_IN,
  FLAG_AD,
  FLAG_CD,
  FLAG_QR,
  FLAG_RD,
  HEADER_SIZE,
  MAX_NAME_SIZE,
  MIN_UDP_PAYLOAD,
  OPCODE_MASK,
  OPT_SIZE,
  RCODE_FORMERR,
  RCODE_MASK,
  RCODE_NOTIMP,
  RCODE_REFUSED,
  TYPE_NS,
  TYPE_OPT,
  UDP_PAYLOAD,
} from '../dns/constants.ts';
import { foldCase, isTransfer, type Opt, readLayout, readUint16, writeUint16 } from './message.ts';

const TYPE_HINFO = 13;
const NO_OPTIONS: Uint8Array = new Uint8Array(0);
/** An upstream decides with these what it answers, so they are the client's own. */
const FORWARDED_FLAGS = FLAG_RD | FLAG_AD | FLAG_CD;
const KEY_PREFIX = 5;
const QUESTION_MAX = MAX_NAME_SIZE + 4;
export const UPSTREAM_QUERY_MAX = HEADER_SIZE + QUESTION_MAX + OPT_SIZE;
const keyScratch = Buffer.alloc(KEY_PREFIX + QUESTION_MAX);

/** What of the client's message is needed until it is answered. Holds no view of that message. */
export interface ClientQuery {
  readonly id: number;
  /** The second header word as sent. */
  readonly flags: number;
  /** QNAME in the client's spelling, QTYPE, QCLASS. */
  readonly question: Uint8Array;
  readonly opt: Opt | null;
  /** For our OPT in the answer: what the core left behind the last record (see VERDICT_FORWARD). */
  readonly options: Uint8Array;
}

export type ClientQueryOutcome =
  /** `udpSizeBytes`: the largest answer over UDP, as the client says. */
  | { readonly kind: 'query'; readonly query: ClientQuery; readonly udpSizeBytes: number }
  /** The message is not forwarded; `query` is null where not even its question can be echoed. */
  | { readonly kind: 'refused'; readonly rcode: number; readonly query: ClientQuery | null };

/**
 * Takes a client's message apart. Refused are malformed ones (FORMERR), other opcodes than QUERY and signed messages
 * (NOTIMP: a signature covers the OPT that every hop must replace), and zone transfers (REFUSED).
 */
export function readClientQuery(message: Uint8Array): ClientQueryOutcome {
  const flags = readUint16(message, 2);
  const layout = readLayout(message);
  if (layout === null) return { kind: 'refused', rcode: RCODE_FORMERR, query: null };
  const query: ClientQuery = {
    id: readUint16(message, 0),
    flags,
    question: copyOf(message, HEADER_SIZE, layout.questionEnd),
    opt: layout.opt,
    options: layout.end === message.length ? NO_OPTIONS : copyOf(message, layout.end, message.length),
  };
  if ((flags & OPCODE_MASK) !== 0 || layout.signed) return { kind: 'refused', rcode: RCODE_NOTIMP, query };
  if (isTransfer(layout.qtype)) return { kind: 'refused', rcode: RCODE_REFUSED, query };
  return { kind: 'query', query, udpSizeBytes: layout.opt?.udpSizeBytes ?? MIN_UDP_PAYLOAD };
}

/** Whether the same upstream answer serves two queries of one route: same question but for case, same flags, same DO bit. */
export function isSameQuestion(one: ClientQuery, other: ClientQuery): boolean {
  if (((one.flags ^ other.flags) & FORWARDED_FLAGS) !== 0) return false;
  if ((one.opt?.dnssecOk === true) !== (other.opt?.dnssecOk === true)) return false;
  const { length } = one.question;
  if (length !== other.question.length) return false;
  for (let i = 0; i < length; i += 1) {
    const octet = one.question[i] ?? 0;
    const otherOctet = other.question[i] ?? 0;
    if (octet !== otherOctet && (i >= length - 4 || foldCase(octet) !== foldCase(otherOctet))) return false;
  }
  return true;
}

/** 32 bits, equal for the same question and route. Who does not know the seed cannot choose others that have them, too. */
export function hashQuery({ question }: ClientQuery, route: number, seed: number): number {
  let hash = seed ^ route;
  // With this bit, letters are the same in both cases; a few other octets are, too.
  for (let i = 0; i < question.length; i += 1) {
    hash = Math.imul(hash ^ ((question[i] ?? 0) | 0x20), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

/** Equal for two queries of the same question, as isSameQuestion() has it, and route. */
export function sharingKey(query: ClientQuery, route: number): string {
  const { question, flags, opt } = query;
  const key = keyScratch;
  writeUint16(key, 0, route);
  writeUint16(key, 2, flags & FORWARDED_FLAGS);
  key[4] = opt?.dnssecOk === true ? 1 : 0;
  const nameEnd = question.length - 4;
  for (let i = 0; i < question.length; i += 1) {
    const octet = question[i] ?? 0;
    key[KEY_PREFIX + i] = i < nameEnd ? foldCase(octet) : octet;
  }
  return key.toString('latin1', 0, KEY_PREFIX + question.length);
}

/**
 * The message for an upstream: the client's question and flags, our own OPT. EDNS goes hop by hop (RFC 6891 section
 * 6.1.1), so of the client's OPT only DO is taken over; options such as client subnet or cookies stay here. The id is left
 * to the transport.
 */
export function buildUpstreamQuery(
  query: Pick<ClientQuery, 'flags' | 'question'> & { readonly opt?: Opt | null },
): Uint8Array {
  // From the pool of buffers, as small ones of their own cost more than all that is written here.
  const message = Buffer.allocUnsafe(HEADER_SIZE + query.question.length + OPT_SIZE);
  writeUpstreamQuery(message, query);
  return message;
}

/**
 * The same into the memory of another one.
 * @param message room for UPSTREAM_QUERY_MAX octets
 * @returns its length
 */
export function writeUpstreamQuery(
  message: Uint8Array,
  { flags, question, opt }: Pick<ClientQuery, 'flags' | 'question'> & { readonly opt?: Opt | null },
): number {
  const end = HEADER_SIZE + question.length;
  writeUint16(message, 0, 0);
  writeUint16(message, 2, flags & FORWARDED_FLAGS);
  writeUint16(message, 4, 1);
  writeUint16(message, 6, 0);
  writeUint16(message, 8, 0);
  writeUint16(message, 10, 1);
  message.set(question, HEADER_SIZE);
  writeOpt(message, end, opt?.dnssecOk === true);
  return end + OPT_SIZE;
}

/** A question that every server can answer: the root's name servers. */
export function buildProbe(): Uint8Array {
  return buildUpstreamQuery({ flags: FLAG_RD, question: Uint8Array.of(0, 0, TYPE_NS, 0, CLASS_IN) });
}

/** A question below `zone` ('' is the root) whose first label is `token`: HINFO, which nobody else asks for. */
export function buildLoopProbe(token: string, zone: string): Uint8Array {
  const labels = [token, ...(zone === '' ? ['loop'] : zone.split('.'))];
  const name = Buffer.concat(labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')])));
  const question = Uint8Array.of(...name, 0, 0, TYPE_HINFO, 0, CLASS_IN);
  return buildUpstreamQuery({ flags: FLAG_RD, question });
}

/** Gives each letter of the question's name a case at random, so that a forger has more to guess. */
export function randomizeCase(message: Uint8Array, randomId: () => number): void {
  const nameEnd = message.length - OPT_SIZE - 4;
  let bits = 1;
  for (let offset = HEADER_SIZE; offset < nameEnd; offset += 1) {
    const folded = foldCase(message[offset] ?? 0);
    if (folded < 0x61 || folded > 0x7a) continue;
    if (bits === 1) bits = randomId() | 0x10000;
    message[offset] = (bits & 1) === 0 ? folded : folded - 0x20;
    bits >>>= 1;
  }
}

/**
 * Whether `reply` answers `sent` (made by `buildUpstreamQuery`): a response with the same id, opcode and question
 * (RFC 5452 section 9.1); the sockets see to address and port.
 */
export function compareReply(reply: Uint8Array, sent: Uint8Array): 'same' | 'other-case' | 'other' {
  const questionEnd = sent.length - OPT_SIZE;
  if (reply.length < questionEnd || readUint16(reply, 0) !== readUint16(sent, 0)) return 'other';
  if ((readUint16(reply, 2) & (FLAG_QR | OPCODE_MASK)) !== FLAG_QR || readUint16(reply, 4) !== 1) return 'other';
  let match: 'same' | 'other-case' = 'same';
  for (let offset = HEADER_SIZE; offset < questionEnd; offset += 1) {
    const got = reply[offset] ?? 0;
    const wanted = sent[offset] ?? 0;
    if (got === wanted) continue;
    // Only letters of the name have a case. Equal octets are equally long names, so that the rest needs no reading.
    if (offset >= questionEnd - 4 || foldCase(got) !== foldCase(wanted)) return 'other';
    match = 'other-case';
  }
  return match;
}

/** Writes an OPT record of ours, `OPT_SIZE` plus the options long. */
export function writeOpt(
  message: Uint8Array,
  offset: number,
  dnssecOk: boolean,
  options: Uint8Array = NO_OPTIONS,
  more: Uint8Array = NO_OPTIONS,
): void {
  message[offset] = 0;
  writeUint16(message, offset + 1, TYPE_OPT);
  writeUint16(message, offset + 3, UDP_PAYLOAD);
  writeUint16(message, offset + 5, 0);
  writeUint16(message, offset + 7, dnssecOk ? 0x8000 : 0);
  writeUint16(message, offset + 9, options.length + more.length);
  if (options.length > 0) message.set(options, offset + OPT_SIZE);
  if (more.length > 0) message.set(more, offset + OPT_SIZE + options.length);
}

/** Octets that our OPT takes in an answer to this client: none where it sent none. */
export function optBytes(query: ClientQuery, more: Uint8Array = NO_OPTIONS): number {
  return query.opt === null ? 0 : OPT_SIZE + query.options.length + more.length;
}

/** Buffers share memory with what slice() makes of them; other arrays do not. */
function copyOf(message: Uint8Array, start: number, end: number): Uint8Array {
  return Uint8Array.prototype.slice.call(message, start, end);
}

/** The twelve-bit response code of a walked message. */
export function responseCode(message: Uint8Array, opt: Opt | null): number {
  return ((opt?.extendedRcode ?? 0) << 4) | (readUint16(message, 2) & RCODE_MASK);
}
