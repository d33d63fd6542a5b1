import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { encodeAddress, familyOf, isWildcard, portOf } from '../../src/sockets/socket-address.ts';

const hex = (address: string, port: number) => Buffer.from(encodeAddress(address, port)).toString('hex');

describe('encodeAddress', () => {
  it('writes sockaddr_in: family in the order of memory, port and address in that of the network', () => {
    assert.equal(hex('127.0.0.2', 53), '0200' + '0035' + '7f000002' + '0000000000000000');
  });

  it('writes sockaddr_in6', () => {
    assert.equal(hex('::1', 0x1234), `0a001234${'00000000'}${'00'.repeat(15)}01${'00000000'}`);
  });

  it('writes the interface of a link-local address, by number or name', () => {
    assert.equal(hex('fe80::1%7', 53).slice(-8), '07000000');
    assert.equal(hex('fe80::1%no-such-interface', 53).slice(-8), '00000000');
    for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
      const scope = addresses.map((each) => (each.family === 'IPv6' ? each.scopeid : 0)).find((id) => id !== 0);
      if (scope === undefined) continue;
      assert.equal(Buffer.from(hex(`fe80::1%${name}`, 53).slice(-8), 'hex').readUInt32LE(), scope);
    }
  });

  it('refuses what is no literal', () => {
    for (const text of ['localhost', '1.2.3', '1.2.3.4.5', ':::', '']) assert.throws(() => encodeAddress(text, 53));
  });
});

describe('isWildcard', () => {
  it('knows every spelling of the address of all interfaces', () => {
    for (const text of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']) assert.equal(isWildcard(text), true, text);
    for (const text of ['0.0.0.1', '127.0.0.1', '::1', 'fe80::']) assert.equal(isWildcard(text), false, text);
  });
});

describe('familyOf and portOf', () => {
  it('read what encodeAddress wrote', () => {
    assert.equal(familyOf('10.0.0.1'), 4);
    assert.equal(familyOf('fe80::1%eth0'), 6);
    for (const address of ['10.0.0.1', '::1']) assert.equal(portOf(encodeAddress(address, 65_535).buffer), 65_535);
  });
});
