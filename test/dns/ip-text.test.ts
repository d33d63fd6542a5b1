import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseIp, reverseName } from '../../src/dns/ip-text.ts';

const ADDRESSES = [
  ['10.0.0.1', 4, '10.0.0.1'],
  ['0.0.0.0', 4, '0.0.0.0'],
  ['::ffff:10.0.0.1', 4, '10.0.0.1'],
  ['::FFFF:0a00:1', 4, '10.0.0.1'],
  ['::', 6, '::'],
  ['::1', 6, '::1'],
  ['FD00:0::2', 6, 'fd00::2'],
  ['2001:db8:0:0:0:0:0:5', 6, '2001:db8::5'],
  ['2001:db8:0:1:1:1:1:1', 6, '2001:db8:0:1:1:1:1:1'],
  ['1:0:0:2:0:0:0:3', 6, '1:0:0:2::3'],
  ['1:0:0:2:3:0:0:4', 6, '1::2:3:0:0:4'],
  ['1:2:3:4:5:6:7::', 6, '1:2:3:4:5:6:7:0'],
  ['0:0:0:0:0:0:0:00001', 6, '::1'],
  ['::1.2.3.4', 6, '::102:304'],
  ['64:ff9b::192.0.2.33', 6, '64:ff9b::c000:221'],
] as const;

const OTHERS = [
  ['a host name', 'localhost'],
  ['an empty text', ''],
  ['three numbers', '10.0.0'],
  ['five numbers', '1.2.3.4.5'],
  ['a number beyond 255', '10.0.0.256'],
  ['a leading zero', '10.0.0.01'],
  ['a missing number', '10..0.1'],
  ['surrounding space', ' 10.0.0.1'],
  ['a prefix length', '10.0.0.1/24'],
  ['a zone index', 'fe80::1%eth0'],
  ['brackets', '[::1]'],
  ['two gaps', '1::2::3'],
  ['a gap of no group', '1:2:3:4::5:6:7:8'],
  ['seven groups', '1:2:3:4:5:6:7'],
  ['nine groups', '1:2:3:4:5:6:7:8:9'],
  ['a group beyond 16 bits', '12345::'],
  ['a lone colon at the end', '1:2:3:4:5:6:7:'],
  ['an IPv4 part too early', '1:2:3:1.2.3.4:5'],
  ['an IPv4 part too late', '1:2:3:4:5:6:7:1.2.3.4'],
  ['a bad IPv4 part', '::1.2.3.256'],
] as const;

describe('parseIp', () => {
  for (const [text, family, canonical] of ADDRESSES) {
    it(`reads ${text}`, () => assert.deepEqual(parseIp(text), { family, text: canonical }));
  }
  for (const [what, text] of OTHERS) {
    it(`does not take ${what} (${JSON.stringify(text)}) for an address`, () => assert.equal(parseIp(text), null));
  }

  it('agrees with Node about every address that it makes, and its result is a fixed point', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = parseIp(text);
        assert.ok(address !== null);
        assert.ok(address.family === 4 ? isIPv4(address.text) : isIPv6(address.text));
        assert.deepEqual(parseIp(address.text), address);
        if (address.family === 6) assert.equal(new URL(`http://[${text}]`).hostname, `[${address.text}]`);
      }),
    );
  });
});

describe('reverseName', () => {
  it('turns octets and nibbles round', () => {
    assert.equal(reverseName({ family: 4, text: '10.1.2.3' }), '3.2.1.10.in-addr.arpa.');
    assert.equal(
      reverseName({ family: 6, text: 'fd00::1:ab' }),
      'b.a.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.',
    );
  });
});
