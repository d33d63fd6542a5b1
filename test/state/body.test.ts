import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readBody } from '../../src/state/body.ts';
import { releaseBytes } from '../../src/state/release.ts';

const document = Buffer.from(Array.from({ length: 200_000 }, (_, i) => String(i)).join());

function read(
  bytes: Buffer,
  options: { encoding?: string; contentLength?: string; maxBytes?: number } = {},
): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 10_000) pieces.push(bytes.subarray(at, at + 10_000));
  const { encoding, contentLength, maxBytes = 10_000_000 } = options;
  return readBody(Readable.from(pieces), { encoding, contentLength, maxBytes, signal: new AbortController().signal });
}

describe('a body', () => {
  const packed = gzipSync(document);
  const cases = [
    ['its length', document, { contentLength: String(document.length) }],
    ['no length', document, {}],
    ['too small a length', document, { contentLength: '5' }],
    ['no length at all', document, { contentLength: '0' }],
    ['an absurd length', document, { contentLength: '99999999999999' }],
    ['a length that is no number', document, { contentLength: '5, 5' }],
    ['its packed length', packed, { encoding: 'gzip', contentLength: String(packed.length) }],
    ['a packed length that promises less', packed, { encoding: 'gzip', contentLength: '10' }],
  ] as const;
  for (const [said, bytes, options] of cases) {
    it(`is read whole where its headers give ${said}`, async () => {
      assert.ok(document.equals(await read(bytes, options)));
    });
  }

  it('may have just as many bytes as are allowed, and no more', async () => {
    const contentLength = String(document.length);
    assert.ok(document.equals(await read(document, { maxBytes: document.length })));
    for (const options of [{}, { contentLength }, { contentLength: '5' }]) {
      await assert.rejects(read(document, { ...options, maxBytes: document.length - 1 }), /larger than \d+ bytes/);
    }
    await assert.rejects(read(packed, { encoding: 'gzip', maxBytes: document.length - 1 }), /larger than/);
  });

  it('is read whole where it says at its end that it is larger, or smaller, than it is', async () => {
    for (const size of [0, 1, 100_000, document.length - 1, document.length + 1, 2 ** 32 - 1]) {
      // A second member, empty, whose size is its own.
      const lying = Buffer.concat([packed, gzipSync(Buffer.alloc(0))]);
      assert.ok(document.equals(await read(lying, { encoding: 'gzip' })));
      const wrong = Buffer.from(packed);
      wrong.writeUInt32LE(size, wrong.length - 4);
      await assert.rejects(read(wrong, { encoding: 'gzip' }), /incorrect length check/, `${size}`);
    }
  });

  it('is refused where it is cut, or is not packed', async () => {
    for (const size of [0, 3, 10, packed.length - 9, packed.length - 1]) {
      await assert.rejects(read(packed.subarray(0, size), { encoding: 'gzip' }), /unexpected end|incorrect|too short/i);
    }
    await assert.rejects(read(document, { encoding: 'gzip' }), /incorrect header check/);
  });

  it('may be empty', async () => {
    assert.equal((await read(Buffer.alloc(0), { contentLength: '0' })).length, 0);
  });
});

describe('a body that is given up', () => {
  it('takes no memory any more where it was large', () => {
    const large = Buffer.allocUnsafeSlow(1024 * 1024);
    releaseBytes(large);
    assert.equal(large.length, 0);
    const small = Buffer.from('small');
    releaseBytes(small);
    assert.equal(small.toString(), 'small');
  });

  it('has given its memory back at once', () => {
    const sizeBytes = 64 * 1024 * 1024;
    const large = Buffer.alloc(sizeBytes, 1);
    const before = process.memoryUsage.rss();
    releaseBytes(large);
    assert.ok(process.memoryUsage.rss() < before - sizeBytes / 2);
  });
});
