// A core that traps: the query that it trapped on gets SERVFAIL, those beside it their answers.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import packet from 'dns-packet';
import {
  BATCH_MAX,
  type CoreExports,
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_VERDICT,
  SLOT_ROOM,
  VERDICT_ANSWERED,
  VERDICT_BEGUN,
} from '../../src/engine/contract.ts';
import { instantiateCore } from '../../src/engine/core.ts';
import { Engine } from '../../src/engine/engine.ts';
import { createMemory, descriptorAt, workerViews } from '../../src/engine/memory.ts';
import { totalsOf } from '../../src/engine/query-counts.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { Bell } from '../../src/sockets/bell.ts';
import { createForwardRing, ForwardRing } from '../../src/sockets/forward-ring.ts';
import { loadLibc } from '../../src/sockets/libc.ts';
import { QuerySampler } from '../../src/sockets/query-sampler.ts';
import { serveUdp } from '../../src/sockets/udp-batched.ts';
import { createControlBuffer, ORDER_STOP, UdpControl } from '../../src/sockets/udp-control.ts';
import { UdpSockets } from '../../src/sockets/udp-sockets.ts';
import { addressOf, DRIVERS, startService } from '../support/dns-service.ts';
import { encodeQuery, framed } from '../support/fake-upstream.ts';
import { breakAddress } from '../support/faulty-table.ts';
import { freePort } from '../support/ports.ts';
import { addressesIn, UdpClient } from '../support/udp-client.ts';
import { recordSet, tableInput } from '../support/zone.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function setUp(memory = createMemory()) {
  const libc = await loadLibc();
  const sockets = UdpSockets.open(libc, {
    places: [{ address: '127.0.0.1', port: await freePort() }],
    workers: 1,
    receiveBufferBytes: 1 << 20,
    sendBufferBytes: 0,
    logger: silentLogger(),
  });
  const bell = new Bell(libc);
  const client = await UdpClient.open(sockets.endpoints[0]?.port ?? 0);
  open.push(
    () => sockets.close(),
    () => bell.close(),
    () => client.close(),
  );
  const control = new UdpControl(createControlBuffer());
  const views = workerViews(memory, 1, BATCH_MAX);
  const troubles: string[] = [];
  const ring = new ForwardRing(createForwardRing());
  /** Sends queries, and serves them once the socket holds them all: by the batch. */
  const serve = async (
    core: Pick<CoreExports, 'answerBatch' | 'answerSlot' | 'failSlot'>,
    queries: readonly Buffer[],
  ) => {
    for (const query of queries) client.send(query);
    await pause(50);
    control.give(ORDER_STOP);
    serveUdp({
      libc,
      core,
      views,
      sockets: sockets.ofWorkers[0] ?? [],
      control,
      bell: bell.fd,
      readMessages: () => null,
      serves: () => {},
      forwardTo: () => ({ ring, wake: () => {} }),
      sampler: new QuerySampler(() => {}),
      onTrouble: (what) => troubles.push(what),
      faultAtBatch: null,
    });
  };
  /** As the core does where it answers with as many octets as came. */
  const echo = (slot: number, length?: number) => {
    views.descriptors.setUint32(descriptorAt(slot) + DESCRIPTOR_VERDICT, VERDICT_ANSWERED, true);
    if (length !== undefined) views.descriptors.setUint32(descriptorAt(slot) + DESCRIPTOR_LENGTH, length, true);
  };
  const begin = (slot: number) => {
    views.descriptors.setUint32(descriptorAt(slot) + DESCRIPTOR_VERDICT, VERDICT_BEGUN, true);
    Atomics.store(views.announced, 0, 1234);
  };
  const failures = () => totalsOf([views.counts]).coreFailures;
  return { client, control, views, troubles, serve, echo, begin, failures };
}

const batch = Array.from({ length: BATCH_MAX }, (_, id) => encodeQuery(`n${id}.mesos`, { id }));

const unexpected = () => {
  throw new Error('unexpected call');
};

describe('the batched driver over a faulty core', () => {
  for (const [where, broken] of [
    ['first', [0]],
    ['in the middle', [17]],
    ['last', [BATCH_MAX - 1]],
    ['three times', [5, 6, 40]],
  ] as const) {
    it(`answers a whole batch, and SERVFAIL to what the core traps on: ${where}`, async () => {
      const engine = await Engine.create();
      const lines = batch.map((_, i) => `n${i}.mesos. A ${addressOf(i)}`);
      engine.publish(tableInput(recordSet(lines)));
      for (const number of broken) breakAddress(engine.memory, addressOf(number));
      const core = instantiateCore(engine.module, engine.memory);
      const { client, views, troubles, serve, failures } = await setUp(engine.memory);
      await serve(core, batch);
      const answers = await client.until(BATCH_MAX);
      for (const answer of answers) {
        const number = answer.id ?? -1;
        const isBroken = broken.some((each) => each === number);
        assert.deepEqual(addressesIn(answer), isBroken ? [] : [addressOf(number)]);
        assert.equal(answer.rcodeNumber, isBroken ? 2 : 0);
        assert.equal(answer.questions?.[0]?.name, `n${number}.mesos`);
      }
      assert.equal(new Set(answers.map(({ id }) => id)).size, BATCH_MAX);
      assert.equal(Atomics.load(views.announced, 0), 0);
      assert.equal(failures(), broken.length);
      assert.deepEqual(
        troubles,
        broken.map(() => 'the core failed on a query; it gets SERVFAIL'),
      );
      const totals = totalsOf([views.counts]);
      assert.deepEqual(totals.responses, [
        { rcode: 0, count: BATCH_MAX - broken.length },
        { rcode: 2, count: broken.length },
      ]);
      assert.equal(totals.requests[0]?.count, BATCH_MAX);
    });
  }

  it('answers one by one where the core fails before the first of a batch', async () => {
    const { client, views, troubles, serve, echo, failures } = await setUp();
    await serve(
      {
        answerBatch: () => {
          Atomics.store(views.announced, 0, 1234);
          throw new Error('unreachable');
        },
        answerSlot: (_, slot) => echo(slot),
        failSlot: unexpected,
      },
      batch,
    );
    await client.until(BATCH_MAX);
    assert.equal(Atomics.load(views.announced, 0), 0);
    assert.deepEqual(troubles, ['the core failed on a batch of queries; they are answered one by one']);
    assert.equal(failures(), 1);
  });

  it('drops only the query that can neither be answered nor refused', async () => {
    const { client, views, serve, echo, begin, failures } = await setUp();
    const trapOn = (slot: number) => {
      begin(slot);
      throw new Error('unreachable');
    };
    await serve(
      {
        answerBatch: () => {
          echo(0);
          echo(1);
          trapOn(2);
        },
        answerSlot: (_, slot) => echo(slot),
        failSlot: (_, slot) => trapOn(slot),
      },
      batch,
    );
    const answers = await client.until(BATCH_MAX - 1);
    assert.deepEqual(
      answers.map(({ id }) => id),
      [...batch.keys()].filter((id) => id !== 2),
    );
    assert.equal(Atomics.load(views.announced, 0), 0);
    assert.equal(failures(), 1);
  });

  it('sends no more than a slot, whatever length the core says', async () => {
    const { client, control, serve, echo } = await setUp();
    const sizes: number[] = [];
    client.onBytes((bytes) => sizes.push(bytes.length));
    await serve({ answerBatch: () => echo(0, 0xffff_ffff), answerSlot: unexpected, failSlot: unexpected }, [
      encodeQuery('n1.mesos', { id: 1 }),
    ]);
    while (sizes.length === 0) await pause(2);
    assert.deepEqual(sizes, [SLOT_ROOM]);
    assert.equal(control.counters.sent, 1);
  });
});

for (const io of DRIVERS) {
  it(`a service with io ${io} answers SERVFAIL to what the core traps on, counts it, and goes on`, async () => {
    const service = await startService({ io });
    open.push(() => service.supervisor.stop(0));
    service.metrics.countQueries(() => service.supervisor.queryTotals);
    breakAddress(service.engine.memory, addressOf(7));
    const client = await UdpClient.open(service.port);
    open.push(() => client.close());
    for (const number of [6, 7, 8]) client.send(encodeQuery(`n${number}.mesos`, { id: number, udpSize: 1232 }));
    const answers = await client.until(3);
    assert.deepEqual(
      new Map(answers.map(({ id, rcodeNumber }) => [id, rcodeNumber])),
      new Map([
        [6, 0],
        [7, 2],
        [8, 0],
      ]),
    );
    const overTcp = connect(service.port, '127.0.0.1');
    open.push(() => overTcp.destroy());
    overTcp.write(Buffer.concat([7, 8].map((number) => framed(encodeQuery(`n${number}.mesos`, { id: number })))));
    let received = Buffer.alloc(0);
    const rcodes: unknown[] = [];
    for await (const chunk of overTcp) {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
        const message = received.subarray(2, 2 + received.readUInt16BE());
        const { id, questions } = packet.decode(message);
        rcodes.push([id, (message[3] ?? 0) & 15, questions?.[0]?.name]);
        received = received.subarray(2 + message.length);
      }
      if (rcodes.length === 2) break;
    }
    assert.deepEqual(rcodes, [
      [7, 2, 'n7.mesos'],
      [8, 0, 'n8.mesos'],
    ]);
    assert.match(await service.metrics.registry.metrics(), /^mesos_dns_core_failures_total 2$/m);
  });
}
