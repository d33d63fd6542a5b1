// Response rate limiting: who gets how many answers of a kind in a second, and what the others get.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { limitRate, startCookies } from '../../src/engine/core-options.ts';
import { Engine } from '../../src/engine/engine.ts';
import { workerViews } from '../../src/engine/memory.ts';
import { totalsOf } from '../../src/engine/query-counts.ts';
import { limitedPrefixes } from '../../src/engine/rate-table.ts';
import type { Answerer, Client } from '../../src/sockets/answerer.ts';
import { decodeReply, type QueryType, query, recordSet, tableInput } from '../support/zone.ts';

const AA = 0x0400;
const TC = 0x0200;
const START_MS = 1_700_000_000_000;

interface Limited {
  readonly answerer: Answerer;
  readonly engine: Engine;
}

async function serve(perSecond: number, slip: number): Promise<Limited> {
  const engine = await Engine.create();
  engine.publish(tableInput(recordSet(['a.mesos. A 10.0.0.1', 'b.mesos. A 10.0.0.2'])));
  limitRate(engine.memory, perSecond, slip);
  return {
    engine,
    answerer: createCoreAnswerer({ module: engine.module, memory: engine.memory, worker: 0, seed: 1n }),
  };
}

function from(address: string, transport: Client['transport'] = 'udp'): Client {
  return { transport, address };
}

/** What becomes of a query: `answer`, `nothing`, `cut` (an empty answer with TC), `forward`, or another rcode. */
function fate({ answerer }: Limited, name: string, client: Client, type: QueryType = 'A'): string {
  const verdict = answerer.answer(query(name, type), client);
  if (verdict.kind === 'dropped') return 'nothing';
  if (verdict.kind === 'forward') return 'forward';
  const reply = decodeReply(verdict);
  if (reply.flagsWord & TC) {
    assert.deepEqual([reply.flagsWord & AA, reply.answers.length, reply.authorities.length], [0, 0, 0]);
    assert.equal(reply.questions?.[0]?.name, name);
    return 'cut';
  }
  return reply.rcodeNumber === 0 ? 'answer' : `rcode ${reply.rcodeNumber}`;
}

function fates(limited: Limited, count: number, name: string, address: string): readonly string[] {
  return Array.from({ length: count }, () => fate(limited, name, from(address)));
}

describe('response rate limiting', () => {
  beforeEach(() => mock.timers.enable({ apis: ['Date'], now: START_MS }));
  afterEach(() => mock.timers.reset());

  it('gives a /24 its answers of a second, then every second one empty with TC and the others not at all', async () => {
    const limited = await serve(3, 2);
    assert.deepEqual(fates(limited, 8, 'a.mesos', '192.0.2.1'), [
      ...['answer', 'answer', 'answer'],
      ...['nothing', 'cut', 'nothing', 'cut', 'nothing'],
    ]);
    // Another address of the prefix is the same client; another prefix is not.
    assert.equal(fate(limited, 'a.mesos', from('192.0.2.254')), 'cut');
    assert.equal(fate(limited, 'a.mesos', from('192.0.3.1')), 'answer');
    mock.timers.tick(1000);
    assert.deepEqual(fates(limited, 4, 'a.mesos', '192.0.2.1'), ['answer', 'answer', 'answer', 'nothing']);
  });

  it('takes a /56 for one client of IPv6', async () => {
    const limited = await serve(1, 0);
    assert.equal(fate(limited, 'a.mesos', from('2001:db8:0:1200::1')), 'answer');
    assert.equal(fate(limited, 'a.mesos', from('2001:db8:0:12ff::1')), 'nothing');
    assert.equal(fate(limited, 'a.mesos', from('2001:db8:0:1300::1')), 'answer');
  });

  it('counts each kind of answer by itself, and answers about different names by themselves', async () => {
    const limited = await serve(1, 0);
    const client = from('192.0.2.1');
    assert.equal(fate(limited, 'a.mesos', client), 'answer');
    assert.equal(fate(limited, 'A.MESOS', client), 'nothing');
    assert.equal(fate(limited, 'b.mesos', client), 'answer');
    assert.equal(fate(limited, 'no.mesos', client), 'rcode 3');
    assert.equal(fate(limited, 'no-other.mesos', client), 'nothing');
    assert.equal(fate(limited, 'mesos', client, 'AXFR'), 'rcode 5');
    assert.equal(fate(limited, 'a.mesos', client, 'AXFR'), 'nothing');
    assert.equal(fate(limited, 'www.example.com', client), 'forward');
    assert.equal(fate(limited, 'www.example.com', client), 'nothing');
    assert.equal(fate(limited, 'www.example.net', client), 'forward');
  });

  it('never replaces an error by an empty answer, but leaves it out', async () => {
    const limited = await serve(1, 1);
    const client = from('192.0.2.1');
    const garbage = Buffer.concat([query('a.mesos', 'A').subarray(0, 12), Buffer.from([0xff, 0xff])]);
    assert.equal(decodeReply(limited.answerer.answer(garbage.subarray(0, 13), client)).rcodeNumber, 1);
    assert.equal(limited.answerer.answer(garbage.subarray(0, 13), client).kind, 'dropped');
    assert.deepEqual(fates(limited, 3, 'a.mesos', '192.0.2.1'), ['answer', 'cut', 'cut']);
  });

  it('leaves TCP alone', async () => {
    const limited = await serve(1, 0);
    for (let i = 0; i < 5; i++) assert.equal(fate(limited, 'a.mesos', from('192.0.2.1', 'tcp')), 'answer');
  });

  it('leaves clients with a cookie of ours alone, and sends others one (BADCOOKIE) instead of TC', async () => {
    const limited = await serve(1, 1);
    startCookies(limited.engine.memory, { secrets: [Buffer.alloc(16, 7)] });
    const ask = (cookie: Buffer) => {
      const option = Buffer.concat([Buffer.from([0, 10, 0, cookie.length]), cookie]);
      const bare = Buffer.from(query('a.mesos', 'A', { edns: 1232 }));
      bare.writeUInt16BE(option.length, bare.length - 2);
      const reply = decodeReply(limited.answerer.answer(Buffer.concat([bare, option]), from('192.0.2.1')));
      const [opt] = reply.additionals.filter(({ type }) => type === 'OPT');
      assert.ok(opt?.type === 'OPT');
      return {
        rcode: (opt.extendedRcode << 4) | reply.rcodeNumber,
        truncated: (reply.flagsWord & TC) !== 0,
        answers: reply.answers.length,
        cookie: reply.bytes.subarray(-24),
      };
    };
    const client = Buffer.from('0102030405060708', 'hex');
    assert.equal(ask(client).answers, 1);
    const refused = ask(client);
    assert.deepEqual([refused.rcode, refused.truncated, refused.answers], [23, false, 0]);
    for (let i = 0; i < 5; i++) assert.equal(ask(refused.cookie).answers, 1);
    assert.equal(ask(Buffer.concat([client, Buffer.alloc(16)])).rcode, 23);
  });

  it('counts what it held back, and knows from whom', async () => {
    const limited = await serve(1, 2);
    fates(limited, 6, 'a.mesos', '192.0.2.1');
    fates(limited, 3, 'no.mesos', '2001:db8:0:12ff::1');
    const totals = totalsOf([workerViews(limited.engine.memory, 0, 0).counts]);
    assert.deepEqual([totals.rateDropped, totals.rateSlipped], [4, 3]);
    assert.equal(totals.truncated, 3);
    // An answer that was held back is none.
    assert.deepEqual(totals.responses, [
      { rcode: 0, count: 4 },
      { rcode: 3, count: 1 },
    ]);
    assert.deepEqual(limitedPrefixes(limited.engine.memory, 5), [
      { prefix: '192.0.2.0/24', kind: 'answers about one name', held: 5 },
      { prefix: '2001:db8:0:1200::/56', kind: 'answers about names that do not exist', held: 2 },
    ]);
  });

  it('keeps its table bounded: a flood from many prefixes leaves the count of a steady one nearly alone', async () => {
    const limited = await serve(10, 0);
    for (let i = 0; i < 30_000; i++) fate(limited, 'a.mesos', from(`10.${i >> 8}.${i & 255}.1`));
    assert.deepEqual(fates(limited, 12, 'b.mesos', '192.0.2.1').slice(9), ['answer', 'nothing', 'nothing']);
  });

  it('is off with 0', async () => {
    const limited = await serve(0, 2);
    assert.ok(fates(limited, 50, 'a.mesos', '192.0.2.1').every((what) => what === 'answer'));
  });
});
