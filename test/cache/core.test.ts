// The cache in the core: what it keeps, for how long, and what it answers.

import assert from 'node:assert/strict';
import { afterEach, describe, it, mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/until.ts';
import { query, TCP } from '../support/zone.ts';
import { clientQuery, createTestCache, reply, soa, type TestCache } from './support.ts';

afterEach(() => mock.timers.reset());

const NOW = Date.UTC(2026, 0, 1);

/** Lets so much time pass. */
function pass(seconds: number): void {
  mock.timers.setTime(Date.now() + seconds * 1000);
}

function storeA(cache: TestCache, name: string, ttl: number, data = '192.0.2.80'): void {
  cache.store(reply(name, 'A', { answers: [{ type: 'A', name, ttl, data }] }), query(name, 'A'));
}

function firstTtl(answer: ReturnType<TestCache['ask']>): number | undefined {
  const first = answer?.answers[0];
  return first?.type === 'A' ? first.ttl : undefined;
}

for (const build of ['debug', 'release'] as const) {
  describe(`the cache (${build})`, () => {
    it('answers what an upstream answered, and counts its TTL down until it is over', async () => {
      mock.timers.enable({ apis: ['Date'], now: NOW });
      const cache = await createTestCache({ maxStaleSeconds: 0 }, build);
      assert.equal(cache.ask('www.example.com'), null);
      storeA(cache, 'www.example.com', 60);
      const first = cache.ask('WWW.example.com');
      assert.deepEqual(first?.answers, [
        { type: 'A', class: 'IN', flush: false, name: 'www.example.com', ttl: 60, data: '192.0.2.80' },
      ]);
      assert.equal(first.flagsWord, 0x8180, 'QR RD RA');
      pass(59);
      assert.equal(firstTtl(cache.ask('www.example.com')), 1);
      pass(1);
      assert.equal(cache.ask('www.example.com'), null);
    });

    it('keeps answers apart by type, DO, CD and AD', async () => {
      const cache = await createTestCache({}, build);
      storeA(cache, 'www.example.com', 60);
      assert.equal(cache.ask('www.example.com', 'AAAA'), null);
      assert.equal(cache.ask('example.com'), null);
      for (const flags of [0x110, 0x120]) assert.equal(cache.ask('www.example.com', 'A', { packet: { flags } }), null);
      assert.notEqual(cache.ask('www.example.com', 'A', { edns: 1232 }), null);
      assert.equal(cache.ask('www.example.com', 'A', { packet: { flags: 0 } }), null, 'without RD');
    });

    it('puts OPT behind the records, and leaves the query whole where it has no answer', async () => {
      const cache = await createTestCache({}, build);
      storeA(cache, 'www.example.com', 60);
      const answer = cache.ask('www.example.com', 'A', { edns: 4096 });
      assert.equal(answer?.answers.length, 1);
      assert.equal(answer.additionals.length, 1);
      const asked = query('other.example.com', 'A', { edns: 4096 });
      const verdict = cache.answerer.answer(asked, TCP);
      assert.equal(verdict.kind, 'forward');
      assert.deepEqual(Buffer.from(verdict.kind === 'forward' ? verdict.query : []), Buffer.from(asked));
    });

    it('remembers that a name does not exist, for all types and the names below it', async () => {
      mock.timers.enable({ apis: ['Date'], now: NOW });
      const cache = await createTestCache({ maxStaleSeconds: 0 }, build);
      const message = reply('nx.Example.com', 'A', { rcode: 3, authorities: [soa('Example.com')] });
      cache.store(message, query('nx.Example.com', 'A'));
      for (const [name, type] of [
        ['nx.example.com', 'A'],
        ['NX.example.com', 'MX'],
        ['a.b.nx.example.com', 'AAAA'],
      ] as const) {
        const answer = cache.ask(name, type);
        assert.equal(answer?.rcodeNumber, 3, name);
        assert.equal(answer.authorities.length, 1);
        const [record] = answer.authorities;
        assert.ok(record?.type === 'SOA');
        assert.equal(record.name, 'Example.com');
        assert.equal(record.ttl, 300);
        assert.equal(record.data.rname, 'admin.Example.com');
        assert.equal(record.data.minimum, 300);
      }
      assert.equal(cache.ask('example.com'), null);
      assert.equal(cache.ask('xnx.example.com'), null);
      pass(300);
      assert.equal(cache.ask('nx.example.com'), null);
    });

    it('takes a name above a forwarded zone for no word about names in it', async () => {
      const cache = await createTestCache({}, build, { forwardZones: ['b.example'] });
      cache.store(reply('example', 'A', { rcode: 3, authorities: [soa('example')] }), query('example', 'A'));
      assert.equal(cache.ask('a.example')?.rcodeNumber, 3);
      assert.equal(cache.ask('a.b.example'), null);
      cache.store(reply('b.example', 'A', { rcode: 3, authorities: [soa('b.example')] }), query('b.example', 'A'), 1);
      assert.equal(cache.ask('a.b.example')?.rcodeNumber, 3);
    });

    it('remembers that a name has no record of a type, and forgets it when it has', async () => {
      mock.timers.enable({ apis: ['Date'], now: NOW });
      const cache = await createTestCache({}, build);
      cache.store(
        reply('www.example.com', 'AAAA', { authorities: [soa('example.com', 60)] }),
        query('www.example.com', 'AAAA'),
      );
      const answer = cache.ask('www.example.com', 'AAAA');
      assert.equal(answer?.rcodeNumber, 0);
      assert.equal(answer.authorities[0]?.type === 'SOA' && answer.authorities[0].ttl, 60);
      assert.equal(cache.ask('www.example.com', 'A'), null);
      cache.store(
        reply('www.example.com', 'A', { rcode: 3, authorities: [soa('example.com')] }),
        query('www.example.com', 'A'),
      );
      assert.equal(cache.ask('www.example.com', 'TXT')?.rcodeNumber, 3);
      storeA(cache, 'www.example.com', 60);
      assert.equal(cache.ask('www.example.com', 'TXT'), null);
      assert.equal(cache.ask('www.example.com', 'A')?.answers.length, 1);
    });

    it('keeps nothing that it must not', async () => {
      const cache = await createTestCache({}, build);
      const a = (ttl: number) => [{ type: 'A' as const, name: 'n.example', ttl, data: '192.0.2.1' }];
      const cases: readonly (readonly [string, Uint8Array])[] = [
        ['TTL 0', reply('n.example', 'A', { answers: a(0) })],
        ['TTL with the highest bit', reply('n.example', 'A', { answers: a(0x80000001) })],
        ['SERVFAIL', reply('n.example', 'A', { rcode: 2 })],
        ['truncated', reply('n.example', 'A', { flags: 0x380, answers: a(60) })],
        ['no SOA', reply('n.example', 'A', { rcode: 3 })],
        [
          'a referral',
          reply('n.example', 'A', { authorities: [{ type: 'NS', name: 'example', ttl: 60, data: 'ns.example' }] }),
        ],
      ];
      for (const [what, message] of cases) {
        cache.store(message, query('n.example', 'A'));
        assert.equal(cache.ask('n.example'), null, what);
      }
    });

    it('keeps TTLs within the limits', async () => {
      mock.timers.enable({ apis: ['Date'], now: NOW });
      const cache = await createTestCache({ minTtlSeconds: 5, maxTtlSeconds: 100, maxNegativeTtlSeconds: 50 }, build);
      storeA(cache, 'short.example', 1);
      storeA(cache, 'long.example', 1_000_000);
      cache.store(
        reply('no.example', 'A', { rcode: 3, authorities: [soa('example', 900, 900)] }),
        query('no.example', 'A'),
      );
      assert.equal(firstTtl(cache.ask('short.example')), 5);
      assert.equal(firstTtl(cache.ask('long.example')), 100);
      const record = cache.ask('no.example')?.authorities[0];
      assert.equal(record?.type === 'SOA' && record.ttl, 50);
    });

    it('gives addresses in another order each time, and everything else as it came', async () => {
      const cache = await createTestCache({}, build);
      const name = 'many.example';
      const data = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];
      const cname = { type: 'CNAME' as const, name, ttl: 60, data: name };
      const answers = [cname, ...data.map((address) => ({ type: 'A' as const, name, ttl: 60, data: address }))];
      const message = compressed(reply(name, 'A', { answers }), name);
      cache.store(message, query(name, 'A'));
      const seen = new Set<string>();
      for (let i = 0; i < 100; i += 1) {
        const got = cache.ask(name)?.answers ?? [];
        assert.equal(got[0]?.type, 'CNAME');
        const addresses = got.slice(1).map((record) => (record.type === 'A' ? record.data : ''));
        assert.deepEqual(addresses.toSorted(), data);
        seen.add(addresses.join());
      }
      assert.equal(seen.size, 4);
    });

    it('leaves out additional records that do not fit, and says TC where answers do not', async () => {
      const cache = await createTestCache({}, build);
      const texts = (count: number, name: string) =>
        Array.from({ length: count }, () => ({ type: 'TXT' as const, name, ttl: 60, data: 'x'.repeat(200) }));
      cache.store(
        reply('t.example', 'TXT', { answers: texts(1, 't.example'), additionals: texts(2, 'u.example') }),
        query('t.example', 'TXT'),
      );
      const small = cache.ask('t.example', 'TXT');
      assert.deepEqual([small?.answers.length, small?.additionals.length, small?.flag_tc], [1, 0, false]);
      assert.equal(cache.ask('t.example', 'TXT', { client: TCP })?.additionals.length, 2);
      cache.store(reply('v.example', 'TXT', { answers: texts(3, 'v.example') }), query('v.example', 'TXT'));
      const cut = cache.ask('v.example', 'TXT');
      assert.deepEqual([cut?.answers.length, cut?.flag_tc], [0, true]);
      assert.equal(cache.ask('v.example', 'TXT', { client: TCP })?.answers.length, 3);
    });

    it('tells what is out of date where no upstream answers, for a while without asking', async () => {
      mock.timers.enable({ apis: ['Date'], now: NOW });
      const cache = await createTestCache({ maxStaleSeconds: 1000 }, build);
      storeA(cache, 'www.example.com', 60);
      pass(100);
      assert.equal(cache.ask('www.example.com'), null);
      const asked = clientQuery(query('www.example.com', 'A'));
      assert.equal(cache.cache.hooks.lookup?.(asked, 0), null);
      const known = cache.cache.hooks.stale?.(asked, 0, 'failed');
      assert.equal(known?.isStale, true);
      const answer = cache.ask('www.example.com', 'A', { edns: 1232 });
      assert.equal(firstTtl(answer), 30);
      const [opt] = answer?.additionals ?? [];
      assert.deepEqual(opt?.type === 'OPT' && opt.options.map(({ code, data }) => [code, [...(data ?? [])]]), [
        [15, [0, 3]],
      ]);
      pass(30);
      assert.equal(cache.ask('www.example.com'), null);
      pass(1000);
      assert.equal(cache.cache.hooks.stale?.(asked, 0, 'failed'), null);
    });

    it('reports a name in demand once, in the last tenth of its time', async () => {
      mock.timers.enable({ apis: ['Date'], now: NOW });
      const cache = await createTestCache({}, build);
      storeA(cache, 'www.example.com', 100);
      const asked: string[] = [];
      const refresh = () =>
        cache.cache.refresh((message, route) => {
          const { question } = clientQuery(message);
          asked.push(`${Buffer.from(question).toString('latin1')} ${route}`);
        });
      cache.ask('www.example.com');
      pass(89);
      cache.ask('www.example.com');
      refresh();
      assert.deepEqual(asked, []);
      pass(1);
      for (let i = 0; i < 5; i += 1) cache.ask('www.example.com');
      refresh();
      refresh();
      assert.deepEqual(asked, ['\x03www\x07example\x03com\0\0\x01\0\x01 0']);
    });

    it('forgets a name and those below it, or everything', async () => {
      const cache = await createTestCache({}, build);
      const names = ['a.example', 'x.a.example', 'xa.example', 'example'];
      for (const name of names) storeA(cache, name, 60);
      const flushed = cache.cache.flush(clientQuery(query('A.example', 'A')).question);
      assert.equal(flushed, 2);
      assert.deepEqual(
        names.map((name) => cache.ask(name) !== null),
        [false, false, true, true],
      );
      assert.equal(cache.cache.flush(null), 2);
      assert.deepEqual(
        names.map((name) => cache.ask(name)),
        [null, null, null, null],
      );
      storeA(cache, 'example', 60);
      assert.notEqual(cache.ask('example'), null);
    });

    it('keeps names in demand through a flood of others, in bounded memory', async () => {
      const cache = await createTestCache({}, build);
      const before = cache.engine.memory.buffer.byteLength;
      const popular = Array.from({ length: 500 }, (_, i) => `popular${i}.example`);
      for (const name of popular) storeA(cache, name, 3600);
      for (const name of popular) cache.ask(name);
      for (let i = 0; i < 30_000; i += 1) {
        storeA(cache, `flood${i}.example`, 3600);
        if (i % 5000 === 0) for (const name of popular) cache.ask(name);
      }
      const left = popular.filter((name) => cache.ask(name) !== null).length;
      assert.ok(left >= 495, `${left} of 500 are left`);
      assert.equal(cache.engine.memory.buffer.byteLength, before);
    });
  });
}

/** Replaces the owners that stand written out behind the question by pointers to it: dns-packet writes none. */
function compressed(message: Uint8Array, name: string): Uint8Array {
  const wire = Buffer.from(
    `${name
      .split('.')
      .map((label) => String.fromCharCode(label.length) + label)
      .join('')}\0`,
    'latin1',
  );
  const start = 12 + wire.length + 4;
  const parts: Uint8Array[] = [message.subarray(0, start)];
  let at = start;
  while (at < message.length) {
    const end = at + wire.length + 10 + Buffer.from(message).readUInt16BE(at + wire.length + 8);
    parts.push(Uint8Array.of(0xc0, 12), message.subarray(at + wire.length, end));
    at = end;
  }
  return Buffer.concat(parts);
}

describe('the cache', () => {
  it('is looked at for names in demand while it holds anything, and not before', async (t) => {
    const begun = t.mock.method(globalThis, 'setTimeout');
    const cache = await createTestCache();
    cache.cache.start(() => assert.fail('nobody asks'));
    assert.equal(begun.mock.callCount(), 0);
    storeA(cache, 'www.example.com', 100);
    storeA(cache, 'ftp.example.com', 100);
    assert.equal(begun.mock.callCount(), 1);
    await until(() => begun.mock.callCount() === 2, 'second look');
    cache.cache.flush(null);
    await sleep(1500);
    assert.equal(begun.mock.callCount(), 2);
    storeA(cache, 'www.example.com', 100);
    assert.equal(begun.mock.callCount(), 3);
    cache.cache.close();
    storeA(cache, 'ftp.example.com', 100);
    await sleep(1500);
    assert.equal(begun.mock.callCount(), 3);
  });
});
