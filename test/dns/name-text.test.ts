// Names of the wire as text.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nameText } from '../../src/dns/name-text.ts';

const wire = (...labels: readonly (string | readonly number[])[]) =>
  Buffer.concat([
    ...labels.map((label) => {
      const octets = Buffer.from(label as string);
      return Buffer.concat([Buffer.from([octets.length]), octets]);
    }),
    Buffer.from([0]),
  ]);

describe('nameText', () => {
  it('writes names with their final dot, letters as they are', () => {
    assert.equal(nameText(wire('Nginx', 'marathon', 'mesos'), 0), 'Nginx.marathon.mesos.');
    assert.equal(nameText(wire(), 0), '.');
    assert.equal(nameText(Buffer.concat([Buffer.from('head'), wire('a')]), 4), 'a.');
  });

  it('escapes what could end a line, move a terminal or be taken for something else', () => {
    assert.equal(nameText(wire([10, 27, 0, 255, 127]), 0), '\\010\\027\\000\\255\\127.');
    assert.equal(nameText(wire('a b', 'c.d', '"\\'), 0), 'a\\032b.c\\.d.\\"\\\\.');
  });

  it('gives nothing for a name that is cut, or compressed', () => {
    const whole = wire('nginx', 'mesos');
    for (let length = 0; length < whole.length; length += 1) assert.equal(nameText(whole.subarray(0, length), 0), null);
    assert.equal(nameText(Buffer.from([1, 97, 0xc0, 0]), 0), null);
  });
});
