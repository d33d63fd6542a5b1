// What is sent to the service manager, byte for byte.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { silentLogger } from '../../src/observability/logger.ts';
import { loadLibc } from '../../src/sockets/libc.ts';
import { createNotifier, formatState } from '../../src/systemd/notify.ts';
import { watchdogInterval } from '../../src/systemd/watchdog.ts';
import { recordedLog } from '../support/log.ts';
import { NotifySocket } from '../support/notify-socket.ts';
import { temporaryFile } from '../support/program.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function listen(path: string): Promise<NotifySocket> {
  const socket = await NotifySocket.open(path);
  open.push(socket);
  return socket;
}

describe('createNotifier', () => {
  for (const [kind, path] of [
    ['a path', `${temporaryFile('', 'x')}-notify`],
    ['an abstract name', `@mesos-dns-notify-${process.pid}`],
  ] as const) {
    it(`sends one datagram to the socket of ${kind}`, async () => {
      const socket = await listen(path);
      const environment = { NOTIFY_SOCKET: path };
      const notifier = createNotifier({ libc: await loadLibc(), environment, logger: silentLogger() });
      assert.equal(notifier.isHeard, true);
      notifier.notify({ READY: 1, STATUS: 'two\nlines' });
      assert.deepEqual(await socket.until('READY'), { READY: '1', STATUS: 'two lines' });
    });
  }

  it('sends nothing without NOTIFY_SOCKET', () => {
    const notifier = createNotifier({ libc: null, environment: {}, logger: silentLogger() });
    assert.equal(notifier.isHeard, false);
    notifier.notify({ READY: 1 });
  });

  it('says once that nobody listens there', async () => {
    const { log, lines } = recordedLog();
    const environment = { NOTIFY_SOCKET: '/nonexistent/notify' };
    const notifier = createNotifier({ libc: await loadLibc(), environment, logger: log });
    notifier.notify({ READY: 1 });
    notifier.notify({ READY: 1 });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /cannot be told: sendto: ENOENT/);
  });
});

it('formatState writes assignments in order', () => {
  assert.equal(formatState({ RELOADING: 1, MONOTONIC_USEC: 123n }), 'RELOADING=1\nMONOTONIC_USEC=123');
});

describe('watchdogInterval', () => {
  it('is what the service manager asks of this process, in milliseconds', () => {
    assert.equal(watchdogInterval({ WATCHDOG_USEC: '20000000', WATCHDOG_PID: '7' }, 7), 20_000);
    assert.equal(watchdogInterval({ WATCHDOG_USEC: '20000000' }, 7), 20_000);
  });
  it('is null where nobody asks, or another process is meant', () => {
    assert.equal(watchdogInterval({}, 7), null);
    assert.equal(watchdogInterval({ WATCHDOG_USEC: '20000000', WATCHDOG_PID: '8' }, 7), null);
    assert.equal(watchdogInterval({ WATCHDOG_USEC: '0' }, 7), null);
  });
});
