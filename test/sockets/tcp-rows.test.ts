// DNS over TCP as RFC 1035 section 4.2.2, RFC 7766, RFC 7828 and RFC 9210 have it: the real program, row by row.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import packet from 'dns-packet';
import { type ClientServer, LARGE, startServer } from '../clients/server.ts';
import { bestOf } from '../support/best-of.ts';
import { encodeAnswer, encodeQuery, FakeUpstream, framed } from '../support/fake-upstream.ts';

/** Longer than this process and the program stand still while a test has a connection open. */
const IDLE_SECONDS = 6;
const SLOW_MS = 700;
const KEEPALIVE = 11;
const FORWARDED = 'www.example.com';
/** A message that ends with one A record: its TTL, the length of its data and four octets of an address. */
const TTL_FROM_END = 10;

describe('over TCP', () => {
  let server: ClientServer;
  let upstream: FakeUpstream;

  before(async () => {
    upstream = await FakeUpstream.start((query, reply) => {
      const isSlow = query.message.questions?.[0]?.name.startsWith('slow') === true;
      setTimeout(() => reply(encodeAnswer(query)), isSlow ? SLOW_MS : 0);
    });
    server = await startServer({ resolvers: [upstream.address], tcpIdleSeconds: IDLE_SECONDS });
  });
  after(async () => {
    await server?.stop();
    await upstream?.close();
  });

  const open = () => Connection.open(server.port);
  const local = (id: number) => encodeQuery('nginx.marathon.mesos', { id });

  it('the same answers are given as over UDP', async () => {
    const connection = await open();
    for (const [name, type] of [
      ['nginx.marathon.mesos', 'A'],
      ['mesos', 'SOA'],
      ['mesos', 'NS'],
      ['no-such-task.marathon.mesos', 'A'],
      ['_tcp.marathon.mesos', 'A'],
      ['nginx.marathon.mesos', 'AAAA'],
      [FORWARDED, 'A'],
      ['localhost', 'A'],
    ] as const) {
      const askedAt = performance.now();
      const overUdp = await server.program.ask(name, type, { edns: null });
      assert.equal(overUdp.transport, 'udp');
      const overTcp = await connection.ask(encodeQuery(name, { type, id: overUdp.bytes.readUInt16BE(0) }));
      if (name === FORWARDED) {
        // It comes out of the cache the second time, where it may have become older by the time that has passed.
        const seconds = ttlOf(overUdp.bytes) - ttlOf(overTcp);
        assert.ok(seconds >= 0 && seconds <= Math.ceil((performance.now() - askedAt) / 1000), `older by ${seconds} s`);
        overTcp.writeUInt32BE(ttlOf(overUdp.bytes), overTcp.length - TTL_FROM_END);
      }
      assert.deepEqual(overTcp, overUdp.bytes, name);
    }
    connection.close();
  });

  it('an answer that UDP has to cut is whole, and without TC', async () => {
    const connection = await open();
    const answer = packet.decode(await connection.ask(encodeQuery('large.marathon.mesos')));
    assert.equal(answer.answers?.length, LARGE);
    assert.equal(answer.flag_tc, false);
    connection.close();
  });

  it('the length of a message may arrive in pieces, and several messages in one', async () => {
    const connection = await open();
    for (const octet of framed(local(1))) {
      connection.socket.write(Buffer.of(octet));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal((await connection.next()).readUInt16BE(0), 1);
    const [two, three] = [framed(local(2)), framed(local(3))];
    connection.socket.write(Buffer.concat([two, three.subarray(0, 1)]));
    assert.equal((await connection.next()).readUInt16BE(0), 2);
    connection.socket.write(three.subarray(1));
    assert.equal((await connection.next()).readUInt16BE(0), 3);
    connection.close();
  });

  it('a message of no octets ends the connection, behind the answers to those before', async () => {
    const connection = await open();
    connection.send(encodeQuery('slow.example.com', { id: 1 }), local(2), Buffer.alloc(0));
    assert.equal((await connection.next()).readUInt16BE(0), 2);
    assert.equal((await connection.next()).readUInt16BE(0), 1);
    await connection.ended();
  });

  it('nothing is said to less than a header, nor to a response', async () => {
    const connection = await open();
    const response = Buffer.from(local(9));
    response.writeUInt16BE(0x8180, 2);
    connection.send(Buffer.of(1), local(8).subarray(0, 11), response, local(1));
    assert.equal((await connection.next()).readUInt16BE(0), 1);
    connection.close();
  });

  it('a question that cannot be parsed is answered FORMERR under its id, and the connection goes on', async () => {
    const connection = await open();
    const pointing = Buffer.from(local(7));
    pointing.writeUInt16BE(0xc00c, 12);
    const cut = local(8).subarray(0, 20);
    const twice = Buffer.from(local(9));
    twice.writeUInt16BE(2, 4);
    const long = Buffer.from(local(10));
    long[12] = 64;
    for (const query of [pointing, cut, twice, long]) {
      const answer = await connection.ask(query);
      assert.equal(answer.readUInt16BE(0), query.readUInt16BE(0));
      assert.equal((answer[3] ?? 0) & 15, 1);
    }
    assert.equal((await connection.ask(local(1))).readUInt16BE(0), 1);
    connection.close();
  });

  it('a zone transfer is refused', async () => {
    const connection = await open();
    for (const type of ['AXFR', 'IXFR'] as const) {
      const answer = await connection.ask(encodeQuery('mesos', { type }));
      assert.equal((answer[3] ?? 0) & 15, 5, type);
    }
    connection.close();
  });

  it('a local name behind slow forwards is answered at once, out of order', async () => {
    const connection = await open();
    const slow = Array.from({ length: 200 }, (_, id) => encodeQuery(`slow${id}.example.com`, { id: id + 1 }));
    connection.send(...slow, local(1000));
    assert.equal((await connection.next()).readUInt16BE(0), 1000);
    const ids = new Set<number>();
    for (let left = slow.length; left > 0; left -= 1) ids.add((await connection.next()).readUInt16BE(0));
    assert.equal(ids.size, slow.length);
    connection.close();
  });

  it('who closes its half gets every answer, of forwarded questions too', async () => {
    const connection = await open();
    connection.socket.end(Buffer.concat([framed(encodeQuery('slow-half.example.com', { id: 1 })), framed(local(2))]));
    assert.equal((await connection.next()).readUInt16BE(0), 2);
    assert.equal((await connection.next()).readUInt16BE(0), 1);
    await connection.ended();
  });

  it('1,000 pipelined queries on one connection are all answered', async () => {
    const connection = await open();
    connection.send(...Array.from({ length: 1000 }, (_, id) => local(id)));
    const ids = new Set<number>();
    for (let left = 1000; left > 0; left -= 1) {
      const answer = await connection.next();
      ids.add(answer.readUInt16BE(0));
      assert.equal(answer.readUInt16BE(6), 1);
    }
    assert.equal(ids.size, 1000);
    connection.close();
  });

  it('500 connections of one address at a time are all answered, and 600 may be held', async () => {
    const connections: Connection[] = [];
    for (let n = 0; n < 12; n += 1) connections.push(...(await Promise.all(Array.from({ length: 50 }, open))));
    const answers = await Promise.all(connections.map((connection, id) => connection.ask(local(id))));
    assert.deepEqual(
      answers.map((answer) => answer.readUInt16BE(0)),
      connections.map((_, id) => id),
    );
    for (const connection of connections) connection.close();
  });

  it('connections are counted', async () => {
    const { program } = server;
    await program.waitUntil(async () => (await program.metric('mesos_dns_tcp_connections')) === 0, 'no connection');
    const before = await program.metric('mesos_dns_tcp_connections_total');
    const connections = [await open(), await open(), await open()];
    for (const connection of connections) await connection.ask(local(1));
    assert.equal(await program.metric('mesos_dns_tcp_connections'), 3);
    assert.equal(await program.metric('mesos_dns_tcp_connections_total'), before + 3);
    for (const connection of connections) await connection.ended();
    assert.ok((await program.metric('mesos_dns_tcp_idle_closed_total')) >= 3);
  });

  it('who asks is told how long an idle connection is kept, and it is kept so long, and closed then', async (test) => {
    const connection = await open();
    const answer = packet.decode(await connection.ask(withKeepalive('nginx.marathon.mesos')));
    const [opt] = answer.additionals ?? [];
    const option = opt?.type === 'OPT' ? opt.options.find(({ code }) => code === KEEPALIVE) : undefined;
    assert.equal((option as { timeout?: number } | undefined)?.timeout, IDLE_SECONDS * 10);
    connection.close();
    await bestOf(test, { 's until it is closed': 2 * IDLE_SECONDS }, async () => {
      const idle = await open();
      // It is idle from some moment between the question and when this process sees the answer.
      const idleFrom = performance.now();
      await idle.ask(local(1));
      await idle.ended();
      const seconds = (performance.now() - idleFrom) / 1000;
      assert.ok(seconds >= IDLE_SECONDS - 0.05, `closed after ${seconds} s`);
      return { 's until it is closed': seconds };
    });
  });

  it('nobody is told so who did not ask, nor over UDP', async () => {
    const connection = await open();
    const answer = packet.decode(await connection.ask(encodeQuery('nginx.marathon.mesos', { udpSize: 1232 })));
    const [opt] = answer.additionals ?? [];
    assert.ok(opt?.type === 'OPT' && opt.options.every(({ code }) => code !== KEEPALIVE));
    connection.close();
  });
});

function ttlOf(message: Buffer): number {
  return message.readUInt32BE(message.length - TTL_FROM_END);
}

/** A query with an empty edns-tcp-keepalive option (RFC 7828 section 3.1), which dns-packet cannot write. */
function withKeepalive(name: string): Buffer {
  const query = Buffer.concat([encodeQuery(name, { udpSize: 1232 }), Buffer.of(0, KEEPALIVE, 0, 0)]);
  query.writeUInt16BE(4, query.length - 6);
  return query;
}

class Connection {
  readonly socket: Socket;
  readonly #answers: Buffer[] = [];
  #received = Buffer.alloc(0);
  #hasEnded = false;
  #wake: () => void = () => {};

  static async open(port: number): Promise<Connection> {
    const connection = new Connection(connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }));
    await once(connection.socket, 'connect');
    return connection;
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#hasEnded = true;
        this.#wake();
      });
    }
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      while (this.#received.length >= 2 && this.#received.length >= 2 + this.#received.readUInt16BE(0)) {
        const end = 2 + this.#received.readUInt16BE(0);
        this.#answers.push(this.#received.subarray(2, end));
        this.#received = this.#received.subarray(end);
      }
      this.#wake();
    });
  }

  send(...messages: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(messages.map(framed)));
  }

  ask(query: Uint8Array): Promise<Buffer> {
    this.send(query);
    return this.next();
  }

  /** The next answer in the order of arrival. */
  async next(): Promise<Buffer> {
    while (this.#answers.length === 0) {
      assert.ok(!this.#hasEnded, 'the connection ended');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#answers.shift() ?? Buffer.alloc(0);
  }

  /** Resolves when the server has closed, and fails where it says more before. */
  async ended(): Promise<void> {
    while (!this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    assert.equal(this.#answers.length, 0);
    this.close();
  }

  close(): void {
    this.socket.destroy();
  }
}
