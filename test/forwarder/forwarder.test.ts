import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import packet from 'dns-packet';
import { bestOf } from '../support/best-of.ts';
import { addressesOf, type Behaviour, encodeAnswer, encodeQuery, optRecord } from '../support/fake-upstream.ts';
import {
  ask,
  closeAll,
  failingWith,
  forwarderTo,
  honest,
  rcodeOf,
  SOCKETS,
  saying,
  upstream,
  useSockets,
  withType,
} from '../support/forwarding.ts';

afterEach(closeAll);

for (const sockets of SOCKETS) {
  describe(`with sockets of ${sockets}`, () => {
    before(() => useSockets(sockets));
    after(() => useSockets('Node'));

    describe('a forwarded query', () => {
      it('comes back under the client’s id and spelling of the question', async () => {
        const server = await upstream((query, reply) => {
          const [question] = query.message.questions ?? [];
          reply(encodeAnswer(query, { question: question?.name.toLowerCase() ?? '' }));
        });
        const answer = await ask(forwarderTo([server]), 'wWw.ExAmPlE.cOm', { id: 0xbeef });
        assert.equal(answer.id, 0xbeef);
        assert.equal(answer.questions?.[0]?.name, 'wWw.ExAmPlE.cOm');
        assert.deepEqual(addressesOf(answer), ['192.0.2.1']);
      });

      it('copies the query before it returns', async () => {
        const server = await upstream(honest);
        const query = encodeQuery('copied.example', { id: 7 });
        const pending = forwarderTo([server]).forward(query, 0, 512);
        query.fill(0xff);
        assert.equal(packet.decode(Buffer.from(await pending)).questions?.[0]?.name, 'copied.example');
      });

      it('passes RD, AD, CD and DO on, and nothing else of the header and OPT', async () => {
        const server = await upstream(honest);
        const flags = packet.RECURSION_DESIRED | packet.AUTHENTIC_DATA | packet.CHECKING_DISABLED | 0x0040;
        await ask(forwarderTo([server]), 'flags.example', { flags, udpSize: 4096, dnssecOk: true });
        const sent = server.queries[0];
        assert.equal(sent?.bytes.readUInt16BE(2), flags & ~0x0040);
        const [opt] = sent?.message.additionals ?? [];
        assert.equal(opt?.type === 'OPT' && opt.udpPayloadSize, 1232);
        assert.equal(opt?.type === 'OPT' && opt.flag_do, true);
      });

      it('gets our RA and no AA, since we are no authority', async () => {
        const server = await upstream((query, reply) =>
          reply(encodeAnswer(query, { flags: packet.AUTHORITATIVE_ANSWER })),
        );
        const answer = await ask(forwarderTo([server], { recursionAvailable: false }), 'flags.example');
        assert.equal(answer.flag_aa, false);
        assert.equal(answer.flag_ra, false);
        assert.equal(answer.flag_rd, true);
      });

      it('brings an OPT exactly where the client sent one, with DO echoed', async () => {
        const server = await upstream((query, reply) =>
          reply(encodeAnswer(query, { additionals: [optRecord(4096, false)] })),
        );
        const forwarder = forwarderTo([server]);
        assert.deepEqual((await ask(forwarder, 'no-opt.example')).additionals, []);
        for (const dnssecOk of [false, true]) {
          const { additionals } = await ask(forwarder, 'opt.example', { udpSize: 1400, dnssecOk });
          const [ours] = additionals ?? [];
          assert.equal(additionals?.length, 1);
          assert.ok(ours?.type === 'OPT');
          assert.equal(ours.flag_do, dnssecOk);
          assert.equal(ours.udpPayloadSize, 1232);
          assert.deepEqual(ours.options, []);
        }
      });

      it('brings the options that stand behind the query, in answers and in failures', async () => {
        const cookie = Buffer.from('000a0010000102030405060708090a0b0c0d0e0f', 'hex');
        for (const [server, rcode] of [
          [await upstream(honest), 0],
          [await upstream(failingWith(2)), 2],
        ] as const) {
          const query = Buffer.concat([encodeQuery('options.example', { udpSize: 1232 }), cookie]);
          const bytes = Buffer.from(await forwarderTo([server]).forward(query, 0, 512));
          assert.equal((bytes[3] ?? 0) & 15, rcode);
          const [opt] = packet.decode(bytes).additionals ?? [];
          assert.ok(opt?.type === 'OPT');
          assert.equal(opt.options[0]?.code, 10);
          assert.equal(opt.options.length, rcode === 0 ? 1 : 2); // a failure says why, too
          assert.ok(bytes.includes(cookie));
          assert.equal(server.queries[0]?.bytes.includes(cookie), false);
        }
      });

      it('keeps additional records in front of the upstream’s OPT and leaves out those behind it', async () => {
        const glue = (name: string): packet.Answer => ({ type: 'A', name, ttl: 1, data: '192.0.2.9' });
        const server = await upstream((query, reply) =>
          reply(
            encodeAnswer(query, {
              additionals: [glue('front.example'), optRecord(4096, false), glue('behind.example')],
            }),
          ),
        );
        const answer = await ask(forwarderTo([server]), 'glue.example');
        assert.deepEqual(
          answer.additionals?.map((each) => each.name),
          ['front.example'],
        );
      });

      it('passes unknown types and response codes such as NXDOMAIN on', async () => {
        const server = await upstream((query, reply) => {
          const answer = encodeAnswer(query, { rcode: 3, addresses: [] });
          reply(answer);
        });
        const answer = await ask(forwarderTo([server]), 'gone.example', { type: 'UNKNOWN_65400' as packet.RecordType });
        assert.equal(rcodeOf(answer), 3);
      });

      it('uses ids and ports that cannot be foreseen', async () => {
        const server = await upstream(honest);
        const forwarder = forwarderTo([server]);
        for (let round = 0; round < 10; round += 1) {
          await Promise.all(Array.from({ length: 30 }, (_, n) => ask(forwarder, `n${round}-${n}.example`)));
        }
        const ids = server.queries.map((query) => query.id);
        // On a busy machine some are asked twice.
        assert.ok(ids.length >= 300);
        assert.ok(new Set(ids).size >= 0.93 * ids.length);
        assert.ok(new Set(server.queries.map((query) => query.sourcePort)).size >= 250);
        // Each of the sixteen bits is set in about half of the ids: within 5 standard deviations.
        for (let bit = 0; bit < 16; bit += 1) {
          const set = ids.filter((id) => ((id >> bit) & 1) === 1).length;
          assert.ok(
            Math.abs(set - ids.length / 2) < 2.5 * Math.sqrt(ids.length),
            `bit ${bit} is set in ${set} of ${ids.length}`,
          );
        }
        // The upper and the lower four bits, and how an id differs from the one before, are spread over 16 values: a
        // chi-square of 15 degrees of freedom is above 50 once in 80,000 times.
        const differences = ids.slice(1).map((id, i) => (id - (ids[i] ?? 0)) & 0xffff);
        const samples = [ids.map((id) => id >> 12), ids.map((id) => id & 15), differences.map((each) => each >> 12)];
        for (const sample of samples) assert.ok(chiSquareOf16(sample) < 50, `${chiSquareOf16(sample)}`);
      });

      it('goes on using other ports, so that none is known for long', async () => {
        const server = await upstream(honest);
        const forwarder = forwarderTo([server], { maxSockets: 12 });
        for (let n = 0; n < 600; n += 1) await ask(forwarder, `n${n}.example`);
        const ports = server.queries.map((query) => query.sourcePort);
        const uses = new Map<number, number>();
        for (const port of ports) uses.set(port, (uses.get(port) ?? 0) + 1);
        assert.ok(uses.size >= 25, `${uses.size} ports`);
        assert.ok(Math.max(...uses.values()) <= 40);
      });

      it('has a random case of letters where that is wanted, and brings the client’s own back', async () => {
        const server = await upstream(honest);
        const forwarder = forwarderTo([server], { randomCase: true });
        const name = 'abcdefghijklmnopqrstuvwxyz.example';
        for (let n = 0; n < 8; n += 1) {
          const answer = await ask(forwarder, name);
          assert.equal(answer.questions?.[0]?.name, name);
          assert.deepEqual(addressesOf(answer), ['192.0.2.1']);
        }
        const sent = server.queries.map((query) => query.message.questions?.[0]?.name ?? '');
        // Another time for each question that was asked again.
        assert.ok(sent.length >= 8);
        assert.equal(new Set(sent).size, sent.length);
        assert.ok(sent.every((each) => each.toLowerCase() === name));
        assert.ok(server.queries.every((query) => query.transport === 'udp'));
      });

      it('is asked over TCP where an answer does not repeat the case of its letters', async () => {
        const server = await upstream((query, reply) => {
          const [question] = query.message.questions ?? [];
          const addresses = [query.transport === 'udp' ? '6.6.6.6' : '192.0.2.1'];
          reply(encodeAnswer(query, { question: question?.name.toLowerCase() ?? '', addresses }));
        });
        const forwarder = forwarderTo([server], { randomCase: true });
        assert.deepEqual(addressesOf(await ask(forwarder, 'a-name-with-many-letters.example')), ['192.0.2.1']);
        // Asked again where this process stood still.
        const overUdp = server.queries.filter(({ transport }) => transport === 'udp').length;
        const { overTcp } = forwarder.counters;
        assert.ok(overTcp >= 1 && overTcp <= overUdp, `${overTcp} over TCP for ${overUdp} over UDP`);
      });

      it('is asked once for identical questions in flight, each client getting its own form', async (test) => {
        // Where this process stands still, the upstream in it is too late and is asked again.
        await bestOf(test, { 'queries upstream': 2 }, async () => {
          const server = await upstream((query, reply) => setTimeout(() => reply(encodeAnswer(query)), 50));
          const forwarder = forwarderTo([server]);
          const names = Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? 'Same.Example' : 'sAME.eXAMPLE'));
          const answers = await Promise.all(names.map((name, id) => ask(forwarder, name, { id })));
          assert.equal(forwarder.counters.coalesced, 99);
          answers.forEach((answer, id) => {
            assert.equal(answer.id, id);
            assert.equal(answer.questions?.[0]?.name, names[id]);
          });
          return { 'queries upstream': server.queries.length };
        });
      });

      it('does not share answers between types whose numbers differ like letters of either case', async () => {
        const server = await upstream((query, reply) => setTimeout(() => reply(encodeAnswer(query)), 20));
        const forwarder = forwarderTo([server]);
        const types: packet.RecordType[] = ['UNKNOWN_65', 'UNKNOWN_97'] as unknown as packet.RecordType[];
        await Promise.all(types.map((type) => forwarder.forward(withType(encodeQuery('t.example'), type), 0, 512)));
        const asked = new Set(server.queries.map(({ message }) => message.questions?.[0]?.type));
        assert.deepEqual(asked, new Set(types));
      });

      it('goes to IPv6 upstreams, over UDP and TCP', async () => {
        const server = await upstream(
          (query, reply) => {
            const cut = query.transport === 'udp' && query.message.questions?.[0]?.name === 'cut.example';
            reply(encodeAnswer(query, cut ? { flags: packet.TRUNCATED_RESPONSE, addresses: [] } : {}));
          },
          { host: '::1' },
        );
        const forwarder = forwarderTo([server]);
        assert.deepEqual(addressesOf(await ask(forwarder, 'whole.example')), ['192.0.2.1']);
        assert.deepEqual(addressesOf(await ask(forwarder, 'cut.example')), ['192.0.2.1']);
      });

      it('goes to the upstreams of its route', async () => {
        const [first, second] = [await upstream(saying('192.0.2.1')), await upstream(saying('192.0.2.2'))];
        const forwarder = forwarderTo([], { routes: [[first.address], [second.address]] });
        const bytes = await forwarder.forward(encodeQuery('routed.example'), 1, 512);
        assert.deepEqual(addressesOf(packet.decode(Buffer.from(bytes))), ['192.0.2.2']);
        assert.equal(first.queries.length, 0);
      });
    });
  });
}

describe('an answer larger than the client takes', () => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => `192.0.2.${n}`);

  it('is cut to the question with TC, and keeps its OPT', async () => {
    const server = await upstream((query, reply) => reply(encodeAnswer(query, { addresses: many(60) })));
    const answer = await ask(forwarderTo([server]), 'large.example', { udpSize: 600, maxSize: 600 });
    assert.equal(answer.flag_tc, true);
    assert.deepEqual(answer.answers, []);
    assert.equal(answer.questions?.[0]?.name, 'large.example');
    assert.equal(answer.additionals?.[0]?.type, 'OPT');
  });

  it('loses only its additional records where that is enough, without TC', async () => {
    const additionals = many(40).map((data): packet.Answer => ({ type: 'A', name: 'x.example', ttl: 1, data }));
    const server = await upstream((query, reply) => reply(encodeAnswer(query, { additionals })));
    const answer = await ask(forwarderTo([server]), 'additional.example', { maxSize: 512 });
    assert.equal(answer.flag_tc, false);
    assert.deepEqual(addressesOf(answer), ['192.0.2.1']);
    assert.deepEqual(answer.additionals, []);
  });

  it('is sent whole where it fits to the octet', async () => {
    const server = await upstream((query, reply) => reply(encodeAnswer(query, { addresses: many(20) })));
    const forwarder = forwarderTo([server]);
    const size = (await ask(forwarder, 'exact.example')).bytes.length;
    assert.equal((await ask(forwarder, 'exact.example', { maxSize: size })).flag_tc, false);
    assert.equal((await ask(forwarder, 'exact.example', { maxSize: size - 1 })).flag_tc, true);
  });
});

describe('a truncated upstream answer', () => {
  const truncating: Behaviour = (query, reply) => {
    if (query.transport === 'udp') reply(encodeAnswer(query, { flags: packet.TRUNCATED_RESPONSE, addresses: [] }));
    else reply(encodeAnswer(query, { addresses: Array.from({ length: 200 }, (_, n) => `192.0.2.${n}`) }));
  };

  it('is fetched again over TCP from the same upstream', async () => {
    const server = await upstream(truncating);
    const answer = await ask(forwarderTo([server]), 'cut.example');
    assert.equal(answer.flag_tc, false);
    assert.equal(addressesOf(answer).length, 200);
    // Each of them twice where this process stood still.
    assert.deepEqual([...new Set(server.queries.map((query) => query.transport))], ['udp', 'tcp']);
  });

  it('is taken from the next upstream where TCP is refused', async () => {
    const refusing = await upstream(truncating, { tcp: false });
    const other = await upstream(saying('192.0.2.2'));
    assert.deepEqual(addressesOf(await ask(forwarderTo([refusing, other]), 'cut.example')), ['192.0.2.2']);
  });

  it('becomes SERVFAIL where nobody serves TCP', async () => {
    const refusing = await upstream(truncating, { tcp: false });
    assert.equal(rcodeOf(await ask(forwarderTo([refusing]), 'cut.example')), 2);
  });

  it('is not taken from a TCP answer to another question', async () => {
    const server = await upstream((query, reply) => {
      if (query.transport === 'udp') truncating(query, reply);
      else reply(encodeAnswer(query, { question: 'evil.example' }));
    });
    assert.equal(rcodeOf(await ask(forwarderTo([server]), 'cut.example')), 2);
  });
});

describe('messages that are not forwarded', () => {
  const server = () => upstream(honest);
  const header = (flags: number) => Buffer.from([0, 9, flags >> 8, flags & 255, 0, 0, 0, 0, 0, 0, 0, 0]);

  it('are other opcodes and signed ones: NOTIMP', async () => {
    const forwarder = forwarderTo([await server()]);
    const notify = await ask(forwarder, 'a.example', { flags: 4 << 11 });
    assert.equal(rcodeOf(notify), 4);
    assert.equal(((notify.bytes[2] ?? 0) >> 3) & 15, 4);
    const signed = Buffer.concat([encodeQuery('a.example'), Buffer.from([0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0])]);
    signed[11] = 1;
    assert.equal(((await forwarder.forward(signed, 0, 512))[3] ?? 0) & 15, 4);
  });

  it('are transfers: REFUSED', async () => {
    assert.equal(rcodeOf(await ask(forwarderTo([await server()]), 'a.example', { type: 'AXFR' })), 5);
  });

  it('are malformed ones: FORMERR, or nothing where there is no header', async () => {
    const forwarder = forwarderTo([await server()]);
    const reply = await forwarder.forward(header(0), 0, 512);
    assert.deepEqual([...reply], [0, 9, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal((await forwarder.forward(new Uint8Array(11), 0, 512)).length, 0);
  });
});

/** How far numbers, 0 to 15, are from coming equally often. */
function chiSquareOf16(sample: readonly number[]): number {
  const expected = sample.length / 16;
  return Array.from({ length: 16 }, (_, value) => sample.filter((each) => each === value).length).reduce(
    (sum, count) => sum + (count - expected) ** 2 / expected,
    0,
  );
}
