// Names that every server answers for itself (RFC 6761, RFC 6303), with the zones that the program configures.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { specialZones } from '../../src/dns/special-use.ts';
import type { TableInput } from '../../src/engine/table-input.ts';
import type { Answerer } from '../../src/sockets/answerer.ts';
import { answerData, ask, type QueryType, query, serve, UDP } from '../support/zone.ts';

function serveWith(lines: readonly string[], forwardZones: readonly string[] = [], changes: Partial<TableInput> = {}) {
  const { domain = 'mesos' } = changes;
  return serve(lines, { ...changes, forwardZones, localZones: specialZones(domain, forwardZones) });
}

/** `rcode name-of-the-SOA` of a negative answer; `route n` of a forwarded query. */
function outcome(answerer: Answerer, name: string, type: QueryType = 'A'): string {
  const verdict = answerer.answer(query(name, type), UDP);
  if (verdict.kind === 'forward') return `route ${verdict.route}`;
  const reply = ask(answerer, name, type);
  assert.equal(reply.answers.length, 0, name);
  assert.equal(reply.flagsWord & 0x0410, 0x0400, `${name}: AA without CD`);
  assert.equal(reply.authorities.length, 1, name);
  const [soa] = reply.authorities;
  assert.ok(soa?.type === 'SOA');
  assert.equal(soa.data.mname, soa.name);
  assert.equal(soa.data.rname, 'nobody.invalid');
  assert.equal(soa.ttl, 30);
  assert.equal(soa.data.minimum, 30);
  return `${reply.rcodeNumber} ${soa.name}`;
}

function reverse(address: string): string {
  return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
}

describe('special-use names', () => {
  it('are not forwarded: invalid, test, local, onion, home.arpa', async () => {
    const answerer = await serveWith([]);
    for (const zone of ['invalid', 'test', 'local', 'onion', 'home.arpa']) {
      assert.equal(outcome(answerer, `www.${zone}`), `3 ${zone}`);
      assert.equal(outcome(answerer, zone), `0 ${zone}`);
    }
    for (const name of ['example', 'www.example.com', 'nottest', 'arpa', 'in-addr.arpa', 'locals', '.']) {
      assert.equal(outcome(answerer, name), 'route 0', name);
    }
  });

  it('give the loopback addresses at localhost and below it', async () => {
    const answerer = await serveWith([]);
    for (const name of ['localhost', 'LOCALHOST', 'a.b.localhost']) {
      assert.deepEqual(answerData(ask(answerer, name, 'A')), ['127.0.0.1']);
      assert.deepEqual(answerData(ask(answerer, name, 'AAAA')), ['::1']);
      assert.deepEqual(answerData(ask(answerer, name, 'ANY')), ['127.0.0.1']);
      assert.equal(ask(answerer, name, 'A').answers[0]?.name, name);
      assert.equal(outcome(answerer, name, 'MX'), '0 localhost'.replace('localhost', name.split('.').at(-1) ?? ''));
    }
  });

  it('include the reverse zones of addresses that mean something else everywhere', async () => {
    const answerer = await serveWith([]);
    const local: readonly (readonly [string, string])[] = [
      ['0.0.0.0', '0'],
      ['10.1.2.3', '10'],
      ['100.64.0.1', '100.64'],
      ['100.127.255.255', '100.127'],
      ['127.0.0.1', '127'],
      ['169.254.1.1', '169.254'],
      ['172.16.0.1', '172.16'],
      ['172.31.255.254', '172.31'],
      ['192.0.2.1', '192.0.2'],
      ['192.168.7.7', '192.168'],
      ['198.51.100.9', '198.51.100'],
      ['203.0.113.9', '203.0.113'],
    ];
    for (const [address, zone] of local) {
      assert.equal(outcome(answerer, reverse(address), 'PTR'), `3 ${reverse(zone)}`);
    }
    for (const address of ['9.255.255.255', '11.0.0.1', '100.63.0.1', '100.128.0.1', '172.15.0.1', '172.32.0.1']) {
      assert.equal(outcome(answerer, reverse(address), 'PTR'), 'route 0', address);
    }
    const v6 = (digits: string) => `${[...digits].toReversed().join('.')}.ip6.arpa`;
    for (const [digits, zone] of [
      [`fd${'1'.repeat(30)}`, 'fd'],
      [`fe8${'1'.repeat(29)}`, 'fe8'],
      [`feb${'1'.repeat(29)}`, 'feb'],
      [`20010db8${'2'.repeat(24)}`, '20010db8'],
    ] as const) {
      assert.equal(outcome(answerer, v6(digits), 'PTR'), `3 ${v6(zone)}`);
    }
    for (const digits of ['0'.repeat(32), `${'0'.repeat(31)}1`]) {
      assert.equal(outcome(answerer, v6(digits), 'PTR'), `0 ${v6(digits)}`);
    }
    for (const digits of [`fc${'1'.repeat(30)}`, `fec${'1'.repeat(29)}`, `${'0'.repeat(31)}2`]) {
      assert.equal(outcome(answerer, v6(digits), 'PTR'), 'route 0');
    }
  });

  it('have a SOA and an NS record at the top of their zones', async () => {
    const answerer = await serveWith([]);
    const soa = ask(answerer, '168.192.in-addr.arpa', 'SOA');
    assert.deepEqual(answerData(soa), [
      {
        mname: '168.192.in-addr.arpa',
        rname: 'nobody.invalid',
        serial: 1,
        refresh: 3600,
        retry: 1200,
        expire: 604_800,
        minimum: 30,
      },
    ]);
    assert.deepEqual(answerData(ask(answerer, 'test', 'NS')), ['test']);
  });

  it('give way to PTR records of tasks, and to the names above those', async () => {
    const answerer = await serveWith([
      '4.3.2.10.in-addr.arpa. PTR web.marathon.mesos.',
      'web.marathon.mesos. A 10.2.3.4',
    ]);
    assert.deepEqual(answerData(ask(answerer, '4.3.2.10.in-addr.arpa', 'PTR')), ['web.marathon.mesos']);
    assert.equal(outcome(answerer, '4.3.2.10.in-addr.arpa', 'A'), '0 10.in-addr.arpa');
    assert.equal(outcome(answerer, '3.2.10.in-addr.arpa', 'PTR'), '0 10.in-addr.arpa');
    assert.equal(outcome(answerer, '9.3.2.10.in-addr.arpa', 'PTR'), '3 10.in-addr.arpa');
    assert.equal(outcome(await serveWith([]), '3.2.10.in-addr.arpa', 'PTR'), '3 10.in-addr.arpa');
  });

  it('are forwarded where zoneResolvers names the zone, one inside it, or one around it', async () => {
    const answerer = await serveWith(
      [],
      ['10.in-addr.arpa', '5.168.192.in-addr.arpa', 'ip6.arpa', 'corp.test', 'local'],
    );
    assert.equal(outcome(answerer, '1.2.3.10.in-addr.arpa', 'PTR'), 'route 1');
    assert.equal(outcome(answerer, '1.5.168.192.in-addr.arpa', 'PTR'), 'route 2');
    assert.equal(outcome(answerer, '1.6.168.192.in-addr.arpa', 'PTR'), '3 168.192.in-addr.arpa');
    assert.equal(outcome(answerer, '1.d.f.ip6.arpa', 'PTR'), 'route 3');
    assert.equal(outcome(answerer, 'www.corp.test'), 'route 4');
    assert.equal(outcome(answerer, 'www.other.test'), '3 test');
    assert.equal(outcome(answerer, 'printer.local'), 'route 5');
  });

  it('give way to a domain among them', async () => {
    const below = await serveWith(['web.mesos.test. A 10.0.0.1'], [], { domain: 'mesos.test' });
    assert.deepEqual(answerData(ask(below, 'web.mesos.test', 'A')), ['10.0.0.1']);
    assert.equal(outcome(below, 'other.test'), '3 test');
    const same = await serveWith(['web.local. A 10.0.0.1'], [], { domain: 'local' });
    assert.deepEqual(answerData(ask(same, 'web.local', 'A')), ['10.0.0.1']);
    assert.equal(ask(same, 'nope.local', 'A').authorities[0]?.name, 'local');
  });

  it('are answered before the first state, and without forwarding', async () => {
    const answerer = await serveWith([], [], { records: null, forward: false });
    assert.deepEqual(answerData(ask(answerer, 'localhost', 'A')), ['127.0.0.1']);
    assert.equal(outcome(answerer, 'www.test'), '3 test');
    assert.equal(ask(answerer, 'www.example.com', 'A').rcodeNumber, 5);
  });
});
