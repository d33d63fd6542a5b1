import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { Failures } from '../../src/forwarder/failures.ts';
import { type ClientQuery, readClientQuery } from '../../src/forwarder/query.ts';
import { addressesOf, type Behaviour, encodeAnswer, encodeQuery } from '../support/fake-upstream.ts';
import { ask, closeAll, edeOf, forwarderTo, honest, rcodeOf, upstream } from '../support/forwarding.ts';

afterEach(closeAll);

const SERVFAIL = 2;
const CACHED_ERROR = 13;
const DEAD_NAME = 'dead.example';

function questionFor(name: string): ClientQuery {
  const outcome = readClientQuery(encodeQuery(name));
  if (outcome.kind === 'refused') throw new TypeError(`expected a query for ${name}`);
  return outcome.query;
}

/** Fails for one name, and answers for all others. */
const failingForOne: Behaviour = (query, reply) => {
  const isDead = query.message.questions?.[0]?.name === DEAD_NAME;
  reply(encodeAnswer(query, isDead ? { rcode: SERVFAIL, addresses: [] } : {}));
};

describe('a question that failed', () => {
  it('is remembered for a second, then for twice as long each time, up to 5 seconds', () => {
    let now = 0;
    const failures = new Failures(() => now);
    for (const lengthMs of [1000, 2000, 4000, 5000, 5000]) {
      failures.add(questionFor('a'), 0);
      now += lengthMs - 1;
      assert.equal(failures.has(questionFor('a'), 0), true, `${lengthMs} ms`);
      now += 1;
      assert.equal(failures.has(questionFor('a'), 0), false, `${lengthMs} ms`);
    }
    now += 5000;
    failures.add(questionFor('a'), 0);
    now += 1000;
    assert.equal(failures.has(questionFor('a'), 0), false, 'begins anew');
  });

  it('is one of 4,096: the oldest goes first', () => {
    const failures = new Failures(() => 0);
    for (let i = 0; i <= 4096; i += 1) failures.add(questionFor(`${i}`), 0);
    const known = ['0', '1', '4096'].map((name) => failures.has(questionFor(name), 0));
    assert.deepEqual(known, [false, true, true]);
  });

  it('is answered without asking for a while, others are asked', async () => {
    let nowMs = 1000;
    const server = await upstream(failingForOne);
    const forwarder = forwarderTo([server], { now: () => nowMs });
    assert.equal(rcodeOf(await ask(forwarder, DEAD_NAME)), SERVFAIL);
    const asked = server.queries.length;
    for (const name of [DEAD_NAME, DEAD_NAME.toUpperCase()]) {
      const again = await ask(forwarder, name, { udpSize: 1232 });
      assert.deepEqual([rcodeOf(again), edeOf(again)], [SERVFAIL, CACHED_ERROR]);
    }
    assert.equal(server.queries.length, asked);
    assert.deepEqual(addressesOf(await ask(forwarder, 'alive.example')), ['192.0.2.1']);
    nowMs += 1001;
    await ask(forwarder, DEAD_NAME);
    assert.equal(server.queries.length, asked + 2);
  });

  it('is asked again at once where the servers have changed', async () => {
    const [dead, alive] = [await upstream(failingForOne), await upstream(honest)];
    const forwarder = forwarderTo([dead]);
    assert.equal(rcodeOf(await ask(forwarder, DEAD_NAME)), SERVFAIL);
    forwarder.setRoute(0, [alive.address]);
    assert.deepEqual(addressesOf(await ask(forwarder, DEAD_NAME)), ['192.0.2.1']);
  });
});
