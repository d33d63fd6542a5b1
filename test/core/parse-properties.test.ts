// The core's reading of queries, held against dns-packet's.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import packet, { type Packet, type Question } from 'dns-packet';
import fc from 'fast-check';
import {
  type CoreExports,
  DESCRIPTOR_FAMILY,
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_TRANSPORT,
  EDNS_DO,
  EDNS_PAYLOAD,
  EDNS_PRESENT,
  EDNS_VERSION,
  QUESTION_CLASS,
  QUESTION_END,
  QUESTION_LABEL_COUNT,
  QUESTION_NAME,
  QUESTION_NAME_SIZE,
  QUESTION_TYPE,
  STREAM_SLOT,
  TRANSPORT_UDP,
} from '../../src/engine/contract.ts';
import { instantiateCore } from '../../src/engine/core.ts';
import { Engine } from '../../src/engine/engine.ts';
import {
  descriptorAt,
  type MemoryViews,
  type WorkerViews,
  wholeMemoryViews,
  workerViews,
} from '../../src/engine/memory.ts';
import { dueTo, isBelow, word as word16 } from '../fuzz/reading.ts';
import { recordSet, tableInput } from '../support/zone.ts';

const RUNS = 3000;

const label = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z]{63}$/) },
  { weight: 1, arbitrary: fc.constantFrom('é', '*', 'a b', '\u0001', '\\', 'ÀÉ') },
);
const name = fc
  .array(label, { maxLength: 8 })
  .map((labels) => labels.join('.'))
  .filter((text) => Buffer.byteLength(text) <= 253);
/** dns-packet throws where the content of an option that it knows is not what it should be. */
const option = fc.record({
  code: fc.oneof(fc.constantFrom(3, 5, 9, 15), fc.integer({ min: 20, max: 65_535 })),
  data: fc.uint8Array({ maxLength: 40 }),
});
const edns = fc.record({
  size: fc.integer({ min: 0, max: 65_535 }),
  version: fc.integer({ min: 0, max: 3 }),
  dnssecOk: fc.boolean(),
  options: fc.array(option, { maxLength: 4 }),
});
const question = fc.record({
  name,
  type: fc.oneof(fc.constantFrom('A', 'AAAA', 'SRV', 'PTR', 'TXT', 'SOA'), fc.integer({ min: 65_280, max: 65_534 })),
  class: fc.constantFrom('IN', 'CH', 'HS', 'ANY'),
});

type Asked = Parameters<Parameters<typeof question.map>[0]>[0];
type Edns = Parameters<Parameters<typeof edns.map>[0]>[0];

function encodeQuery(asked: Asked, opt: Edns | null, id: number): Uint8Array {
  const type = (typeof asked.type === 'number' ? `UNKNOWN_${asked.type}` : asked.type) as Question['type'];
  const message: Buffer = packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name: asked.name, type, class: asked.class as Question['class'] }] as Packet['questions'],
  });
  if (opt === null) return message;
  const options = Buffer.concat(
    opt.options.map(({ code, data }) => {
      return Buffer.from([code >> 8, code & 255, data.length >> 8, data.length & 255, ...data]);
    }),
  );
  message.writeUInt16BE(1, 10);
  const fixed = Buffer.from([0, 0, 41, opt.size >> 8, opt.size & 255, 0, opt.version, opt.dnssecOk ? 128 : 0, 0]);
  return Buffer.concat([message, fixed, Buffer.from([options.length >> 8, options.length & 255]), options]);
}

/** dns-packet reads the root's name as a dot. */
function wireNameOf(text: string): Uint8Array {
  const labels = text.split('.').filter((each) => each !== '');
  return Buffer.concat([
    ...labels.flatMap((each) => [Buffer.of(Buffer.byteLength(each)), Buffer.from(each)]),
    Buffer.of(0),
  ]);
}

for (const build of ['release', 'debug'] as const) {
  describe(`reading queries, in the ${build} module`, () => {
    const runs = build === 'release' ? RUNS : RUNS / 4;
    let core: CoreExports;
    let worker: WorkerViews;
    let memory: MemoryViews;

    before(async () => {
      const engine = await Engine.create({ build });
      engine.publish(tableInput(recordSet([])));
      core = instantiateCore(engine.module, engine.memory);
      worker = workerViews(engine.memory, 0, 0);
      memory = wholeMemoryViews(engine.memory);
    });

    const parse = (message: Uint8Array): boolean => {
      const at = descriptorAt(STREAM_SLOT);
      worker.stream.set(message);
      worker.descriptors.setUint32(at + DESCRIPTOR_LENGTH, message.length, true);
      worker.descriptors.setUint32(at + DESCRIPTOR_TRANSPORT, TRANSPORT_UDP, true);
      worker.descriptors.setUint32(at + DESCRIPTOR_FAMILY, 0, true);
      return core.parseStream(worker.address) !== 0;
    };
    const word = (field: number): number => memory.fields.getUint32(worker.address + field, true);
    const nameRead = (): Uint8Array => {
      const from = worker.address + QUESTION_NAME;
      return memory.bytes.slice(from, from + word(QUESTION_NAME_SIZE));
    };
    const lowered = (wire: Uint8Array): Uint8Array =>
      wire.map((octet) => (octet >= 65 && octet <= 90 ? octet + 32 : octet));

    it('finds what dns-packet wrote: the name in small letters, type, class, and EDNS', () => {
      fc.assert(
        fc.property(question, fc.option(edns), fc.integer({ min: 0, max: 65_535 }), (asked, opt, id) => {
          const message = encodeQuery(asked, opt, id);
          assert.ok(parse(message));
          const decoded = packet.decode(Buffer.from(message));
          const wireName = wireNameOf(decoded.questions?.[0]?.name ?? '');
          assert.deepEqual(Buffer.from(nameRead()), Buffer.from(lowered(wireName)));
          assert.equal(word(QUESTION_LABEL_COUNT), asked.name === '' ? 0 : asked.name.split('.').length);
          const end = 12 + wireName.length;
          assert.equal(word(QUESTION_END), end + 4);
          assert.equal(word(QUESTION_TYPE), word16(message, end));
          assert.equal(word(QUESTION_CLASS), word16(message, end + 2));
          assert.equal(word(EDNS_PRESENT), opt === null ? 0 : 1);
          if (opt === null) return;
          const [record] = decoded.additionals ?? [];
          assert.ok(record?.type === 'OPT');
          assert.equal(word(EDNS_PAYLOAD), record.udpPayloadSize);
          assert.equal(word(EDNS_VERSION), record.ednsVersion);
          assert.equal(word(EDNS_DO), record.flag_do ? 1 : 0);
        }),
        { numRuns: runs },
      );
    });

    it('agrees with a second reading on which changed messages are well-formed', () => {
      const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 });
      let wellFormed = 0;
      fc.assert(
        fc.property(question, fc.option(edns), changes, fc.option(fc.nat()), (asked, opt, octets, cut) => {
          let message = encodeQuery(asked, opt, 1);
          for (const [at, octet] of octets) if (at % message.length !== 2) message[at % message.length] = octet;
          if (cut !== null) message = message.subarray(0, 12 + (cut % (message.length - 11)));
          const due = dueTo(message);
          if (due.kind === 'silence' || due.kind === 'other opcode' || due.kind === 'cookie') return;
          if (due.kind === 'format error' && due.why === 'a cookie of a wrong size') return;
          assert.equal(parse(message), due.kind === 'answer', due.kind === 'format error' ? due.why : '');
          if (due.kind !== 'answer') return;
          wellFormed += 1;
          assert.equal(word(QUESTION_TYPE), due.message.type);
          assert.equal(word(QUESTION_CLASS), due.message.class);
          assert.equal(word(QUESTION_LABEL_COUNT), due.message.labels.length);
          assert.equal(
            isBelow(due.message.labels, 'mesos'),
            Buffer.from(nameRead()).toString('latin1').endsWith('\x05mesos\0'),
          );
        }),
        { numRuns: runs },
      );
      assert.ok(wellFormed > runs / 40, `${wellFormed} of ${runs} are well-formed`);
    });
  });
}
