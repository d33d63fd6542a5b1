import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSrvValue } from '../../src/dns/srv-text.ts';

describe('parseSrvValue', () => {
  it('takes target and port apart', () => {
    assert.deepEqual(parseSrvValue('web-e844k-s1.marathon.mesos.:31000'), {
      target: 'web-e844k-s1.marathon.mesos.',
      targetSize: 29,
      port: 31000,
    });
    assert.deepEqual(parseSrvValue('a.mesos.:05051'), { target: 'a.mesos.', targetSize: 9, port: 5051 });
    assert.deepEqual(parseSrvValue('a.mesos.:-0'), { target: 'a.mesos.', targetSize: 9, port: 0 });
    assert.deepEqual(parseSrvValue('a.mesos.:+80'), { target: 'a.mesos.', targetSize: 9, port: 80 });
  });

  const refused = ['a.mesos.:65536', 'a.mesos.:-1', 'a.mesos.:', 'a.mesos.:http', 'a.mesos.:0x50', 'a.mesos.: 80'];
  refused.push('a.mesos.:8e1', '.mesos.:1', 'a.mesos.', 'a.mesos:80', ':80', '80', '', `${'a'.repeat(64)}.mesos.:1`);
  for (const value of refused) {
    it(`refuses ${JSON.stringify(value)}`, () => assert.equal(parseSrvValue(value), null));
  }
});
