// Upstreams that send our questions back to us.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type packet from 'dns-packet';
import pino from 'pino';
import type { UpstreamForwarder } from '../../src/forwarder/forwarder.ts';
import { bestOf } from '../support/best-of.ts';
import { addressesOf, encodeAnswer } from '../support/fake-upstream.ts';
import { ask, closeAll, forwarderTo, rcodeOf, saying, upstream } from '../support/forwarding.ts';
import { until } from '../support/until.ts';

afterEach(closeAll);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function untilLooping(forwarder: UpstreamForwarder, address: string): Promise<void> {
  const isKnown = () => forwarder.figures.upstreams.some(({ name, isLooping }) => name === address && isLooping);
  await until(isKnown, `loop over ${address}`);
}

/** An upstream that has our forwarder answer. */
async function returning() {
  const target: { forwarder: UpstreamForwarder | null } = { forwarder: null };
  const server = await upstream((query, reply) => {
    void target.forwarder?.forward(query.bytes, 0, 65_535).then(reply);
  });
  server.seesLoopProbes = true;
  return { server, target };
}

describe('an upstream that sends questions back', () => {
  it('is found at start, told of in the log, and not asked any more', async () => {
    const { server, target } = await returning();
    const other = await upstream(saying('192.0.2.2'));
    const lines: string[] = [];
    const logger = pino({ base: null }, { write: (line: string) => lines.push(line) });
    const forwarder = forwarderTo([server, other], { watchesLoops: true, logger });
    target.forwarder = forwarder;
    await untilLooping(forwarder, server.address);
    assert.equal(forwarder.figures.upstreams[1]?.isLooping, false);
    assert.equal(forwarder.counters.looped, 1);
    assert.match(lines.join(''), new RegExp(`"level":50.*${server.address}.*a loop`));
    const asked = server.queries.length;
    assert.deepEqual(addressesOf(await ask(forwarder, 'www.example')), ['192.0.2.2']);
    assert.equal(server.queries.length, asked);
  });

  it('that is the only one leads to SERVFAIL at once', async (test) => {
    const { server, target } = await returning();
    const forwarder = forwarderTo([server], { watchesLoops: true });
    target.forwarder = forwarder;
    await untilLooping(forwarder, server.address);
    await bestOf(test, { ms: 100 }, async () => {
      const startedMs = performance.now();
      assert.equal(rcodeOf(await ask(forwarder, 'www.example')), 2);
      return { ms: performance.now() - startedMs };
    });
  });

  it('is found where the first question is lost', async () => {
    const { server, target } = await returning();
    const forward = server.behaviour;
    server.behaviour = (query, reply) => {
      if (server.queries.length > 1) forward(query, reply);
    };
    const forwarder = forwarderTo([server], { watchesLoops: true });
    target.forwarder = forwarder;
    await untilLooping(forwarder, server.address);
    assert.ok(server.queries.length >= 2);
  });

  it('is found when the resolvers change, and asked for names of its zone', async () => {
    const honest = await upstream(saying('192.0.2.1'));
    const { server, target } = await returning();
    const forwarder = forwarderTo([honest], {
      watchesLoops: true,
      routes: [[honest.address], [honest.address]],
      zones: ['', '10.in-addr.arpa'],
    });
    target.forwarder = forwarder;
    forwarder.setRoute(1, [server.address]);
    await untilLooping(forwarder, server.address);
    assert.match(server.queries[0]?.message.questions?.[0]?.name ?? '', /^[0-9a-f]{20}\.10\.in-addr\.arpa$/);
  });
});

describe('an upstream that is honest', () => {
  it('is asked once for a name that nobody else asks for', async (test) => {
    // Again where this process stands still, so that the answer is late.
    await bestOf(test, { questions: 2 }, async () => {
      const server = await upstream((query, reply) => reply(encodeAnswer(query, { rcode: 3, addresses: [] })));
      server.seesLoopProbes = true;
      const forwarder = forwarderTo([server], { watchesLoops: true });
      await until(() => server.queries.length > 0, 'question');
      await pause(1500);
      assert.equal(forwarder.figures.upstreams[0]?.isLooping, false);
      const questions = server.queries.length;
      // Whoever asks for another such name is a client like any other.
      const name = `${'ab'.repeat(10)}.loop`;
      const answer = await ask(forwarder, name, { type: 'HINFO' as packet.RecordType });
      assert.equal(rcodeOf(answer), 3);
      return { questions };
    });
  });

  it('but silent is asked three times', async () => {
    const server = await upstream(() => {});
    server.seesLoopProbes = true;
    forwarderTo([server], { watchesLoops: true });
    await until(() => server.queries.length === 3, 'three questions');
    await pause(1500);
    assert.equal(new Set(server.queries.map(({ message }) => message.questions?.[0]?.name)).size, 1);
    assert.equal(server.queries.length, 3);
  });
});
