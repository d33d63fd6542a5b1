// A thread that asks for names at a steady rate, as the clients beside a measurement.

import { createSocket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';

const { queries, port, perSecond } = workerData as {
  readonly queries: readonly Uint8Array[];
  readonly port: number;
  readonly perSecond: number;
};
const socket = createSocket('udp4');
let sent = 0;
let answered = 0;
socket.on('message', () => {
  answered += 1;
});
socket.connect(port, '127.0.0.1', () => {
  const startedAtMs = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAtMs) * perSecond) / 1000;
    for (; sent < due; sent += 1) {
      const query = queries[sent % queries.length];
      if (query !== undefined) socket.send(query);
    }
  }, 1);
  parentPort?.on('message', () => {
    clearInterval(timer);
    setTimeout(() => {
      parentPort?.postMessage({ sent, answered });
      socket.close();
      parentPort?.close();
    }, 200);
  });
});
