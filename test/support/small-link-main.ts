// Two packets from a server's socket to a client on loopback, in a network namespace whose loopback takes small packets
// only; the smaller one fits, the larger one does not. Prints what has arrived: the sizes, and whether the kernel was told
// to send them as they are or not at all. Run with a new network namespace (unshare(1)), in which lo is set up here.

import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import pino from 'pino';
import { loadLibc } from '../../src/sockets/libc.ts';
import { PacketBatch, peerOf } from '../../src/sockets/packet-batch.ts';
import { PacketSender } from '../../src/sockets/packet-sender.ts';
import { encodeAddress } from '../../src/sockets/socket-address.ts';
import { UdpSockets } from '../../src/sockets/udp-sockets.ts';

const [address = '127.0.0.1', ...sizes] = process.argv.slice(2);
execFileSync('ip', ['link', 'set', 'lo', 'mtu', '1300', 'up']);
const client = createSocket(address.includes(':') ? 'udp6' : 'udp4');
client.bind(0, address);
await once(client, 'listening');
const received: number[] = [];
client.on('message', (message) => {
  received.push(message.length);
  if (received.length < sizes.length) return;
  console.log(JSON.stringify(received));
  client.close();
});

const libc = await loadLibc();
const [[socket] = []] = UdpSockets.open(libc, {
  places: [{ address, port: 5300 }],
  workers: 1,
  receiveBufferBytes: 0,
  sendBufferBytes: 0,
  logger: pino({ level: 'silent' }),
}).ofWorkers;
if (socket === undefined) throw new Error('no socket was opened');
const slots = sizes.map(() => new Uint8Array(new SharedArrayBuffer(4096)));
const batch = new PacketBatch(libc, slots, socket);
sizes.forEach((size, slot) => {
  batch.setPeer(slot, peerOf(encodeAddress(address, client.address().port)));
  batch.setLength(slot, Number(size));
});
const sender = new PacketSender(libc, { count: () => undefined }, (what, error) => console.error(what, error));
sender.send(socket.fd, batch, 0, sizes.length);
