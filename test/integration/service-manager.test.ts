// What a service manager hears of the running program, and the sockets that it hands over.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { bestOf } from '../support/best-of.ts';
import { NotifySocket } from '../support/notify-socket.ts';
import { type Program, startProgram } from '../support/program.ts';

let socketCount = 0;

async function managed(t: TestContext): Promise<NotifySocket> {
  socketCount += 1;
  const socket = await NotifySocket.open(`@mesos-dns-test-${process.pid}-${socketCount}`);
  t.after(() => socket.close());
  return socket;
}

async function startMaster(t: TestContext): Promise<StandinMaster> {
  const { cluster } = demoCluster();
  const master = new StandinMaster(cluster);
  await master.start();
  t.after(() => master.stop());
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  return master;
}

async function start(
  t: TestContext,
  socket: NotifySocket,
  keys: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const program = await startProgram(
    { externalOn: false, ...keys },
    { environment: { NOTIFY_SOCKET: socket.path, ...environment } },
  );
  t.after(() => program.stop('SIGKILL'));
  return program;
}

describe('the service manager', { concurrency: 2 }, () => {
  it('hears READY=1 with the first zone, and STOPPING=1 at the end', async (t) => {
    const [master, socket] = [await startMaster(t), await managed(t)];
    const program = await start(t, socket, { masters: [master.endpoint] });
    const ready = await socket.until('READY');
    assert.equal(ready['READY'], '1');
    assert.match(ready['STATUS'] ?? '', /^serving mesos, serial \d+/);
    assert.equal((await program.ask('nginx.marathon.mesos')).rcode, 0);
    assert.equal((await program.stop()).code, 0);
    const stopping = await socket.until('STOPPING');
    assert.equal(stopping['STOPPING'], '1');
  });

  it('is asked for time while no master answers, and hears READY=1 nevertheless after a while', async (t) => {
    const socket = await managed(t);
    const started = performance.now();
    await start(t, socket, { masters: ['127.0.0.1:9'] });
    const waiting = await socket.until('EXTEND_TIMEOUT_USEC');
    assert.ok(Number(waiting['EXTEND_TIMEOUT_USEC']) > 2_000_000);
    const { STATUS: status = '' } = await socket.until('STATUS');
    assert.match(status, /no state of the cluster yet/);
    assert.equal(socket.received.filter((each) => 'READY' in each).length, 0);
    const ready = await socket.until('READY', { timeoutMs: 30_000 });
    assert.match(ready['STATUS'] ?? '', /no state of the cluster yet/);
    assert.ok(performance.now() - started > 10_000);
  });

  it('hears of a reload with the time of the clock that it compares with', async (t) => {
    const [master, socket] = [await startMaster(t), await managed(t)];
    const program = await start(t, socket, { masters: [master.endpoint] });
    await socket.until('READY');
    const from = socket.received.length;
    const before = process.hrtime.bigint() / 1000n;
    program.kill('SIGHUP');
    const reloading = await socket.until('RELOADING', { from });
    const at = BigInt(reloading['MONOTONIC_USEC'] ?? '0');
    assert.ok(at >= before && at <= process.hrtime.bigint() / 1000n);
    await socket.until('READY', { from });
  });

  it('hears WATCHDOG=1 often enough while queries are answered', async (t) => {
    const [master, socket] = [await startMaster(t), await managed(t)];
    const environment = { WATCHDOG_USEC: '600000' };
    await start(t, socket, { masters: [master.endpoint] }, environment);
    await socket.until('WATCHDOG');
    // Asked for every 0.6 s. After a standstill, those of before are counted as well.
    await bestOf(t, { 'ms from one to the next': 600, 'in 1.5 s': 12.1 }, async () => {
      const from = socket.received.length;
      const startedMs = performance.now();
      await sleep(1500);
      const fed = socket.received.slice(from).filter((each) => 'WATCHDOG' in each).length;
      const tookMs = performance.now() - startedMs;
      return { 'ms from one to the next': tookMs / fed, 'in 1.5 s': (1500 * fed) / tookMs };
    });
  });
});
