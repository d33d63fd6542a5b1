// Which upstream is asked first, and how one that fails is left and found again.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { ForwardPolicy } from '../../src/forwarder/policy.ts';
import { bestOf } from '../support/best-of.ts';
import { addressesOf, encodeAnswer, type FakeUpstream } from '../support/fake-upstream.ts';
import { ask, closeAll, forwarderTo, rcodeOf, saying, silent, upstream } from '../support/forwarding.ts';
import { until } from '../support/until.ts';

afterEach(closeAll);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Three upstreams that need so many milliseconds; how many of `count` questions each one got. */
async function shares(policy: ForwardPolicy, delaysMs: readonly number[], count: number): Promise<readonly number[]> {
  const servers: FakeUpstream[] = [];
  for (const delayMs of delaysMs) {
    servers.push(await upstream((query, reply) => void setTimeout(() => reply(encodeAnswer(query)), delayMs)));
  }
  const forwarder = forwarderTo(servers, { policy });
  for (let n = 0; n < count; n += 1) await ask(forwarder, `n${n}.example`);
  return servers.map(({ queries }) => queries.length);
}

describe('the policy', () => {
  // Where this process stands still, so do all of its upstreams: the quickest one is slow then, and others are asked too.
  it('sequential asks the first one for everything', async (test) => {
    await bestOf(test, { 'asked of others': 1 }, async () => {
      const [first = 0, second = 0, third = 0] = await shares('sequential', [5, 0, 0], 30);
      assert.ok(first >= 30, `${first}, ${second}, ${third}`);
      return { 'asked of others': second + third };
    });
  });

  it('fastest asks each once, and then mostly the one that answers quickest', async (test) => {
    await bestOf(test, { 'asked of the slower ones': 16 }, async () => {
      const [first = 0, second = 0, third = 0] = await shares('fastest', [200, 2, 200], 60);
      assert.ok(first >= 1 && second >= 1 && third >= 1, `${first}, ${second}, ${third}`);
      return { 'asked of the slower ones': first + third };
    });
  });

  it('random asks each as often as the others', async () => {
    // 150 questions: 50 ± 5.8 (one standard deviation) for each.
    for (const share of await shares('random', [0, 0, 0], 150)) assert.ok(share > 15 && share < 85, `${share} of 150`);
  });

  for (const policy of ['sequential', 'fastest', 'random'] as const) {
    it(`${policy} asks one that does not answer last`, async (test) => {
      const servers = [await upstream(silent), await upstream(saying('192.0.2.2')), await upstream(silent)];
      const forwarder = forwarderTo(servers, { policy });
      for (let n = 0; n < 20; n += 1) await ask(forwarder, `first-${n}.example`);
      await bestOf(test, { ms: 300 }, async (round) => {
        const startedMs = performance.now();
        for (let n = 0; n < 20; n += 1) {
          assert.deepEqual(addressesOf(await ask(forwarder, `then-${round}-${n}.example`)), ['192.0.2.2']);
        }
        return { ms: performance.now() - startedMs };
      });
    });
  }
});

describe('an upstream', () => {
  it('that was dead is known to be back within 2 s, though nobody asks meanwhile', async (test) => {
    await bestOf(test, { ms: 2000 }, async () => {
      const first = await upstream(silent);
      const second = await upstream(saying('192.0.2.2'));
      const forwarder = forwarderTo([first, second]);
      await ask(forwarder, 'one.example');
      await ask(forwarder, 'two.example');
      assert.equal(forwarder.figures.upstreams[0]?.isFailing, true);
      first.behaviour = saying('192.0.2.1');
      const backMs = performance.now();
      await until(() => forwarder.figures.upstreams[0]?.isFailing === false, 'return of the upstream');
      const tookMs = performance.now() - backMs;
      assert.deepEqual(addressesOf(await ask(forwarder, 'three.example')), ['192.0.2.1']);
      return { ms: tookMs };
    });
  });

  it('that is the only one is asked though it fails, and answers as soon as it is back', async (test) => {
    await bestOf(test, { ms: 2000 }, async () => {
      const only = await upstream(silent);
      const forwarder = forwarderTo([only], { timeoutSeconds: 4 });
      const waiting = ask(forwarder, 'waiting.example');
      await until(() => forwarder.figures.upstreams[0]?.isFailing === true, 'failure of the upstream');
      only.behaviour = saying('192.0.2.1');
      const backMs = performance.now();
      // None where the machine stood still until the question's deadline.
      const [address = null] = addressesOf(await waiting);
      return { ms: address === '192.0.2.1' ? performance.now() - backMs : Number.NaN };
    });
  });

  it('that does not answer is not asked over the sockets from before: this machine may have another address by now', async () => {
    const server = await upstream(saying('192.0.2.1'));
    const forwarder = forwarderTo([server], { timeoutSeconds: 1, maxSockets: 4 });
    for (let n = 0; n < 20; n += 1) await ask(forwarder, `before-${n}.example`);
    const before = new Set(server.queries.map(({ sourcePort }) => sourcePort));
    server.behaviour = silent;
    await Promise.all([ask(forwarder, 'one.example'), ask(forwarder, 'two.example')]);
    assert.equal(forwarder.figures.upstreams[0]?.isFailing, true);
    // All that was sent before is there.
    await until(() => server.queries.length >= (forwarder.figures.upstreams[0]?.requests ?? 0), 'the last question');
    const asked = server.queries.length;
    await Promise.all(Array.from({ length: 9 }, (_, n) => ask(forwarder, `after-${n}.example`)));
    await until(() => server.queries.length > asked + 9, 'questions');
    const after = server.queries.slice(asked).map(({ sourcePort }) => sourcePort);
    assert.deepEqual(
      after.filter((port) => before.has(port)),
      [],
    );
  });

  it('that is slow with one question is not taken for dead while it answers others', async (test) => {
    const server = await upstream((query, reply) => {
      if (query.message.questions?.[0]?.name !== 'slow.example') reply(encodeAnswer(query));
    });
    // Where this process stands still, all of its upstreams are silent.
    await bestOf(test, { 'probes that failed': 1 }, async () => {
      const forwarder = forwarderTo([server], { timeoutSeconds: 1.5 });
      const slow = ask(forwarder, 'slow.example');
      for (let n = 0; n < 40; n += 1) {
        await ask(forwarder, `n${n}.example`);
        await pause(20);
      }
      assert.equal(rcodeOf(await slow), 2);
      return { 'probes that failed': forwarder.figures.upstreams[0]?.failedProbes ?? Number.NaN };
    });
  });

  it('that answers late is passed over in the time that its answers take, not in a share of the deadline', async (test) => {
    await bestOf(test, { ms: 400 }, async () => {
      const quick = await upstream(saying('192.0.2.1'));
      const other = await upstream(saying('192.0.2.2'));
      const forwarder = forwarderTo([quick, other], { timeoutSeconds: 4 });
      for (let n = 0; n < 20; n += 1) await ask(forwarder, `n${n}.example`);
      quick.behaviour = silent;
      const startedMs = performance.now();
      assert.deepEqual(addressesOf(await ask(forwarder, 'gone.example')), ['192.0.2.2']);
      return { ms: performance.now() - startedMs };
    });
  });
});

describe('when all upstreams are dead', () => {
  it('every question is answered at its deadline, and the first one after their return at once', async (test) => {
    await bestOf(test, { ms: 100 }, async () => {
      const servers = [await upstream(silent), await upstream(silent)];
      const forwarder = forwarderTo(servers, { timeoutSeconds: 1 });
      const dead = await Promise.all(Array.from({ length: 50 }, (_, n) => ask(forwarder, `dead-${n}.example`)));
      assert.ok(dead.every((answer) => rcodeOf(answer) === 2));
      // Where this process stood still meanwhile, the second one may have been asked by nobody.
      for (let n = 0; forwarder.counters.allFailing === 0; n += 1) {
        assert.ok(n < 10, 'all are known to fail');
        await ask(forwarder, `broken-${n}.example`);
      }
      for (const server of servers) server.behaviour = saying('192.0.2.1');
      await pause(1500);
      const startedMs = performance.now();
      // None where the machine stood still until the question's deadline.
      const [address = null] = addressesOf(await ask(forwarder, 'back.example'));
      return { ms: address === '192.0.2.1' ? performance.now() - startedMs : Number.NaN };
    });
  });
});

describe('setRoute', () => {
  it('sends questions to other upstreams from then on, while those being asked go on', async () => {
    const before = await upstream((query, reply) => void setTimeout(() => reply(encodeAnswer(query)), 100));
    const after = await upstream(saying('192.0.2.2'));
    const forwarder = forwarderTo([before, before]);
    const underway = ask(forwarder, 'before.example');
    await pause(20);
    forwarder.setRoute(0, [before.address, after.address]);
    assert.deepEqual(addressesOf(await underway), ['192.0.2.1']);
    forwarder.setRoute(0, [after.address]);
    assert.deepEqual(addressesOf(await ask(forwarder, 'after.example')), ['192.0.2.2']);
    assert.deepEqual(
      forwarder.figures.upstreams.map(({ name }) => name),
      [after.address],
    );
  });
});
