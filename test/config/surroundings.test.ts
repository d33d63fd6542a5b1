// The real machine, as far as every machine is alike.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { machine } from '../../src/config/surroundings.ts';
import { canonicalIp } from '../../src/dns/ip-text.ts';

describe('the machine', () => {
  it('knows its own addresses and its home', () => {
    const addresses = machine.interfaceAddresses();
    assert.ok(addresses.length > 0);
    for (const address of addresses) assert.notEqual(canonicalIp(address), null, address);
    assert.notEqual(machine.homeDirectory(), '');
  });

  it('resolves localhost to loopback addresses', async () => {
    const addresses = await machine.lookup('localhost');
    assert.ok(addresses.length > 0);
    for (const address of addresses) assert.match(address, /^(?:127\.|::1$)/);
  });

  it('gives up a file that has no end', async () => {
    await assert.rejects(machine.readFile('/dev/zero'), /larger than/);
    assert.equal((await machine.readFile('/dev/null')).length, 0);
  });
});
