// Upstreams over TCP and TLS: connections that are kept, shared, replaced, and verified.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import packet from 'dns-packet';
import { bestOf } from '../support/best-of.ts';
import { addressesOf, type Behaviour, encodeAnswer, framed } from '../support/fake-upstream.ts';
import { ask, closeAll, edeOf, forwarderTo, rcodeOf, upstream } from '../support/forwarding.ts';
import { freePort } from '../support/ports.ts';
import { startTlsUpstream, type TlsUpstream, tlsCertificate } from '../support/tls-upstream.ts';
import { until } from '../support/until.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await closeAll();
  for (const each of open.splice(0)) await each.close();
});

/** Cuts every answer over UDP, so that it is fetched over TCP. */
const cutting: Behaviour = (query, reply) => {
  const isUdp = query.transport === 'udp';
  reply(encodeAnswer(query, isUdp ? { flags: packet.TRUNCATED_RESPONSE, addresses: [] } : {}));
};

describe('truncated answers', () => {
  it('are fetched over one connection, all of them', async () => {
    const server = await upstream(cutting);
    const forwarder = forwarderTo([server]);
    for (let n = 0; n < 5; n += 1) {
      assert.deepEqual(addressesOf(await ask(forwarder, `one-${n}.example`)), ['192.0.2.1']);
    }
    await Promise.all(Array.from({ length: 20 }, (_, n) => ask(forwarder, `many-${n}.example`)));
    const ports = server.queries.filter(({ transport }) => transport === 'tcp').map(({ sourcePort }) => sourcePort);
    // More where this process stood still, and asked again.
    assert.ok(ports.length >= 25);
    assert.equal(new Set(ports).size, 1);
    const [figures] = forwarder.figures.upstreams;
    const { overTcp } = forwarder.counters;
    assert.deepEqual([figures?.socketMisses['tcp'], figures?.socketHits['tcp']], [1, overTcp - 1]);
  });

  it('may come in any order on it', async () => {
    // The slow one is answered behind the quick one, which is asked when the slow one has come.
    let answerSlow: (() => void) | null = null;
    const server = await upstream((query, reply) => {
      const [question] = query.message.questions ?? [];
      const answer = () => reply(encodeAnswer(query));
      if (query.transport === 'udp') cutting(query, reply);
      else if (question?.name === 'slow.example') answerSlow = answer;
      else {
        answer();
        answerSlow?.();
      }
    });
    const forwarder = forwarderTo([server]);
    const order: string[] = [];
    const note = async (name: string) => {
      await ask(forwarder, name);
      order.push(name);
    };
    const slow = note('slow.example');
    await until(() => answerSlow !== null, 'question over TCP');
    await Promise.all([slow, note('quick.example')]);
    assert.deepEqual(order, ['quick.example', 'slow.example']);
  });

  it('are asked for again where the server has closed the connection meanwhile', async () => {
    const server = await answeringOncePerConnection();
    const cut = await upstream(cutting, { tcp: false, port: server.port });
    const forwarder = forwarderTo([cut]);
    for (let n = 0; n < 4; n += 1) {
      assert.deepEqual(addressesOf(await ask(forwarder, `again-${n}.example`)), ['192.0.2.1'], `question ${n}`);
    }
    assert.ok(server.connections() >= 4);
  });

  it('do not wait for a connection that has died without a word', async (test) => {
    let isDead = false;
    const server = await upstream((query, reply) => {
      if (query.transport === 'udp' || !isDead) cutting(query, reply);
    });
    const other = await upstream((query, reply) => reply(encodeAnswer(query, { addresses: ['192.0.2.2'] })));
    const forwarder = forwarderTo([server, other], { timeoutSeconds: 4 });
    await ask(forwarder, 'alive.example');
    isDead = true;
    assert.deepEqual(addressesOf(await ask(forwarder, 'dead.example')), ['192.0.2.2']);
    isDead = false;
    await new Promise((resolve) => setTimeout(resolve, 3100));
    // The other one answers where this process stands still.
    await bestOf(test, { 'answers of the other': 1 }, async (round) => {
      const [address] = addressesOf(await ask(forwarder, `fresh-${round}.example`));
      return { 'answers of the other': address === '192.0.2.1' ? 0 : 1 };
    });
    const ports = server.queries.filter(({ transport }) => transport === 'tcp').map(({ sourcePort }) => sourcePort);
    assert.equal(new Set(ports).size, 2);
  });
});

describe('an upstream over TLS', () => {
  const authorities = { certificateAuthorities: tlsCertificate };

  async function tlsUpstream(): Promise<TlsUpstream> {
    const server = await startTlsUpstream();
    open.push(server);
    return server;
  }

  it('is asked over one connection whose certificate is for its name', async () => {
    const server = await tlsUpstream();
    const forwarder = forwarderTo([], { routes: [[`tls://127.0.0.1:${server.port}@dns.example`]], ...authorities });
    for (let n = 0; n < 3; n += 1) {
      assert.deepEqual(addressesOf(await ask(forwarder, `n${n}.example`)), ['192.0.2.53']);
    }
    await Promise.all(Array.from({ length: 20 }, (_, n) => ask(forwarder, `m${n}.example`)));
    // Each of them, some twice where this process stood still.
    assert.equal(new Set(server.names).size, 23);
    assert.equal(server.connections.length, 1);
    assert.equal(server.connections[0]?.alpnProtocol, 'dot');
  });

  it('is known by its address where no name is given', async () => {
    const server = await tlsUpstream();
    const forwarder = forwarderTo([], { routes: [[`tls://127.0.0.1:${server.port}`]], ...authorities });
    assert.deepEqual(addressesOf(await ask(forwarder, 'address.example')), ['192.0.2.53']);
  });

  it('is not asked where the certificate is for another name, or of an authority that is not known', async (test) => {
    const server = await tlsUpstream();
    const named = forwarderTo([], { routes: [[`tls://127.0.0.1:${server.port}@other.example`]], ...authorities });
    assert.equal(rcodeOf(await ask(named, 'name.example')), 2);
    // A handshake during which this process stands still counts as late.
    await bestOf(test, { 'failures not told of': 1 }, async () => {
      const unknown = forwarderTo([], { routes: [[`tls://127.0.0.1:${server.port}@dns.example`]] });
      const answer = await ask(unknown, 'authority.example', { udpSize: 1232 });
      assert.equal(rcodeOf(answer), 2);
      return { 'failures not told of': edeOf(answer) === 23 ? 0 : 1 };
    });
    assert.deepEqual(server.names, []);
  });

  it('is left for the next one where it cannot be reached', async () => {
    const server = await tlsUpstream();
    await server.close();
    open.pop();
    const plain = await upstream((query, reply) => reply(encodeAnswer(query)));
    const routes = [[`tls://127.0.0.1:${server.port}@dns.example`, plain.address]];
    assert.deepEqual(addressesOf(await ask(forwarderTo([], { routes }), 'next.example')), ['192.0.2.1']);
  });

  it('is asked again over another connection when this one is lost', async () => {
    const server = await tlsUpstream();
    const forwarder = forwarderTo([], { routes: [[`tls://127.0.0.1:${server.port}@dns.example`]], ...authorities });
    await ask(forwarder, 'before.example');
    server.connections[0]?.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(addressesOf(await ask(forwarder, 'after.example')), ['192.0.2.53']);
    assert.equal(server.connections.length, 2);
  });
});

/** A server that, as old ones do, closes each connection behind the first answer. */
async function answeringOncePerConnection() {
  let count = 0;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    count += 1;
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', (chunk: Buffer) => {
      const bytes = chunk.subarray(2, 2 + chunk.readUInt16BE(0));
      const message = packet.decode(bytes);
      socket.end(framed(encodeAnswer({ transport: 'tcp', bytes, message, id: bytes.readUInt16BE(0), sourcePort: 0 })));
    });
  });
  // Free over UDP as well.
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  open.push({
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
  return { port: (server.address() as AddressInfo).port, connections: () => count };
}
