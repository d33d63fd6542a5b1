import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import packet from 'dns-packet';
import fc from 'fast-check';
import { readLayout, readQuestionEnd, udpAnswerLimit } from '../../src/forwarder/message.ts';
import { bestOf } from '../support/best-of.ts';
import { encodeQuery } from '../support/fake-upstream.ts';

/** Header, question `a. A IN`, then whatever follows. Counts are answers, authorities, additionals. */
function message(counts: readonly [number, number, number], ...rest: number[]): Uint8Array {
  const header = [0, 1, 0x80, 0, 0, 1, 0, counts[0], 0, counts[1], 0, counts[2]];
  return Uint8Array.from([...header, 1, 0x61, 0, 0, 1, 0, 1, ...rest]);
}

const A_RECORD = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
const OPT_RECORD = [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0];
const TSIG_RECORD = [0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0];

describe('readLayout', () => {
  it('finds the sections, OPT and what stands in front of it', () => {
    const layout = readLayout(message([1, 0, 3], ...A_RECORD, ...A_RECORD, ...OPT_RECORD, ...A_RECORD));
    assert.deepEqual(layout, {
      questionEnd: 19,
      qtype: 1,
      additionalStart: 35,
      hopStart: 51,
      additionalsBeforeHop: 1,
      end: 78,
      opt: { udpSizeBytes: 1232, extendedRcode: 0, dnssecOk: true },
      signed: false,
    });
  });

  it('sees TSIG and SIG(0)', () => {
    assert.equal(readLayout(message([0, 0, 1], ...TSIG_RECORD))?.signed, true);
    const sig0 = [0, 0, 24, 0, 255, 0, 0, 0, 0, 0, 4, 0, 0, 8, 0];
    assert.equal(readLayout(message([0, 0, 1], ...sig0))?.signed, true);
  });

  it('leaves octets behind the last record out', () => {
    assert.equal(readLayout(message([1, 0, 0], ...A_RECORD, 1, 2, 3))?.end, 35);
  });

  const malformed: readonly { name: string; bytes: Uint8Array }[] = [
    { name: 'a count that promises a record that is not there', bytes: message([2, 0, 0], ...A_RECORD) },
    { name: 'RDATA past the end', bytes: message([1, 0, 0], ...A_RECORD.slice(0, -1)) },
    { name: 'a record cut in its fixed part', bytes: message([1, 0, 0], ...A_RECORD.slice(0, 8)) },
    { name: 'a pointer to itself', bytes: message([1, 0, 0], 0xc0, 19, ...A_RECORD.slice(2)) },
    { name: 'a pointer forward', bytes: message([1, 0, 0], 0xc0, 25, ...A_RECORD.slice(2)) },
    { name: 'a pointer into the header', bytes: message([1, 0, 0], 0xc0, 4, ...A_RECORD.slice(2)) },
    { name: 'a pointer back into its own name', bytes: message([1, 0, 0], 1, 0x62, 0xc0, 19, ...A_RECORD.slice(2)) },
    { name: 'a label of type 01', bytes: message([1, 0, 0], 0x41, ...A_RECORD) },
    { name: 'two OPTs', bytes: message([0, 0, 2], ...OPT_RECORD, ...OPT_RECORD) },
    { name: 'an OPT among the answers', bytes: message([1, 0, 0], ...OPT_RECORD) },
    { name: 'an OPT that the root does not own', bytes: message([0, 0, 1], 0xc0, 12, ...OPT_RECORD.slice(1)) },
    { name: 'less than a header', bytes: new Uint8Array(11) },
    { name: 'no question', bytes: new Uint8Array(12) },
  ];
  for (const { name, bytes } of malformed) {
    it(`refuses ${name}`, () => assert.equal(readLayout(bytes), null));
  }

  it('refuses a name of more than 255 octets, also where pointers make it so', () => {
    const label = [63, ...new Array<number>(63).fill(0x61)];
    const header = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    const ofLabels = (count: number) =>
      Uint8Array.from([...header, ...new Array(count).fill(label).flat(), 0, 0, 1, 0, 1]);
    assert.equal(readQuestionEnd(ofLabels(4)), -1);
    assert.notEqual(readQuestionEnd(ofLabels(3)), -1);
    const pointed = Uint8Array.from([...ofLabels(3), ...label, 0xc0, 12, ...A_RECORD.slice(2)]);
    pointed[7] = 1;
    assert.equal(readLayout(pointed), null);
  });

  it('never throws, loops or points outside, whatever the octets', () => {
    const bytes = fc.uint8Array({ maxLength: 600 });
    fc.assert(
      fc.property(bytes, (random) => {
        const layout = readLayout(random);
        if (layout === null) return;
        const { questionEnd, additionalStart, hopStart, end } = layout;
        assert.ok(questionEnd >= 17 && questionEnd <= additionalStart);
        assert.ok(additionalStart <= hopStart && hopStart <= end && end <= random.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws or loops on damaged messages', () => {
    const original = message([1, 0, 2], ...A_RECORD, ...A_RECORD, ...OPT_RECORD);
    const damage = fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(damage, fc.nat(original.length), (changes, length) => {
        const damaged = original.slice(0, length);
        for (const [offset, value] of changes) if (offset < length) damaged[offset] = value;
        const layout = readLayout(damaged);
        assert.ok(layout === null || layout.end <= damaged.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('walks a message of nothing but pointers in bounded time', async (test) => {
    const bytes = new Uint8Array(65_535).fill(0xc0);
    bytes.set(message([255, 0, 0]));
    await bestOf(test, { ms: 100 }, () => {
      const started = performance.now();
      assert.equal(readLayout(bytes), null);
      return { ms: performance.now() - started };
    });
  });

  it('agrees with dns-packet on where a message ends', () => {
    const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(name, fc.array(name, { maxLength: 5 }), (question, targets) => {
        const encoded = packet.encode({
          type: 'response',
          questions: [{ type: 'SRV', name: question }],
          answers: targets.map((target) => ({ type: 'SRV', name: question, ttl: 1, data: { port: 1, target } })),
        });
        assert.equal(readLayout(encoded)?.end, encoded.length);
      }),
      { numRuns: 100 },
    );
  });
});

describe('udpAnswerLimit', () => {
  const cases: readonly { name: string; query: Uint8Array; limit: number }[] = [
    { name: '512 without OPT', query: encodeQuery('a.example'), limit: 512 },
    { name: '512 where the OPT says less', query: encodeQuery('a.example', { udpSize: 100 }), limit: 512 },
    { name: 'what the OPT says', query: encodeQuery('a.example', { udpSize: 1000 }), limit: 1000 },
    { name: '1232 where the OPT says more', query: encodeQuery('a.example', { udpSize: 4096 }), limit: 1232 },
    { name: '512 for what cannot be read', query: new Uint8Array(5), limit: 512 },
  ];
  for (const { name, query, limit } of cases) {
    it(`is ${name}`, () => assert.equal(udpAnswerLimit(query), limit));
  }
});
