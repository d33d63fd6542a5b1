// A thread that asks for names at a steady rate, as the clients beside a measurement: with few system calls, to take as
// little as possible of the processors from what is measured.

import { parentPort, workerData } from 'node:worker_threads';
import { loadLibc, MSG_DONTWAIT, must, SOCK_CLOEXEC, SOCK_DGRAM } from '../../src/sockets/libc.ts';
import { domainOf, PacketBatch, peerOf } from '../../src/sockets/packet-batch.ts';
import { encodeAddress } from '../../src/sockets/socket-address.ts';

const { queries, port, perSecond } = workerData as {
  readonly queries: readonly Uint8Array[];
  readonly port: number;
  readonly perSecond: number;
};
/** At most so many are sent, or received, by one call. */
const BATCH = 64;
const SLOT_SIZE = 512;
const SHAPE = { family: 4, localAddresses: false } as const;
/** For the last answers. */
const PATIENCE_MS = 200;

const libc = await loadLibc();
const fd = must(libc, 'socket', libc.socket(domainOf(SHAPE.family), SOCK_DGRAM | SOCK_CLOEXEC, 0));
const slots = Array.from({ length: BATCH }, () => new Uint8Array(new SharedArrayBuffer(SLOT_SIZE)));
const outgoing = new PacketBatch(libc, slots, SHAPE);
const incoming = new PacketBatch(
  libc,
  slots.map(() => new Uint8Array(new SharedArrayBuffer(SLOT_SIZE))),
  SHAPE,
);
const server = peerOf(encodeAddress('127.0.0.1', port));
for (let slot = 0; slot < BATCH; slot += 1) outgoing.setPeer(slot, server);

let sent = 0;
let answered = 0;

function send(count: number): void {
  for (let slot = 0; slot < count; slot += 1) {
    const query = queries[(sent + slot) % queries.length] ?? new Uint8Array();
    slots[slot]?.set(query);
    outgoing.setLength(slot, query.length);
  }
  sent += Math.max(0, outgoing.send(fd, 0, count, MSG_DONTWAIT));
}

function receive(): void {
  for (;;) {
    const count = incoming.receive(fd, MSG_DONTWAIT);
    if (count <= 0) return;
    answered += count;
  }
}

const startedAtMs = performance.now();
const timer = setInterval(() => {
  receive();
  const due = Math.floor(((performance.now() - startedAtMs) * perSecond) / 1000) - sent;
  if (due > 0) send(Math.min(due, BATCH));
}, 1);
parentPort?.once('message', () => {
  clearInterval(timer);
  setTimeout(() => {
    receive();
    parentPort?.postMessage({ sent, answered });
    libc.close(fd);
  }, PATIENCE_MS);
});
