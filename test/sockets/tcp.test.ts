import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import packet from 'dns-packet';
import { silentLogger } from '../../src/observability/logger.ts';
import { createTcpService, type TcpLimits, type TcpService } from '../../src/sockets/tcp.ts';
import { FakeCore, FakeForwarder } from '../support/fake-core.ts';
import { encodeQuery, framed } from '../support/fake-upstream.ts';
import { until } from '../support/until.ts';

const services: TcpService[] = [];
const clients: TcpClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  for (const service of services.splice(0)) await service.close(0);
});

interface Setup {
  readonly core?: FakeCore;
  readonly forwarder?: FakeForwarder;
  readonly limits?: Partial<TcpLimits>;
  readonly address?: string;
}

async function serve(setup: Setup = {}): Promise<{ service: TcpService; port: number }> {
  const service = createTcpService({
    address: setup.address ?? '127.0.0.1',
    port: 0,
    answerer: setup.core ?? new FakeCore(),
    forwarder: setup.forwarder ?? new FakeForwarder(),
    logger: silentLogger(),
    ...(setup.limits === undefined ? {} : { limits: setup.limits }),
  });
  services.push(service);
  const { port } = await service.listen();
  return { service, port };
}

/** Collects the ids of the answers that it gets. */
class TcpClient {
  readonly socket: Socket;
  readonly ids: number[] = [];
  readonly answers: Buffer[] = [];
  closed = false;
  #received = Buffer.alloc(0);
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      for (;;) {
        if (this.#received.length < 2) break;
        const end = 2 + this.#received.readUInt16BE(0);
        if (this.#received.length < end) break;
        this.answers.push(this.#received.subarray(2, end));
        this.ids.push(this.#received.readUInt16BE(2));
        this.#received = this.#received.subarray(end);
      }
      this.#wake();
    });
  }

  /** @param from the client's own address */
  static async open(port: number, host = '127.0.0.1', from?: string): Promise<TcpClient> {
    const own = from === undefined ? {} : { localAddress: from };
    // Half-open: the client's FIN and the service's are two things.
    const socket = connect({ port, host, ...own, allowHalfOpen: true, noDelay: true });
    const client = new TcpClient(socket);
    clients.push(client);
    await once(socket, 'connect');
    return client;
  }

  send(...queries: Buffer[]): void {
    this.socket.write(Buffer.concat(queries.map(framed)));
  }

  /** Waits for so many answers; fails where the connection ends before. */
  async until(count: number): Promise<void> {
    await this.#wait(() => this.ids.length >= count || this.closed);
    assert.ok(this.ids.length >= count, `${this.ids.length} of ${count} answers before the connection closed`);
  }

  async untilClosed(): Promise<void> {
    await this.#wait(() => this.closed);
  }

  async #wait(reached: () => boolean): Promise<void> {
    while (!reached()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const local = (id: number) => encodeQuery('web.mesos', { id });
const foreign = (id: number) => encodeQuery('www.foreign', { id });
const encodeResponse = (id: number) => packet.encode({ type: 'response', id });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a TCP connection', () => {
  it('answers 1,000 pipelined queries', async () => {
    const { port, service } = await serve();
    const client = await TcpClient.open(port);
    client.send(...Array.from({ length: 1000 }, (_, id) => local(id)));
    await client.until(1000);
    assert.deepEqual(
      client.ids,
      Array.from({ length: 1000 }, (_, id) => id),
    );
    assert.equal(service.counters.queries, 1000);
    assert.ok(client.answers.every((answer) => packet.decode(answer).questions?.[0]?.name === 'web.mesos'));
  });

  it('answers 1,000 pipelined foreign queries, a bounded number at a time', async () => {
    const forwarder = new FakeForwarder(1);
    let most = 0;
    const counting = new FakeForwarder(1);
    counting.forward = (query, route, size) => {
      const answer = forwarder.forward(query, route, size);
      most = Math.max(most, forwarder.pending);
      return answer;
    };
    const { port } = await serve({ forwarder: counting, limits: { maxInFlightPerConnection: 50 } });
    const client = await TcpClient.open(port);
    client.send(...Array.from({ length: 1000 }, (_, id) => foreign(id)));
    await client.until(1000);
    assert.equal(new Set(client.ids).size, 1000);
    assert.ok(most <= 50);
    assert.ok(forwarder.sizes.every((size) => size === 65_535));
  });

  it('does not let a slow forward hold up a local name', async () => {
    const { port } = await serve({ forwarder: new FakeForwarder(200) });
    const client = await TcpClient.open(port);
    client.send(foreign(1), local(2), local(3));
    await client.until(3);
    assert.deepEqual(client.ids, [2, 3, 1]);
  });

  it('does not let more slow forwards than it hands on at a time hold up a local name', async () => {
    const { port, service } = await serve({
      forwarder: new FakeForwarder(100),
      limits: { maxInFlightPerConnection: 8 },
    });
    const client = await TcpClient.open(port);
    client.send(...Array.from({ length: 50 }, (_, id) => foreign(id)), local(1000));
    await client.until(1);
    // Where this process stood still, forwards are answered behind it already.
    assert.equal(client.ids[0], 1000);
    assert.equal(service.counters.forwarding, 8);
    await client.until(51);
    assert.equal(new Set(client.ids).size, 51);
  });

  it('is not read while too many of its queries wait for the forwarder', async () => {
    const limits = { maxInFlightPerConnection: 1, maxWaitingBytes: 100 };
    const forwarder = new FakeForwarder(150);
    const { port, service } = await serve({ forwarder, limits });
    const client = await TcpClient.open(port);
    client.send(...Array.from({ length: 15 }, (_, id) => foreign(id)));
    while (service.counters.forwarding === 0) await pause(1);
    // Beside those that the forwarder was given, those of 29 octets of which the last one went beyond 100.
    const waiting = service.counters.queries - forwarder.sizes.length;
    assert.ok(waiting <= 5, `${waiting}`);
    await client.until(15);
  });

  it('understands queries that arrive octet by octet', async () => {
    const { port } = await serve();
    const client = await TcpClient.open(port);
    for (const octet of Buffer.concat([framed(local(1)), framed(local(2))])) {
      client.socket.write(Buffer.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until(2);
    assert.deepEqual(client.ids, [1, 2]);
  });

  it('answers what was sent before the client closed its half, forwarded or not, and closes then', async () => {
    const { port } = await serve({ forwarder: new FakeForwarder(50) });
    const client = await TcpClient.open(port);
    client.socket.end(Buffer.concat([framed(foreign(1)), framed(local(2)), Buffer.of(0)]));
    await client.untilClosed();
    assert.deepEqual(client.ids, [2, 1]);
  });

  it('says nothing to responses and messages without header, and goes on', async () => {
    const { port } = await serve();
    const client = await TcpClient.open(port);
    client.send(encodeResponse(1), Buffer.of(1, 2, 3), local(2));
    await client.until(1);
    assert.deepEqual(client.ids, [2]);
  });

  it('answers SERVFAIL where the core fails, and goes on', async () => {
    const { port } = await serve();
    const client = await TcpClient.open(port);
    client.send(encodeQuery('trap.mesos', { id: 1 }), local(2));
    await client.until(2);
    assert.deepEqual(client.ids, [1, 2]);
  });

  it('ends with a message of length 0, after the answers to those before it', async () => {
    const { port } = await serve({ forwarder: new FakeForwarder(20) });
    const client = await TcpClient.open(port);
    client.send(foreign(1), local(2), Buffer.alloc(0), local(3));
    await client.until(2);
    client.socket.end();
    await client.untilClosed();
    assert.deepEqual(client.ids, [2, 1]);
  });

  it('tells the core who asks', async () => {
    const core = new FakeCore();
    const { port } = await serve({ core });
    const client = await TcpClient.open(port);
    client.send(local(1));
    await client.until(1);
    assert.deepEqual(core.clients, [{ transport: 'tcp', address: '127.0.0.1' }]);
  });

  it('works over IPv6', async () => {
    const core = new FakeCore();
    const { port } = await serve({ address: '::1', core });
    const client = await TcpClient.open(port, '::1');
    client.send(local(1));
    await client.until(1);
    assert.equal(core.clients[0]?.address, '::1');
  });

  it('that is reset with queries in flight harms nobody', async () => {
    const forwarder = new FakeForwarder(30);
    const { port, service } = await serve({ forwarder });
    const gone = await TcpClient.open(port);
    gone.send(foreign(1), local(2));
    await gone.until(1);
    gone.socket.resetAndDestroy();
    const client = await TcpClient.open(port);
    client.send(foreign(3));
    await client.until(1);
    assert.deepEqual(client.ids, [3]);
    assert.equal(service.counters.forwarding, 0);
  });
});

describe('a client that does not read', () => {
  it('stops being read, with bounded memory, and is answered when it reads again', async () => {
    const core = new FakeCore(30_000);
    const { port, service } = await serve({ core });
    const client = await TcpClient.open(port);
    client.socket.pause();
    const count = 2000;
    client.send(...Array.from({ length: count }, (_, id) => local(id)));
    let before = -1;
    while (service.counters.queries !== before) {
      before = service.counters.queries;
      await pause(100);
    }
    // What the kernel's buffers take, and our 256 KB.
    assert.ok(before < count / 2, `${before} of ${count} queries were read`);
    client.socket.resume();
    await client.until(count);
  });

  it('is let go where all that do not read have more unsent than allowed together', async () => {
    const limits = { maxUnsentBytes: 300_000, maxUnsentBytesInAll: 1_000_000 };
    const { port, service } = await serve({ core: new FakeCore(30_000), limits });
    let mostBytes = 0;
    const watching = setInterval(() => {
      mostBytes = Math.max(mostBytes, service.counters.unsentBytes);
    }, 1);
    for (let n = 0; n < 8; n += 1) {
      const client = await TcpClient.open(port);
      client.socket.pause();
      client.send(...Array.from({ length: 1000 }, (_, id) => local(id)));
      for (let before = -1; service.counters.queries !== before; ) {
        before = service.counters.queries;
        await pause(50);
      }
    }
    const { counters } = service;
    await until(() => counters.open <= 4 && counters.open + counters.evicted === 8, 'end of those that do not read');
    clearInterval(watching);
    assert.ok(mostBytes > 600_000 && mostBytes <= 1_000_000, `${mostBytes} octets`);
    assert.ok(service.counters.open === 3 || service.counters.open === 4, `${service.counters.open} open`);
    assert.equal(service.counters.evicted, 8 - service.counters.open);
    const reading = await TcpClient.open(port);
    reading.send(local(1));
    await reading.until(1);
  });

  it('is closed after the idle time', async () => {
    const { port, service } = await serve({ core: new FakeCore(30_000), limits: { idleMs: 300 } });
    const client = await TcpClient.open(port);
    client.socket.pause();
    client.send(...Array.from({ length: 2000 }, (_, id) => local(id)));
    for (let n = 0; service.counters.open > 0; n += 1) {
      assert.ok(n < 600, 'it is closed');
      await pause(50);
    }
    assert.equal(service.counters.idleClosed, 1);
  });
});

describe('the limits of the TCP service', () => {
  it('let one address hold 600 connections, all answered', async () => {
    const { port, service } = await serve();
    const opened: TcpClient[] = [];
    for (let n = 0; n < 12; n += 1) {
      opened.push(...(await Promise.all(Array.from({ length: 50 }, () => TcpClient.open(port)))));
    }
    opened.forEach((client, id) => {
      client.send(local(id));
    });
    await Promise.all(opened.map((client) => client.until(1)));
    assert.equal(service.counters.open, 600);
    assert.equal(service.counters.evicted, 0);
  });

  it('close idle connections, and those that send a query too slowly', async () => {
    const { port } = await serve({ limits: { idleMs: 300 } });
    const idle = await TcpClient.open(port);
    const slow = await TcpClient.open(port);
    const dripping = setInterval(() => slow.socket.write(Buffer.of(0x40)), 50);
    await Promise.all([idle.untilClosed(), slow.untilClosed()]);
    clearInterval(dripping);
  });

  it('close nobody whose query came while the thread stood still for longer', async () => {
    const { port, service } = await serve({ limits: { idleMs: 300 } });
    const client = await TcpClient.open(port);
    await until(() => service.counters.open === 1, 'connection');
    client.send(local(1));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
    await client.until(1);
    await client.untilClosed();
    assert.equal(service.counters.idleClosed, 1);
  });

  it('are not looked at while no connection is open', async (t) => {
    const begun = t.mock.method(globalThis, 'setInterval');
    const ended = t.mock.method(globalThis, 'clearInterval');
    const { service, port } = await serve({ limits: { idleMs: 300 } });
    assert.equal(begun.mock.callCount(), 0);
    for (const round of [1, 2]) {
      const idle = await TcpClient.open(port);
      await idle.untilClosed();
      await until(() => service.counters.open === 0, 'end of the connection');
      assert.equal(begun.mock.callCount(), round);
      assert.deepEqual(ended.mock.calls.at(-1)?.arguments, [begun.mock.calls.at(-1)?.result]);
    }
    assert.equal(service.counters.idleClosed, 2);
  });

  it('leave a connection open that keeps asking, or waits for a forward', async () => {
    const { port } = await serve({ forwarder: new FakeForwarder(4500), limits: { idleMs: 3000 } });
    const waiting = await TcpClient.open(port);
    const asking = await TcpClient.open(port);
    waiting.send(foreign(1));
    for (let id = 0; id < 45; id += 1) {
      asking.send(local(id));
      await pause(100);
    }
    await waiting.until(1);
    await asking.until(45);
  });

  it('close the longest idle connection of an address for a new one', async () => {
    const { port, service } = await serve({ limits: { maxConnectionsPerAddress: 3 } });
    const opened = [await TcpClient.open(port), await TcpClient.open(port), await TcpClient.open(port)];
    opened[0]?.send(local(1));
    await opened[0]?.until(1);
    const newest = await TcpClient.open(port);
    newest.send(local(2));
    await newest.until(1);
    await opened[1]?.untilClosed();
    assert.deepEqual(
      opened.map((client) => client.closed),
      [false, true, false],
    );
    assert.equal(service.counters.open, 3);
  });

  it('close a connection whose client does not read, where none is idle', async () => {
    const forwarder = new FakeForwarder(null);
    const { port, service } = await serve({ core: new FakeCore(30_000), forwarder, limits: { maxConnections: 2 } });
    const deaf = await TcpClient.open(port);
    deaf.socket.pause();
    deaf.send(...Array.from({ length: 2000 }, (_, id) => local(id)));
    const waiting = await TcpClient.open(port);
    waiting.send(foreign(1));
    while (service.counters.forwarding === 0) await pause(5);
    for (let before = -1; service.counters.queries !== before; ) {
      before = service.counters.queries;
      await pause(200);
    }
    const newest = await TcpClient.open(port);
    newest.send(local(2));
    await newest.until(1);
    deaf.socket.resume();
    await deaf.untilClosed();
    assert.equal(waiting.closed, false);
  });

  it('take a connection from the address that has most, even from a busy one, for an address with less', async () => {
    const { port, service } = await serve({ forwarder: new FakeForwarder(null), limits: { maxConnections: 4 } });
    const greedy = [];
    for (let n = 0; n < 4; n += 1) {
      const client = await TcpClient.open(port);
      client.send(foreign(n));
      greedy.push(client);
      while (service.counters.forwarding <= n) await pause(5);
    }
    const other = await TcpClient.open(port, '127.0.0.1', '127.0.0.2');
    other.send(local(1));
    await other.until(1);
    await greedy[0]?.untilClosed();
    assert.deepEqual(
      greedy.map((client) => client.closed),
      [true, false, false, false],
    );
  });

  it('refuse a new connection where all others are busy', async () => {
    const { port, service } = await serve({ forwarder: new FakeForwarder(null), limits: { maxConnections: 2 } });
    const busy = [await TcpClient.open(port), await TcpClient.open(port)];
    for (const client of busy) client.send(foreign(1));
    while (service.counters.forwarding < 2) await pause(5);
    const refused = await TcpClient.open(port);
    await refused.untilClosed();
    assert.ok(busy.every((client) => !client.closed));
  });
});

describe('the TCP service', () => {
  it('names address, port and remedy where it cannot listen', async () => {
    const { port } = await serve();
    const second = createTcpService({
      address: '127.0.0.1',
      port,
      answerer: new FakeCore(),
      forwarder: new FakeForwarder(),
      logger: silentLogger(),
    });
    await assert.rejects(second.listen(), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_LISTEN');
      assert.match(error.message, new RegExp(`TCP 127\\.0\\.0\\.1:${port}: EADDRINUSE; .*systemd-resolved`));
      return true;
    });
    await second.close(0);
  });

  it('answers forwarded queries before it closes, and takes no more', async () => {
    const { port, service } = await serve({ forwarder: new FakeForwarder(100) });
    const client = await TcpClient.open(port);
    const idle = await TcpClient.open(port);
    client.send(foreign(1));
    while (service.counters.forwarding === 0) await pause(5);
    const started = performance.now();
    await service.close(30_000);
    assert.ok(performance.now() - started < 15_000);
    await client.until(1);
    await idle.untilClosed();
    const late = connect(port, '127.0.0.1');
    const [error] = await once(late, 'error');
    assert.equal(error.code, 'ECONNREFUSED');
  });

  it('does not wait longer than its grace when it closes', async () => {
    const { port, service } = await serve({ forwarder: new FakeForwarder(null) });
    const client = await TcpClient.open(port);
    client.send(foreign(1));
    while (service.counters.forwarding === 0) await pause(5);
    await service.close(100);
    await client.untilClosed();
    assert.equal(service.counters.open, 0);
  });
});
