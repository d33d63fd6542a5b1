// TCP servers that misbehave, and a relay, for tests of clients.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TestServer {
  readonly host: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: () => number;
  close(): Promise<void>;
}

/** Listens on loopback; `handle` gets each connection, whose errors are ignored. @param port default: a free one */
export async function listen(handle: (socket: Socket) => void, host = '127.0.0.1', port = 0): Promise<TestServer> {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    handle(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    host,
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Accepts and never says a word. */
export function silentServer(): Promise<TestServer> {
  return listen((socket) => socket.resume());
}

/** Answers every connection with these bytes and closes it. */
export function babblingServer(bytes: string | Uint8Array): Promise<TestServer> {
  return listen((socket) => socket.once('data', () => socket.end(bytes)));
}

/** Relays to another server; listens on `host`, so that an IPv4 server is reached through IPv6. */
export function relay(
  target: { readonly host: string; readonly port: number },
  host: string,
  port = 0,
): Promise<TestServer> {
  return listen(
    (socket) => {
      const onward = connect({ host: target.host, port: target.port });
      onward.on('error', () => {});
      onward.on('close', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    },
    host,
    port,
  );
}
