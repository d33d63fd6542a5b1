// How fuzzed queries reach the process, and its answers come back.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { framed } from '../support/fake-upstream.ts';

export interface FuzzWire {
  onAnswer: (message: Uint8Array) => void;
  send(query: Uint8Array): void;
  close(): void;
}

const RECEIVE_BUFFER_BYTES = 4 << 20;

export class UdpWire implements FuzzWire {
  onAnswer: (message: Uint8Array) => void = () => {};
  readonly #socket: UdpSocket;

  static async open(port: number): Promise<UdpWire> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new UdpWire(socket);
  }

  private constructor(socket: UdpSocket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('message', (message) => this.onAnswer(message));
  }

  send(query: Uint8Array): void {
    this.#socket.send(query, () => {});
  }

  close(): void {
    this.#socket.close();
  }
}

/** A few connections in turn. A message of no octets ends one; another one takes its place when its answers have come. */
export class TcpWire implements FuzzWire {
  onAnswer: (message: Uint8Array) => void = () => {};
  readonly #port: number;
  readonly #sockets: Socket[] = [];
  #turn = 0;
  #closed = false;

  constructor(port: number) {
    this.#port = port;
    for (let n = 0; n < 4; n += 1) this.#sockets.push(this.#open(n));
  }

  send(query: Uint8Array): void {
    this.#turn += 1;
    const index = this.#turn % this.#sockets.length;
    this.#sockets[index]?.write(framed(query));
    if (query.length === 0) this.#sockets[index] = this.#open(index);
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(index: number): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    let pending = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!this.#closed && this.#sockets[index] === socket) this.#sockets[index] = this.#open(index);
    });
    socket.on('data', (chunk) => {
      const received = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      let at = 0;
      while (received.length - at >= 2 && received.length - at - 2 >= received.readUInt16BE(at)) {
        const end = at + 2 + received.readUInt16BE(at);
        this.onAnswer(received.subarray(at + 2, end));
        at = end;
      }
      pending = received.subarray(at);
    });
    return socket;
  }
}

/** A resolver whose answers say nothing but the question. */
export class EchoUpstream {
  readonly address: string;
  readonly #socket: UdpSocket;

  static async start(): Promise<EchoUpstream> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new EchoUpstream(socket);
  }

  private constructor(socket: UdpSocket) {
    this.#socket = socket;
    this.address = `127.0.0.1:${socket.address().port}`;
    socket.on('error', () => {});
    socket.on('message', (message, sender) => {
      // QR, and RA; of the rest RD and CD alone come back.
      message[2] = 0x80 | ((message[2] ?? 0) & 0x01);
      message[3] = 0x80 | ((message[3] ?? 0) & 0x10);
      socket.send(message, sender.port, sender.address);
    });
  }

  close(): void {
    this.#socket.close();
  }
}
