// Answers that show whether they are whole: every record of one carries its version, which tells name, kind and size as well.

import { encode, type Packet } from 'dns-packet';
import { type QueryType, query } from '../support/zone.ts';
import { reply } from './support.ts';

/** Version numbers: a count in the upper bits, and the name in these. */
const NAME_BITS = 5;
export const NAMES = 1 << NAME_BITS;
/** Counts start anew after so many, all of which are made beforehand: that takes far longer than storing them. */
export const COUNTS = 64;
export const TTL = 3600;
const MOST_RECORDS = 60;
const TEXT_SIZE = 248;
const NXDOMAIN = 3;

export function versionOf(count: number, name: number): number {
  return ((count << NAME_BITS) | name) >>> 0;
}

export function nameOf(version: number): number {
  return version & (NAMES - 1);
}

export function countOf(version: number): number {
  return version >>> NAME_BITS;
}

/** Half of the names have addresses, the others text in large answers, which overwrite segments in no time. */
function typeOf(name: number): 'A' | 'TXT' {
  return name % 2 === 0 ? 'A' : 'TXT';
}

/** Every eighth version says that the name does not exist. */
function isDenial(version: number): boolean {
  return countOf(version) % 8 === 7;
}

function recordCount(version: number): number {
  return 1 + ((countOf(version) * 7) % MOST_RECORDS);
}

export function questionFor(name: number): Uint8Array {
  return query(`name${name}.example`, typeOf(name));
}

/** What an upstream says, for the first time or with another version. */
export function upstreamReply(version: number): Uint8Array {
  const name = nameOf(version);
  const type: QueryType = typeOf(name);
  const owner = `name${name}.example`;
  if (isDenial(version)) {
    const data = {
      mname: '.',
      rname: '.',
      serial: version,
      refresh: version,
      retry: version,
      expire: version,
      minimum: TTL,
    };
    const authorities: Packet['authorities'] = [{ type: 'SOA', name: 'example', ttl: TTL, data }];
    return reply(owner, type, { rcode: NXDOMAIN, authorities });
  }
  const question = encode({ id: 7, type: 'response', flags: 0x180, questions: [{ name: owner, type }] });
  const dataSize = type === 'A' ? 4 : TEXT_SIZE;
  const record = Buffer.alloc(12 + dataSize);
  record.set([0xc0, 12, 0, type === 'A' ? 1 : 16, 0, 1, 0, 0, TTL >> 8, TTL & 255, 0, dataSize]);
  for (let at = 12; at < record.length; at += 4) record.writeUInt32BE(version, at);
  const count = recordCount(version);
  const message = Buffer.concat([question, ...Array.from({ length: count }, () => record)]);
  message.writeUInt16BE(count, 6);
  return message;
}

/** The version that an answer is, all of it. @throws Error where it is none, with what is wrong */
export function readVersion(answer: Uint8Array, questionSize: number): number {
  const message = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
  const answers = message.readUInt16BE(6);
  const authorities = message.readUInt16BE(8);
  const isNxdomain = (message.readUInt16BE(2) & 15) === NXDOMAIN;
  const others = authorities * 65536 + message.readUInt16BE(10);
  if (isNxdomain) {
    if (answers !== 0 || others !== 65536) throw new Error(`a denial with ${answers} answers and ${others} others`);
    return readDenial(message, questionSize);
  }
  if (others !== 0) throw new Error(`an answer with ${others} other records`);
  const size = (message.length - questionSize) / answers;
  const version = message.readUInt32BE(questionSize + 12);
  if (isDenial(version)) throw new Error('records of a denial');
  if (answers !== recordCount(version)) throw new Error(`${answers} records, expected ${recordCount(version)}`);
  const isAddress = typeOf(nameOf(version)) === 'A';
  const dataSize = isAddress ? 4 : TEXT_SIZE;
  if (size !== 12 + dataSize) throw new Error(`records of ${size} octets`);
  const fixed = (0xc00c_0000 | (isAddress ? 1 : 16)) >>> 0;
  for (let at = questionSize; at < message.length; at += size) {
    if (message.readUInt32BE(at) !== fixed || message.readUInt16BE(at + 4) !== 1) throw new Error('another record');
    checkTtl(message.readUInt32BE(at + 6));
    if (message.readUInt16BE(at + 10) !== dataSize) throw new Error('another length of data');
    for (let data = at + 12; data < at + size; data += 4) same(message.readUInt32BE(data), version);
  }
  return version;
}

/** The SOA record that is left of a denial: the owner `example`, and names that are the root. */
function readDenial(message: Buffer, start: number): number {
  const fixed = start + 9;
  if (message.toString('latin1', start, fixed) !== '\x07example\0') throw new Error('another owner');
  if (message.length !== fixed + 10 + 22) throw new Error(`a denial of ${message.length} octets`);
  checkTtl(message.readUInt32BE(fixed + 4));
  const numbers = fixed + 12;
  const version = message.readUInt32BE(numbers);
  for (let at = numbers; at < numbers + 16; at += 4) same(message.readUInt32BE(at), version);
  if (!isDenial(version)) throw new Error('a denial of another version');
  return version;
}

function checkTtl(ttl: number): void {
  // Tests take seconds.
  if (ttl > TTL || ttl < TTL - 60) throw new Error(`TTL ${ttl}`);
}

function same(value: number, version: number): void {
  if (value !== version) throw new Error(`versions ${version} and ${value}`);
}
