// The watchdog between a server that answers and one that does not.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceState } from '../../src/systemd/notify.ts';
import { startWatchdog } from '../../src/systemd/watchdog.ts';
import { recordedLog } from '../support/log.ts';
import { until } from '../support/until.ts';

it('the watchdog is fed while every endpoint answers, not while one is silent, and again afterwards', async (t) => {
  const sockets = [createSocket('udp4'), createSocket('udp4')];
  let isSilent = false;
  for (const [i, socket] of sockets.entries()) {
    socket.on('message', (query, { port, address }) => {
      if (!(isSilent && i === 1)) socket.send(query, port, address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    t.after(() => socket.close());
  }
  const fed: ServiceState[] = [];
  const { log, lines } = recordedLog();
  const watchdog = startWatchdog({
    notifier: { isHeard: true, notify: (state) => fed.push(state) },
    intervalMs: 900,
    endpoints: () => sockets.map((socket) => ({ address: '127.0.0.1', port: socket.address().port })),
    domain: () => 'mesos',
    logger: log,
  });
  t.after(() => watchdog.stop());
  const moreThan = async (count: number) => {
    const end = performance.now() + 30_000;
    while (fed.length <= count) {
      assert.ok(performance.now() < end, 'not fed within 30 s');
      await sleep(10);
    }
  };
  await moreThan(0);
  assert.deepEqual(fed[0], { WATCHDOG: 1 });
  isSilent = true;
  const from = lines.length;
  // Rounds that began before are over then.
  await until(() => lines.length > from, 'line about the silent one');
  const count = fed.length;
  await sleep(1500);
  assert.equal(fed.length, count);
  const silent = new RegExp(`not answered on 127\\.0\\.0\\.1 port ${sockets[1]?.address().port};`);
  // Where this process stood still, the other one has not answered in time either.
  assert.ok(
    lines.slice(from).some((line) => silent.test(line)),
    lines.join('\n'),
  );
  isSilent = false;
  await moreThan(count);
});
