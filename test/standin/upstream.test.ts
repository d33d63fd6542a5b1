import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import dns from 'dns-packet';
import { StandinUpstream, type UpstreamBehaviour } from '../../src/standin/upstream.ts';

const upstream = new StandinUpstream({
  records: {
    'mail.example': [{ type: 'MX', name: 'mail.example', ttl: 60, data: { preference: 1, exchange: 'mx.example' } }],
  },
});
before(async () => await upstream.start());
after(async () => await upstream.stop());

const query = (name: string, type: dns.RecordType = 'A'): Buffer =>
  dns.encode({ type: 'query', id: 77, flags: dns.RECURSION_DESIRED, questions: [{ name, type }] });

/** How long something may take to come, and how long nothing has to come to be silence, milliseconds. */
const PATIENCE_MS = 30_000;
const SILENCE_MS = 300;

/** What comes back, and from which port; null if nothing does. */
async function overUdp(message: Buffer, patienceMs = PATIENCE_MS): Promise<{ bytes: Buffer; port: number } | null> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs, null);
      socket.on('message', (bytes, from) => {
        clearTimeout(timer);
        resolve({ bytes, port: from.port });
      });
      socket.send(message, upstream.port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}

/** The first message; 'silence', or 'closed' when the server hangs up. */
async function overTcp(message: Buffer, patienceMs = PATIENCE_MS): Promise<Buffer | 'silence' | 'closed'> {
  const socket = connect(upstream.port, '127.0.0.1');
  try {
    return await new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      setTimeout(resolve, patienceMs, 'silence').unref();
      socket.on('error', reject);
      socket.on('close', () => resolve('closed'));
      socket.on('data', (piece) => {
        received = Buffer.concat([received, piece]);
        if (received.length > 2 && received.length >= 2 + received.readUInt16BE(0)) resolve(received.subarray(2));
      });
      socket.write(Buffer.concat([Buffer.from([0, message.length]), message]));
    });
  } finally {
    socket.destroy();
  }
}

const answersOf = (bytes: Buffer): unknown =>
  (dns.decode(bytes).answers ?? []).map((each) => ('data' in each ? each.data : null));

const rcodeOf = (packet: dns.DecodedPacket): number => (packet.flags ?? 0) & 15;

async function udpWith(behaviour: UpstreamBehaviour, patienceMs = PATIENCE_MS) {
  upstream.setBehaviour(behaviour);
  const reply = await overUdp(query('example.com'), patienceMs);
  upstream.setBehaviour({ kind: 'answer' });
  return reply === null ? null : { ...reply, packet: () => dns.decode(reply.bytes) };
}

describe('a well-behaved upstream', () => {
  it('answers documentation addresses and records of its own, over UDP and TCP', async () => {
    assert.deepEqual(answersOf((await overUdp(query('EXAMPLE.com')))?.bytes ?? Buffer.alloc(0)), ['192.0.2.10']);
    assert.deepEqual(answersOf((await overTcp(query('example.com', 'AAAA'))) as Buffer), ['2001:db8::10']);
    const mail = await overUdp(query('mail.example', 'MX'));
    assert.deepEqual(answersOf(mail?.bytes ?? Buffer.alloc(0)), [{ preference: 1, exchange: 'mx.example' }]);
  });

  it('knows no other name, and says so with an SOA record', async () => {
    const reply = dns.decode((await overUdp(query('nowhere.test')))?.bytes ?? Buffer.alloc(0));
    assert.deepEqual([rcodeOf(reply), reply.authorities?.[0]?.type], [3, 'SOA']);
  });

  it('remembers the queries with their ids, transports and ports', async () => {
    upstream.queries.length = 0;
    await overUdp(query('example.com'));
    await overTcp(query('www.example.com', 'AAAA'));
    assert.deepEqual(
      upstream.queries.map(({ id, name, type, transport }) => [id, name, type, transport]),
      [
        [77, 'example.com', 'A', 'udp'],
        [77, 'www.example.com', 'AAAA', 'tcp'],
      ],
    );
    assert.ok(upstream.queries.every(({ port }) => port > 0));
  });
});

describe('a misbehaving upstream', () => {
  it('stays silent, or answers late', async () => {
    assert.equal(await udpWith({ kind: 'drop' }, SILENCE_MS), null);
    assert.equal(await udpWith({ kind: 'late', delayMs: 5000 }, SILENCE_MS), null);
    assert.ok((await udpWith({ kind: 'late', delayMs: 10 })) !== null);
  });

  it('answers with an error', async () => {
    const reply = await udpWith({ kind: 'rcode', rcode: 'SERVFAIL' });
    assert.equal(reply === null ? null : rcodeOf(reply.packet()), 2);
  });

  it('truncates over UDP only', async () => {
    assert.equal((await udpWith({ kind: 'truncate' }))?.packet().flag_tc, true);
    upstream.setBehaviour({ kind: 'truncate' });
    assert.deepEqual(answersOf((await overTcp(query('example.com'))) as Buffer), ['192.0.2.10']);
    upstream.setBehaviour({ kind: 'answer' });
  });

  it('answers under a wrong id, to a wrong question, from a wrong port, or with garbage', async () => {
    assert.equal((await udpWith({ kind: 'wrong-id' }))?.packet().id, 78);
    assert.equal((await udpWith({ kind: 'wrong-question' }))?.packet().questions?.[0]?.name, 'wrong.example.com');
    assert.notEqual((await udpWith({ kind: 'other-port' }))?.port, upstream.port);
    const garbage = await udpWith({ kind: 'garbage' });
    assert.match(garbage?.bytes.toString() ?? '', /^this is not/);
  });

  it('hangs up, says nothing, or dribbles over TCP', async () => {
    upstream.behaviour.tcp = { kind: 'close' };
    assert.equal(await overTcp(query('example.com')), 'closed');
    upstream.behaviour.tcp = { kind: 'drop' };
    assert.equal(await overTcp(query('example.com'), SILENCE_MS), 'silence');
    upstream.behaviour.tcp = { kind: 'split' };
    assert.deepEqual(answersOf((await overTcp(query('example.com'))) as Buffer), ['192.0.2.10']);
    upstream.behaviour.tcp = { kind: 'answer' };
  });
});
