// Free ports on loopback, for servers that are told their port: free over TCP and over UDP, and not in the range from
// which the system takes the ports of clients, so that no socket of another test gets it meanwhile.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Linux gives clients ports from 32768 on. */
const FIRST = 10_000;
const BEHIND = 32_000;
const ATTEMPTS = 100;

export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST, BEHIND);
    if ((await isFreeOverTcp(host, port)) && (await isFreeOverUdp(host, port))) return port;
  }
  throw new Error(`no free port on ${host} in ${ATTEMPTS} attempts`);
}

function isFreeOverTcp(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

function isFreeOverUdp(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });
}
