// Whether an answer, or silence, is what a server owes to a query, whatever the zone holds.

import packet from 'dns-packet';
import {
  type Due,
  dueTo,
  type Edns,
  isBelow,
  Malformed,
  OPTION_COOKIE,
  type Option,
  readEdns,
  readMessage,
  readOptions,
  type WireMessage,
  word,
} from './reading.ts';
import { DOMAIN } from './zone.ts';

export interface Circumstances {
  readonly transport: 'udp' | 'tcp';
  /** The largest answer over UDP that the server gives, octets. */
  readonly udpPayloadSize: number;
  /** Response rates are limited: over UDP nothing may be said at any time. Default false. */
  readonly isLimited?: boolean;
}

/** What the core, or the server as a whole, did with a query. */
export type Reaction =
  | { readonly kind: 'silence' }
  /** The query, and behind its last record the options that the answer to it must carry. */
  | { readonly kind: 'forward'; readonly message: Uint8Array }
  | { readonly kind: 'answer'; readonly message: Uint8Array };

const TYPE_OPT = 41;
const TYPE_META_FIRST = 128;
const TYPE_META_LAST = 254;
const OPTION_NSID = 3;
const OPTION_KEEPALIVE = 11;
const OPTION_ERROR = 15;
const COOKIE_SIZE = 24;
const NOERROR = 0;
const FORMERR = 1;
const NXDOMAIN = 3;
const NOTIMP = 4;
const REFUSED = 5;
const NOTAUTH = 9;
const BADVERS = 16;
const AA = 0x0400;
const TC = 0x0200;
const RD = 0x0100;
const Z = 0x0040;
const AD = 0x0020;

/** @returns what is wrong with the reaction, or null */
export function verdictOn(query: Uint8Array, reaction: Reaction, circumstances: Circumstances): string | null {
  const due = dueTo(query);
  switch (reaction.kind) {
    case 'silence':
      if (circumstances.isLimited === true && circumstances.transport === 'udp') return null;
      return due.kind === 'silence' ? null : `silence where ${due.kind} is due`;
    case 'forward':
      if (due.kind !== 'answer') return `forwarded where ${due.kind} is due`;
      if (isBelow(due.message.labels, DOMAIN)) return 'a name of the domain is forwarded';
      return faultOfForwarded(query, reaction.message, due, circumstances);
    case 'answer':
      if (due.kind === 'silence') return 'an answer where silence is due';
      return faultOf(query, reaction.message, due, circumstances);
  }
}

function faultOf(
  query: Uint8Array,
  reply: Uint8Array,
  due: Exclude<Due, { kind: 'silence' }>,
  circumstances: Circumstances,
): string | null {
  const limit = largestReply(due, circumstances);
  if (reply.length < 12) return `an answer of ${reply.length} octets`;
  if (reply.length > limit) return `an answer of ${reply.length} octets where ${limit} are allowed`;
  if (word(reply, 0) !== word(query, 0)) return 'another id';
  const flags = word(reply, 2);
  if ((flags & 0x8000) === 0) return 'an answer that is no response';
  if ((flags & 0x7800) !== (word(query, 2) & 0x7800)) return 'another opcode';
  if ((flags & RD) !== (word(query, 2) & RD)) return 'RD is not copied';
  if ((flags & (Z | AD)) !== 0) return 'Z or AD is set';
  const read = readReply(reply);
  if (typeof read === 'string') return read;
  if (due.kind === 'answer' && due.isDoubtful && (flags & 15) === FORMERR) return null;
  return (
    faultOfQuestion(query, reply, due, read) ??
    faultOfContent(flags, due, read) ??
    (due.kind === 'answer' || due.kind === 'cookie'
      ? faultOfOptions(due.edns, readEdns(read.records)?.options ?? [], circumstances)
      : null)
  );
}

function largestReply(due: Due, { transport, udpPayloadSize }: Circumstances): number {
  if (transport === 'tcp') return 65_535;
  const offered = due.kind === 'answer' || due.kind === 'cookie' ? (due.edns?.payloadSize ?? 512) : 512;
  return Math.max(512, Math.min(offered, udpPayloadSize));
}

/** Reads a reply strictly, and has dns-packet read it. */
function readReply(reply: Uint8Array): WireMessage | string {
  try {
    const read = readMessage(reply, { pointersInQuestion: false, followPointers: true });
    if (read.end !== reply.length) return `${reply.length - read.end} octets behind the answer's last record`;
    packet.decode(Buffer.from(reply.buffer, reply.byteOffset, reply.length));
    if (packet.decode.bytes !== reply.length) return 'dns-packet reads another length';
    return read;
  } catch (error) {
    if (error instanceof Malformed) return `a malformed answer: ${error.message}`;
    return `dns-packet cannot read the answer: ${String(error)}`;
  }
}

/** The question comes back octet by octet, or not at all where it could not be read. */
function faultOfQuestion(query: Uint8Array, reply: Uint8Array, due: Due, read: WireMessage): string | null {
  const count = word(reply, 4);
  if (count === 0) return due.kind === 'answer' ? 'no question in the answer' : null;
  if (count > 1) return 'several questions in the answer';
  const sent = query.subarray(12, read.questionEnd);
  return Buffer.compare(sent, reply.subarray(12, read.questionEnd)) === 0 ? null : 'another question';
}

function faultOfContent(flags: number, due: Exclude<Due, { kind: 'silence' }>, read: WireMessage): string | null {
  const opts = read.records.filter(({ type }) => type === TYPE_OPT);
  const [opt] = opts;
  const rcode = (flags & 15) | (((opt?.ttl ?? 0) >>> 24) << 4);
  const others = read.records.length - opts.length;
  if (opts.length > 1) return 'several OPT records in the answer';
  if (opt !== undefined && ((opt.ttl >>> 16) & 255) !== 0) return 'an OPT record of another version';
  if (opt !== undefined && (opt.ttl & 0x7fff) !== 0) return 'flags of EDNS that nobody has defined';
  if (opt !== undefined && opt.class < 512) return 'a payload size below 512';
  if ((flags & AA) !== 0 && rcode !== NOERROR && rcode !== NXDOMAIN) return `AA with rcode ${rcode}`;
  if (rcode !== NOERROR && rcode !== NXDOMAIN && others > 0) return `records with rcode ${rcode}`;
  switch (due.kind) {
    case 'other opcode':
      if (![FORMERR, NOTIMP, REFUSED, NOTAUTH].includes(rcode)) return `rcode ${rcode} to another opcode`;
      return others === 0 ? null : 'records in answer to another opcode';
    case 'format error':
      return rcode === FORMERR ? null : `rcode ${rcode} where FORMERR is due: ${due.why}`;
    case 'cookie':
      return others === 0 ? null : 'records in answer to no question';
    case 'answer': {
      if ((opt !== undefined) !== (due.edns !== null)) return 'an OPT record in one of query and answer only';
      if (due.edns !== null && due.edns.version !== 0) {
        return rcode === BADVERS ? null : `rcode ${rcode} where BADVERS is due`;
      }
      if (opt !== undefined && ((opt.ttl & 0x8000) !== 0) !== (due.edns?.dnssecOk ?? false)) return 'DO is not copied';
      const { type } = due.message;
      const isMeta = type === TYPE_OPT || (type >= TYPE_META_FIRST && type <= TYPE_META_LAST);
      if (rcode === FORMERR && !isMeta && due.message.records.length === (due.edns === null ? 0 : 1)) {
        return 'FORMERR to a well-formed query';
      }
      if ((flags & TC) !== 0 && others === 0 && rcode !== NOERROR) return 'TC without anything cut';
      return null;
    }
  }
}

function faultOfForwarded(
  query: Uint8Array,
  forwarded: Uint8Array,
  due: Extract<Due, { kind: 'answer' }>,
  circumstances: Circumstances,
): string | null {
  const { end } = due.message;
  if (Buffer.compare(forwarded.subarray(0, end), query.subarray(0, end)) !== 0) return 'a query is changed';
  try {
    return faultOfOptions(due.edns, readOptions(forwarded.subarray(end)), circumstances);
  } catch (error) {
    return `options behind a query to be forwarded: ${String(error)}`;
  }
}

/** Options come back where they were asked for; an extended error comes at any time (RFC 8914). */
function faultOfOptions(asked: Edns | null, options: readonly Option[], { transport }: Circumstances): string | null {
  for (const { code, data } of options) {
    if (code === OPTION_ERROR) {
      if (data.length < 2) return 'an extended error without a code';
      continue;
    }
    const first = asked?.options.find((option) => option.code === code);
    if (first === undefined) return `option ${code}, which was not asked for`;
    if (code === OPTION_COOKIE) {
      if (data.length !== COOKIE_SIZE) return `a cookie of ${data.length} octets`;
      if (Buffer.compare(data.subarray(0, 8), first.data.subarray(0, 8)) !== 0) return "another client's cookie";
    } else if (code === OPTION_KEEPALIVE) {
      if (transport !== 'tcp' || data.length !== 2) return 'a keepalive over UDP, or without a time';
    } else if (code !== OPTION_NSID) {
      return `option ${code}, which no server sends`;
    }
  }
  return null;
}
