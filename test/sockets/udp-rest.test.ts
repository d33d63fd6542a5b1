// UDP workers of the batched driver that nobody asks: they sleep, and are there when they are wanted.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BATCH_MAX } from '../../src/engine/contract.ts';
import { createMemory, workerViews } from '../../src/engine/memory.ts';
import { Bell } from '../../src/sockets/bell.ts';
import { createForwardRing, ForwardRing } from '../../src/sockets/forward-ring.ts';
import { errnoOf, type Libc, loadLibc } from '../../src/sockets/libc.ts';
import { QuerySampler } from '../../src/sockets/query-sampler.ts';
import { serveUdp } from '../../src/sockets/udp-batched.ts';
import { createControlBuffer, ORDER_STOP, UdpControl } from '../../src/sockets/udp-control.ts';
import { addressOf, serviceSettings, startChild, startService } from '../support/dns-service.ts';
import { recordedLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { addressesIn, UdpClient } from '../support/udp-client.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Longer than a worker waits in vain before it lies down. */
const RESTING_MS = 2500;

async function ask(port: number): Promise<void> {
  const client = await UdpClient.open(port);
  open.push(() => client.close());
  client.ask('n7.mesos', 7);
  const [answer] = await client.until(1);
  assert.deepEqual(addressesIn(answer), [addressOf(7)]);
}

describe('a UDP worker that nobody asks', () => {
  for (const listeners of [['127.0.0.1'], ['127.0.0.1', '127.0.0.2', '::1']]) {
    it(`answers, and goes over to other sockets, on ${listeners.length} of them`, async () => {
      const { log, lines } = recordedLog();
      const port = await freePort();
      const { supervisor, engine } = await startService({ io: 'batched', workers: 2, listeners, port }, log);
      open.push(() => supervisor.stop(0));
      await sleep(RESTING_MS);
      await ask(port);
      await sleep(RESTING_MS);
      const next = await freePort();
      const { module, memory } = engine;
      await supervisor.tune(serviceSettings({ module, memory, listeners, port: next }));
      await ask(next);
      await sleep(RESTING_MS);
      await supervisor.stop(0);
      assert.equal(lines.join('\n').match(/does not give up its sockets/g), null);
    });
  }

  it('ends with a process that is told to, and with one that just ends', async () => {
    const orderly = await startChild({ io: 'batched', workers: 2 });
    const sudden = await startChild({ io: 'batched', workers: 2 });
    await sleep(RESTING_MS);
    const guard = setTimeout(() => {
      for (const child of [orderly, sudden]) child.process.kill('SIGKILL');
    }, 30_000);
    assert.equal(await orderly.stop(), 0);
    sudden.process.kill('SIGUSR2'); // an exception that nobody catches
    const code = await new Promise((resolve) => sudden.process.once('exit', resolve));
    clearTimeout(guard);
    assert.equal(code, 1);
  });

  it('waits for its sockets and the bell at a time, for a minute', async () => {
    const real = await loadLibc();
    const bell = new Bell(real);
    open.push(() => bell.close());
    const control = new UdpControl(createControlBuffer());
    const waits: { readonly count: number; readonly timeoutMs: number }[] = [];
    const libc: Libc = {
      ...real,
      recvmmsg: () => -1,
      errno: () => errnoOf('EAGAIN'),
      poll: (fdsPtr, count, timeoutMs) => {
        waits.push({ count, timeoutMs });
        if (waits.length === 1) return 0;
        // As the main thread does: first the order, then the bell.
        control.give(ORDER_STOP);
        bell.ring();
        return real.poll(fdsPtr, count, timeoutMs);
      },
    };
    serveUdp({
      libc,
      core: { answerBatch: assert.fail, answerSlot: assert.fail, failSlot: assert.fail },
      views: workerViews(createMemory(), 1, BATCH_MAX),
      sockets: [{ fd: -1, family: 4, localAddresses: false }],
      control,
      bell: bell.fd,
      readMessages: () => null,
      serves: () => {},
      forwardTo: () => ({ ring: new ForwardRing(createForwardRing()), wake: () => {} }),
      sampler: new QuerySampler(() => {}),
      onTrouble: (what) => assert.fail(what),
      faultAtBatch: null,
    });
    assert.deepEqual(waits, [
      { count: 2, timeoutMs: 60_000 },
      { count: 2, timeoutMs: 60_000 },
    ]);
  });
});
