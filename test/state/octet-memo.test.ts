import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { OctetMemo } from '../../src/state/octet-memo.ts';

describe('what was made of octets', () => {
  it('is made once of equal ones', () => {
    const words = Array.from({ length: 5000 }, (_, i) => `word-${i % 2000}`);
    const bytes = Buffer.from(words.join(' '));
    const made: string[] = [];
    const memo = new OctetMemo(bytes, (start, end) => {
      const text = bytes.toString('latin1', start, end);
      made.push(text);
      return text;
    });
    let start = 0;
    for (const word of words) {
      const end = start + word.length;
      assert.equal(memo.get(start, end), word);
      assert.equal(memo.get(start, end), word);
      start = end + 1;
    }
    assert.deepEqual(made, words.slice(0, 2000));
  });

  it('may be made of none', () => {
    const memo = new OctetMemo(Buffer.from('ab'), (start, end) => end - start);
    assert.deepEqual([memo.get(0, 0), memo.get(0, 1), memo.get(1, 2), memo.get(2, 2)], [0, 1, 1, 0]);
  });
});
