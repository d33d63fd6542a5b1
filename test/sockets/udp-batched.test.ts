// What only the batched driver does: answers from the address asked, bursts, draining, sockets that outlive workers.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import {
  loadLibc,
  MSG_DONTWAIT,
  must,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../src/sockets/libc.ts';
import { domainOf, PacketBatch, peerOf } from '../../src/sockets/packet-batch.ts';
import { encodeAddress } from '../../src/sockets/socket-address.ts';
import { bestOf } from '../support/best-of.ts';
import { type RunningService, type ServiceSetup, startService } from '../support/dns-service.ts';
import { encodeAnswer, encodeQuery, FakeUpstream } from '../support/fake-upstream.ts';
import { recordedLog } from '../support/log.ts';
import { UdpClient } from '../support/udp-client.ts';
import { until } from '../support/until.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function serving(setup: ServiceSetup): Promise<RunningService> {
  const service = await startService({ io: 'batched', ...setup });
  open.push(() => service.supervisor.stop(0));
  return service;
}

async function client(port: number, family: 4 | 6 = 4): Promise<UdpClient> {
  const opened = await UdpClient.open(port, family);
  open.push(() => opened.close());
  return opened;
}

describe('the batched driver', () => {
  it('answers from the address asked on a wildcard listener', async () => {
    const { port } = await serving({ listeners: ['0.0.0.0'] });
    const asking = await client(port);
    for (let id = 1; id <= 50; id += 1) asking.ask('n1.mesos', id, `127.0.0.${id}`);
    for (const { id, from } of await asking.until(50)) assert.equal(from, `127.0.0.${id}`);
  });

  it('answers forwarded queries from the address asked too', async () => {
    const upstream = await FakeUpstream.start((query, reply) => reply(encodeAnswer(query)));
    open.push(() => upstream.close());
    const { port } = await serving({ listeners: ['0.0.0.0'], routes: [[upstream.address]] });
    const asking = await client(port);
    for (let id = 1; id <= 20; id += 1) asking.ask(`w${id}.example`, id, `127.0.1.${id}`);
    for (const { id, from } of await asking.until(20)) assert.equal(from, `127.0.1.${id}`);
  });

  it('serves both wildcards of one port side by side', async () => {
    const { port } = await serving({ listeners: ['0.0.0.0', '::'], workers: 2 });
    const v4 = await client(port);
    const v6 = await client(port, 6);
    for (let id = 0; id < 50; id += 1) {
      v4.ask('n1.mesos', id, '127.0.0.2');
      v6.ask('n1.mesos', id, '::1');
    }
    for (const { from } of await v4.until(50)) assert.equal(from, '127.0.0.2');
    for (const { from } of await v6.until(50)) assert.equal(from, '::1');
  });

  it('loses none of a burst of 10,000 queries', async () => {
    const service = await serving({ udpReceiveBufferBytes: 16 << 20 });
    assert.deepEqual(await burst(service.port, 10_000), { lost: 0, wrong: 0 });
    // An answer is on its way before it is counted.
    await until(() => service.supervisor.udpCounters.sent >= 10_000, 'count of the last answers');
    const { received, sent, sendErrors } = service.supervisor.udpCounters;
    assert.deepEqual({ received, sent, sendErrors }, { received: 10_000, sent: 10_000, sendErrors: 0 });
  });

  it('answers what its sockets hold when it is told to stop', async () => {
    const service = await serving({ workers: 2, listeners: ['127.0.0.1', '127.0.0.2'] });
    const clients = await Promise.all(Array.from({ length: 8 }, () => client(service.port)));
    for (const each of clients) {
      for (let id = 0; id < 50; id += 1) each.ask('n1.mesos', id, `127.0.0.${1 + (id % 2)}`);
    }
    // The clients' packets leave when this thread comes to its event loop.
    await new Promise((resolve) => setImmediate(resolve));
    await service.supervisor.stop(0);
    for (const each of clients) assert.equal((await each.until(50)).length, 50);
  });

  it('counts datagrams that are larger than a slot', async () => {
    const { port, supervisor } = await serving({});
    const asking = await client(port);
    const large = new Uint8Array(5000);
    large.set(encodeQuery('n1.mesos'));
    asking.send(large);
    asking.ask('n1.mesos', 2);
    await asking.until(1);
    while (supervisor.udpCounters.received < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(supervisor.udpCounters.oversized, 1);
  });

  it('logs which driver serves, why, and how large its buffers are', async () => {
    const { log, lines } = recordedLog();
    const { supervisor } = await startService({ io: 'batched', udpReceiveBufferBytes: 100_000 }, log);
    await supervisor.stop(0);
    assert.match(lines.join('\n'), /"batched\\" with 1 worker: linux on \w+, checked/);
    // The kernel doubles what it was asked for.
    assert.match(lines.join('\n'), /"receiveBufferBytes":200000/);
  });

  it('costs next to nothing while nobody asks', async (test) => {
    await serving({ workers: 2 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Generous: this process runs the test as well. One that spins takes a million for each worker.
    await bestOf(test, { 'µs in a second': 100_000 }, async () => {
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { user, system } = process.cpuUsage(before);
      return { 'µs in a second': user + system };
    });
  });
});

/** Sends queries as fast as it can, with the driver's own means, and reads the answers meanwhile. */
async function burst(port: number, count: number): Promise<{ lost: number; wrong: number }> {
  const size = 64;
  const libc = await loadLibc();
  const fd = must(libc, 'socket', libc.socket(domainOf(4), SOCK_DGRAM, 0));
  const room = Array.from({ length: 2 * size }, () => new Uint8Array(new SharedArrayBuffer(512)));
  const bufferBytes = new Uint32Array([16 << 20]).buffer;
  for (const option of [SO_RCVBUF, SO_RCVBUFFORCE]) libc.setsockopt(fd, SOL_SOCKET, option, bufferBytes, 4);
  const asking = new PacketBatch(libc, room.slice(0, size), { family: 4, localAddresses: false });
  const answered = new PacketBatch(libc, room.slice(size), { family: 4, localAddresses: false });
  const seen = new Uint8Array(count);
  let wrong = 0;
  const take = () => {
    for (let got = answered.receive(fd, MSG_DONTWAIT); got > 0; got = answered.receive(fd, MSG_DONTWAIT)) {
      for (let slot = 0; slot < got; slot += 1) {
        const id = Buffer.from(room[size + slot] ?? []).readUInt16BE(0);
        if (answered.lengthOf(slot) !== 42 || seen[id] !== 0) wrong += 1;
        seen[id] = 1;
      }
    }
  };
  const server = peerOf(encodeAddress('127.0.0.1', port));
  for (let slot = 0; slot < size; slot += 1) asking.setPeer(slot, server);
  for (let id = 0; id < count; id += size) {
    const batch = Math.min(size, count - id);
    for (let slot = 0; slot < batch; slot += 1) {
      const query = encodeQuery('n1.mesos', { id: id + slot });
      room[slot]?.set(query);
      asking.setLength(slot, query.length);
    }
    for (let at = 0; at < batch; ) at += must(libc, 'sendmmsg', asking.send(fd, at, batch, 0));
    take();
  }
  const deadline = performance.now() + 20_000;
  while (seen.includes(0) && performance.now() < deadline) {
    take();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  libc.close(fd);
  return { lost: seen.filter((mark) => mark === 0).length, wrong };
}
