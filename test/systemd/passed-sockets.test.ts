// Sockets that a service manager bound: the program takes them over, and what waits in them survives its restart.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Libc, loadLibc, must, SOCK_DGRAM, SOCK_STREAM } from '../../src/sockets/libc.ts';
import { domainOf } from '../../src/sockets/packet-batch.ts';
import { encodeAddress } from '../../src/sockets/socket-address.ts';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { passedCount, takePassedSockets } from '../../src/systemd/passed-sockets.ts';
import { DnsClient, NOERROR } from '../support/dns-client.ts';
import { freePort } from '../support/ports.ts';
import { temporaryFile } from '../support/program.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const HOST = '127.0.0.1';
const NAME = 'nginx.marathon.mesos';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A socket as a socket unit makes it. */
function bound(libc: Libc, type: number, port: number): number {
  const fd = must(libc, 'socket', libc.socket(domainOf(4), type, 0));
  open.push(() => libc.close(fd));
  const name = encodeAddress(HOST, port);
  must(libc, 'bind', libc.bind(fd, name.buffer, name.length));
  return fd;
}

async function startMaster(): Promise<StandinMaster> {
  const { cluster } = demoCluster();
  const master = new StandinMaster(cluster);
  await master.start();
  open.push(() => master.stop());
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  return master;
}

/** Runs the program with these descriptors from 3 on, as the service manager does. */
function start(config: object, fds: readonly number[]): ChildProcess {
  const file = temporaryFile(config);
  // LISTEN_PID is the number of the program itself, which the shell becomes.
  const script = 'LISTEN_PID=$$ exec "$0" "$@"';
  const child = spawn('sh', ['-c', script, process.execPath, MAIN, `-config=${file}`], {
    stdio: ['ignore', 'ignore', 'pipe', ...fds],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, LISTEN_FDS: String(fds.length) },
  });
  child.stderr?.resume();
  open.push(() => child.kill('SIGKILL'));
  return child;
}

describe('passed UDP sockets', () => {
  for (const io of ['batched', 'dgram'] as const) {
    it(`are served by ${io}: what came while nobody ran is answered, never SERVFAIL, before and after a restart`, async () => {
      const [libc, master, port] = [await loadLibc(), await startMaster(), await freePort()];
      const fds = [bound(libc, SOCK_DGRAM, port)];
      const client = await DnsClient.open({ host: HOST, port });
      open.push(() => client.close());
      const config = {
        masters: [master.endpoint],
        externalOn: false,
        httpOn: false,
        listener: '127.0.0.99', // goes behind what is passed
        port: 1,
        io,
        workers: 3, // which share the one socket
      };
      const askAll = () =>
        Promise.all(Array.from({ length: 50 }, () => client.ask(NAME, 'A', { timeoutMs: 120_000, tries: 1 })));
      for (let run = 0; run < 2; run += 1) {
        const waiting = askAll();
        await sleep(100);
        const child = start(config, fds);
        for (const { rcode, answers } of await waiting) {
          assert.equal(rcode, NOERROR);
          assert.ok(answers.length > 0);
        }
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        assert.deepEqual(await exit, [0, null]);
      }
    });
  }
});

describe('takePassedSockets', () => {
  it('counts what is meant for this process only', () => {
    assert.equal(passedCount({ LISTEN_PID: '7', LISTEN_FDS: '2' }, 7), 2);
    assert.equal(passedCount({ LISTEN_PID: '8', LISTEN_FDS: '2' }, 7), 0);
    assert.equal(passedCount({ LISTEN_FDS: '2' }, 7), 0);
    assert.equal(passedCount({ LISTEN_PID: '7', LISTEN_FDS: 'x' }, 7), 0);
  });

  it('refuses a TCP socket that does not listen, naming it', async () => {
    const libc = await loadLibc();
    const fd = bound(libc, SOCK_STREAM, await freePort());
    // Seen from descriptor 3 on, as the program sees its own.
    const shifted: Libc = {
      ...libc,
      getsockopt: (n, ...rest) => libc.getsockopt(n - 3 + fd, ...rest),
      getsockname: (n, ...rest) => libc.getsockname(n - 3 + fd, ...rest),
    };
    assert.throws(
      () =>
        takePassedSockets(shifted, { LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'odd' }, 7, {
          port: 53,
          httpPort: 8123,
        }),
      { code: 'ERR_LISTEN', message: /descriptor 3 \(odd\).*TCP socket that listens/ },
    );
  });
});
