// Reads DNS messages as bytes: where the question, the sections, OPT and signatures lie. Nothing is decoded further.

import {
  HEADER_SIZE,
  MAX_LABELS,
  MAX_NAME_SIZE,
  MIN_UDP_PAYLOAD,
  TYPE_AXFR,
  TYPE_IXFR,
  TYPE_OPT,
  TYPE_SIG,
  TYPE_TSIG,
  UDP_PAYLOAD,
} from '../dns/constants.ts';

/** Honest compression never needs more jumps than a name can have labels; this bounds the work per name. */
const MAX_POINTER_JUMPS = MAX_LABELS;

/** A week: nothing is worth keeping for longer (RFC 8767 section 4). */
const MAX_TTL_SECONDS = 604_800;

/** What the OPT record says about its sender (RFC 6891 section 6.1.3). */
export interface Opt {
  /** As sent; below 512 means 512. */
  readonly udpSizeBytes: number;
  /** The upper eight bits of the twelve-bit response code. */
  readonly extendedRcode: number;
  readonly dnssecOk: boolean;
}

/** Offsets count from the first octet of the message. The question starts at `HEADER_SIZE`. */
export interface MessageLayout {
  /** Behind QCLASS. */
  readonly questionEnd: number;
  readonly qtype: number;
  /** The first additional record; `end` where there is none. */
  readonly additionalStart: number;
  /** The first OPT, TSIG or SIG(0) record, which concern one hop only; `end` where there is none. */
  readonly hopStart: number;
  /** Additional records in front of `hopStart`. */
  readonly additionalsBeforeHop: number;
  /** Behind the last record; octets that follow belong to nothing. */
  readonly end: number;
  readonly opt: Opt | null;
  /** There is a TSIG or SIG(0) record. */
  readonly signed: boolean;
}

/**
 * Walks a whole message, question and records.
 *
 * @returns null where it is malformed: not exactly one question, a count that promises records that are not there, a
 * name or RDATA past the end, an unknown label type, a pointer that does not go strictly backwards, two OPTs, an OPT
 * outside the additional section or not owned by the root. Names inside RDATA are not looked at: they pass opaque.
 */
export function readLayout(message: Uint8Array): MessageLayout | null {
  const questionEnd = readQuestionEnd(message);
  if (questionEnd < 0) return null;
  const answers = readUint16(message, 6);
  const authorities = readUint16(message, 8);
  const additionals = readUint16(message, 10);

  let offset = questionEnd;
  for (let index = 0; index < answers + authorities; index += 1) {
    const data = skipName(message, offset);
    if (data < 0 || readUint16(message, data) === TYPE_OPT) return null;
    offset = skipRecordData(message, data);
    if (offset < 0) return null;
  }

  const additionalStart = offset;
  let hopStart = -1;
  let additionalsBeforeHop = additionals;
  let opt: Opt | null = null;
  let signed = false;
  for (let index = 0; index < additionals; index += 1) {
    const start = offset;
    const data = skipName(message, start);
    if (data < 0) return null;
    offset = skipRecordData(message, data);
    if (offset < 0) return null;
    const type = readUint16(message, data);
    if (type === TYPE_OPT) {
      if (opt !== null || message[start] !== 0) return null;
      opt = readOpt(message, data);
    } else if (type === TYPE_TSIG || isSig0(message, start, type)) {
      signed = true;
    } else {
      continue;
    }
    if (hopStart < 0) {
      hopStart = start;
      additionalsBeforeHop = index;
    }
  }
  return {
    questionEnd,
    qtype: readUint16(message, questionEnd - 4),
    additionalStart,
    hopStart: hopStart < 0 ? offset : hopStart,
    additionalsBeforeHop,
    end: offset,
    opt,
    signed,
  };
}

/** The offset behind the only question; -1 where there is not exactly one, or it is malformed. */
export function readQuestionEnd(message: Uint8Array): number {
  if (message.length < HEADER_SIZE || readUint16(message, 4) !== 1) return -1;
  const nameEnd = skipName(message, HEADER_SIZE);
  return nameEnd < 0 || message.length - nameEnd < 4 ? -1 : nameEnd + 4;
}

/**
 * Brings the TTLs of a walked message down to a week; one with the highest bit set counts as 0 (RFC 2181 section 8). Changes
 * the message.
 */
export function capTtls(message: Uint8Array, layout: MessageLayout): void {
  let offset = layout.questionEnd;
  while (offset < layout.end) {
    const data = skipName(message, offset);
    offset = skipRecordData(message, data);
    if (data < 0 || offset < 0) return;
    // A week has 20 bits: most TTLs are seen to be less by their first octet and half of the second.
    const upper = readUint16(message, data + 4);
    if (upper < MAX_TTL_SECONDS >>> 16 || readUint16(message, data) === TYPE_OPT) continue;
    const ttl = upper * 0x10000 + readUint16(message, data + 6);
    if (ttl <= MAX_TTL_SECONDS) continue;
    const capped = ttl >= 0x80000000 ? 0 : MAX_TTL_SECONDS;
    writeUint16(message, data + 4, capped >>> 16);
    writeUint16(message, data + 6, capped & 0xffff);
  }
}

/** The largest UDP answer that the sender of this query takes: 512 without EDNS, else what its OPT says, 512 to `max`. */
export function udpAnswerLimit(query: Uint8Array, max: number = UDP_PAYLOAD): number {
  return boundUdpSize(readLayout(query)?.opt?.udpSizeBytes ?? MIN_UDP_PAYLOAD, max);
}

/** @param sizeBytes as a client's OPT says */
export function boundUdpSize(sizeBytes: number, max: number): number {
  return Math.min(Math.max(sizeBytes, MIN_UDP_PAYLOAD), max);
}

export function isTransfer(qtype: number): boolean {
  return qtype === TYPE_AXFR || qtype === TYPE_IXFR;
}

/** The caller has checked that both octets are there; missing ones read as 0. */
export function readUint16(message: Uint8Array, offset: number): number {
  return ((message[offset] ?? 0) << 8) | (message[offset + 1] ?? 0);
}

export function writeUint16(message: Uint8Array, offset: number, value: number): void {
  message[offset] = value >>> 8;
  message[offset + 1] = value & 0xff;
}

/** ASCII letters in lower case, every other octet as it is (RFC 4343). Length octets are below `A`, so whole names fold. */
export function foldCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
}

/**
 * The offset behind the name at `start` with its terminator or pointer; -1 where it is malformed.
 *
 * Every pointer must lead before the part of the name that it ends, and behind the header: so the walk goes strictly
 * backwards and ends.
 */
function skipName(message: Uint8Array, start: number): number {
  let end = -1;
  let partStart = start;
  let offset = start;
  let nameBytes = 1;
  let jumps = 0;
  for (;;) {
    const length = message[offset];
    if (length === undefined) return -1;
    if (length === 0) return end < 0 ? offset + 1 : end;
    if (length < 0x40) {
      nameBytes += length + 1;
      if (nameBytes > MAX_NAME_SIZE) return -1;
      offset += length + 1;
    } else if (length >= 0xc0) {
      if (message.length - offset < 2) return -1;
      const target = readUint16(message, offset) & 0x3fff;
      jumps += 1;
      if (target < HEADER_SIZE || target >= partStart || jumps > MAX_POINTER_JUMPS) return -1;
      if (end < 0) end = offset + 2;
      partStart = target;
      offset = target;
    } else {
      return -1;
    }
  }
}

/** From a record's TYPE to behind its RDATA; -1 where that is past the end. */
function skipRecordData(message: Uint8Array, data: number): number {
  if (message.length - data < 10) return -1;
  const rdataLength = readUint16(message, data + 8);
  return message.length - data - 10 < rdataLength ? -1 : data + 10 + rdataLength;
}

function readOpt(message: Uint8Array, data: number): Opt {
  return {
    udpSizeBytes: readUint16(message, data + 2),
    extendedRcode: message[data + 4] ?? 0,
    dnssecOk: ((message[data + 6] ?? 0) & 0x80) !== 0,
  };
}

/** SIG(0): a SIG record at the root that covers no type (RFC 2931 section 3). */
function isSig0(message: Uint8Array, start: number, type: number): boolean {
  return type === TYPE_SIG && message[start] === 0 && readUint16(message, start + 11) === 0;
}
