import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from '../../src/sockets/tcp-frames.ts';
import { framed } from '../support/fake-upstream.ts';

describe('FrameReader', () => {
  it('finds the same messages however the stream is cut', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 6 });
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(framed));
        const reader = new FrameReader();
        const read: Uint8Array[] = [];
        for (let offset = 0, n = 0; offset < stream.length; n += 1) {
          const end = offset + (cuts[n % cuts.length] ?? 1);
          reader.feed(stream.subarray(offset, end));
          for (let message = reader.next(); message !== null; message = reader.next()) {
            read.push(new Uint8Array(message));
          }
          offset = end;
        }
        assert.deepEqual(read, sent);
        assert.equal(reader.next(), null);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps what is fed before the rest was taken', () => {
    const reader = new FrameReader();
    reader.feed(Buffer.concat([framed(Uint8Array.of(1)), framed(Uint8Array.of(2)).subarray(0, 1)]));
    assert.deepEqual([...(reader.next() ?? [])], [1]);
    reader.feed(framed(Uint8Array.of(2)).subarray(1));
    assert.deepEqual([...(reader.next() ?? [])], [2]);
    assert.equal(reader.next(), null);
  });
});
