// The cache in the whole program, with both UDP drivers and over TCP: what reaches the upstream, and what clients get.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bestOf } from '../support/best-of.ts';
import { NOERROR, NXDOMAIN, SERVFAIL } from '../support/dns-client.ts';
import { DRIVERS } from '../support/dns-service.ts';
import { type Behaviour, encodeAnswer, FakeUpstream } from '../support/fake-upstream.ts';
import { type Program, startProgram } from '../support/program.ts';
import { UdpClient } from '../support/udp-client.ts';
import { soa } from './support.ts';

async function start(
  t: TestContext,
  behaviour: Behaviour,
  config: Readonly<Record<string, unknown>>,
): Promise<{ readonly program: Program; readonly upstream: FakeUpstream }> {
  const upstream = await FakeUpstream.start(behaviour);
  t.after(() => upstream.close());
  const program = await startProgram({ masters: ['127.0.0.1:9'], resolvers: [upstream.address], ...config });
  t.after(() => program.stop());
  return { program, upstream };
}

const missesOf = (program: Program) => program.metric('mesos_dns_cache_misses_total');
const prefetchedBy = (program: Program) => program.metric('mesos_dns_cache_prefetch_total');
const namesIn = ({ queries }: FakeUpstream) =>
  queries.flatMap(({ message }) => message.questions ?? []).map(({ name }) => name);

const honest: Behaviour = (query, reply) => reply(encodeAnswer(query));

/** Where what clients ask is counted, they wait instead of asking again: the machine may stand still. */
const PATIENT = { timeoutMs: 20_000 };

for (const io of DRIVERS) {
  describe(`the cache of the program (${io})`, () => {
    it('spares the upstream what was answered before, in whatever case it is asked', async (t) => {
      const { program, upstream } = await start(t, honest, { io });
      // Where the machine stands still, the upstream is too late and is asked again.
      await bestOf(t, { 'queries upstream': 2 }, async (round) => {
        const before = upstream.queries.length;
        for (const name of [`www${round}.example`, `WWW${round}.example`, `www${round}.EXAMPLE`]) {
          assert.equal((await program.ask(name, 'A', PATIENT)).rcode, NOERROR);
        }
        const metrics = await program.metrics();
        assert.match(metrics, new RegExp(`^mesos_dns_cache_entries ${round}$`, 'm'));
        assert.match(metrics, new RegExp(`^mesos_dns_cache_hits_total\\{type="success"\\} ${2 * round}$`, 'm'));
        assert.match(metrics, new RegExp(`^mesos_dns_cache_misses_total ${round}$`, 'm'));
        assert.match(metrics, new RegExp(`^mesos_dns_cache_requests_total ${3 * round}$`, 'm'));
        return { 'queries upstream': upstream.queries.length - before };
      });
    });

    it('keeps no answer to another question, and counts it', async (t) => {
      const { program, upstream } = await start(
        t,
        (query, reply) => {
          if (query.transport === 'udp')
            reply(encodeAnswer(query, { question: 'evil.example', addresses: ['6.6.6.6'] }));
          reply(encodeAnswer(query));
        },
        { io },
      );
      assert.equal((await program.ask('www.example', 'A')).rcode, NOERROR);
      assert.equal((await program.ask('evil.example', 'A')).rcode, NOERROR);
      // Where the machine stands still, the upstream is asked again, and sends the false answer once more.
      const asked = upstream.queries.map(({ message }) => message.questions?.[0]?.name);
      assert.ok(asked.includes('evil.example'), `upstream was asked for ${asked.join(', ')}`);
      const drops = await program.metric('mesos_dns_cache_drops_total');
      assert.ok(drops >= 1 && drops <= asked.filter((name) => name === 'www.example').length, `${drops} drops`);
    });

    it('asks once for 100 clients that ask the same at a time', async (t) => {
      const slow: Behaviour = (query, reply) => void setTimeout(() => reply(encodeAnswer(query)), 50);
      const { program, upstream } = await start(t, slow, { io });
      // Where the machine stands still, the upstream is too late and is asked again.
      await bestOf(t, { 'queries upstream': 2 }, async (round) => {
        const before = upstream.queries.length;
        const client = await UdpClient.open(program.dnsPort);
        t.after(() => client.close());
        for (let id = 0; id < 100; id += 1) client.ask(`www${round}.example`, id);
        const answers = await client.until(100);
        assert.ok(
          answers.every(({ rcodeNumber, answers: records }) => rcodeNumber === NOERROR && records?.length === 1),
        );
        assert.equal(new Set(answers.map(({ id }) => id)).size, 100);
        return { 'queries upstream': upstream.queries.length - before };
      });
    });

    it('remembers for all names below one that it does not exist', async (t) => {
      const denying: Behaviour = (query, reply) =>
        reply(encodeAnswer(query, { rcode: NXDOMAIN, addresses: [], authorities: [soa('example')] }));
      const { program, upstream } = await start(t, denying, { io });
      for (const name of ['nx.example', 'nx.example', 'a.nx.example']) {
        assert.equal((await program.ask(name, 'AAAA', PATIENT)).rcode, NXDOMAIN, name);
      }
      assert.equal(await missesOf(program), 1);
      // Maybe more than once: see above.
      assert.deepEqual(new Set(namesIn(upstream)), new Set(['nx.example']));
    });

    it('gives out of date answers while the upstream is dead, and fresh ones when it is back', async (t) => {
      let isDead = false;
      const mortal: Behaviour = (query, reply) => {
        if (!isDead) reply(encodeAnswer(query));
      };
      const { program } = await start(t, mortal, { io, cacheMaxTtl: 1, cachePrefetch: false });
      assert.equal((await program.ask('www.example', 'A')).rcode, NOERROR);
      await sleep(1100);
      isDead = true;
      const asked = performance.now();
      const stale = await program.ask('www.example', 'A', PATIENT);
      const waited = performance.now() - asked;
      assert.equal(stale.rcode, NOERROR);
      // Before the forwarder gives up, after 5 s, which would be answered with SERVFAIL.
      assert.ok(waited > 1500, `${waited} ms`);
      await bestOf(t, { 'ms until it is given again': 500 }, async () => {
        const again = performance.now();
        assert.equal((await program.ask('www.example', 'A', PATIENT)).rcode, NOERROR);
        return { 'ms until it is given again': performance.now() - again };
      });
      assert.equal((await program.ask('never.example', 'A', PATIENT)).rcode, SERVFAIL);
      const metrics = await program.metrics();
      assert.match(metrics, /^mesos_dns_cache_served_stale_total [2-9]$/m);
    });

    it('asks again for names in demand before they are over', async (t) => {
      const { program, upstream } = await start(t, honest, { io, cacheMaxTtl: 3 });
      const limits = {
        'misses but the first': 1,
        'of them, and prefetches, that asked nobody': 1,
        'ends that nobody was asked before': 1,
        // Ends fall on whole seconds, so that there may be three.
        'queries upstream': 4,
        'of them, that nobody wanted': 1,
        'ms at most': 1000,
      };
      // A name that nobody asks for while the machine stands still is not in demand: another one is tried then. And an
      // upstream that is too late is asked again.
      await bestOf(t, limits, async (round) => {
        const [misses, prefetched] = await Promise.all([missesOf(program), prefetchedBy(program)]);
        const before = upstream.queries.length;
        let most = 0;
        const until = performance.now() + 3900;
        while (performance.now() < until) {
          const asked = performance.now();
          assert.equal((await program.ask(`www${round}.example`, 'A', PATIENT)).rcode, NOERROR);
          most = Math.max(most, performance.now() - asked);
          await sleep(100);
        }
        const asked = upstream.queries.length - before;
        const missed = (await missesOf(program)) - misses;
        // A miss may wait for what a prefetch has asked.
        const wantedBy = missed + (await prefetchedBy(program)) - prefetched;
        return {
          'misses but the first': missed - 1,
          'of them, and prefetches, that asked nobody': wantedBy - asked,
          'ends that nobody was asked before': Math.max(0, 2 - asked),
          'queries upstream': asked,
          'of them, that nobody wanted': asked - wantedBy,
          'ms at most': most,
        };
      });
    });

    it('is emptied over HTTP, by name or altogether', async (t) => {
      const { program, upstream } = await start(t, honest, { io });
      for (const name of ['a.example', 'b.a.example', 'c.example']) await program.ask(name, 'A', PATIENT);
      const base = new URL('/v1/cache', (await program.get('/v1/version')).url);
      const flush = async (query: string) => (await fetch(`${base}${query}`, { method: 'DELETE' })).json();
      assert.deepEqual(await flush('?name=A.example.'), { flushed: 2 });
      const before = upstream.queries.length;
      for (const name of ['a.example', 'b.a.example', 'c.example']) await program.ask(name, 'A', PATIENT);
      assert.equal(await missesOf(program), 5);
      assert.deepEqual(new Set(namesIn(upstream).slice(before)), new Set(['a.example', 'b.a.example']));
      assert.deepEqual(await flush(''), { flushed: 3 });
      assert.equal((await fetch(`${base}?name=a..b`, { method: 'DELETE' })).status, 400);
      assert.equal((await fetch(base, { method: 'POST' })).status, 405);
    });

    it('is not there where its size is 0', async (t) => {
      const { program, upstream } = await start(t, honest, { io, cacheSizeMegabytes: 0 });
      for (let i = 0; i < 3; i += 1) {
        const before = upstream.queries.length;
        assert.equal((await program.ask('www.example', 'A')).rcode, NOERROR);
        assert.ok(upstream.queries.length > before, `question ${i + 1}`);
      }
    });
  });

  describe(`allowForward (${io})`, () => {
    it('refuses clients of other networks names outside the domain, and says why', async (t) => {
      const { program, upstream } = await start(t, honest, { io, allowForward: ['10.0.0.0/8', '::/0'] });
      const answer = await program.ask('www.example', 'A', PATIENT);
      assert.equal(answer.rcode, 5);
      assert.equal(upstream.queries.length, 0);
      const metrics = await program.metrics();
      assert.match(metrics, /^mesos_dns_dns_prohibited_total 1$/m);
    });

    it('lets the listed networks ask', async (t) => {
      const { program } = await start(t, honest, { io, allowForward: ['127.0.0.0/30'] });
      assert.equal((await program.ask('www.example', 'A')).rcode, NOERROR);
    });
  });
}
