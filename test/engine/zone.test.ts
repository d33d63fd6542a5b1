// What the table makes of a record set: folding, merging, leaving out. Seen through the core's answers.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { Engine } from '../../src/engine/engine.ts';
import { answerData, ask, type QueryType, recordSet, TCP, tableInput } from '../support/zone.ts';

async function zoneOf(...lines: string[]) {
  const engine = await Engine.create();
  const table = engine.publish(tableInput(recordSet(lines)));
  const answerer = createCoreAnswerer({ module: engine.module, memory: engine.memory, worker: 0, seed: 9n });
  return {
    ...table,
    data: (name: string, type: QueryType) => answerData(ask(answerer, name, type, { client: TCP })),
    exists: (name: string) => ask(answerer, name, 'TXT').rcodeNumber === 0,
  };
}

describe('the zone in a table', () => {
  it('has the domain even without records', async () => {
    const zone = await zoneOf();
    assert.equal(zone.nameCount, 1);
    assert.ok(zone.exists('mesos'));
  });

  it('merges names that differ in case, and their equal values', async () => {
    const zone = await zoneOf(
      'WEB.mesos. A 10.0.0.1',
      'web.Mesos. A 10.0.0.2',
      'web.mesos. A 10.0.0.1',
      'web.mesos. AAAA fd00::1',
    );
    assert.equal(zone.nameCount, 2);
    assert.deepEqual(zone.data('web.mesos', 'A'), ['10.0.0.1', '10.0.0.2']);
    assert.deepEqual(zone.data('web.mesos', 'AAAA'), ['fd00::1']);
  });

  it('serves two spellings of one address once', async () => {
    const zone = await zoneOf(
      'master.mesos. AAAA FD00::1',
      'master.mesos. AAAA fd00:0::1',
      'master.mesos. A ::ffff:10.0.0.1',
      'master.mesos. A 10.0.0.1',
    );
    assert.deepEqual(zone.data('master.mesos', 'AAAA'), ['fd00::1']);
    assert.deepEqual(zone.data('master.mesos', 'A'), ['10.0.0.1']);
    assert.deepEqual(zone.unwritable, []);
  });

  it('merges SRV records whose targets differ in case, and keeps the first spelling', async () => {
    const zone = await zoneOf(
      '_a._tcp.mesos. SRV A.mesos.:1',
      '_a._tcp.mesos. SRV a.mesos.:1',
      '_A._tcp.mesos. SRV a.MESOS.:1',
      '_a._tcp.mesos. SRV a.mesos.:2',
      '_a._tcp.mesos. SRV a.mesos.:02',
    );
    const srvs = zone.data('_a._tcp.mesos', 'SRV') as { target: string; port: number }[];
    assert.deepEqual(srvs.map(({ target, port }) => `${target}:${port}`).sort(), ['A.mesos:1', 'a.mesos:2']);
  });

  it('has every empty non-terminal, and none above the domain', async () => {
    const zone = await zoneOf(
      'a.b.c.mesos. A 10.0.0.1',
      '_x._tcp.f.mesos. SRV a.b.c.mesos.:1',
      '1.0.0.10.in-addr.arpa. PTR a.',
    );
    for (const name of ['_tcp.f.mesos', 'b.c.mesos', 'c.mesos', 'f.mesos']) assert.ok(zone.exists(name), name);
    assert.equal(zone.nameCount, 8);
  });

  it('counts a name once that is above others and has records, in whatever order they come', async () => {
    for (const lines of [
      ['b.mesos. A 10.0.0.1', 'a.b.mesos. A 10.0.0.2'],
      ['a.b.mesos. A 10.0.0.2', 'b.mesos. A 10.0.0.1'],
    ]) {
      const zone = await zoneOf(...lines, '_a._tcp.b.mesos. SRV b.mesos.:1');
      assert.equal(zone.nameCount, 5);
      assert.deepEqual(zone.data('b.mesos', 'A'), ['10.0.0.1']);
    }
  });

  const label = 'x'.repeat(64);
  const long = `${'y'.repeat(63)}.`.repeat(4);
  const unwritable = [
    ['a label longer than 63 octets', `${label}.mesos. A 10.0.0.1`, `A ${label}.mesos. 10.0.0.1`],
    ['a name longer than 255 octets', `${long}mesos. AAAA fd00::1`, `AAAA ${long}mesos. fd00::1`],
    ['an empty label', 'a..mesos. A 10.0.0.1', 'A a..mesos. 10.0.0.1'],
    ['a port beyond 65535', '_a._tcp.mesos. SRV a.mesos.:65536', 'SRV _a._tcp.mesos. a.mesos.:65536'],
    ['an empty port', '_a._tcp.mesos. SRV a.mesos.:', 'SRV _a._tcp.mesos. a.mesos.:'],
    ['a target that cannot be written', `_a._tcp.mesos. SRV ${label}.mesos.:1`, `SRV _a._tcp.mesos. ${label}.mesos.:1`],
    ['a host text for an address', 'slave.mesos. A agent-1-example', 'A slave.mesos. agent-1-example'],
    ['a name for an IPv6 address', 'slave.mesos. AAAA 10.0.0.1', 'AAAA slave.mesos. 10.0.0.1'],
    [
      'a PTR to what cannot be written',
      `1.0.0.10.in-addr.arpa. PTR ${label}.mesos.`,
      `PTR 1.0.0.10.in-addr.arpa. ${label}.mesos.`,
    ],
  ] as const;
  for (const [what, line, said] of unwritable) {
    it(`leaves out ${what} and says so, and keeps the rest`, async () => {
      const zone = await zoneOf(line, 'ok.mesos. A 10.0.0.9');
      assert.deepEqual(zone.unwritable, [said]);
      assert.equal(zone.nameCount, 2);
      assert.deepEqual(zone.data('ok.mesos', 'A'), ['10.0.0.9']);
    });
  }

  it('keeps the values of a name that can be written', async () => {
    const zone = await zoneOf(
      'slave.mesos. A agent',
      'slave.mesos. A 10.0.0.1',
      '_a.mesos. SRV a.:x',
      '_a.mesos. SRV a.:1',
    );
    assert.deepEqual(zone.data('slave.mesos', 'A'), ['10.0.0.1']);
    assert.equal(zone.data('_a.mesos', 'SRV').length, 1);
    assert.equal(zone.unwritable.length, 2);
  });

  it('says nothing of names outside the domain', async () => {
    const zone = await zoneOf('ns1.example. A 10.0.0.1', 'notmesos. A 10.0.0.1');
    assert.deepEqual([zone.nameCount, zone.unwritable], [1, []]);
  });

  it('lets an alias answer with all of its names, beside what it has itself', async () => {
    const zone = await zoneOf(
      'a-dev.mesos. A 10.0.0.1',
      'a-dev.mesos. AAAA fd00::1',
      'B-dev.mesos. A 10.0.0.2',
      'a.dev.mesos. A 10.0.0.3',
      'a.dev.mesos. ALIAS a-dev.mesos.',
      'a.dev.mesos. ALIAS b-DEV.mesos.',
      '_a.dev._tcp.mesos. ALIAS _a-dev._tcp.mesos.',
      '_a-dev._tcp.mesos. SRV a-dev.mesos.:1',
      'none.mesos. ALIAS nowhere.mesos.',
    );
    assert.deepEqual(zone.data('a.dev.mesos', 'A'), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    assert.deepEqual(zone.data('a.dev.mesos', 'AAAA'), ['fd00::1']);
    assert.equal(zone.data('_a.dev._tcp.mesos', 'SRV').length, 1);
    assert.ok(zone.exists('dev.mesos') && zone.exists('dev._tcp.mesos') && !zone.exists('none.mesos'));
  });
});
