// Which queries are chosen, and how many of them are told of.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import packet from 'dns-packet';
import { Allowance } from '../../src/observability/allowance.ts';
import { QuerySampler, type SampledQuery } from '../../src/sockets/query-sampler.ts';

describe('QuerySampler', () => {
  it('chooses each one of one, and about one of so many', () => {
    const sampler = new QuerySampler(() => {});
    for (let i = 0; i < 10; i += 1) assert.ok(sampler.chooses(1));
    for (const every of [2, 10, 100]) {
      let chosen = 0;
      for (let i = 0; i < 200_000; i += 1) if (sampler.chooses(every)) chosen += 1;
      // The spread of the sum is some 0.6 × √chosen: this is beyond ten times that.
      assert.ok(Math.abs(chosen - 200_000 / every) < 7 * Math.sqrt(chosen), `${chosen} with ${every}`);
    }
  });

  it('chooses from both halves of a pattern', () => {
    const sampler = new QuerySampler(() => {});
    const chosen = [0, 0];
    for (let i = 0; i < 10_000; i += 1) if (sampler.chooses(2)) chosen[i % 2] = (chosen[i % 2] ?? 0) + 1;
    for (const count of chosen) assert.ok(count > 2000, String(chosen));
  });

  it('goes over to another number at once', () => {
    const sampler = new QuerySampler(
      () => {},
      () => 0.999,
    );
    assert.ok(!sampler.chooses(1_000_000));
    assert.ok(sampler.chooses(1));
  });

  it('tells twelve-bit response codes, and nothing of a question that is not there', () => {
    const told: SampledQuery[] = [];
    const sampler = new QuerySampler((query) => told.push(query));
    const take = (message: Uint8Array, isForwarded = false) =>
      sampler.take({ transport: 'udp', address: '10.0.0.5', message, isForwarded, micros: 7 });
    const question = { name: 'nginx.mesos', type: 'SRV' } as const;
    const opt: packet.Answer = {
      type: 'OPT',
      name: '.',
      udpPayloadSize: 1232,
      extendedRcode: 1,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    };
    const badVersion = packet.encode({ type: 'response', questions: [question], additionals: [opt] });
    take(badVersion);
    take(packet.encode({ type: 'query', questions: [question] }), true);
    take(Buffer.from([0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
    const common = { transport: 'udp', address: '10.0.0.5', micros: 7, omitted: 0 } as const;
    const asked = { name: 'nginx.mesos.', type: 33 };
    assert.deepEqual(told, [
      { ...common, question: asked, answer: { rcode: 16, bytes: badVersion.length } },
      { ...common, question: asked, answer: null },
      { ...common, question: null, answer: { rcode: 1, bytes: 12 } },
    ]);
  });
});

describe('Allowance', () => {
  it('lets twenty a second through, and counts the others', () => {
    let now = 0;
    const allowance = new Allowance(() => now);
    const first = Array.from({ length: 1000 }, () => allowance.takes());
    assert.deepEqual(first.slice(0, 20), Array(20).fill(0));
    assert.deepEqual(new Set(first.slice(20)), new Set([null]));
    now = 1000;
    assert.deepEqual([allowance.takes(), allowance.takes()], [980, 0]);
  });
});
