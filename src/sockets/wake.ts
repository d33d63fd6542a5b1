// Wakes threads that wait in the kernel for datagrams: by datagrams without content, which are never answered.

import { createSocket } from 'node:dgram';
import type { Endpoint } from './service.ts';
import { familyOf, isWildcard } from './socket-address.ts';

/** The kernel chooses by the sender's port which of the sockets of an address gets a datagram: one in so many misses it. */
const PER_SOCKET = 6;

/** @param count of sockets that share each address. A favour: whoever is missed looks up after RECEIVE_TIMEOUT_MS */
export function wakeReceivers(endpoints: readonly Endpoint[], count: number): void {
  for (const { address, port } of endpoints) {
    const family = familyOf(address);
    const loopback = family === 6 ? '::1' : '127.0.0.1';
    for (let i = 0; i < PER_SOCKET * count; i += 1) {
      const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4' });
      let isClosed = false;
      const close = () => {
        if (!isClosed) socket.close();
        isClosed = true;
      };
      socket.on('error', close);
      socket.send('', port, isWildcard(address) ? loopback : address, close);
    }
  }
}
