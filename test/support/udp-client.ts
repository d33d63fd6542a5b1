// A client of a DNS service over UDP that tells from which address each answer came.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import packet from 'dns-packet';
import { encodeQuery } from './fake-upstream.ts';

export interface UdpAnswer extends packet.DecodedPacket {
  readonly from: string;
  readonly rcodeNumber: number;
}

export class UdpClient {
  readonly answers: UdpAnswer[] = [];
  readonly #socket: Socket;
  readonly #port: number;

  static async open(port: number, family: 4 | 6 = 4): Promise<UdpClient> {
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
    socket.bind(0, family === 4 ? '127.0.0.1' : '::1');
    await once(socket, 'listening');
    return new UdpClient(socket, port);
  }

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
    socket.on('message', (message: Buffer, sender: RemoteInfo) => {
      const rcodeNumber = (message[3] ?? 0) & 15;
      this.answers.push({ ...packet.decode(message), from: sender.address, rcodeNumber });
    });
  }

  /** Calls with the octets of each answer, whole messages or not. */
  onBytes(call: (message: Uint8Array) => void): void {
    this.#socket.removeAllListeners('message');
    this.#socket.on('message', call);
  }

  send(message: Uint8Array, address = '127.0.0.1'): void {
    this.#socket.send(message, this.#port, address);
  }

  ask(name: string, id: number, address = '127.0.0.1'): void {
    this.send(encodeQuery(name, { id }), address);
  }

  /** Resolves with the answers when there are so many; rejects after `limitMs`. */
  async until(count: number, limitMs = 30_000): Promise<readonly UdpAnswer[]> {
    const deadline = performance.now() + limitMs;
    while (this.answers.length < count) {
      if (performance.now() > deadline) throw new Error(`${this.answers.length} answers, not ${count}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this.answers;
  }

  close(): void {
    this.#socket.close();
  }
}

export function addressesIn(answer: UdpAnswer | undefined): string[] {
  return (answer?.answers ?? []).flatMap((record) => (record.type === 'A' ? [record.data] : []));
}
