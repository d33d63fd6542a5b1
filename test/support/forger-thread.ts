// The thread behind forger.ts: packets by the batch, because Node's own sockets would not send enough of them.

import { setImmediate as turn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { loadLibc, MSG_DONTWAIT, must, SOCK_DGRAM } from '../../src/sockets/libc.ts';
import { domainOf, PacketBatch } from '../../src/sockets/packet-batch.ts';
import { encodeAddress } from '../../src/sockets/socket-address.ts';
import type { ForgerResult, ForgerSettings } from './forger.ts';

const BATCH = 64;
const SLOT = 512;
const TRUTH = [192, 0, 2, 1];
const LIE = [6, 6, 6, 6];

interface Question {
  readonly bytes: Uint8Array;
  readonly peer: Uint8Array;
  readonly id: number;
  readonly atMs: number;
}

if (parentPort === null) throw new Error('forger-thread runs as a worker');
const main = parentPort;
const settings = workerData as ForgerSettings;
const libc = await loadLibc();

function openSocket(port: number): number {
  const fd = must(libc, 'socket', libc.socket(domainOf(4), SOCK_DGRAM, 0));
  const address = encodeAddress('127.0.0.1', port);
  must(libc, 'bind', libc.bind(fd, address.buffer, address.length));
  return fd;
}

const right = openSocket(settings.port);
const other = openSocket(0);
const slots = Array.from({ length: BATCH }, () => new Uint8Array(new SharedArrayBuffer(SLOT)));
const batch = new PacketBatch(libc, slots, { family: 4, localAddresses: false });
const asked: Question[] = [];
let queries = 0;
let forgeries = 0;
let guess = 0;
let isOver = false;
const startedMs = performance.now();

main.once('message', () => {
  isOver = true;
});
main.postMessage('started');

while (!isOver) {
  const allowed = ((performance.now() - startedMs) / 1000) * settings.perSecond;
  receive();
  tellTruths();
  if (asked.length > 0 && forgeries < allowed) forge();
  // The order to stop comes through the event loop.
  await turn();
}
const seconds = (performance.now() - startedMs) / 1000;
libc.close(right);
libc.close(other);
main.postMessage({ forgeries, queries, seconds } satisfies ForgerResult);

function receive(): void {
  const count = batch.receive(right, MSG_DONTWAIT);
  for (let slot = 0; slot < count; slot += 1) {
    const bytes = new Uint8Array(slots[slot]?.subarray(0, batch.lengthOf(slot)) ?? []);
    const id = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
    queries += 1;
    asked.push({ bytes, peer: batch.copyPeer(slot), id, atMs: performance.now() });
  }
}

function tellTruths(): void {
  const [first] = asked;
  if (first === undefined || performance.now() - first.atMs < settings.truthAfterMs) return;
  asked.shift();
  put(0, first, first.id, TRUTH);
  batch.send(right, 0, 1, MSG_DONTWAIT);
}

/** One batch: wrong ids from the right port, then another one: right ids from a wrong port. */
function forge(): void {
  const isWrongPort = (forgeries / BATCH) % 2 === 1;
  for (let slot = 0; slot < BATCH; slot += 1) {
    const question = asked[slot % asked.length];
    if (question === undefined) return;
    guess = (guess + 1) & 0xffff;
    put(slot, question, isWrongPort ? question.id : guess === question.id ? guess ^ 1 : guess, LIE);
  }
  batch.send(isWrongPort ? other : right, 0, BATCH, MSG_DONTWAIT);
  forgeries += BATCH;
}

/** An answer: the query's header and question, one A record. */
function put(slot: number, { bytes, peer }: Question, id: number, address: readonly number[]): void {
  const message = slots[slot];
  if (message === undefined) return;
  const end = bytes.length - 11; // its OPT
  message.set(bytes.subarray(0, end));
  message.set([id >> 8, id & 255, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  message.set([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address], end);
  batch.setPeer(slot, peer);
  batch.setLength(slot, end + 16);
}
