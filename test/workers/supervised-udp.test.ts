// The sockets of the UDP workers over changes back and forth: each is closed once, and not while it is served.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../../src/engine/engine.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { loadLibc } from '../../src/sockets/libc.ts';
import { CoreBlocks } from '../../src/workers/core-blocks.ts';
import { SupervisedUdp } from '../../src/workers/supervised-udp.ts';
import { addressOf } from '../support/dns-service.ts';
import { freePort } from '../support/ports.ts';
import { addressesIn, UdpClient } from '../support/udp-client.ts';
import { recordSet, tableInput } from '../support/zone.ts';

/** Sockets that were given up are closed by then. */
const CLOSED_MS = 7000;

/** Workers at an address, and the descriptors of sockets that they hold; closing another one fails the test. */
async function startWorkers(t: TestContext, port: number) {
  const real = await loadLibc();
  const sockets = new Set<number>();
  const notOpen: number[] = [];
  const libc: typeof real = {
    ...real,
    socket: (...args) => {
      const fd = real.socket(...args);
      sockets.add(fd);
      return fd;
    },
    close: (fd) => {
      if (!sockets.delete(fd)) notOpen.push(fd);
      return real.close(fd);
    },
  };
  const { module, memory, engine } = await engineWithNames();
  const tuning = { places: [{ address: '127.0.0.1', port }], receiveBufferBytes: 0, sendBufferBytes: 0 };
  const udp = new SupervisedUdp(
    {
      libc,
      workers: 2,
      blocks: new CoreBlocks({ module, memory, priority: 0 }),
      attach: ({ way }) => t.after(() => way.port.close()),
      onQuery: () => assert.fail(),
      onRestart: () => assert.fail(),
      logger: silentLogger(),
    },
    { ...tuning, queryLogSample: 0 },
  );
  t.after(async () => {
    await udp.stop();
    udp.close();
  });
  await udp.start();
  const at = (next: number) =>
    udp.change({ ...tuning, places: [{ address: '127.0.0.1', port: next }], queryLogSample: 0 });
  return { udp, engine, at, sockets, notOpen };
}

async function engineWithNames() {
  const engine = await Engine.create();
  engine.publish(tableInput(recordSet(Array.from({ length: 10 }, (_, i) => `n${i}.mesos. A ${addressOf(i)}`))));
  const { module, memory } = engine;
  return { module, memory, engine };
}

async function ask(t: TestContext, port: number): Promise<void> {
  const client = await UdpClient.open(port);
  t.after(() => client.close());
  client.ask('n7.mesos', 7);
  const [answer] = await client.until(1);
  assert.deepEqual(addressesIn(answer), [addressOf(7)]);
}

describe('sockets of UDP workers', { concurrency: true }, () => {
  it('that are taken again are open as long as they are served, and for some time after it', async (t) => {
    const [here, there] = [await freePort(), await freePort()];
    const { at, sockets, notOpen } = await startWorkers(t, here);
    for (const port of [there, here, there]) {
      await at(port).done();
      await ask(t, port);
    }
    // Those of `here` were given up for the first time so long ago that they would be closed by now.
    await sleep(CLOSED_MS / 2);
    await at(here).done();
    await sleep(CLOSED_MS / 2);
    await ask(t, here);
    await sleep(CLOSED_MS / 2);
    await ask(t, here);
    assert.equal(sockets.size, 2, 'one for each worker');
    assert.deepEqual(notOpen, []);
  });

  it('are closed once where a change is taken back', async (t) => {
    const [here, there, elsewhere] = [await freePort(), await freePort(), await freePort()];
    const { at, sockets, notOpen } = await startWorkers(t, here);
    await at(there).done();
    at(here).undo();
    at(elsewhere).undo();
    assert.equal(sockets.size, 4, 'those of `here` may still be sent from');
    await sleep(CLOSED_MS);
    await ask(t, there);
    assert.equal(sockets.size, 2);
    assert.deepEqual(notOpen, []);
  });

  it('are closed once in the end', async (t) => {
    const [here, there] = [await freePort(), await freePort()];
    const { udp, at, sockets, notOpen } = await startWorkers(t, here);
    await at(there).done();
    await at(here).done();
    await udp.stop();
    udp.close();
    await udp.stop();
    udp.close();
    assert.equal(sockets.size, 0);
    // Beside them only the bells of the workers were closed.
    assert.equal(new Set(notOpen).size, 2);
    assert.equal(notOpen.length, 2);
  });
});
