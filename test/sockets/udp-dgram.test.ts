import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import packet from 'dns-packet';
import { silentLogger } from '../../src/observability/logger.ts';
import { createUdpService, type UdpService } from '../../src/sockets/udp-dgram.ts';
import { FakeCore, FakeForwarder } from '../support/fake-core.ts';
import { encodeQuery } from '../support/fake-upstream.ts';

const open: { close(graceMs: number): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close(0);
});

async function serve(
  setup: { core?: FakeCore; forwarder?: FakeForwarder; address?: string } = {},
): Promise<{ service: UdpService; port: number }> {
  const service = createUdpService({
    address: setup.address ?? '127.0.0.1',
    port: 0,
    answerer: setup.core ?? new FakeCore(),
    forwarder: setup.forwarder ?? new FakeForwarder(),
    logger: silentLogger(),
  });
  open.push(service);
  const { port } = await service.listen();
  return { service, port };
}

interface UdpClient {
  readonly answers: packet.DecodedPacket[];
  send(...messages: Uint8Array[]): void;
  until(count: number): Promise<void>;
}

async function client(port: number, address = '127.0.0.1'): Promise<UdpClient> {
  const socket: Socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  open.push({ close: () => socket.close() });
  const answers: packet.DecodedPacket[] = [];
  socket.on('message', (message) => answers.push(packet.decode(message)));
  socket.connect(port, address);
  await once(socket, 'connect');
  return {
    answers,
    send: (...messages) => {
      for (const message of messages) socket.send(message);
    },
    until: async (count) => {
      while (answers.length < count) await once(socket, 'message');
    },
  };
}

const local = (id: number) => encodeQuery(`web-${id}.mesos`, { id });
const foreign = (id: number) => encodeQuery('www.foreign', { id });

describe('the UDP service', () => {
  it('answers each of many queries with its own answer', async () => {
    const { port, service } = await serve();
    const asking = await client(port);
    // Few enough for the socket's receive buffer: nothing is lost on loopback then.
    asking.send(...Array.from({ length: 100 }, (_, id) => local(id)));
    await asking.until(100);
    for (const answer of asking.answers) assert.equal(answer.questions?.[0]?.name, `web-${answer.id}.mesos`);
    assert.equal(service.counters.queries, 100);
    assert.equal(service.counters.answers, 100);
  });

  it('forwards foreign names with the size that the client takes, and serves local ones meanwhile', async () => {
    const forwarder = new FakeForwarder(100);
    const { port } = await serve({ forwarder });
    const asking = await client(port);
    asking.send(foreign(1), encodeQuery('www.foreign', { id: 2, udpSize: 4096 }), local(3));
    await asking.until(3);
    assert.deepEqual(forwarder.sizes, [512, 1232]);
    assert.equal(asking.answers[0]?.id, 3);
  });

  it('says nothing to empty datagrams and responses, and SERVFAIL where the core fails', async () => {
    const core = new FakeCore();
    const { port, service } = await serve({ core });
    const asking = await client(port);
    asking.send(
      new Uint8Array(0),
      packet.encode({ type: 'response', id: 1 }),
      encodeQuery('trap.mesos', { id: 8 }),
      local(9),
    );
    await asking.until(2);
    assert.deepEqual(
      asking.answers.map(({ id, flags = 0 }) => [id, flags & 15]),
      [
        [8, 2],
        [9, 0],
      ],
    );
    assert.equal(service.counters.ignored, 1);
    assert.deepEqual(core.clients[0], { transport: 'udp', address: '127.0.0.1' });
  });

  it('counts an answer that is too large to be sent, and goes on', async () => {
    const core = new FakeCore();
    core.answer = () => ({ kind: 'answered', message: new Uint8Array(65_535) });
    const { port, service } = await serve({ core });
    const asking = await client(port);
    asking.send(local(1));
    while (service.counters.sendErrors === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(service.counters.answers, 0);
  });

  it('serves IPv6', async () => {
    const core = new FakeCore();
    const { port } = await serve({ address: '::1', core });
    const asking = await client(port, '::1');
    asking.send(local(1));
    await asking.until(1);
    assert.equal(core.clients[0]?.address, '::1');
  });

  it('leaves IPv4 of the same port to another service where it listens on the IPv6 wildcard', async () => {
    const { port } = await serve({ address: '::' });
    const beside = createUdpService({
      address: '0.0.0.0',
      port,
      answerer: new FakeCore(),
      forwarder: new FakeForwarder(),
      logger: silentLogger(),
    });
    open.push(beside);
    assert.equal((await beside.listen()).port, port);
  });

  it('names address, port and remedy where it cannot listen', async () => {
    const { port } = await serve();
    const second = createUdpService({
      address: '127.0.0.1',
      port,
      answerer: new FakeCore(),
      forwarder: new FakeForwarder(),
      logger: silentLogger(),
    });
    await assert.rejects(second.listen(), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_LISTEN');
      assert.match(error.message, new RegExp(`UDP 127\\.0\\.0\\.1:${port}: EADDRINUSE; .*systemd-resolved`));
      return true;
    });
    await second.close(0);
  });

  it('sends forwarded answers that are ready within its grace, then closes', async () => {
    const { port, service } = await serve({ forwarder: new FakeForwarder(100) });
    const asking = await client(port);
    asking.send(foreign(1));
    while (service.counters.forwarding === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const started = performance.now();
    await service.close(30_000);
    assert.ok(performance.now() - started < 15_000);
    await asking.until(1);
  });

  it('does not wait longer than its grace, and drops what comes after', async () => {
    const { port, service } = await serve({ forwarder: new FakeForwarder(2000) });
    const asking = await client(port);
    asking.send(foreign(1));
    while (service.counters.forwarding === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await service.close(20);
    while (service.counters.forwarding > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(service.counters.sendErrors, 1);
  });
});
