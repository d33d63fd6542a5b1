import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Verdict } from '../../src/sockets/answerer.ts';
import { answerData, ask, decodeReply, type QueryType, query, serve, TCP, UDP } from '../support/zone.ts';

const AA = 0x0400;
const TC = 0x0200;
const RD = 0x0100;
const RA = 0x0080;

const ZONE = [
  'nginx.marathon.mesos. A 10.0.0.1',
  'nginx.marathon.mesos. A 10.0.0.2',
  'nginx.marathon.mesos. AAAA fd00::1',
  'nginx-abcde-s1.marathon.mesos. A 10.0.0.1',
  'nginx-abcde-s1.marathon.mesos. AAAA fd00::1',
  'nginx-fghij-s2.marathon.mesos. A 10.0.0.2',
  '_nginx._tcp.marathon.mesos. SRV nginx-abcde-s1.marathon.mesos.:31000',
  '_nginx._tcp.marathon.mesos. SRV nginx-abcde-s1.marathon.mesos.:31001',
  '_nginx._tcp.marathon.mesos. SRV nginx-fghij-s2.marathon.mesos.:31000',
  'ns1.mesos. A 127.0.0.1',
  'My App.marathon.mesos. A 10.0.0.3',
  'my app.marathon.mesos. A 10.0.0.3',
  'grüße.marathon.mesos. A 10.0.0.4',
  'myapp-dev.marathon.mesos. A 10.0.0.5',
  'myapp.dev.marathon.mesos. ALIAS myapp-dev.marathon.mesos.',
  '1.0.0.10.in-addr.arpa. PTR nginx.marathon.mesos.',
];

/** Fails where the query is not forwarded. */
function routeOf(verdict: Verdict): number {
  assert.ok(verdict.kind === 'forward', verdict.kind);
  return verdict.route;
}

for (const build of ['release', 'debug'] as const) {
  describe(`the ${build} core`, () => {
    it('answers A with every address, authoritative, with RD copied and RA', async () => {
      const reply = ask(await serve(ZONE, {}, build), 'nginx.marathon.mesos', 'A');
      assert.equal(reply.rcodeNumber, 0);
      assert.equal(reply.flagsWord & (AA | TC | RD | RA), AA | RD | RA);
      assert.deepEqual(answerData(reply), ['10.0.0.1', '10.0.0.2']);
      assert.ok(reply.answers.every((record) => 'ttl' in record && record.ttl === 60));
    });

    it('answers AAAA', async () => {
      assert.deepEqual(answerData(ask(await serve(ZONE, {}, build), 'nginx.marathon.mesos', 'AAAA')), ['fd00::1']);
    });

    it('answers SRV with the complete address RRsets of each target once', async () => {
      const reply = ask(await serve(ZONE, {}, build), '_nginx._tcp.marathon.mesos', 'SRV', { edns: 1232 });
      const ports = reply.answers.map((record) =>
        record.type === 'SRV' ? `${record.data.target}:${record.data.port}` : '',
      );
      assert.deepEqual(ports.sort(), [
        'nginx-abcde-s1.marathon.mesos:31000',
        'nginx-abcde-s1.marathon.mesos:31001',
        'nginx-fghij-s2.marathon.mesos:31000',
      ]);
      const extra = reply.additionals.map((record) =>
        'data' in record ? `${record.name} ${record.type} ${record.data}` : record.type,
      );
      assert.deepEqual(extra.sort(), [
        'OPT',
        'nginx-abcde-s1.marathon.mesos A 10.0.0.1',
        'nginx-abcde-s1.marathon.mesos AAAA fd00::1',
        'nginx-fghij-s2.marathon.mesos A 10.0.0.2',
      ]);
    });

    it('answers PTR for a known address and forwards other reverse names', async () => {
      const answerer = await serve(ZONE, {}, build);
      assert.deepEqual(answerData(ask(answerer, '1.0.0.10.in-addr.arpa', 'PTR')), ['nginx.marathon.mesos']);
      assert.equal(routeOf(answerer.answer(query('9.0.0.10.in-addr.arpa', 'PTR'), UDP)), 0);
    });

    it('answers another type at a known reverse name with NODATA owned by that name', async () => {
      const reply = ask(await serve(ZONE, {}, build), '1.0.0.10.in-addr.arpa', 'A');
      assert.equal(reply.rcodeNumber, 0);
      assert.deepEqual(
        reply.authorities.map((record) => `${record.name} ${record.type}`),
        ['1.0.0.10.in-addr.arpa SOA'],
      );
    });

    it('answers SOA and NS at the apex, NS with glue', async () => {
      const answerer = await serve(ZONE, {}, build);
      const soa = ask(answerer, 'mesos', 'SOA');
      assert.deepEqual(answerData(soa), [
        { mname: 'ns1.mesos', rname: 'root.ns1.mesos', serial: 7, refresh: 60, retry: 600, expire: 86400, minimum: 30 },
      ]);
      const ns = ask(answerer, 'mesos', 'NS');
      assert.deepEqual(answerData(ns), ['ns1.mesos']);
      assert.deepEqual(
        ns.additionals.map((record) => ('data' in record ? `${record.name} ${record.data}` : '')),
        ['ns1.mesos 127.0.0.1'],
      );
    });

    const negatives: { name: string; type: QueryType; rcode: number; why: string }[] = [
      { name: 'nope.mesos', type: 'A', rcode: 3, why: 'an unknown name' },
      { name: '_nope._tcp.marathon.mesos', type: 'SRV', rcode: 3, why: 'an unknown service' },
      { name: 'mesos', type: 'A', rcode: 0, why: 'a type that the apex lacks' },
      { name: 'nginx.marathon.mesos', type: 'TXT', rcode: 0, why: 'a type that the name lacks' },
      { name: 'marathon.mesos', type: 'A', rcode: 0, why: 'an empty non-terminal' },
      { name: '_tcp.marathon.mesos', type: 'SRV', rcode: 0, why: 'an empty non-terminal above services' },
    ];
    for (const { name, type, rcode, why } of negatives) {
      it(`answers ${why} with rcode ${rcode} and the zone's SOA`, async () => {
        const reply = ask(await serve(ZONE, {}, build), name, type);
        assert.equal(reply.rcodeNumber, rcode);
        assert.equal(reply.answers.length, 0);
        assert.deepEqual(
          reply.authorities.map((record) => `${record.name} ${record.type}`),
          ['mesos SOA'],
        );
        const [soa] = reply.authorities;
        assert.equal(soa !== undefined && 'ttl' in soa ? soa.ttl : undefined, 30);
      });
    }

    it('answers ANY with one RRset of the name', async () => {
      const reply = ask(await serve(ZONE, {}, build), 'nginx.marathon.mesos', 'ANY');
      assert.equal(new Set(reply.answers.map((record) => record.type)).size, 1);
    });

    it('echoes the spelling of the question and matches without case', async () => {
      const reply = ask(await serve(ZONE, {}, build), 'NgInX.MaRathon.MESOS', 'A');
      assert.equal(reply.questions?.[0]?.name, 'NgInX.MaRathon.MESOS');
      assert.equal(reply.answers[0]?.name, 'NgInX.MaRathon.MESOS');
      assert.equal(reply.answers.length, 2);
    });

    it('merges names that differ in case only, and keeps other octets as they are', async () => {
      const answerer = await serve(ZONE, {}, build);
      assert.deepEqual(answerData(ask(answerer, 'MY APP.marathon.mesos', 'A')), ['10.0.0.3']);
      assert.deepEqual(answerData(ask(answerer, 'grüße.marathon.mesos', 'A')), ['10.0.0.4']);
    });

    it('answers at a dotted alias like at its name', async () => {
      assert.deepEqual(answerData(ask(await serve(ZONE, {}, build), 'myapp.dev.marathon.mesos', 'A')), ['10.0.0.5']);
    });

    it('forwards foreign names by the longest zone, and refuses them without forwarding', async () => {
      const zones = { forwardZones: ['weave', 'corp.example'] };
      const answerer = await serve(ZONE, zones, build);
      assert.equal(routeOf(answerer.answer(query('example.com', 'A'), UDP)), 0);
      assert.equal(routeOf(answerer.answer(query('a.b.WEAVE', 'A'), UDP)), 1);
      assert.equal(routeOf(answerer.answer(query('corp.example', 'A'), UDP)), 2);
      assert.equal(routeOf(answerer.answer(query('notcorp.example', 'A'), UDP)), 0);
      assert.equal(ask(await serve(ZONE, { forward: false }, build), 'example.com', 'A').rcodeNumber, 5);
    });

    it('answers SERVFAIL in the domain, and forwards, until a state was read', async () => {
      const answerer = await serve(ZONE, { records: null }, build);
      assert.equal(ask(answerer, 'nginx.marathon.mesos', 'A').rcodeNumber, 2);
      assert.equal(answerer.answer(query('example.com', 'A'), UDP).kind, 'forward');
    });

    it('puts an OPT record in answers to queries that have one, and in no other', async () => {
      const answerer = await serve(ZONE, {}, build);
      assert.equal(ask(answerer, 'nginx.marathon.mesos', 'A').additionals.length, 0);
      const [opt] = ask(answerer, 'nginx.marathon.mesos', 'A', { edns: 4096 }).additionals;
      assert.ok(opt?.type === 'OPT' && opt.udpPayloadSize === 1232);
    });

    it('cuts an answer to the size the client takes, says TC, and gives all of it over TCP', async () => {
      const many = Array.from({ length: 600 }, (_, i) => `slave.mesos. A 10.1.${i >> 8}.${i & 255}`);
      const answerer = await serve(many, {}, build);
      for (const [edns, limit] of [
        [undefined, 512],
        [100, 512],
        [1000, 1000],
        [4096, 1232],
      ] as const) {
        const reply = ask(answerer, 'slave.mesos', 'A', edns === undefined ? {} : { edns });
        assert.ok(reply.bytes.length <= limit && reply.bytes.length > limit - 16, `${edns}: ${reply.bytes.length}`);
        assert.equal(reply.flagsWord & TC, TC);
      }
      const whole = ask(answerer, 'slave.mesos', 'A', { client: TCP });
      assert.equal(whole.flagsWord & TC, 0);
      assert.equal(new Set(answerData(whole)).size, 600);
    });

    it('does not say TC where only additional records are left out', async () => {
      const lines = Array.from({ length: 10 }, (_, i) => [
        `_s._tcp.f.mesos. SRV t${i}-aaaaa-s1.f.mesos.:${i}`,
        `t${i}-aaaaa-s1.f.mesos. A 10.0.0.${i}`,
      ]).flat();
      const reply = ask(await serve(lines, {}, build), '_s._tcp.f.mesos', 'SRV');
      assert.equal(reply.answers.length, 10);
      assert.ok(reply.additionals.length < 10);
      assert.equal(reply.flagsWord & TC, 0);
    });

    it('says no TC where setTruncateBit is off', async () => {
      const many = Array.from({ length: 60 }, (_, i) => `slave.mesos. A 10.1.0.${i}`);
      assert.equal(ask(await serve(many, { setTruncateBit: false }, build), 'slave.mesos', 'A').flagsWord & TC, 0);
    });

    it('serves a random part of an RRset that no message holds', async () => {
      const many = Array.from(
        { length: 10_000 },
        (_, i) => `slave.mesos. A 10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
      );
      const answerer = await serve(many, {}, build);
      const reply = ask(answerer, 'slave.mesos', 'A', { client: TCP });
      assert.ok(reply.answers.length > 4000 && reply.bytes.length <= 65535);
      assert.notDeepEqual(answerData(reply), answerData(ask(answerer, 'slave.mesos', 'A', { client: TCP })));
    });

    it('shuffles: each record comes first about equally often', async () => {
      const answerer = await serve(['x.mesos. A 10.0.0.1', 'x.mesos. A 10.0.0.2', 'x.mesos. A 10.0.0.3'], {}, build);
      const firsts = new Map<unknown, number>();
      const orders = new Set<string>();
      for (let i = 0; i < 3000; i++) {
        const reply = ask(answerer, 'x.mesos', 'A');
        const data = reply.answers.map((record) => ('data' in record ? String(record.data) : ''));
        firsts.set(data[0], (firsts.get(data[0]) ?? 0) + 1);
        orders.add(data.join());
      }
      assert.equal(orders.size, 6);
      for (const count of firsts.values()) assert.ok(count > 850 && count < 1150, String(count));
    });

    it('puts addresses of the client’s /24 first with resolvSubnetFirst', async () => {
      const lines = Array.from({ length: 20 }, (_, i) => `x.mesos. A 10.0.${i}.1`);
      const answerer = await serve(
        [...lines, 'x.mesos. AAAA fd00:1::1', 'x.mesos. AAAA fd00:2::1'],
        { subnetFirst: true },
        build,
      );
      for (let i = 0; i < 20; i++) {
        const reply = ask(answerer, 'x.mesos', 'A', { client: { transport: 'udp', address: '10.0.7.99' } });
        assert.equal(reply.answers.length, 20);
        assert.equal(reply.answers[0] !== undefined && 'data' in reply.answers[0] && reply.answers[0].data, '10.0.7.1');
        const six = ask(answerer, 'x.mesos', 'AAAA', { client: { transport: 'udp', address: 'fd00:2::77' } });
        assert.equal(six.answers[0] !== undefined && 'data' in six.answers[0] && six.answers[0].data, 'fd00:2::1');
      }
    });

    it('puts them first in a large RRset, too, and leaves nothing out', async () => {
      const far = Array.from({ length: 2000 }, (_, i) => `x.mesos. A 10.${1 + (i >> 8)}.${i & 255}.1`);
      const near = Array.from({ length: 40 }, (_, i) => `x.mesos. A 10.0.7.${i + 1}`);
      const answerer = await serve([...far.slice(0, 900), ...near, ...far.slice(900)], { subnetFirst: true }, build);
      const client = { address: '10.0.7.99' } as const;
      const firsts = new Set<unknown>();
      for (let i = 0; i < 30; i++) {
        const reply = ask(answerer, 'x.mesos', 'A', { client: { ...client, transport: 'udp' }, edns: 1232 });
        const data = reply.answers.map((record) => ('data' in record ? String(record.data) : ''));
        assert.ok(data.length > 60);
        assert.ok(data.slice(0, 40).every((address) => address.startsWith('10.0.7.')));
        assert.ok(!data.slice(40).some((address) => address.startsWith('10.0.7.')));
        assert.equal(new Set(data).size, data.length);
        firsts.add(data[40]);
      }
      assert.ok(firsts.size > 10);
      const whole = ask(answerer, 'x.mesos', 'A', { client: { ...client, transport: 'tcp' } });
      assert.equal(new Set(answerData(whole)).size, 2040);
      const stranger = ask(answerer, 'x.mesos', 'A', { client: { transport: 'tcp', address: 'fd00::1' } });
      assert.equal(new Set(answerData(stranger)).size, 2040);
    });

    it('drops responses and what is shorter than a header', async () => {
      const answerer = await serve(ZONE, {}, build);
      const response = query('nginx.marathon.mesos', 'A', { packet: { type: 'response' } });
      assert.equal(answerer.answer(response, UDP).kind, 'dropped');
      assert.equal(answerer.answer(new Uint8Array(11), UDP).kind, 'dropped');
      assert.equal(answerer.answer(new Uint8Array(0), UDP).kind, 'dropped');
    });

    it('answers FORMERR to what cannot be parsed, under the same id', async () => {
      const answerer = await serve(ZONE, {}, build);
      const whole = Buffer.from(query('nginx.marathon.mesos', 'A'));
      for (let length = 12; length < whole.length; length++) {
        const verdict = answerer.answer(whole.subarray(0, length), UDP);
        assert.ok(verdict.kind === 'answered', `length ${length}`);
        assert.equal((verdict.message[3] ?? 0) & 15, 1);
        assert.deepEqual([...verdict.message.subarray(0, 2)], [...whole.subarray(0, 2)]);
      }
    });

    it('answers NOTIMP to other opcodes, BADVERS to other EDNS versions, REFUSED to other classes and transfers', async () => {
      const answerer = await serve(ZONE, {}, build);
      const update = Buffer.from(query('mesos', 'SOA'));
      update[2] = (5 << 3) | 1;
      assert.equal(decodeReply(answerer.answer(update, UDP)).rcodeNumber, 4);
      const edns1 = Buffer.from(query('mesos', 'SOA', { edns: 1232 }));
      edns1[edns1.length - 5] = 1;
      const badvers = decodeReply(answerer.answer(edns1, UDP));
      const [opt] = badvers.additionals;
      assert.ok(opt?.type === 'OPT' && opt.extendedRcode === 1 && opt.ednsVersion === 0);
      assert.equal(badvers.flagsWord & AA, 0);
      const chaos = Buffer.from(query('nginx.marathon.mesos', 'A'));
      chaos[chaos.length - 1] = 3;
      assert.equal(decodeReply(answerer.answer(chaos, UDP)).rcodeNumber, 5);
      assert.equal(ask(answerer, 'mesos', 'AXFR', { client: TCP }).rcodeNumber, 5);
    });
  });
}
