// Whose queries are forwarded: networks as they are written, and as the core compares them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expandNetworks } from '../../src/dns/local-networks.ts';
import { PRIVATE_NETWORKS, parseNetwork } from '../../src/dns/network.ts';
import { allowNetworks } from '../../src/engine/core-options.ts';
import { query } from '../support/zone.ts';
import { createTestCache } from './support.ts';

describe('parseNetwork', () => {
  it('reads IPv4 and IPv6 networks and single addresses, and nothing else', () => {
    assert.equal(parseNetwork('10.1.2.3/8')?.address.join('.'), `10${'.0'.repeat(15)}`);
    assert.equal(parseNetwork('192.0.2.1')?.prefix, 32);
    assert.equal(parseNetwork('2001:db8::/32')?.family, 6);
    assert.equal(parseNetwork('::1')?.prefix, 128);
    for (const text of [
      '',
      '10.0.0.0/33',
      '::/129',
      'localhost',
      '10.0.0/8',
      '10.0.0.0/',
      '/8',
      '10.0.0.0/-1',
      'fe80::1%eth0/64',
    ]) {
      assert.equal(parseNetwork(text), null, text);
    }
  });
});

describe('expandNetworks', () => {
  it('puts the networks of the interfaces in the place of localnets, each once', () => {
    const info = {
      address: '203.0.113.9',
      netmask: '',
      family: 'IPv4',
      mac: '',
      internal: false,
      cidr: '203.0.113.9/24',
    } as const;
    const networks = expandNetworks(['203.0.113.0/24', 'localnets'], { eth0: [info, { ...info, cidr: null }] });
    assert.deepEqual(
      networks.map(({ address, prefix }) => [[...address.subarray(0, 4)], prefix]),
      [[[203, 0, 113, 0], 24]],
    );
  });
});

describe('the core', () => {
  it('forwards for the listed networks alone, over any transport, and answers the zone for everybody', async () => {
    const { answerer, engine } = await createTestCache();
    allowNetworks(engine.memory, expandNetworks([...PRIVATE_NETWORKS, '2001:db8:1::/48'], {}));
    const outcome = (address: string, name = 'www.example') => {
      const verdict = answerer.answer(query(name, 'A', { edns: 1232 }), { transport: 'udp', address });
      return verdict.kind === 'answered' ? Buffer.from(verdict.message) : verdict.kind;
    };
    for (const address of [
      '127.0.0.1',
      '10.255.255.255',
      '172.16.0.1',
      '172.31.9.9',
      '192.168.1.1',
      '100.64.0.1',
      '100.127.0.1',
      '169.254.7.7',
      '::1',
      'fd12::1',
      'fe80::1%eth0',
      'febf::1',
      '::ffff:10.1.1.1',
      '2001:db8:1:2::3',
    ]) {
      assert.equal(outcome(address), 'forward', address);
    }
    for (const address of [
      '8.8.8.8',
      '172.32.0.1',
      '172.15.0.1',
      '100.128.0.1',
      '192.169.0.1',
      '11.0.0.1',
      '::2',
      'fec0::1',
      '2001:db8:2::1',
      'fe00::1',
    ]) {
      const reply = outcome(address);
      assert.ok(typeof reply !== 'string', address);
      assert.equal(reply.readUInt16BE(2), 0x8105, 'REFUSED without RA');
      assert.equal(reply.subarray(-6).toString('hex'), '000f00020012', 'EDE 18');
    }
    assert.equal(typeof outcome('8.8.8.8', 'x.mesos'), 'object');
    allowNetworks(engine.memory, expandNetworks(['8.0.0.0/7', '::/0'], {}));
    assert.equal(outcome('9.1.1.1'), 'forward');
    assert.equal(outcome('2001::1'), 'forward');
    assert.equal(typeof outcome('10.0.0.1'), 'object');
  });
});
