// Small HTTP servers for the tests of this room: they answer as a test tells them to, or speak raw bytes.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { Master } from '../../src/leader/leader.ts';

export interface FakeMaster {
  readonly master: Master;
  /** Paths that were asked for, in order. */
  readonly paths: string[];
  /** Headers of the requests, in order. */
  readonly headers: IncomingMessage['headers'][];
  /** Connections accepted so far. */
  readonly connections: () => number;
  close(): Promise<void>;
}

export async function fakeMaster(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  { host = '127.0.0.1', hostname }: { readonly host?: string; readonly hostname?: string } = {},
): Promise<FakeMaster> {
  const paths: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    headers.push(request.headers);
    answer(request, response);
  });
  return await listen(server, { host, hostname, paths, headers });
}

/** Calls `talk` with each connection and the first bytes that arrive on it. */
export async function rawMaster(talk: (socket: Socket, request: Buffer) => void): Promise<FakeMaster> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (request) => talk(socket, request));
  });
  return await listen(server, { host: '127.0.0.1', hostname: undefined, paths: [], headers: [] });
}

/** An address where nobody listens. */
export async function deadMaster(): Promise<Master> {
  const server = await fakeMaster(() => undefined);
  await server.close();
  return server.master;
}

async function listen(
  server: Server | TcpServer,
  {
    host,
    hostname,
    ...seen
  }: {
    readonly host: string;
    readonly hostname: string | undefined;
    readonly paths: string[];
    readonly headers: IncomingMessage['headers'][];
  },
): Promise<FakeMaster> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return {
    ...seen,
    master: { host, port: address.port, ...(hostname === undefined ? {} : { hostname }) },
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
