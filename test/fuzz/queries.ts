// Valid queries of every kind that clients send, from which the fuzzer makes invalid ones.

import type { Random } from './random.ts';
import { NAMES } from './zone.ts';

const TYPES = [1, 28, 33, 255, 12, 6, 2, 16, 5, 43, 15, 65, 64, 257, 10, 24, 41, 250, 251, 252, 253, 254, 1000, 65_280];
const PAYLOAD_SIZES = [0, 1, 511, 512, 513, 600, 1220, 1232, 1233, 1400, 4096, 8192, 65_535];
const MANY_RECORDS = 120;
/** What a UDP client may send to us, and some more. */
const PADDINGS = [0, 1, 7, 128, 468, 800, 1200, 2800, 3900];
const HEADER_SIZE = 12;

/** Writes a message from front to back, counting its records. */
class Writer {
  readonly #bytes: number[] = new Array<number>(HEADER_SIZE).fill(0);

  get at(): number {
    return this.#bytes.length;
  }

  u8(...octets: readonly number[]): this {
    for (const octet of octets) this.#bytes.push(octet & 255);
    return this;
  }

  u16(...values: readonly number[]): this {
    for (const value of values) this.#bytes.push((value >> 8) & 255, value & 255);
    return this;
  }

  u32(value: number): this {
    return this.u16(value >>> 16, value & 0xffff);
  }

  raw(bytes: Iterable<number>): this {
    for (const octet of bytes) this.#bytes.push(octet);
    return this;
  }

  name(text: string): this {
    for (const label of text.split('.').filter((each) => each !== '')) {
      const octets = Buffer.from(label);
      this.u8(octets.length).raw(octets);
    }
    return this.u8(0);
  }

  pointer(offset: number): this {
    return this.u16(0xc000 | offset);
  }

  /** With the header in front. */
  finish(id: number, flags: number, counts: readonly [number, number, number, number]): Uint8Array {
    const message = Uint8Array.from(this.#bytes);
    const header = [id, flags, ...counts].flatMap((value) => [(value >> 8) & 255, value & 255]);
    message.set(header);
    return message;
  }
}

/** One valid query; mostly the plain ones that are most of the traffic. */
export function someQuery(random: Random): Uint8Array {
  const writer = new Writer();
  const counts: [number, number, number, number] = [1, 0, 0, 0];
  const kind = random.below(20);
  if (kind === 0) counts[0] = 0;
  else writeQuestion(writer, random);
  if (kind === 1) {
    counts[0] = 2;
    writer.pointer(HEADER_SIZE).u16(random.pick(TYPES), 1);
  }
  if (kind === 2) counts[2] = writeRecords(writer, random, 1 + random.below(3));
  if (kind === 3) counts[1] = writeRecords(writer, random, 1 + random.below(2));
  if (kind === 4) counts[3] = writeRecords(writer, random, 1 + random.below(3));
  if (kind === 5 && random.oneIn(10)) counts[3] = writeRecords(writer, random, MANY_RECORDS);
  if (kind === 0 || random.below(4) !== 0) {
    writeOpt(writer, random);
    counts[3] += 1;
  }
  if (kind === 6) counts[3] += writeSignature(writer, random);
  return writer.finish(random.below(65_536), someFlags(random), counts);
}

function someFlags(random: Random): number {
  const opcode = random.oneIn(12) ? random.below(16) : 0;
  const rare = random.oneIn(8) ? random.below(0x800) : 0;
  return (opcode << 11) | rare | (random.oneIn(2) ? 0x100 : 0) | (random.oneIn(4) ? 0x20 : 0);
}

function writeQuestion(writer: Writer, random: Random): void {
  writeSomeName(writer, random);
  const type = random.oneIn(20) ? random.below(65_536) : random.pick(TYPES.slice(0, random.oneIn(2) ? 4 : undefined));
  const odd = random.oneIn(10) ? random.pick([3, 4, 254, 255, 0, random.below(65_536)]) : 1;
  writer.u16(type, odd);
}

function writeSomeName(writer: Writer, random: Random): void {
  const name = random.pick(NAMES);
  if (random.oneIn(40)) {
    // A label may hold any octets (RFC 2181 section 11).
    const label = random.bytes(1 + random.below(20));
    writer
      .u8(label.length)
      .raw(label)
      .name(name.length < 200 ? name : '');
  } else if (random.oneIn(4)) {
    // Resolvers mix cases, so that answers are harder to forge.
    writer.name([...name].map((letter) => (random.oneIn(2) ? letter.toUpperCase() : letter)).join(''));
  } else {
    writer.name(name);
  }
}

/** Records of several kinds, owned by the question's name or another one, with data that need not be understood. */
function writeRecords(writer: Writer, random: Random, count: number): number {
  for (let left = count; left > 0; left -= 1) {
    const owner = random.below(3);
    if (owner === 0) writer.pointer(HEADER_SIZE);
    else if (owner === 1) writer.u8(1, 120).pointer(HEADER_SIZE);
    else writeSomeName(writer, random);
    const data = random.bytes(random.pick([0, 4, 16, 20, 60]));
    writer.u16(random.pick([1, 6, 28, 16, 99, 47]), random.pick([1, 254, 255]));
    writer.u32(random.below(90_000)).u16(data.length).raw(data);
  }
  return count;
}

function writeOpt(writer: Writer, random: Random): void {
  writer
    .u8(0)
    .u16(41, random.pick(PAYLOAD_SIZES))
    .u8(0, random.oneIn(15) ? random.below(256) : 0);
  writer.u16((random.oneIn(3) ? 0x8000 : 0) | (random.oneIn(15) ? random.below(0x8000) : 0));
  const options: number[] = [];
  for (let left = random.below(4); left > 0; left -= 1) {
    const [code, data] = someOption(random);
    options.push(code >> 8, code & 255, data.length >> 8, data.length & 255, ...data);
  }
  writer.u16(options.length).raw(options);
}

function someOption(random: Random): [number, Uint8Array] {
  switch (random.below(12)) {
    case 0:
      return [3, new Uint8Array(0)]; // NSID
    case 1:
      return [8, Uint8Array.of(0, 1, 24, 0, 10, 0, random.below(256))]; // client subnet
    case 2:
      return [8, Uint8Array.of(0, 2, 64, 0, 0xfd, 0, 0, 0, 0, 0, 0, random.below(256))];
    case 3:
      return [8, Uint8Array.of(0, random.below(3), 0, 0)];
    case 4:
      return [9, new Uint8Array(0)]; // expire
    case 5:
      return [10, random.bytes(8)]; // cookie: the client's alone
    case 6:
      return [10, random.bytes(random.pick([16, 24, 24, 32, 40]))]; // the client's and a server's
    case 7:
      return [11, random.oneIn(3) ? Uint8Array.of(0, 100) : new Uint8Array(0)]; // keepalive
    case 8:
      return [12, new Uint8Array(random.pick(PADDINGS))];
    case 9:
      return [random.pick([13, 14, 15, 16, 18, 20]), random.bytes(random.below(8))];
    case 10:
      return [random.pick([5, 6, 7]), Uint8Array.of(8, 13, 15)]; // DAU, DHU, N3U
    default:
      return [random.pick([0, 100, 65_001, 65_535]), random.bytes(random.below(30))];
  }
}

/** A TSIG record (RFC 8945) whose signature is none. */
function writeSignature(writer: Writer, random: Random): number {
  writer.name('key.example').u16(250, 255).u32(0);
  const algorithm = [11, ...Buffer.from('hmac-sha256'), 0];
  const rest = [0, 0, ...random.bytes(4), 1, 44, 0, 32, ...random.bytes(32), ...random.bytes(2), 0, 0, 0, 0];
  writer
    .u16(algorithm.length + rest.length)
    .raw(algorithm)
    .raw(rest);
  return 1;
}
