import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { afterEach, before, describe, it } from 'node:test';
import type packet from 'dns-packet';
import { createForwarder } from '../../src/forwarder/forwarder.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { bestOf } from '../support/best-of.ts';
import { addressesOf, type Behaviour, encodeAnswer } from '../support/fake-upstream.ts';
import {
  ask,
  closeAll,
  edeOf,
  failingWith,
  forwarderTo,
  rcodeOf,
  SOCKETS,
  saying,
  silent,
  udpSockets,
  upstream,
  useSockets,
  withType,
} from '../support/forwarding.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

afterEach(closeAll);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

for (const sockets of SOCKETS) {
  describe(`with sockets of ${sockets}`, () => {
    before(() => useSockets(sockets));

    describe('a misbehaving upstream', () => {
      const bad: readonly { name: string; behaviour: Behaviour }[] = [
        { name: 'says SERVFAIL', behaviour: failingWith(2) },
        { name: 'says REFUSED', behaviour: failingWith(5) },
        { name: 'says NOTIMP', behaviour: failingWith(4) },
        { name: 'says FORMERR', behaviour: failingWith(1) },
        { name: 'is silent', behaviour: silent },
        { name: 'sends garbage', behaviour: (_, reply) => reply(Buffer.from('not dns at all, sorry')) },
        { name: 'sends less than a header', behaviour: (query, reply) => reply(query.bytes.subarray(0, 5)) },
        { name: 'echoes the query', behaviour: (query, reply) => reply(query.bytes) },
        {
          name: 'answers a wrong id',
          behaviour: (query, reply) => reply(encodeAnswer(query, { id: query.id ^ 1, addresses: ['6.6.6.6'] })),
        },
        {
          name: 'answers another question',
          behaviour: (query, reply) => reply(encodeAnswer(query, { question: 'evil.example', addresses: ['6.6.6.6'] })),
        },
        {
          name: 'answers another type',
          behaviour: (query, reply) => reply(withType(encodeAnswer(query, { addresses: ['6.6.6.6'] }), 'AAAA')),
        },
        {
          name: 'promises records that are not there',
          behaviour: (query, reply) => reply(encodeAnswer(query).subarray(0, -3)),
        },
        {
          name: 'answers from another port',
          behaviour: (query) => {
            const stranger = createSocket('udp4');
            stranger.send(encodeAnswer(query, { addresses: ['6.6.6.6'] }), query.sourcePort, '127.0.0.1', () =>
              stranger.close(),
            );
          },
        },
      ];
      for (const { name, behaviour } of bad) {
        it(`that ${name} is followed by the next one`, async () => {
          const first = await upstream(behaviour);
          const second = await upstream(saying('192.0.2.2'));
          const answer = await ask(forwarderTo([first, second], { timeoutSeconds: 3 }), 'www.example');
          assert.deepEqual(addressesOf(answer), ['192.0.2.2']);
          assert.ok(first.queries.length >= 1);
        });

        it(`that ${name} and is the only one leads to SERVFAIL with EDE 22`, async () => {
          const only = await upstream(behaviour);
          const forwarder = forwarderTo([only], { timeoutSeconds: 0.4 });
          const answer = await ask(forwarder, 'www.example', { id: 99, udpSize: 1232, dnssecOk: true });
          assert.equal(rcodeOf(answer), 2);
          assert.equal(answer.id, 99);
          assert.equal(edeOf(answer), 22);
          assert.equal(forwarder.counters.failed, 1);
        });
      }

      for (const tcp of [true, false]) {
        const where = tcp ? 'over TCP too' : 'over UDP alone';
        it(`cannot take the place of the right answer with wrong ones before it, where that one serves ${where}`, async () => {
          const server = await upstream(
            (query, reply) => {
              for (let id = 0; id < 200; id += 1) {
                if (id !== query.id) reply(encodeAnswer(query, { id, addresses: ['6.6.6.6'] }));
              }
              reply(encodeAnswer(query));
            },
            { tcp },
          );
          const forwarder = forwarderTo([server]);
          assert.deepEqual(addressesOf(await ask(forwarder, 'flooded.example')), ['192.0.2.1']);
          assert.ok(forwarder.counters.ignoredReplies > 16);
          const overTcp = server.queries.filter(({ transport }) => transport === 'tcp').length;
          // Once for each time that it was asked over UDP: again where this process stood still.
          if (tcp) assert.ok(overTcp >= 1 && overTcp <= server.queries.length - overTcp, `${overTcp} over TCP`);
          else assert.equal(overTcp, 0);
        });
      }

      it('that refuses by ICMP is left at once, and EDE 23 says that nobody could be reached', async (test) => {
        const closedPort = await freePort();
        const second = await upstream(saying('192.0.2.2'));
        // What is refused while this process stands still counts as late.
        await bestOf(test, { ms: 900, 'refusals not told of': 1 }, async () => {
          const both = forwarderTo([], { routes: [[`127.0.0.1:${closedPort}`, second.address]] });
          const started = performance.now();
          assert.deepEqual(addressesOf(await ask(both, 'refused.example')), ['192.0.2.2']);
          const ms = performance.now() - started;
          const alone = forwarderTo([], { routes: [[`127.0.0.1:${closedPort}`]] });
          const answer = await ask(alone, 'refused.example', { udpSize: 1232 });
          assert.equal(rcodeOf(answer), 2);
          return { ms, 'refusals not told of': edeOf(answer) === 23 ? 0 : 1 };
        });
      });

      it('that loses the first packet gets another one', async () => {
        const server = await upstream((query, reply) => {
          if (server.queries.length > 1) reply(encodeAnswer(query));
        });
        const answer = await ask(forwarderTo([server], { timeoutSeconds: 3 }), 'lost.example');
        assert.deepEqual(addressesOf(answer), ['192.0.2.1']);
      });

      it('is still heard when it answers after the next one was asked', async () => {
        const late = await upstream((query, reply) => setTimeout(() => reply(encodeAnswer(query)), 1500));
        const dead = await upstream(silent);
        const answer = await ask(forwarderTo([late, dead], { timeoutSeconds: 5 }), 'late.example');
        assert.deepEqual(addressesOf(answer), ['192.0.2.1']);
        await until(() => dead.queries.length > 0, 'question to the next one');
      });

      it('that answers when the client has its SERVFAIL already is heard by nobody, not by the next one either', async () => {
        const server = await upstream((query, reply) => {
          const late = query.message.questions?.[0]?.name === 'late.example';
          setTimeout(
            () => reply(encodeAnswer(query, { addresses: [late ? '6.6.6.6' : '192.0.2.1'] })),
            late ? 2200 : 0,
          );
        });
        const forwarder = forwarderTo([server], { timeoutSeconds: 2 });
        assert.equal(rcodeOf(await ask(forwarder, 'late.example')), 2);
        for (let n = 0; n < 50; n += 1) {
          assert.deepEqual(addressesOf(await ask(forwarder, `n${n}.example`)), ['192.0.2.1']);
          await pause(10);
        }
        assert.ok(forwarder.figures.upstreams[0]?.isFailing === false);
      });

      it('that answers one question twice is heard once', async () => {
        const server = await upstream((query, reply) => {
          reply(encodeAnswer(query));
          reply(encodeAnswer(query, { addresses: ['6.6.6.6'] }));
        });
        const forwarder = forwarderTo([server]);
        assert.deepEqual(addressesOf(await ask(forwarder, 'twice.example')), ['192.0.2.1']);
        // Asked again where this process stood still: then there are as many second answers.
        await until(() => forwarder.counters.ignoredReplies >= server.queries.length, 'second answer');
        await pause(20);
        assert.equal(forwarder.counters.ignoredReplies, server.queries.length);
      });

      it('that gives TTLs of years is believed for a week, and one of more than 31 bits not at all', async () => {
        const ttls = [0, 1, 604_799, 604_800, 604_801, 0x7fffffff, 0x80000000, 0xffffffff];
        const authorities = ttls.map(
          (ttl): packet.Answer => ({ type: 'A', name: 'x.example', ttl, data: '192.0.2.9' }),
        );
        const server = await upstream((query, reply) => reply(encodeAnswer(query, { authorities })));
        const answer = await ask(forwarderTo([server]), 'ttl.example', { udpSize: 1232, dnssecOk: true });
        assert.deepEqual(
          answer.authorities?.map((each) => (each.type === 'A' ? each.ttl : null)),
          [0, 1, 604_799, 604_800, 604_800, 604_800, 0, 0],
        );
        const [opt] = answer.additionals ?? [];
        assert.equal(opt?.type === 'OPT' && opt.flag_do, true);
      });

      it('that sends the largest UDP message is relayed over TCP and cut over UDP', async () => {
        const filler = (): packet.Answer => ({ type: 'TXT', name: 'x.example', ttl: 1, data: ['x'.repeat(250)] });
        const server = await upstream((query, reply) =>
          reply(encodeAnswer(query, { authorities: Array.from({ length: 200 }, filler) })),
        );
        const forwarder = forwarderTo([server]);
        assert.ok((await ask(forwarder, 'huge.example')).bytes.length > 50_000);
        assert.equal(server.queries[0]?.transport, 'udp');
        assert.equal((await ask(forwarder, 'huge.example', { maxSize: 512 })).flag_tc, true);
      });
    });

    describe('the limits of a forwarder', () => {
      it('bound the whole forwarded query by its time-out, with OPT only where the client sent one', async (test) => {
        const servers = [await upstream(silent), await upstream(silent), await upstream(silent)];
        await bestOf(test, { ms: 1500, 'servers not asked': 1 }, async () => {
          const started = performance.now();
          const answer = await ask(forwarderTo(servers, { timeoutSeconds: 0.5 }), 'dead.example');
          const elapsed = performance.now() - started;
          assert.equal(rcodeOf(answer), 2);
          assert.deepEqual(answer.additionals, []);
          assert.ok(elapsed > 450, `took ${elapsed} ms`);
          return { ms: elapsed, 'servers not asked': servers.filter(({ queries }) => queries.length === 0).length };
        });
      });

      it('answer SERVFAIL at once where too many questions are in flight', async () => {
        const server = await upstream(silent);
        const forwarder = forwarderTo([server], { timeoutSeconds: 0.3, maxInFlight: 3 });
        let isOver = false;
        const pending = [0, 1, 2].map(async (n) => {
          await ask(forwarder, `n${n}.example`);
          isOver = true;
        });
        assert.equal(rcodeOf(await ask(forwarder, 'more.example')), 2);
        assert.equal(isOver, false);
        assert.equal(forwarder.counters.overLimit, 1);
        await Promise.all(pending);
        assert.equal(forwarder.counters.inFlight, 0);
        assert.equal(forwarder.counters.waiting, 0);
      });

      it('bound the sockets, also where upstreams are asked beside one another', async () => {
        const servers = [await upstream(silent), await upstream(saying('192.0.2.2'))];
        const forwarder = forwarderTo(servers, { timeoutSeconds: 3, maxSockets: 4 });
        const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => ask(forwarder, `n${n}.example`)));
        assert.ok(answers.every((answer) => rcodeOf(answer) === 0));
        const open = udpSockets();
        assert.ok(open <= 2 + 4, `${open} sockets, two of them those of the upstreams`);
      });

      it('answer those who wait when it closes, and everybody after that', async () => {
        const server = await upstream(silent);
        const forwarder = forwarderTo([server]);
        const pending = ask(forwarder, 'waiting.example');
        await forwarder.close();
        assert.equal(rcodeOf(await pending), 2);
        assert.equal(rcodeOf(await ask(forwarder, 'after.example')), 2);
      });

      it('leave no socket or timer behind when all upstreams are dead', async () => {
        const servers = [await upstream(silent), await upstream(silent)];
        const timers = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('Timeout')).length;
        const timersBefore = timers();
        const forwarder = forwarderTo(servers, { timeoutSeconds: 0.3 });
        const pending = Promise.all(Array.from({ length: 20 }, (_, n) => ask(forwarder, `n${n}.example`)));
        await pause(200);
        assert.ok(udpSockets() <= 42, 'two upstreams, and two sockets of each query');
        await pending;
        await forwarder.close();
        await until(() => udpSockets() === 2 && timers() <= timersBefore, 'end of the sockets and timers');
      });

      it('refuse an upstream that is neither ip:port nor tls://ip:port@name', () => {
        for (const name of ['example.com:53', '127.0.0.1:0', '[::1]:70000', 'tls://dns.example', 'tls://127.0.0.1@']) {
          const options = { routes: [[name]], timeoutSeconds: 1, logger: silentLogger() };
          assert.throws(() => createForwarder(options), { code: 'ERR_CONFIG' }, name);
        }
      });
    });

    describe('an upstream that has failed twice', () => {
      it('is asked after the others until it answers again', async (test) => {
        const first = await upstream(silent);
        const second = await upstream(saying('192.0.2.2'));
        const forwarder = forwarderTo([first, second], { timeoutSeconds: 0.5 });
        await ask(forwarder, 'one.example');
        await ask(forwarder, 'two.example');
        await bestOf(test, { ms: 200 }, async (round) => {
          const started = performance.now();
          await ask(forwarder, `three-${round}.example`);
          return { ms: performance.now() - started };
        });
        first.behaviour = saying('192.0.2.1');
        for (let n = 0; ; n += 1) {
          assert.ok(n < 400, 'the first upstream is used again');
          await pause(50);
          const answer = await ask(forwarder, `back-${n}.example`);
          // A probe may win or lose its race; after it, the first one is asked alone.
          if (addressesOf(answer)[0] === '192.0.2.1') break;
        }
      });
    });
  });
}
