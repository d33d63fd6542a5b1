// The framing of Mesos's streams, cut anywhere.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RecordDecoder } from '../../src/state/record-io.ts';

function decode(pieces: readonly Uint8Array[], maxBytes = 1_000_000): string[] {
  const records: string[] = [];
  const decoder = new RecordDecoder(maxBytes);
  for (const piece of pieces) decoder.push(piece, (record) => records.push(Buffer.from(record).toString()));
  return records;
}

function encode(records: readonly string[]): Buffer {
  return Buffer.concat(records.map((record) => Buffer.from(`${Buffer.byteLength(record)}\n${record}`)));
}

describe('RecordDecoder', () => {
  it('gives back every record however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 50 }),
        (records, sizes) => {
          const bytes = encode(records);
          const pieces: Uint8Array[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            pieces.push(bytes.subarray(at, at + size));
            at += size;
          }
          assert.deepEqual(decode(pieces), records);
        },
      ),
    );
  });

  it('gathers a large record from small pieces', () => {
    const record = 'ä'.repeat(300_000);
    const bytes = encode([record, 'next']);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 1500) }, (_, i) =>
      bytes.subarray(i * 1500, (i + 1) * 1500),
    );
    assert.deepEqual(decode(pieces), [record, 'next']);
  });

  for (const [name, text, says] of [
    ['a length that is no number', 'five\nhello', /without a length/],
    ['no length at all', '\nhello', /without a length/],
    ['a record of a gigabyte', '1073741824\n{', /1073741824 bytes, more than 1000000/],
    ['a length without end', '9'.repeat(100), /more than 15 digits/],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(() => decode([Buffer.from(text)]), says);
    });
  }

  it('takes no memory for what a length only promises', () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 50 }, () => new RecordDecoder(512 * 1024 * 1024));
    for (const decoder of decoders) decoder.push(Buffer.from('500000000\nx'), () => undefined);
    assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000);
    assert.equal(decoders.length, 50);
  });
});
