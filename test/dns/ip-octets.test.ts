// Addresses as one spelling and as octets; reading them is in ip-text.test.ts.

import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalIp, isIPv6, isUnspecified, NOT_IPV4, parseIPv4, parseIp, writeIPv6 } from '../../src/dns/ip-text.ts';

describe('canonicalIp', () => {
  const cases = [
    ['10.0.0.1', '10.0.0.1'],
    ['fd00:0::2', 'fd00::2'],
    ['2001:0DB8:3c4d:0015:0000:0000:1a2f:1a2b', '2001:db8:3c4d:15::1a2f:1a2b'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '10.0.0.1'],
    ['fe80::1%eth0', null],
    ['010.0.0.1', null],
    ['[::1]', null],
    ['localhost', null],
    ['', null],
  ] as const;
  for (const [text, normal] of cases) {
    it(`${normal === null ? 'does not take' : 'normalises'} ${text === '' ? 'an empty text' : text}`, () => {
      assert.equal(canonicalIp(text), normal);
    });
  }
});

describe('isUnspecified', () => {
  it('tells the addresses that stand for any', () => {
    const texts = ['10.0.0.1', '::1', '0.0.0.0', '::', '::ffff:0.0.0.0', '0:0::'];
    const unspecified = texts.filter((text) => {
      const address = parseIp(text);
      return address !== null && isUnspecified(address);
    });
    assert.deepEqual(unspecified, ['0.0.0.0', '::', '::ffff:0.0.0.0', '0:0::']);
  });
});

describe('parseIPv4', () => {
  it('yields the number of every address', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255), (a, b, c, d) => {
        assert.equal(parseIPv4(`${a}.${b}.${c}.${d}`), ((a * 256 + b) * 256 + c) * 256 + d);
      }),
    );
  });

  it('takes exactly what Node takes', () => {
    const almost = fc.array(fc.constantFrom('0', '1', '25', '255', '256', '.', '..', '-', ' ', 'a'), { maxLength: 9 });
    fc.assert(
      fc.property(almost, (parts) => {
        const text = parts.join('');
        assert.equal(parseIPv4(text) !== NOT_IPV4, isIPv4(text), text);
      }),
    );
  });
});

describe('isIPv6', () => {
  it('holds for what parseIp() reads as IPv6, mapped addresses excepted', () => {
    const almost = fc.array(
      fc.constantFrom('0', 'a', 'FFFF', '10000', '0000001', ':', ':', ':', '::', '::ffff:', '.', '1.2.3.4', 'g', '%'),
      { maxLength: 17 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          almost,
          fc.ipV6().map((text) => [text]),
        ),
        (parts) => {
          const text = parts.join('');
          assert.equal(isIPv6(text), parseIp(text)?.family === 6, text);
        },
      ),
    );
    assert.ok(isIPv6('fd00::00001'));
    assert.ok(!isIPv6('::ffff:10.0.0.1'));
  });
});

describe('writeIPv6', () => {
  it('writes the octets of every address, and none of the others', () => {
    const bytes = new Uint8Array(18).fill(9);
    assert.ok(writeIPv6('2001:db8::ff00:1.2.3.4', bytes, 1));
    assert.equal(Buffer.from(bytes).toString('hex'), '0920010db8000000000000ff000102030409');
    for (const text of ['', 'a', '10.0.0.1', ':', '1::2::3', 'fe80::1%eth0', 'host', '::1 ']) {
      assert.ok(!writeIPv6(text, bytes, 1), text);
    }
  });

  it('agrees with the canonical text', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const [bytes, again] = [new Uint8Array(16), new Uint8Array(16)];
        assert.ok(writeIPv6(text, bytes, 0));
        const canonical = canonicalIp(text);
        assert.ok(canonical !== null);
        assert.ok(writeIPv6(canonical.includes(':') ? canonical : `::ffff:${canonical}`, again, 0));
        assert.deepEqual(bytes, again);
      }),
    );
  });
});
