// Somebody who forges answers as fast as a core can send them: none of them is believed, and they cost less than a core.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import packet from 'dns-packet';
import { bestOf } from '../support/best-of.ts';
import { framed } from '../support/fake-upstream.ts';
import { Forger } from '../support/forger.ts';
import { freePort } from '../support/ports.ts';
import { startProgram } from '../support/program.ts';

const SECONDS = 6;
const FORGERIES_PER_SECOND = 100_000;
/** Fewer would be no flood. */
const FORGERIES_MIN = 5000;
const ASK_EVERY_MS = 20;
/** Octets of /proc/PID/stat count in hundredths of a second. */
const TICKS_PER_SECOND = 100;

describe('forged answers', () => {
  for (const { name, servesTcp } of [
    { name: 'of an upstream that serves TCP', servesTcp: true },
    { name: 'of an upstream that serves UDP alone', servesTcp: false },
  ]) {
    it(`${name} are never believed, and cost less than a core`, async (test) => {
      const limits = {
        cores: 1,
        'µs from forgery to forgery': 1e6 / FORGERIES_MIN,
        // Where there is no other way than UDP, the truth may be lost in the flood.
        'of the answers not there': servesTcp ? 0.001 : 0.5,
      };
      await bestOf(test, limits, async () => {
        const { said, cores, perSecond } = await flood(servesTcp);
        const right = said.filter((each) => each === '192.0.2.1').length;
        test.diagnostic(`${Math.round(perSecond)} forgeries/s, ${right}/${said.length} right`);
        assert.ok(!said.includes('6.6.6.6'));
        return {
          cores,
          'µs from forgery to forgery': 1e6 / perSecond,
          'of the answers not there': 1 - right / said.length,
        };
      });
    });
  }
});

/** Asks for some seconds while answers are forged. */
async function flood(servesTcp: boolean) {
  const port = await freePort();
  const tcp = servesTcp ? await serveTcp(port) : null;
  const forger = await Forger.start({ port, perSecond: FORGERIES_PER_SECOND, truthAfterMs: 15 });
  const program = await startProgram({ masters: ['127.0.0.1:9'], resolvers: [`127.0.0.1:${port}`] });
  try {
    const answers: Promise<string>[] = [];
    const before = cpuSeconds(program.pid);
    const startedMs = performance.now();
    for (let n = 0; performance.now() - startedMs < SECONDS * 1000; n += 1) {
      answers.push(addressOf(program.ask(`n${n}.example`, 'A', { tries: 1, timeoutMs: 5000 })));
      await sleep(ASK_EVERY_MS);
    }
    const cores = (cpuSeconds(program.pid) - before) / ((performance.now() - startedMs) / 1000);
    const said = await Promise.all(answers);
    const { forgeries, seconds } = await forger.stop();
    return { said, cores, perSecond: forgeries / seconds };
  } finally {
    await program.stop();
    tcp?.close();
  }
}

async function addressOf(asking: ReturnType<Awaited<ReturnType<typeof startProgram>>['ask']>): Promise<string> {
  const [record] = (await asking.catch(() => null))?.answers ?? [];
  return record?.type === 'A' ? record.data : 'none';
}

function cpuSeconds(pid: number): number {
  const [, , , , , , , , , , , user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(user) + Number(system)) / TICKS_PER_SECOND;
}

/** The truth, over connections. */
async function serveTcp(port: number): Promise<{ close(): void }> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const { id = 0, questions = [] } = packet.decode(received.subarray(2, end));
        received = received.subarray(end);
        const answers = questions.map(({ name }): packet.Answer => ({ type: 'A', name, ttl: 60, data: '192.0.2.1' }));
        socket.write(framed(packet.encode({ type: 'response', id, questions, answers })));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { close: () => server.close() };
}
