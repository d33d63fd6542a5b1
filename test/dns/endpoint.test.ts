import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalHost, formatHostPort, isHostName, parseHostPort, parseIpPort } from '../../src/dns/endpoint.ts';

describe('parseHostPort', () => {
  it('reads names, IPv4 and bracketed IPv6, and formats them back', () => {
    for (const text of ['m1.example:5050', '10.0.0.1:80', '[fd00::1]:65535', '[fe80::1%eth0]:5050']) {
      const endpoint = parseHostPort(text);
      assert.ok(endpoint);
      assert.equal(formatHostPort(endpoint), text);
    }
  });

  it('takes what the original takes', () => {
    assert.deepEqual(parseHostPort('[fd00:0::2]:5050'), { host: 'fd00::2', port: 5050 });
    assert.deepEqual(parseHostPort('[10.0.0.1]:5050'), { host: '10.0.0.1', port: 5050 });
    assert.deepEqual(parseHostPort('m1.example:05050'), { host: 'm1.example', port: 5050 });
  });

  const refused = ['', 'm1', 'm1:', ':1', 'm1:0', 'm1:65536', 'm1:1x', 'fd00::2:5050', '::1:5050', '[::1]', '[]:1'];
  for (const text of [...refused, 'm1:1:2', '[m1]:5050', 'a b:1', 'a/b:1', 'a@b:1']) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseHostPort(text), null));
  }
});

describe('parseIpPort', () => {
  it('takes addresses with and without a port, and no names', () => {
    assert.deepEqual(parseIpPort('8.8.8.8', 53), { host: '8.8.8.8', port: 53 });
    assert.deepEqual(parseIpPort('[::1]', 53), { host: '::1', port: 53 });
    assert.deepEqual(parseIpPort('[::1]:54', 53), { host: '::1', port: 54 });
    for (const text of ['localhost', 'localhost:53', '', '8.8.8', '8.8.8.8:', 'fe80::1%eth0', '[fe80::1%eth0]:53']) {
      assert.equal(parseIpPort(text, 53), null, text);
    }
  });
});

describe('canonicalHost', () => {
  it('gives each address one spelling and leaves names alone', () => {
    assert.equal(canonicalHost('FD00:0:0::2'), 'fd00::2');
    assert.equal(canonicalHost('::ffff:10.1.2.3'), '10.1.2.3');
    assert.equal(canonicalHost('10.1.2.3'), '10.1.2.3');
    assert.equal(canonicalHost('fe80::1%eth0'), 'fe80::1%eth0');
    assert.equal(canonicalHost('m1.example'), 'm1.example');
  });
});

describe('isHostName', () => {
  it('tells names from mistyped addresses', () => {
    for (const name of ['localhost', 'm_1.example', 'example.com.', '1.example', '3com'])
      assert.ok(isHostName(name), name);
    for (const text of ['10.0.0.256', '1.2.3', '5', 'a b', 'a..b', '', '::1', 'a/b', 'a@b'])
      assert.ok(!isHostName(text), text);
  });
});
