// The UDP sockets that upstreams are asked from, as the pool needs them, and as Node has them. Where UDP is served by the
// batch, the C library's cost less (sockets/upstream-datagrams.ts).

import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import type { ServerAddress } from '../dns/server-address.ts';
import { codeOf } from './exchange.ts';

/** A socket with a port of the kernel's choice, connected to one server: what comes from elsewhere the kernel drops. */
export interface Datagrams {
  /** @param message must not change any more */
  send(message: Uint8Array): void;
  /** Nothing is announced any more but that it is closed. */
  close(): void;
}

/** But for the last one, none is called before the function that opened the socket, or sent on it, has returned. */
export interface DatagramEvents {
  /** From the server's address and port. @param message a view, valid until the call returns */
  onMessage(message: Uint8Array): void;
  /** Something came from elsewhere, before the socket was connected. */
  onStray(): void;
  /** @param isUsable the socket may be sent on further */
  onError(code: string, isUsable: boolean): void;
  /** Its descriptor is free again, or it got none. Called once, maybe before open() or close() has returned. */
  onClosed(): void;
}

export type OpenDatagrams = (server: ServerAddress, events: DatagramEvents) => Datagrams;

export const openNodeDatagrams: OpenDatagrams = (server, events) => new NodeDatagrams(server, events);

class NodeDatagrams implements Datagrams {
  readonly #events: DatagramEvents;
  readonly #socket: Socket;
  #peer: AddressInfo | null = null;
  /** Until it is connected. */
  #unsent: Uint8Array[] = [];
  #isClosed = false;

  constructor(server: ServerAddress, events: DatagramEvents) {
    this.#events = events;
    this.#socket = createSocket({
      type: server.family === 6 ? 'udp6' : 'udp4',
      // The address is a literal: no name service is asked.
      lookup: (address, _options, callback) => callback(null, address, server.family),
    });
    this.#socket.on('close', () => events.onClosed());
    this.#socket.on('error', (error) => this.#failSoon(error));
    this.#socket.on('message', (message, sender) => {
      // What was queued between bind and connect may have come from anywhere.
      if (sender.port !== this.#peer?.port || sender.address !== this.#peer.address) events.onStray();
      else events.onMessage(message);
    });
    this.#socket.connect(server.port, server.address, (error?: Error) => {
      if (error) this.#failSoon(error);
      if (error || this.#isClosed) return;
      this.#peer = this.#socket.remoteAddress();
      for (const message of this.#unsent) this.#socket.send(message, this.#onSent);
      this.#unsent = [];
    });
  }

  send(message: Uint8Array): void {
    if (this.#peer === null) this.#unsent.push(message);
    else this.#socket.send(message, this.#onSent);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#failSoon(error);
  };

  /** The lack of a file descriptor is announced while the socket is being bound. */
  #failSoon(error: Error): void {
    process.nextTick(() => {
      if (!this.#isClosed) this.#events.onError(codeOf(error), isRefusal(codeOf(error)) && this.#peer !== null);
    });
  }
}

/** A port that nobody listens on leaves the socket as it was. */
export function isRefusal(code: string): boolean {
  return code === 'ECONNREFUSED';
}
