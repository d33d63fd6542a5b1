// A process that is frozen, or has no file descriptors left: it serves on, or again.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { DRIVERS, type ServiceChild, startChild } from '../support/dns-service.ts';
import { encodeQuery, framed } from '../support/fake-upstream.ts';
import { UdpClient } from '../support/udp-client.ts';
import { until } from '../support/until.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function child(io: 'batched' | 'dgram', prefix: readonly string[] = []): Promise<ServiceChild> {
  const started = await startChild({ io, workers: 2 }, prefix);
  open.push(async () => {
    started.process.kill('SIGCONT');
    await started.stop();
  });
  return started;
}

async function client(port: number): Promise<UdpClient> {
  const opened = await UdpClient.open(port);
  open.push(() => opened.close());
  return opened;
}

function tcp(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  open.push(() => socket.destroy());
  return socket;
}

/** True when the event comes, false where the connection fails or ends before. */
function settled(socket: Socket, event: string): Promise<boolean> {
  return Promise.race([once(socket, event).then(() => true), once(socket, 'close').then(() => false)]).catch(
    () => false,
  );
}

/** Whether every thread is stopped; the state stands behind the name, which is in parentheses. */
function isFrozen(pid: number): boolean {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.every((thread) => /\) T [^)]*$/.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')));
}

const pause = (ms: number) => new Promise<false>((resolve) => setTimeout(() => resolve(false), ms));

for (const io of DRIVERS) {
  describe(`a process with io ${io}`, () => {
    it('answers what came while it was frozen', async () => {
      const { port, process } = await child(io);
      const asking = await client(port);
      asking.ask('n1.mesos', 1);
      await asking.until(1);
      process.kill('SIGSTOP');
      // The threads stop one after the other, each when it next looks.
      await until(() => isFrozen(process.pid ?? 0), 'stop of all threads');
      for (let id = 2; id < 52; id += 1) asking.ask('n1.mesos', id);
      // Longer than the workers wait for packets.
      await pause(400);
      assert.equal(asking.answers.length, 1);
      process.kill('SIGCONT');
      assert.equal((await asking.until(51)).length, 51);
    });

    it('answers over UDP while it has no file descriptors left, and over TCP when it has some again', async () => {
      const { port } = await child(io, ['sh', '-c', 'ulimit -n 96; exec "$0" "$@"']);
      const sockets = Array.from({ length: 110 }, () => tcp(port));
      await Promise.all(sockets.map((socket) => settled(socket, 'connect')));
      const asking = await client(port);
      for (let id = 0; id < 50; id += 1) asking.ask('n1.mesos', id);
      assert.equal((await asking.until(50)).length, 50);
      for (const socket of sockets) socket.destroy();
      // What was closed needs a moment to be noticed.
      for (let answered = false, attempt = 0; !answered; attempt += 1) {
        assert.ok(attempt < 50);
        const again = tcp(port);
        again.write(framed(encodeQuery('n1.mesos')));
        answered = await Promise.race([settled(again, 'data'), pause(1000)]);
        again.destroy();
      }
    });

    it('ends with 0 when it is told to, while it is asked', async () => {
      const { port, stop } = await child(io);
      const asking = await client(port);
      const timer = setInterval(() => asking.ask('n1.mesos', 1), 2);
      await asking.until(10);
      assert.equal(await stop(), 0);
      clearInterval(timer);
    });
  });
}
