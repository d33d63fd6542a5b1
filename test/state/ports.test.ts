import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { joinHostPort, splitHostPort } from '../../src/state/endpoint.ts';
import { parsePortRanges } from '../../src/state/ports.ts';

const READABLE = [
  ['[31000-31001, 31005-31005]', '31000-31001 31005-31005'],
  ['[]', ''],
  ['', ''],
  ['[ \t\u00a0\u00851-2\n ,3-4]', '1-2 3-4'],
  ['[31002-31000]', ''],
  ['[+5-6]', '5-6'],
  ['[007-009]', '7-9'],
  ['[1-2-9]', '1-2'],
  ['[1-2', '1-2'],
  ['x[1-2]y', '1-2'],
  ['[1-2][3-4]', '1-2'],
  ['[65534-65537]', '65534-65537'],
] as const;

const ODD = [
  ['[1-2,]', '1-2'],
  ['[[1-1]', ''],
  ['[5]', ''],
  ['[a-b, 5-5]', '5-5'],
  ['[-5-10, 9-9]', '9-9'],
  ['[0x10-0x11, 11-11]', '11-11'],
  ['[1_0-1_1]', ''],
  ['[\u0663-\u0664, 14-14]', '14-14'],
  ['[\ufeff1-2]', ''],
  ['[{18-18}]', ''],
  ['[99999999999999999999-1, 8-8]', '8-8'],
  ['[1-1, 0-999999999999]', '1-1'],
  ['31000-31001', ''],
] as const;

function rangesOf(text: string): string {
  return parsePortRanges(text)
    .ranges.map(({ begin, end }) => `${begin}-${end}`)
    .join(' ');
}

describe('the ports resource', () => {
  for (const [text, ranges] of READABLE) {
    it(`is read from ${JSON.stringify(text)}`, () => {
      assert.equal(rangesOf(text), ranges);
      assert.equal(parsePortRanges(text).oddity, null);
    });
  }
  for (const [text, ranges] of ODD) {
    it(`is read as far as it goes, and noted, from ${JSON.stringify(text)}`, () => {
      assert.equal(rangesOf(text), ranges);
      assert.notEqual(parsePortRanges(text).oddity, null);
    });
  }
});

describe('splitHostPort', () => {
  it('splits at the last colon and takes brackets off', () => {
    assert.deepEqual(splitHostPort('10.0.0.1:5050'), { host: '10.0.0.1', port: '5050' });
    assert.deepEqual(splitHostPort('[fd00::1]:5050'), { host: 'fd00::1', port: '5050' });
    assert.deepEqual(splitHostPort('[10.0.0.1]:'), { host: '10.0.0.1', port: '' });
    assert.deepEqual(splitHostPort(':1'), { host: '', port: '1' });
    assert.equal(joinHostPort('fd00::1', '5050'), '[fd00::1]:5050');
  });

  for (const text of ['host', 'fd00::1:5050', '[fd00::1]', '[fd00::1]x:1', 'a]:1', '[a[b]:1', '']) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(splitHostPort(text), null));
  }
});
