// The end of a batched worker's forwarded queries: takes them from the workers' rings, asks the forwarder, and sends the
// answers from the sockets that the queries came to.

import type { MessagePort } from 'node:worker_threads';
import { SLOT_ROOM } from '../engine/contract.ts';
import { clientGroup } from '../forwarder/client-group.ts';
import type { RelayingForwarder } from '../forwarder/forwarder.ts';
import type { Logger } from '../observability/logger.ts';
import { type EntryReader, ForwardRing } from './forward-ring.ts';
import { type Libc, SOCKADDR_IN_ADDRESS, SOCKADDR_IN6_ADDRESS } from './libc.ts';
import { PacketBatch, PEER_SIZE } from './packet-batch.ts';
import { PacketSender } from './packet-sender.ts';
import { ErrorLog } from './service.ts';
import type { Source, Turns } from './turns.ts';
import type { UdpControl } from './udp-control.ts';
import type { UdpSocket } from './udp-sockets.ts';

export interface UdpRelayOptions {
  readonly libc: Libc;
  /** Of the forwarder's thread. */
  readonly turns: Turns;
  readonly forwarder: Pick<RelayingForwarder, 'relay'>;
  readonly logger: Logger;
  /** The largest answer. */
  readonly udpPayloadBytes: () => number;
  /** Throws when so many batches of queries have come, for tests of what happens then. */
  readonly faultAtBatch: number | null;
}

/** Answers that leave with one system call. */
const BATCH_SIZE = 32;
/** Queries taken from a worker's ring before it is the turn of others. */
const HELPING = 32;

export class UdpRelay implements Source {
  readonly #options: UdpRelayOptions;
  readonly #errors: ErrorLog;
  readonly #slots = Array.from({ length: BATCH_SIZE }, () => new Uint8Array(new SharedArrayBuffer(SLOT_ROOM)));
  /** By shape; they share the slots. */
  readonly #batches = new Map<string, PacketBatch>();
  readonly #ports = new Set<MessagePort>();
  readonly #rings = new Map<ForwardRing, EntryReader>();
  readonly #unsent: Outbox[] = [];
  /** To be used again. No more than there have been clients waiting at a time. */
  readonly #peers: Uint8Array[] = [];
  #batchNumber = 0;
  #forwarding = 0;
  #onIdle: (() => void) | null = null;

  constructor(options: UdpRelayOptions) {
    this.#options = options;
    this.#errors = new ErrorLog(options.logger);
    options.turns.add(this);
  }

  /** Takes the queries that a worker forwards. The port closes when the worker ends. */
  attach(
    way: { readonly ring: SharedArrayBuffer; readonly port: MessagePort },
    sockets: readonly UdpSocket[],
    control: UdpControl,
  ): void {
    const { port } = way;
    const ring = new ForwardRing(way.ring);
    const sender = new PacketSender(this.#options.libc, control, (what, error) => this.#errors.say(error, what));
    const outboxes = sockets.map(
      (socket) => new Outbox(socket, this.#batchFor(socket), this.#slots, sender, this.#peers),
    );
    this.#rings.set(ring, (socket, route, peer, message) => {
      const outbox = outboxes[socket];
      if (outbox !== undefined) this.#forward(outbox, route, peer, message);
    });
    this.#ports.add(port);
    port.on('message', () => this.#options.turns.wake());
    port.on('close', () => {
      // What the worker wrote last is there already.
      while (this.#take(ring));
      this.#rings.delete(ring);
      this.#ports.delete(port);
      this.#tellIfIdle();
    });
  }

  work(): boolean {
    let found = false;
    for (const ring of this.#rings.keys()) found = this.#take(ring) || found;
    return found;
  }

  /** Answers to what one turn of the event loop brings leave together, behind it. */
  settle(): void {
    for (const outbox of this.#unsent) outbox.send();
    this.#unsent.length = 0;
  }

  rest(): void {
    for (const ring of this.#rings.keys()) if (!ring.rest()) this.#options.turns.wake();
  }

  /** Gives the workers' last queries up to `graceMs` to be answered. The workers must have been told to end. */
  async close(graceMs: number): Promise<void> {
    if (!this.#isIdle) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.settle();
    for (const port of this.#ports) port.close();
  }

  get #isIdle(): boolean {
    return this.#ports.size === 0 && this.#forwarding === 0;
  }

  #tellIfIdle(): void {
    if (this.#isIdle) this.#onIdle?.();
  }

  #batchFor(socket: UdpSocket): PacketBatch {
    const key = `${socket.family} ${socket.localAddresses}`;
    const batch = this.#batches.get(key) ?? new PacketBatch(this.#options.libc, this.#slots, socket);
    this.#batches.set(key, batch);
    return batch;
  }

  /** @param view of the peer, valid until the call returns */
  #forward(outbox: Outbox, route: number, view: Uint8Array, message: Uint8Array): void {
    const { forwarder, udpPayloadBytes } = this.#options;
    const peer = this.#peers.pop() ?? new Uint8Array(PEER_SIZE);
    peer.set(view);
    this.#forwarding += 1;
    try {
      forwarder.relay(message, route, udpPayloadBytes(), outbox.groupOf(peer), (answer) => {
        if (answer.length > 0 && answer.length <= SLOT_ROOM) this.#queue(outbox, peer, answer);
        else this.#peers.push(peer);
        this.#forwarding -= 1;
        this.#tellIfIdle();
      });
    } catch (error) {
      this.#errors.say(error, 'the forwarder failed on a query; dropped');
      this.#forwarding -= 1;
      this.#tellIfIdle();
    }
  }

  #queue(outbox: Outbox, peer: Uint8Array, answer: Uint8Array): void {
    if (outbox.isEmpty) this.#unsent.push(outbox);
    outbox.add(peer, answer);
    this.#options.turns.wake();
  }

  /** @returns false where the ring is empty */
  #take(ring: ForwardRing): boolean {
    const take = this.#rings.get(ring);
    if (take === undefined || ring.read(take, HELPING) === 0) return false;
    this.#batchNumber += 1;
    if (this.#batchNumber === this.#options.faultAtBatch) throw new Error('fault injected');
    return true;
  }
}

/** The answers that are to leave from one socket. */
class Outbox {
  readonly #socket: UdpSocket;
  readonly #batch: PacketBatch;
  readonly #slots: readonly Uint8Array[];
  readonly #sender: PacketSender;
  readonly #freePeers: Uint8Array[];
  readonly #answers: Uint8Array[] = [];
  /** Of each answer. */
  readonly #peers: Uint8Array[] = [];

  /** @param freePeers takes those whose answers have been sent */
  constructor(
    socket: UdpSocket,
    batch: PacketBatch,
    slots: readonly Uint8Array[],
    sender: PacketSender,
    freePeers: Uint8Array[],
  ) {
    this.#socket = socket;
    this.#batch = batch;
    this.#slots = slots;
    this.#sender = sender;
    this.#freePeers = freePeers;
  }

  groupOf(peer: Uint8Array): number {
    const { family } = this.#socket;
    return clientGroup(family, peer, family === 4 ? SOCKADDR_IN_ADDRESS : SOCKADDR_IN6_ADDRESS);
  }

  get isEmpty(): boolean {
    return this.#answers.length === 0;
  }

  add(peer: Uint8Array, answer: Uint8Array): void {
    this.#peers.push(peer);
    this.#answers.push(answer);
  }

  send(): void {
    let slot = 0;
    for (let i = 0; i < this.#answers.length; i += 1) {
      const answer = this.#answers[i];
      const peer = this.#peers[i];
      if (answer === undefined || peer === undefined) break;
      this.#slots[slot]?.set(answer);
      this.#batch.setPeer(slot, peer);
      this.#batch.setLength(slot, answer.length);
      slot += 1;
      if (slot < this.#slots.length) continue;
      this.#sender.send(this.#socket.fd, this.#batch, 0, slot);
      slot = 0;
    }
    if (slot > 0) this.#sender.send(this.#socket.fd, this.#batch, 0, slot);
    this.#freePeers.push(...this.#peers);
    this.#answers.length = 0;
    this.#peers.length = 0;
  }
}
