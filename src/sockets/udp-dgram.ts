// DNS over UDP with Node's own sockets: the driver that works on every platform.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { SLOT_ROOM } from '../engine/contract.ts';
import { clientGroupOf } from '../forwarder/client-group.ts';
import { udpAnswerLimit } from '../forwarder/message.ts';
import type { Client } from './answerer.ts';
import { listenError } from './listen-error.ts';
import { askCore, type DnsService, type Endpoint, ErrorLog, type ServiceOptions, withoutZone } from './service.ts';

export interface UdpServiceOptions extends ServiceOptions {
  /** Asked of the kernel (SO_RCVBUF, SO_SNDBUF), which may grant less. 0, the default: as the system sets them. */
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
  /** The largest answer. Default: UDP_PAYLOAD. */
  readonly udpPayloadBytes?: () => number;
}

/** Counts since start, but for the gauge. */
export interface UdpCounters {
  /** Datagrams that were given to the core. */
  queries: number;
  /** Datagrams that were sent. */
  answers: number;
  /** Datagrams without content or from port 0, which cannot be answered. */
  ignored: number;
  /** Datagrams larger than SLOT_ROOM; they were cut, so that they are malformed, as the other driver does. */
  oversized: number;
  /** Answers that the system refused to send, or that found too much unsent before them. */
  sendErrors: number;
  /** Gauge: queries now waiting for the forwarder. */
  forwarding: number;
}

export interface UdpService extends DnsService {
  readonly counters: Readonly<UdpCounters>;
}

/** Answers that the kernel does not take are queued in this process, up to here. */
const MAX_UNSENT_BYTES = 1 << 20;

/**
 * On a wildcard address of a machine with several addresses the kernel chooses the sender's address of answers, since
 * Node cannot: clients may then ignore them. List the addresses one by one there.
 */
export function createUdpService(options: UdpServiceOptions): UdpService {
  return new DgramService(options);
}

class DgramService implements UdpService {
  readonly counters: UdpCounters = { queries: 0, answers: 0, ignored: 0, oversized: 0, sendErrors: 0, forwarding: 0 };
  readonly #options: UdpServiceOptions;
  readonly #errors: ErrorLog;
  readonly #socket: Socket;
  #closing: Promise<void> | null = null;
  #onForwarded: (() => void) | null = null;

  constructor(options: UdpServiceOptions) {
    this.#options = options;
    this.#errors = new ErrorLog(options.logger);
    const family = isIPv6(options.address) ? 6 : 4;
    this.#socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      // Addresses are literals: without this, Node would ask its name service for every answer that it sends.
      lookup: (address, _options, callback) => callback(null, address, family),
    });
  }

  listen(): Promise<Endpoint> {
    const { address, port, fd } = this.#options;
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const onError = (error: Error) => {
        socket.close();
        reject(listenError('UDP', address, port, error));
      };
      socket.once('error', onError);
      socket.bind(fd === undefined ? { address, port, exclusive: true } : { fd, exclusive: true }, () => {
        socket.off('error', onError);
        socket.on('error', (error) => this.#errors.say(error, 'UDP socket error'));
        socket.on('message', (message, sender) => this.#receive(message, sender));
        if (fd === undefined) this.#setBuffers();
        const bound = socket.address();
        resolve({ address: bound.address, port: bound.port });
      });
    });
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#finish(graceMs);
    return this.#closing;
  }

  async #finish(graceMs: number): Promise<void> {
    this.#socket.removeAllListeners('message');
    if (this.counters.forwarding > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onForwarded = () => {
          if (this.counters.forwarding > 0) return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await new Promise<void>((resolve) => {
      try {
        this.#socket.close(resolve);
      } catch {
        // It never came to listen, or its bind failed and closed it.
        resolve();
      }
    });
  }

  #receive(datagram: Buffer, sender: RemoteInfo): void {
    const { answerer, forwarder, udpPayloadBytes } = this.#options;
    if (datagram.length === 0 || sender.port === 0) {
      this.counters.ignored += 1;
      return;
    }
    const isCut = datagram.length > SLOT_ROOM;
    if (isCut) this.counters.oversized += 1;
    const message = isCut ? datagram.subarray(0, SLOT_ROOM) : datagram;
    this.counters.queries += 1;
    const client: Client = { transport: 'udp', address: withoutZone(sender.address) };
    const verdict = askCore(answerer, message, client, this.#errors);
    switch (verdict.kind) {
      case 'answered':
        // The kernel may take it later than the core's next answer is written.
        this.#send(new Uint8Array(verdict.message), sender);
        return;
      case 'dropped':
        return;
      case 'forward': {
        const limit = udpAnswerLimit(message, udpPayloadBytes?.());
        this.counters.forwarding += 1;
        forwarder.forward(verdict.query, verdict.route, limit, clientGroupOf(client.address)).then(
          (answer) => this.#forwarded(answer, sender),
          (error) => {
            this.#errors.say(error, 'the forwarder failed on a query; dropped');
            this.#forwarded(null, sender);
          },
        );
        return;
      }
      default:
        verdict satisfies never;
    }
  }

  #forwarded(answer: Uint8Array | null, sender: RemoteInfo): void {
    this.counters.forwarding -= 1;
    if (answer !== null && answer.length > 0) this.#send(answer, sender);
    this.#onForwarded?.();
  }

  /** @param answer not changed any more. */
  #send(answer: Uint8Array, sender: RemoteInfo): void {
    try {
      if (this.#socket.getSendQueueSize() > MAX_UNSENT_BYTES) {
        this.counters.sendErrors += 1;
        return;
      }
      this.#socket.send(answer, sender.port, sender.address, this.#sent);
    } catch {
      // The socket was closed while the forwarder worked.
      this.counters.sendErrors += 1;
    }
  }

  readonly #sent = (error: Error | null): void => {
    if (error === null) this.counters.answers += 1;
    else this.counters.sendErrors += 1;
  };

  #setBuffers(): void {
    const { receiveBufferBytes = 0, sendBufferBytes = 0, logger } = this.#options;
    const socket = this.#socket;
    try {
      if (receiveBufferBytes > 0) socket.setRecvBufferSize(receiveBufferBytes);
      if (sendBufferBytes > 0) socket.setSendBufferSize(sendBufferBytes);
    } catch (err) {
      logger.warn({ err, receiveBufferBytes, sendBufferBytes }, 'the UDP socket buffers keep their sizes');
    }
    logger.info(
      { receiveBufferBytes: socket.getRecvBufferSize(), sendBufferBytes: socket.getSendBufferSize() },
      'UDP socket buffers',
    );
  }
}
