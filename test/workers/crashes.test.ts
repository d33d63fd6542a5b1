// Threads that fail while others serve. The fault switch (src/workers/fault.ts) is read by threads as they start.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { FAULT_VARIABLE, faultAtBatch } from '../../src/workers/fault.ts';
import { type RunningService, type ServiceSetup, startService } from '../support/dns-service.ts';
import { encodeAnswer, FakeUpstream } from '../support/fake-upstream.ts';
import { udpSockets } from '../support/forwarding.ts';
import { UdpClient } from '../support/udp-client.ts';
import { until } from '../support/until.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  delete process.env[FAULT_VARIABLE];
  for (const close of open.splice(0)) await close();
});

async function serving(fault: string, setup: ServiceSetup): Promise<RunningService> {
  process.env[FAULT_VARIABLE] = fault;
  const service = await startService({ io: 'batched', ...setup });
  open.push(() => service.supervisor.stop(0));
  return service;
}

async function client(port: number): Promise<UdpClient> {
  const opened = await UdpClient.open(port);
  open.push(() => opened.close());
  return opened;
}

async function restartsOf({ metrics }: RunningService): Promise<number> {
  return (await metrics.workerRestarts.get()).values[0]?.value ?? 0;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a UDP worker that fails', () => {
  it('leaves what comes meanwhile to the one started in its place', async () => {
    const service = await serving('1@2', { workers: 1 });
    const asking = await client(service.port);
    asking.ask('n1.mesos', 1);
    await asking.until(1);
    asking.ask('n1.mesos', 2);
    while ((await restartsOf(service)) === 0) await pause(2);
    // All of them wait in the socket and come in one batch: the first of the new worker.
    for (let id = 3; id < 13; id += 1) asking.ask('n1.mesos', id);
    const answers = await asking.until(11);
    assert.ok(!answers.some(({ id }) => id === 2));
    assert.equal(await restartsOf(service), 1);
  });

  it('leaves the others as they are', async () => {
    const service = await serving('1@1', { workers: 2 });
    const clients = await Promise.all(Array.from({ length: 16 }, () => client(service.port)));
    for (const [round] of Array.from({ length: 20 }).entries()) {
      for (const each of clients) each.ask('n1.mesos', round);
      await pause(10);
    }
    while ((await restartsOf(service)) === 0) await pause(2);
    const untouchedOnes = () => clients.filter((each) => each.answers.length === 20);
    await until(() => untouchedOnes().length > 0, 'client whose answers are all there');
    await pause(100);
    // The kernel spreads the clients over the workers by their ports.
    const untouched = untouchedOnes();
    assert.ok(untouched.length > 0);
    assert.ok(untouched.length < clients.length);
  });

  it('is still stopped at once while it waits to be started again', async () => {
    const service = await serving('1@1', { workers: 1 });
    const asking = await client(service.port);
    asking.ask('n1.mesos', 1);
    while ((await restartsOf(service)) === 0) await pause(2);
    const before = performance.now();
    await service.supervisor.stop(0);
    assert.ok(performance.now() - before < 15_000);
  });
});

describe('a stream thread that fails', () => {
  it('is started again, and the UDP workers find it', async () => {
    const upstream = await FakeUpstream.start((query, reply) => reply(encodeAnswer(query)));
    open.push(() => upstream.close());
    const service = await serving('0@2', { workers: 2, routes: [[upstream.address]] });
    const asking = await client(service.port);
    asking.ask('a.example', 1);
    await asking.until(1);
    asking.ask('b.example', 2);
    while ((await restartsOf(service)) === 0) await pause(2);
    // Names of the zone need it not; the next foreign one waits for it.
    asking.ask('n1.mesos', 3);
    asking.ask('c.example', 4);
    assert.deepEqual(
      (await asking.until(3)).map(({ id }) => id),
      [1, 3, 4],
    );
  });
});

describe('a stream thread that fails again and again', () => {
  it('leaves no socket to resolvers behind', async () => {
    const upstream = await FakeUpstream.start(() => {});
    open.push(() => upstream.close());
    const service = await serving('0@3', { workers: 1, routes: [[upstream.address]] });
    const asking = await client(service.port);
    const before = udpSockets();
    for (let restarts = 1; restarts <= 3; restarts += 1) {
      while ((await restartsOf(service)) < restarts) {
        asking.ask(`n${performance.now()}.example`, 1);
        await pause(20);
      }
    }
    // Each had some; what is open now is that of the last one.
    await until(() => udpSockets() <= before + 10, `end of ${udpSockets()} sockets, ${before} before`);
  });
});

describe('faultAtBatch', () => {
  it('names the batch for the chosen worker only', () => {
    assert.equal(faultAtBatch(2, '2@100'), 100);
    assert.equal(faultAtBatch(1, '2@100'), null);
    assert.equal(faultAtBatch(0, undefined), null);
    assert.equal(faultAtBatch(0, ''), null);
    assert.equal(faultAtBatch(0, '0@x'), null);
  });
});
