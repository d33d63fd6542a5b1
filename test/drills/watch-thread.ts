// The thread behind watch.ts: asks for names in turn at a steady pace, for as long as it takes, asks again as a resolver
// does where no answer comes, and keeps of the answers to each name only the runs of equal ones.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { type DecodedPacket, decode, encode } from 'dns-packet';
import type { Run, WatchResult, WatchSettings } from './watch.ts';

/** A query without an answer is sent again after so long, so many times in all. */
const PATIENCE_MS = 1000;
const TRIES = 5;
const CATCH_UP_MS = 10;

if (parentPort === null) throw new Error('watch-thread runs as a worker');
const main = parentPort;
const { port, names, perSecond } = workerData as WatchSettings;

interface Asked {
  readonly index: number;
  readonly atMs: number;
  tries: number;
  /** Of the last try, on the clock of `performance`. */
  sentAt: number;
}

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
socket.connect(port, '127.0.0.1');
await once(socket, 'connect');
socket.on('error', () => undefined);

const queries = names.map((name) => encode({ type: 'query', id: 0, questions: [{ name, type: 'A' }] }));
const runs: { -readonly [K in keyof Run]: Run[K] }[][] = names.map(() => []);
const underWay = new Map<number, Asked>();
let askedCount = 0;
let resentCount = 0;
let lostCount = 0;
let due = performance.now();

socket.on('message', (message) => {
  const id = message.readUInt16BE(0);
  const asked = underWay.get(id);
  if (asked === undefined) return;
  underWay.delete(id);
  const answer = readable(decode(message));
  const own = runs[asked.index] ?? [];
  const last = own.at(-1);
  if (last === undefined || last.answer !== answer) {
    own.push({ answer, firstMs: Date.now(), lastAskedMs: asked.atMs, count: 1 });
    return;
  }
  last.lastAskedMs = asked.atMs;
  last.count += 1;
});

const timer = setInterval(sendWhatIsDue, 1);
main.once('message', () => void finish());
main.postMessage('started');

function sendWhatIsDue(): void {
  sendAgain();
  for (;;) {
    const now = performance.now();
    if (due > now) return;
    due = Math.max(due, now - CATCH_UP_MS) + 1000 / perSecond;
    const index = askedCount % names.length;
    const id = askedCount & 0xffff;
    if (underWay.delete(id)) lostCount += 1;
    underWay.set(id, { index, atMs: Date.now(), tries: 1, sentAt: now });
    askedCount += 1;
    send(id, index);
  }
}

/** The map is in the order of the last tries. */
function sendAgain(): void {
  const now = performance.now();
  for (const [id, asked] of underWay) {
    if (now - asked.sentAt < PATIENCE_MS) return;
    underWay.delete(id);
    if (asked.tries === TRIES) {
      lostCount += 1;
      continue;
    }
    asked.tries += 1;
    asked.sentAt = now;
    underWay.set(id, asked);
    resentCount += 1;
    send(id, asked.index);
  }
}

function send(id: number, index: number): void {
  const query = Buffer.from(queries[index] ?? []);
  query.writeUInt16BE(id, 0);
  socket.send(query);
}

async function finish(): Promise<void> {
  clearInterval(timer);
  while (underWay.size > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    sendAgain();
  }
  socket.close();
  const byName = new Map(names.map((name, index) => [name, runs[index] ?? []]));
  main.postMessage({ askedCount, resentCount, lostCount, runs: byName } satisfies WatchResult);
}

function readable(message: DecodedPacket): string {
  const { rcode, answers = [] } = message as DecodedPacket & { readonly rcode: string };
  if (rcode !== 'NOERROR') return rcode;
  return answers
    .flatMap((record) => (record.type === 'A' ? [record.data] : []))
    .sort()
    .join(' ');
}
