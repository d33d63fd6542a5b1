import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { clientGroup, clientGroupOf, NO_GROUP } from '../../src/forwarder/client-group.ts';
import { Places } from '../../src/forwarder/places.ts';
import { encodeQuery } from '../support/fake-upstream.ts';
import { closeAll, forwarderTo, silent, upstream } from '../support/forwarding.ts';

afterEach(closeAll);

describe('Places', () => {
  function filled(...groups: readonly number[]): Places<string> {
    const places = new Places<string>(groups.length);
    for (const [i, group] of groups.entries()) places.take(group, `${group}/${i}`);
    return places;
  }

  it('are free until all are taken', () => {
    const places = new Places<string>(1);
    assert.equal(places.find(1), 'free');
    places.take(1, 'a');
    assert.equal(places.find(1), 'full');
    places.giveBack(1, 'a');
    assert.equal(places.find(1), 'free');
    assert.equal(places.taken, 0);
  });

  it('go to a newcomer from the one that has most, the oldest first', () => {
    assert.deepEqual(filled(1, 1, 1, 2).find(3), { holder: '1/0' });
    assert.deepEqual(filled(1, 2, 2, 2).find(1), { holder: '2/1' });
  });

  it('are refused to the one that has most', () => {
    assert.equal(filled(1, 1, 1, 2).find(1), 'full');
  });

  it('do not go to and fro between equals', () => {
    assert.equal(filled(1, 1, 2, 2).find(1), 'full');
    assert.equal(filled(1, 2, 3, 4).find(5), 'full');
  });

  it('may be given back twice', () => {
    const places = filled(1, 2);
    places.giveBack(1, '1/0');
    places.giveBack(1, '1/0');
    assert.equal(places.taken, 1);
  });
});

describe('clientGroup', () => {
  it('is that of the /24 or /48', () => {
    assert.equal(clientGroupOf('10.1.2.3'), clientGroupOf('10.1.2.200'));
    assert.notEqual(clientGroupOf('10.1.2.3'), clientGroupOf('10.1.3.3'));
    assert.equal(clientGroupOf('2001:db8:1:2::3'), clientGroupOf('2001:db8:1:ffff::'));
    assert.notEqual(clientGroupOf('2001:db8:1::'), clientGroupOf('2001:db8:2::'));
    assert.notEqual(clientGroupOf('0.0.0.1'), clientGroupOf('::1'));
    assert.equal(clientGroupOf('nonsense'), NO_GROUP);
  });

  it('is the same from octets', () => {
    assert.equal(clientGroup(4, Uint8Array.of(0, 0, 10, 1, 2, 9), 2), clientGroupOf('10.1.2.3'));
  });
});

describe('a client that floods the forwarder', () => {
  it('leaves the others their share of the places', async () => {
    const server = await upstream(silent);
    const forwarder = forwarderTo([server], { timeoutSeconds: 4, maxInFlight: 20 });
    const flood = clientGroupOf('10.0.0.1');
    const answers = Array.from({ length: 200 }, (_, n) =>
      forwarder.forward(encodeQuery(`f${n}.example`), 0, 512, flood),
    );
    assert.equal(forwarder.counters.inFlight, 20);
    let isAnswered = false;
    const others = [2, 3, 4].map(async (network) => {
      await forwarder.forward(encodeQuery(`o${network}.example`), 0, 512, clientGroupOf(`10.0.${network}.1`));
      isAnswered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Still being asked, in places that the flood had to give back.
    assert.equal(isAnswered, false);
    assert.equal(forwarder.counters.inFlight, 20);
    assert.equal(forwarder.counters.overLimit, 183);
    await Promise.all([...answers, ...others]);
    assert.equal(forwarder.counters.inFlight, 0);
    assert.equal(forwarder.counters.waiting, 0);
  });
});
