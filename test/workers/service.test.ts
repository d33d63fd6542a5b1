// What both UDP drivers must do alike. MESOS_DNS_IO selects one of them.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import packet from 'dns-packet';
import { SLOT_ROOM } from '../../src/engine/contract.ts';
import { addressOf, DRIVERS, type RunningService, type ServiceSetup, startService } from '../support/dns-service.ts';
import { encodeAnswer, encodeQuery, FakeUpstream, framed } from '../support/fake-upstream.ts';
import { addressesIn, UdpClient } from '../support/udp-client.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function serving(setup: ServiceSetup): Promise<RunningService> {
  const service = await startService(setup);
  open.push(() => service.supervisor.stop(0));
  return service;
}

async function client(port: number, family: 4 | 6 = 4): Promise<UdpClient> {
  const opened = await UdpClient.open(port, family);
  open.push(() => opened.close());
  return opened;
}

for (const io of DRIVERS) {
  describe(`the DNS service with io ${io}`, () => {
    it('is served by that driver', async () => {
      const { supervisor } = await serving({ io });
      assert.equal(supervisor.io?.kind, io);
    });

    it('answers each of many queries with its own answer', async () => {
      const { port } = await serving({ io, workers: 2 });
      const asking = await client(port);
      for (let id = 0; id < 100; id += 1) asking.ask(`n${id}.mesos`, id);
      for (const answer of await asking.until(100)) {
        assert.deepEqual(addressesIn(answer), [addressOf(answer.id ?? 0)]);
        assert.equal(answer.questions?.[0]?.name, `n${answer.id}.mesos`);
      }
    });

    it('serves several listeners, IPv4 and IPv6, over UDP and TCP on one port', async () => {
      const listeners = ['127.0.0.1', '127.0.0.3', '::1'];
      const { port, endpoints } = await serving({ io, listeners });
      assert.deepEqual(
        endpoints,
        listeners.flatMap((address) => [
          { transport: 'udp', address, port },
          { transport: 'tcp', address, port },
        ]),
      );
      const v4 = await client(port);
      const v6 = await client(port, 6);
      v4.ask('n1.mesos', 1, '127.0.0.1');
      v4.ask('n2.mesos', 2, '127.0.0.3');
      v6.ask('n3.mesos', 3, '::1');
      const from = (await v4.until(2)).map((answer) => answer.from).sort();
      assert.deepEqual(from, ['127.0.0.1', '127.0.0.3']);
      assert.deepEqual(addressesIn((await v6.until(1))[0]), [addressOf(3)]);
      for (const address of listeners) assert.deepEqual(await askOverTcp(address, port), [addressOf(4)]);
    });

    it('answers names that do not exist, and says nothing to empty datagrams, fragments and responses', async () => {
      const { port } = await serving({ io });
      const asking = await client(port);
      asking.send(new Uint8Array(0));
      asking.send(new Uint8Array(11));
      asking.send(packet.encode({ type: 'response', id: 1, questions: [{ type: 'A', name: 'n1.mesos' }] }));
      asking.ask('absent.mesos', 2);
      const [answer] = await asking.until(1);
      assert.equal(answer?.id, 2);
      assert.equal(answer?.rcodeNumber, 3);
      asking.ask('n1.mesos', 3);
      assert.equal((await asking.until(2)).length, 2);
    });

    it('answers FORMERR to a query larger than a slot, and goes on', async () => {
      const { port } = await serving({ io });
      const asking = await client(port);
      const padding: packet.Answer = {
        type: 'TXT',
        name: 'x',
        data: Array.from({ length: 40 }, () => 'x'.repeat(200)),
      };
      const large = packet.encode({
        type: 'query',
        id: 1,
        questions: [{ type: 'A', name: 'n1.mesos' }],
        additionals: [padding],
      });
      assert.ok(large.length > SLOT_ROOM);
      asking.send(large);
      asking.ask('n1.mesos', 2);
      const codes = (await asking.until(2)).map(({ id, rcodeNumber }) => [id, rcodeNumber]);
      assert.deepEqual(codes.sort(), [
        [1, 1],
        [2, 0],
      ]);
    });

    it('forwards foreign names, and serves its own meanwhile', async () => {
      let haveServed = () => {};
      const served = new Promise<void>((resolve) => {
        haveServed = resolve;
      });
      const upstream = await FakeUpstream.start((query, reply) => {
        void served.then(() => reply(encodeAnswer(query, { addresses: ['192.0.2.7'] })));
      });
      open.push(() => upstream.close());
      const { port } = await serving({ io, routes: [[upstream.address]], timeoutSeconds: 30 });
      const asking = await client(port);
      for (let id = 0; id < 20; id += 1) asking.ask(id % 2 === 0 ? `w${id}.example` : `n${id}.mesos`, id);
      await asking.until(10);
      haveServed();
      const answers = await asking.until(20);
      assert.deepEqual(
        answers.slice(0, 10).map(({ id }) => (id ?? 0) % 2),
        Array.from({ length: 10 }, () => 1),
      );
      for (const answer of answers) {
        const expected = (answer.id ?? 0) % 2 === 0 ? '192.0.2.7' : addressOf(answer.id ?? 0);
        assert.deepEqual(addressesIn(answer), [expected]);
      }
    });

    it('sends what upstreams answer within the grace of a stop', async () => {
      const upstream = await FakeUpstream.start((query, reply) => {
        setTimeout(() => reply(encodeAnswer(query)), 300);
      });
      open.push(() => upstream.close());
      const { port, supervisor } = await serving({ io, routes: [[upstream.address]] });
      const asking = await client(port);
      asking.ask('www.example', 1);
      while (upstream.queries.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      await supervisor.stop(30_000);
      assert.equal((await asking.until(1)).length, 1);
    });

    it('names address, port and remedy where another program holds the port', async () => {
      const other = createSocket('udp4');
      open.push(() => other.close());
      other.bind(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address();
      await assert.rejects(startService({ io, port }), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_LISTEN');
        assert.match(error.message, new RegExp(`UDP 127\\.0\\.0\\.1:${port}: EADDRINUSE; .*systemd-resolved`));
        return true;
      });
    });

    it('refuses to share its port with a second instance, and the first one goes on', async () => {
      const { port } = await serving({ io });
      await assert.rejects(startService({ io, port }), { code: 'ERR_LISTEN' });
      const asking = await client(port);
      for (let id = 0; id < 20; id += 1) asking.ask('n1.mesos', id);
      assert.equal((await asking.until(20)).length, 20);
    });

    it('can be started again on the port that it has left', async () => {
      const first = await startService({ io });
      await first.supervisor.stop(0);
      const { port } = await serving({ io, port: first.port });
      const asking = await client(port);
      asking.ask('n1.mesos', 1);
      assert.equal((await asking.until(1)).length, 1);
    });
  });
}

async function askOverTcp(address: string, port: number): Promise<string[]> {
  const socket = connect(port, address);
  socket.end(framed(encodeQuery('n4.mesos')));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const { answers = [] } = packet.decode(Buffer.concat(chunks).subarray(2));
  return answers.flatMap((record) => (record.type === 'A' ? [record.data] : []));
}
