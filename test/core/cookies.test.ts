// DNS cookies (RFC 7873), held against the test vectors of RFC 9018 and against SipHash written a second time here.

import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { Answer, Packet } from 'dns-packet';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { startCookies } from '../../src/engine/core-options.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { Answerer, Client } from '../../src/sockets/answerer.ts';
import { decodeReply, query, type Reply, recordSet, tableInput } from '../support/zone.ts';

const COOKIE = 10;
const SECRET = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
const OTHER_SECRET = '445536bcd2513298075a5d379663c962';
const CLIENT_COOKIE = '2464c4abcf10c957';
const MADE_AT = 1559731985;

async function serve(...secrets: string[]): Promise<{ readonly answerer: Answerer; readonly engine: Engine }> {
  const engine = await Engine.create();
  engine.publish(tableInput(recordSet(['a.mesos. A 10.0.0.1'])));
  startCookies(engine.memory, { secrets: secrets.map((secret) => Buffer.from(secret, 'hex')) });
  return {
    answerer: createCoreAnswerer({ module: engine.module, memory: engine.memory, worker: 0, seed: 1n }),
    engine,
  };
}

function cookieQuery(cookie: string, packet: Packet = {}): Uint8Array {
  const additionals = [
    {
      type: 'OPT',
      name: '.',
      udpPayloadSize: 1232,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [{ code: COOKIE, data: Buffer.from(cookie, 'hex') }],
    },
  ] as unknown as Answer[];
  return query('a.mesos', 'A', { packet: { additionals, ...packet } });
}

function optOf(reply: Reply) {
  const [opt] = reply.additionals;
  assert.ok(opt?.type === 'OPT', 'expected an OPT record');
  return opt;
}

/** The COOKIE option in hex, '' where there is none. */
function cookieOf(reply: Reply): string {
  const option = optOf(reply).options.find(
    ({ code }) => (code as unknown as number) === COOKIE || String(code) === 'COOKIE',
  );
  return option === undefined ? '' : Buffer.from((option as unknown as { data: Buffer }).data).toString('hex');
}

/** The twelve bits. */
function rcodeOf(reply: Reply): number {
  return (optOf(reply).extendedRcode << 4) | reply.rcodeNumber;
}

function from(address: string): Client {
  return { transport: 'udp', address };
}

/** Runs at a second since 1970. */
function at<T>(seconds: number, run: () => T): T {
  mock.timers.enable({ apis: ['Date'], now: seconds * 1000 });
  try {
    return run();
  } finally {
    mock.timers.reset();
  }
}

function askWith(answerer: Answerer, cookie: string, client: Client, seconds = MADE_AT): Reply {
  return at(seconds, () => decodeReply(answerer.answer(cookieQuery(cookie), client)));
}

/** SipHash-2-4 (Aumasson and Bernstein), from the paper. */
function sipHash(key: Buffer, data: Buffer): bigint {
  const mask = (1n << 64n) - 1n;
  const rotate = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & mask;
  const k0 = key.readBigUInt64LE(0);
  const k1 = key.readBigUInt64LE(8);
  let a = k0 ^ 0x736f6d6570736575n;
  let b = k1 ^ 0x646f72616e646f6dn;
  let c = k0 ^ 0x6c7967656e657261n;
  let d = k1 ^ 0x7465646279746573n;
  const round = () => {
    a = (a + b) & mask;
    b = rotate(b, 13n) ^ a;
    a = rotate(a, 32n);
    c = (c + d) & mask;
    d = rotate(d, 16n) ^ c;
    a = (a + d) & mask;
    d = rotate(d, 21n) ^ a;
    c = (c + b) & mask;
    b = rotate(b, 17n) ^ c;
    c = rotate(c, 32n);
  };
  const padded = Buffer.alloc(Math.floor(data.length / 8) * 8 + 8);
  data.copy(padded);
  padded[padded.length - 1] = data.length & 0xff;
  for (let i = 0; i < padded.length; i += 8) {
    const word = padded.readBigUInt64LE(i);
    d ^= word;
    round();
    round();
    a ^= word;
  }
  c ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return a ^ b ^ c ^ d;
}

function serverCookie(secret: string, address: Buffer, seconds: number): string {
  const stamp = Buffer.alloc(8);
  stamp[0] = 1;
  stamp.writeUInt32BE(seconds, 4);
  const hash = Buffer.alloc(8);
  const client = Buffer.from(CLIENT_COOKIE, 'hex');
  hash.writeBigUInt64LE(sipHash(Buffer.from(secret, 'hex'), Buffer.concat([client, stamp, address])));
  return Buffer.concat([stamp, hash]).toString('hex');
}

const V4 = from('198.51.100.100');
const V4_BYTES = Buffer.from([198, 51, 100, 100]);

describe('DNS cookies', () => {
  it('are made as RFC 9018, appendix A.1 says: a client that is learning', async () => {
    const { answerer } = await serve(SECRET);
    const reply = askWith(answerer, CLIENT_COOKIE, V4);
    assert.equal(cookieOf(reply), `${CLIENT_COOKIE}010000005cf79f111f8130c3eee29480`);
    assert.equal(rcodeOf(reply), 0);
    assert.equal(reply.answers.length, 1);
  });

  it('are made as a second SipHash does it, for IPv4 and IPv6', async () => {
    const { answerer } = await serve(SECRET);
    assert.equal(cookieOf(askWith(answerer, CLIENT_COOKIE, V4)).slice(16), serverCookie(SECRET, V4_BYTES, MADE_AT));
    const v6 = Buffer.from('20010db80220000159dee4bd1a2b3c4d', 'hex');
    const text = Array.from({ length: 8 }, (_, i) => v6.readUInt16BE(i * 2).toString(16)).join(':');
    const reply = askWith(answerer, CLIENT_COOKIE, from(text));
    assert.equal(cookieOf(reply).slice(16), serverCookie(SECRET, v6, MADE_AT));
  });

  it('come back unchanged for half an hour, then new, and are worth nothing after an hour', async () => {
    const { answerer } = await serve(SECRET);
    const cookie = `${CLIENT_COOKIE}${serverCookie(SECRET, V4_BYTES, MADE_AT)}`;
    assert.equal(cookieOf(askWith(answerer, cookie, V4, MADE_AT + 1800)), cookie);
    assert.equal(cookieOf(askWith(answerer, cookie, V4, MADE_AT - 300)), cookie);
    for (const seconds of [MADE_AT + 1801, MADE_AT + 3601, MADE_AT - 301]) {
      const renewed = `${CLIENT_COOKIE}${serverCookie(SECRET, V4_BYTES, seconds)}`;
      assert.equal(cookieOf(askWith(answerer, cookie, V4, seconds)), renewed, String(seconds - MADE_AT));
    }
  });

  it('of another address, another version or with a wrong hash are replaced, and the question is answered', async () => {
    const { answerer } = await serve(SECRET);
    const good = serverCookie(SECRET, V4_BYTES, MADE_AT);
    const wrong = [
      serverCookie(SECRET, Buffer.from([198, 51, 100, 101]), MADE_AT),
      `02${good.slice(2)}`,
      `${good.slice(0, -2)}00`,
      '0123456789abcdef',
      'ff'.repeat(32),
    ];
    for (const cookie of wrong) {
      const reply = askWith(answerer, `${CLIENT_COOKIE}${cookie}`, V4);
      assert.equal(cookieOf(reply), `${CLIENT_COOKIE}${good}`, cookie);
      assert.equal(rcodeOf(reply), 0);
      assert.equal(reply.answers.length, 1);
    }
  });

  it('of a secret that another server makes them with are accepted, and replaced by ours', async () => {
    const { answerer } = await serve(SECRET, OTHER_SECRET);
    const theirs = `${CLIENT_COOKIE}${serverCookie(OTHER_SECRET, V4_BYTES, MADE_AT)}`;
    const ours = `${CLIENT_COOKIE}${serverCookie(SECRET, V4_BYTES, MADE_AT)}`;
    const probe = (cookie: string) =>
      at(MADE_AT, () => decodeReply(answerer.answer(cookieQuery(cookie, { questions: [] }), V4)));
    assert.equal(rcodeOf(probe(theirs)), 0);
    assert.equal(cookieOf(probe(theirs)), ours);
  });

  it('can be asked for without a question; a wrong server cookie is told there (BADCOOKIE)', async () => {
    const { answerer } = await serve(SECRET);
    const probe = (cookie: string) => {
      const reply = at(MADE_AT, () => decodeReply(answerer.answer(cookieQuery(cookie, { questions: [] }), V4)));
      assert.equal(reply.questions?.length, 0);
      assert.equal(reply.answers.length, 0);
      return { rcode: rcodeOf(reply), cookie: cookieOf(reply) };
    };
    const good = `${CLIENT_COOKIE}${serverCookie(SECRET, V4_BYTES, MADE_AT)}`;
    assert.deepEqual(probe(CLIENT_COOKIE), { rcode: 0, cookie: good });
    assert.deepEqual(probe(good), { rcode: 0, cookie: good });
    assert.deepEqual(probe(`${good.slice(0, -2)}00`), { rcode: 23, cookie: good });
  });

  it('of a length that no cookie has are FORMERR', async () => {
    const { answerer } = await serve(SECRET);
    for (let length = 0; length <= 44; length++) {
      const reply = askWith(answerer, 'ab'.repeat(length), V4);
      const isCookie = length === 8 || (length >= 16 && length <= 40);
      assert.equal(rcodeOf(reply), isCookie ? 0 : 1, `${length} octets`);
      assert.equal(cookieOf(reply) !== '', isCookie, `${length} octets`);
    }
  });

  it('stand behind a query that is forwarded, for the answer', async () => {
    const { answerer } = await serve(SECRET);
    const foreign = Buffer.from(cookieQuery(CLIENT_COOKIE, { questions: [{ type: 'A', name: 'www.example' }] }));
    const verdict = at(MADE_AT, () => answerer.answer(Buffer.concat([foreign, Buffer.from('junk')]), V4));
    assert.ok(verdict.kind === 'forward');
    const option = `000a0018${CLIENT_COOKIE}${serverCookie(SECRET, V4_BYTES, MADE_AT)}`;
    assert.equal(Buffer.from(verdict.query).toString('hex'), `${foreign.toString('hex')}${option}`);
  });

  it('are not looked at where they are off', async () => {
    const engine = await Engine.create();
    engine.publish(tableInput(recordSet(['a.mesos. A 10.0.0.1'])));
    const answerer = createCoreAnswerer({ module: engine.module, memory: engine.memory, worker: 0, seed: 1n });
    for (const cookie of [CLIENT_COOKIE, 'ab']) {
      const reply = askWith(answerer, cookie, V4);
      assert.equal(cookieOf(reply), '');
      assert.equal(reply.answers.length, 1);
    }
    assert.equal(decodeReply(answerer.answer(cookieQuery(CLIENT_COOKIE, { questions: [] }), V4)).rcodeNumber, 1);
    startCookies(engine.memory, { secrets: [] })();
    assert.notEqual(cookieOf(askWith(answerer, CLIENT_COOKIE, V4)), '');
    startCookies(engine.memory, null);
    assert.equal(cookieOf(askWith(answerer, CLIENT_COOKIE, V4)), '');
  });

  it('made with a random secret stay good through one rotation, and not through two', async (t) => {
    const engine = await Engine.create();
    engine.publish(tableInput(recordSet(['a.mesos. A 10.0.0.1'])));
    const answerer = createCoreAnswerer({ module: engine.module, memory: engine.memory, worker: 0, seed: 1n });
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: MADE_AT * 1000 });
    const stop = startCookies(engine.memory, { secrets: [], rotationMs: 1000 });
    const probe = (cookie: string) => decodeReply(answerer.answer(cookieQuery(cookie, { questions: [] }), V4));
    const first = cookieOf(probe(CLIENT_COOKIE));
    assert.equal(first.length, 48);
    t.mock.timers.tick(1000);
    assert.equal(rcodeOf(probe(first)), 0);
    assert.notEqual(cookieOf(probe(first)), first);
    t.mock.timers.tick(1000);
    assert.equal(rcodeOf(probe(first)), 23);
    stop();
  });
});
