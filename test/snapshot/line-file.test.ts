import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LineFile } from '../../src/snapshot/line-file.ts';

describe('a file of lines', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mesos-dns-lines-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  const read = (text: string | Buffer) => {
    const path = join(directory, 'lines');
    writeFileSync(path, text);
    const file = new LineFile(path);
    const last = file.lastLine();
    const end = last?.at ?? file.sizeBytes;
    const lines = [...file.lines(end)];
    let octets = Buffer.alloc(0);
    for (const piece of file.pieces(end)) octets = Buffer.concat([octets, piece]);
    file.close();
    return { last, lines, octets };
  };

  it('tells its last line, and all before it', () => {
    const { last, lines, octets } = read('one\n\nthree\nlast\n');
    assert.deepEqual(last, { at: 11, text: 'last' });
    assert.deepEqual(lines, ['one', '', 'three']);
    assert.equal(octets.toString(), 'one\n\nthree\n');
  });

  it('has lines that are longer than what is read at a time, and lines across its borders', () => {
    const expected = Array.from({ length: 40 }, (_, n) => `${n}${'x'.repeat(n * 40_000)}é`);
    const { last, lines, octets } = read(`${expected.join('\n')}\nlast\n`);
    assert.equal(last?.text, 'last');
    assert.deepEqual(lines, expected);
    assert.equal(octets.toString(), `${expected.join('\n')}\n`);
  });

  for (const [what, text] of [
    ['is empty', ''],
    ['does not end with a line feed', 'one\ntwo'],
    ['has a very long last line', `one\n${'x'.repeat(5000)}\n`],
  ] as const) {
    it(`has no last line where it ${what}`, () => assert.equal(read(text).last, null));
  }

  it('is one line where there is only one line feed', () => {
    assert.deepEqual(read('only\n').last, { at: 0, text: 'only' });
    assert.deepEqual(read('\n').last, { at: 0, text: '' });
  });
});
