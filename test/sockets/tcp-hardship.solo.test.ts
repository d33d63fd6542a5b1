// What clients that behave badly over TCP cost the others, and the machine.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bestOf } from '../support/best-of.ts';
import { type ServiceChild, startChild } from '../support/dns-service.ts';
import { encodeQuery, framed } from '../support/fake-upstream.ts';

const SLOW_CONNECTIONS = 200;
/** What they may add to the slowest answer of a hundred. */
const LIMIT_MS = 10;
const QUERIES = 2000;
const PAUSE_MS = 1;

const DEAF_CLIENTS = 10;
const DEAF_LIMIT_BYTES = 100 * 1024 * 1024;

let service: ServiceChild | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await service?.stop();
  service = undefined;
});

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  sockets.push(socket);
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** Milliseconds of the 99th of 100 answers, one query at a time on one connection. */
async function p99(port: number): Promise<number> {
  const socket = await open(port);
  const taken: number[] = [];
  for (let id = 0; id < QUERIES; id += 1) {
    const started = performance.now();
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write(framed(encodeQuery(`n${id % 100}.mesos`, { id })));
    await answered;
    taken.push(performance.now() - started);
    if (id % 10 === 0) await sleep(PAUSE_MS);
  }
  socket.destroy();
  return taken.sort((a, b) => a - b)[Math.floor(QUERIES * 0.99)] ?? Number.NaN;
}

describe('badly behaved clients over TCP', () => {
  it('200 that send their queries octet by octet do not delay others by more than 10 ms at p99', async (test) => {
    service = await startChild({});
    const { port } = service;
    const message = framed(encodeQuery('n1.mesos'));
    await bestOf(test, { 'ms more at p99': LIMIT_MS }, async () => {
      const alone = await p99(port);
      const slow = await Promise.all(Array.from({ length: SLOW_CONNECTIONS }, () => open(port)));
      let turn = 0;
      const dripping = setInterval(() => {
        for (const socket of slow) socket.write(message.subarray(turn % message.length, (turn % message.length) + 1));
        turn += 1;
      }, 50);
      const beside = await p99(port);
      clearInterval(dripping);
      test.diagnostic(`p99 alone ${alone.toFixed(2)} ms, beside ${SLOW_CONNECTIONS} slow ones ${beside.toFixed(2)} ms`);
      assert.ok(slow.every((socket) => !socket.destroyed));
      for (const socket of slow) socket.destroy();
      return { 'ms more at p99': beside - alone };
    });
  });

  it('10 that ask for large answers and never read cost less than 100 MB, and nobody else their answers', async (test) => {
    service = await startChild({ names: 100, largeName: true });
    const pid = service.process.pid ?? 0;
    await p99(service.port);
    const before = residentBytes(pid);
    const queries = Buffer.concat(
      Array.from({ length: 1000 }, (_, id) => framed(encodeQuery('large.mesos', { id: id + 1 }))),
    );
    const deaf = await Promise.all(Array.from({ length: DEAF_CLIENTS }, () => open(service?.port ?? 0)));
    for (const socket of deaf) {
      socket.pause();
      socket.write(queries);
    }
    let mostBytes = 0;
    for (let left = 30; left > 0; left -= 1) {
      await sleep(100);
      mostBytes = Math.max(mostBytes, residentBytes(pid));
    }
    await p99(service.port);
    mostBytes = Math.max(mostBytes, residentBytes(pid));
    const grownBytes = mostBytes - before;
    test.diagnostic(`${(grownBytes / 1024 / 1024).toFixed(1)} MB for ${DEAF_CLIENTS} clients that do not read`);
    assert.ok(grownBytes < DEAF_LIMIT_BYTES, `${grownBytes} octets`);
  });
});

function residentBytes(pid: number): number {
  const [, kilobytes = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
