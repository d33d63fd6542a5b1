// DNS over UDP by the batch: one thread that blocks in the kernel, takes what has come, has the core answer it where it
// lies, and sends it back. It never waits for a batch to fill; under load it pauses behind some (batch-pause.ts). Where
// nobody asks for a while, it sleeps until somebody does, or the bell rings.
//
//    kernel --recvmmsg--> slots --answerBatch--> slots --sendmmsg--> kernel
//                                     |
//                                     +--FORWARD--> a ring (forward-ring.ts) to the thread of the forwarder, which sends
//                                                   the answer (udp-relay.ts)

import { performance } from 'node:perf_hooks'; // the global one is looked up anew for each call
import {
  BATCH_MAX,
  type CoreExports,
  DESCRIPTOR_ADDRESS,
  DESCRIPTOR_FAMILY,
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_SIZE,
  DESCRIPTOR_TRANSPORT,
  DESCRIPTOR_VERDICT,
  ROUTE_SHIFT,
  TRANSPORT_UDP,
  VERDICT_ANSWERED,
  VERDICT_BEGUN,
  VERDICT_DROP,
  VERDICT_FORWARD,
  VERDICT_MASK,
} from '../engine/contract.ts';
import type { WorkerViews } from '../engine/memory.ts';
import { QueryCounts } from '../engine/query-counts.ts';
import { BatchPause } from './batch-pause.ts';
import { hearBell } from './bell.ts';
import type { ForwardRing } from './forward-ring.ts';
import {
  errnoOf,
  type Libc,
  LibcError,
  MSG_DONTWAIT,
  MSG_WAITFORONE,
  POLLFD_EVENTS,
  POLLFD_RETURNED,
  POLLFD_SIZE,
  POLLIN,
} from './libc.ts';
import { PacketBatch } from './packet-batch.ts';
import { PacketSender } from './packet-sender.ts';
import type { QuerySampler } from './query-sampler.ts';
import { counterIndex, ORDER_READ_MESSAGES, ORDER_SERVE, type UdpControl } from './udp-control.ts';
import { RECEIVE_TIMEOUT_MS, type UdpSocket } from './udp-sockets.ts';

/** Where queries for the forwarder go: to the thread that reads the ring, once it is woken. */
export interface ForwardTarget {
  readonly ring: ForwardRing;
  wake(): void;
}

export interface BatchedUdpOptions {
  readonly libc: Libc;
  readonly core: Pick<CoreExports, 'answerBatch' | 'answerSlot' | 'failSlot'>;
  /** With BATCH_MAX packets. */
  readonly views: WorkerViews;
  /** At least one. */
  readonly sockets: readonly UdpSocket[];
  readonly control: UdpControl;
  /** Of a Bell, which is rung after every order. */
  readonly bell: number;
  /**
   * Messages have come; see ORDER_READ_MESSAGES.
   * @returns other sockets, if they say so: served from when `serves` is called, the old ones emptied by then
   */
  readonly readMessages: () => readonly UdpSocket[] | null;
  readonly serves: () => void;
  /** Asked for each batch: `readMessages` may change it. */
  readonly forwardTo: () => ForwardTarget;
  /** Tells of the queries that `control` wants to hear of. */
  readonly sampler: QuerySampler;
  /** Something went wrong and the service goes on; may be called for every batch. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Throws in the batch of this number, for tests of what happens then. */
  readonly faultAtBatch: number | null;
}

/** Packets that arrive while a worker drains its sockets are answered too, but not for ever. */
const DRAIN_MS = 500;
/** Without a packet for RECEIVE_TIMEOUT_MS, it looks at its orders this often, and when the bell rings. */
const REST_MS = 60_000;
/** A socket that fails otherwise than by having nothing to read is left alone for so long. */
const PAUSE_MS = 10;

const DESCRIPTOR_WORDS = DESCRIPTOR_SIZE / 4;
const LENGTH_WORD = DESCRIPTOR_LENGTH / 4;
const VERDICT_WORD = DESCRIPTOR_VERDICT / 4;
const TRANSPORT_WORD = DESCRIPTOR_TRANSPORT / 4;
const FAMILY_WORD = DESCRIPTOR_FAMILY / 4;
const ADDRESS_WORD = DESCRIPTOR_ADDRESS / 4;

const RECEIVED = counterIndex('received');
const IGNORED = counterIndex('ignored');
const OVERSIZED = counterIndex('oversized');
const FORWARDED = counterIndex('forwarded');
const FORWARDS_DROPPED = counterIndex('forwardsDropped');

const EAGAIN = errnoOf('EAGAIN');
const EINTR = errnoOf('EINTR');

interface Listener {
  readonly socket: UdpSocket;
  readonly index: number;
  readonly batch: PacketBatch;
}

/** Serves until it is told to stop; then what the sockets hold is answered. Throws where it cannot go on. */
export function serveUdp(options: BatchedUdpOptions): void {
  new BatchedUdp(options).run();
}

class BatchedUdp {
  readonly #options: BatchedUdpOptions;
  #listeners: readonly Listener[];
  /** To be served from the next turn on. */
  #next: readonly UdpSocket[] | null = null;
  readonly #descriptors: Uint32Array;
  readonly #sender: PacketSender;
  readonly #counts: QueryCounts;
  readonly #pause: BatchPause;
  #batchNumber = 0;

  constructor(options: BatchedUdpOptions) {
    const { libc, views, sockets, control, onTrouble } = options;
    this.#options = options;
    this.#descriptors = views.descriptorWords;
    this.#counts = new QueryCounts(views.counts);
    this.#sender = new PacketSender(libc, control, onTrouble);
    this.#pause = new BatchPause(libc);
    this.#listeners = this.#listenersOn(sockets);
    for (let i = 0; i < BATCH_MAX; i += 1) {
      this.#descriptors[i * DESCRIPTOR_WORDS + TRANSPORT_WORD] = TRANSPORT_UDP;
      // The worker before this one may have ended in the middle of a batch.
      this.#descriptors[i * DESCRIPTOR_WORDS + VERDICT_WORD] = VERDICT_DROP;
    }
  }

  run(): void {
    const { control } = this.#options;
    let serve = this.#server();
    let rest = this.#rest();
    for (;;) {
      const { order } = control;
      if (order === ORDER_SERVE) {
        const count = serve();
        if (count > 0) this.#pause.after(count);
        else rest();
      } else if (order === ORDER_READ_MESSAGES) {
        this.#readMessages();
      } else {
        this.#drain(this.#listeners);
        return;
      }
      if (this.#next !== null) {
        this.#change(this.#next);
        serve = this.#server();
        rest = this.#rest();
      }
    }
  }

  #readMessages(): void {
    const { control, readMessages } = this.#options;
    control.messagesRead();
    this.#next = readMessages() ?? this.#next;
  }

  /** Each listener has headers of its own, because families differ; all share the slots. */
  #listenersOn(sockets: readonly UdpSocket[]): readonly Listener[] {
    const { libc, views } = this.#options;
    return sockets.map((socket, index) => ({ socket, index, batch: new PacketBatch(libc, views.packets, socket) }));
  }

  #change(sockets: readonly UdpSocket[]): void {
    this.#next = null;
    this.#drain(this.#listeners.filter(({ socket }) => !sockets.some(({ fd }) => fd === socket.fd)));
    this.#options.serves();
    this.#listeners = this.#listenersOn(sockets);
  }

  /** @returns what serves one turn, and returns the number of packets received in it */
  #server(): () => number {
    return this.#listeners.length === 1 ? this.#serveOne() : this.#serveSeveral();
  }

  /** One socket: the thread waits in recvmmsg itself, for the socket's receive time-out. */
  #serveOne(): () => number {
    const [listener] = this.#listeners;
    if (listener === undefined) throw new TypeError('expected at least one socket');
    return () => this.#serveBatch(listener, MSG_WAITFORONE);
  }

  /** Several sockets: the thread waits in poll, then takes one batch of each socket that has something. */
  #serveSeveral(): () => number {
    const { libc } = this.#options;
    const listeners = this.#listeners;
    const fds = pollFds(listeners.map(({ socket }) => socket.fd));
    const fdsPtr = libc.addressOf(fds.buffer);
    return () => {
      let count = 0;
      if (libc.poll(fdsPtr, listeners.length, RECEIVE_TIMEOUT_MS) <= 0) return count;
      let at = POLLFD_RETURNED;
      for (const listener of listeners) {
        if (fds.getInt16(at, true) !== 0) count += this.#serveBatch(listener, MSG_DONTWAIT);
        at += POLLFD_SIZE;
      }
      return count;
    };
  }

  /** @returns what waits until a socket has something, or there may be an order */
  #rest(): () => void {
    const { libc, bell } = this.#options;
    const fds = pollFds([bell, ...this.#listeners.map(({ socket }) => socket.fd)]);
    const fdsPtr = libc.addressOf(fds.buffer);
    const count = fds.byteLength / POLLFD_SIZE;
    return () => {
      if (libc.poll(fdsPtr, count, REST_MS) > 0 && fds.getInt16(POLLFD_RETURNED, true) !== 0) hearBell(bell);
    };
  }

  #drain(listeners: readonly Listener[]): void {
    const deadline = performance.now() + DRAIN_MS;
    for (const listener of listeners) {
      while (this.#serveBatch(listener, MSG_DONTWAIT) > 0 && performance.now() < deadline);
    }
  }

  /** @returns the number of packets received */
  #serveBatch(listener: Listener, flags: number): number {
    const { core, views, control } = this.#options;
    const { socket, batch } = listener;
    const count = batch.receive(socket.fd, flags);
    if (count <= 0) {
      this.#nothingReceived();
      return 0;
    }
    const startMs = performance.now();
    this.#batchNumber += 1;
    if (this.#batchNumber === this.#options.faultAtBatch) throw new Error('fault injected');
    control.count(RECEIVED, count);
    this.#describe(batch, count);
    views.clock[0] = Date.now() / 1000;
    try {
      core.answerBatch(views.address, count);
    } catch (error) {
      this.#answerRest(count, error);
    }
    const answered = this.#settle(listener, count);
    if (answered > 0) this.#counts.countDuration('udp', answered, (performance.now() - startMs) / 1000);
    const { sampleEvery } = control;
    if (sampleEvery > 0) this.#sample(sampleEvery, batch, count, performance.now() - startMs);
    return count;
  }

  /** Has the sampler choose from what was answered or forwarded; the slots are as they were sent. */
  #sample(every: number, batch: PacketBatch, count: number, tookMs: number): void {
    const { sampler, views } = this.#options;
    const words = this.#descriptors;
    for (let slot = 0; slot < count; slot += 1) {
      const at = slot * DESCRIPTOR_WORDS;
      const kind = (words[at + VERDICT_WORD] ?? 0) & VERDICT_MASK;
      const packet = views.packets[slot];
      const isForwarded = kind === VERDICT_FORWARD;
      if ((kind !== VERDICT_ANSWERED && !isForwarded) || packet === undefined || !sampler.chooses(every)) continue;
      const message = packet.subarray(0, words[at + LENGTH_WORD] ?? 0);
      const micros = Math.round(tookMs * 1000);
      sampler.take({ transport: 'udp', address: batch.addressText(slot), message, isForwarded, micros });
    }
  }

  /** After a trap: whoever it came from gets SERVFAIL, and those behind are answered one by one. */
  #answerRest(count: number, trap: unknown): void {
    const { core, views } = this.#options;
    const words = this.#descriptors;
    // The core goes from the first slot to the last one. It has begun none where looking ahead has failed.
    let slot = 0;
    while (slot < count && words[slot * DESCRIPTOR_WORDS + VERDICT_WORD] !== VERDICT_BEGUN) slot += 1;
    if (slot === count) {
      this.#coreFailed('the core failed on a batch of queries; they are answered one by one', trap);
      slot = 0;
    } else {
      this.#fail(slot, trap);
      slot += 1;
    }
    for (; slot < count; slot += 1) {
      try {
        core.answerSlot(views.address, slot);
      } catch (error) {
        this.#fail(slot, error);
      }
    }
  }

  #fail(slot: number, trap: unknown): void {
    const { core, views } = this.#options;
    this.#coreFailed('the core failed on a query; it gets SERVFAIL', trap);
    try {
      core.failSlot(views.address, slot);
    } catch {
      this.#descriptors[slot * DESCRIPTOR_WORDS + VERDICT_WORD] = VERDICT_DROP;
      Atomics.store(views.announced, 0, 0);
    }
  }

  #coreFailed(what: string, trap: unknown): void {
    const { views, onTrouble } = this.#options;
    // A trap leaves nothing behind but the announcement. What can be served goes on being served.
    Atomics.store(views.announced, 0, 0);
    this.#counts.countCoreFailure();
    onTrouble(what, trap);
  }

  #nothingReceived(): void {
    const { libc, onTrouble } = this.#options;
    const errno = libc.errno();
    if (errno === EAGAIN || errno === EINTR) return;
    onTrouble('a UDP socket cannot be read', new LibcError('recvmmsg', errno));
    libc.poll(0, 0, PAUSE_MS);
  }

  /** Tells the core what is in the slots. */
  #describe(batch: PacketBatch, count: number): void {
    const { control } = this.#options;
    const words = this.#descriptors;
    const isIPv4 = batch.shape.family === 4;
    let ignored = 0;
    let oversized = 0;
    for (let slot = 0; slot < count; slot += 1) {
      const at = slot * DESCRIPTOR_WORDS;
      let length = batch.lengthOf(slot);
      if (!batch.keepLocalAddress(slot) || batch.isFromPort0(slot)) {
        // The core drops what is shorter than a header, so nothing more is to be told apart here.
        length = 0;
        ignored += 1;
      }
      if (batch.isCut(slot)) oversized += 1;
      words[at + LENGTH_WORD] = length;
      words[at + ADDRESS_WORD] = batch.addressWord(slot, 0);
      if (isIPv4) {
        words[at + FAMILY_WORD] = 1;
        words[at + ADDRESS_WORD + 1] = 0;
        words[at + ADDRESS_WORD + 2] = 0;
        words[at + ADDRESS_WORD + 3] = 0;
      } else {
        words[at + FAMILY_WORD] = 2;
        words[at + ADDRESS_WORD + 1] = batch.addressWord(slot, 1);
        words[at + ADDRESS_WORD + 2] = batch.addressWord(slot, 2);
        words[at + ADDRESS_WORD + 3] = batch.addressWord(slot, 3);
      }
    }
    if (ignored > 0) control.count(IGNORED, ignored);
    if (oversized > 0) control.count(OVERSIZED, oversized);
  }

  /**
   * Sends the answers, in runs of neighbouring slots, and hands on what is to be forwarded.
   * @returns the number of answers
   */
  #settle(listener: Listener, count: number): number {
    const words = this.#descriptors;
    const { socket, batch } = listener;
    let answered = 0;
    let forwarded = 0;
    let runStart = 0;
    for (let slot = 0; slot < count; slot += 1) {
      const at = slot * DESCRIPTOR_WORDS;
      const kind = (words[at + VERDICT_WORD] ?? 0) & VERDICT_MASK;
      if (kind === VERDICT_ANSWERED) {
        batch.setLength(slot, words[at + LENGTH_WORD] ?? 0);
        answered += 1;
        continue;
      }
      if (kind === VERDICT_FORWARD) forwarded += 1;
      if (slot > runStart) this.#sender.send(socket.fd, batch, runStart, slot);
      runStart = slot + 1;
    }
    if (count > runStart) this.#sender.send(socket.fd, batch, runStart, count);
    if (forwarded > 0) this.#forward(listener, count);
    return answered;
  }

  /** Writes the batch's queries for the forwarder into the ring; those that find no room are dropped. */
  #forward({ index, batch }: Listener, count: number): void {
    const { control, views, forwardTo } = this.#options;
    // It may say that queries go elsewhere now, and has come while this thread waited for packets.
    if (control.order === ORDER_READ_MESSAGES) this.#readMessages();
    const { ring, wake } = forwardTo();
    const words = this.#descriptors;
    let at = ring.written;
    let written = 0;
    let dropped = 0;
    for (let slot = 0; slot < count; slot += 1) {
      const descriptor = slot * DESCRIPTOR_WORDS;
      const verdict = words[descriptor + VERDICT_WORD] ?? 0;
      const packet = views.packets[slot];
      if ((verdict & VERDICT_MASK) !== VERDICT_FORWARD || packet === undefined) continue;
      // As long as the core left it: options for the answer stand behind the query.
      const message = packet.subarray(0, words[descriptor + LENGTH_WORD] ?? 0);
      const next = ring.write(at, index, verdict >>> ROUTE_SHIFT, batch.peerOf(slot), message);
      if (next === -1) {
        dropped += 1;
        continue;
      }
      at = next;
      written += 1;
    }
    if (dropped > 0) control.count(FORWARDS_DROPPED, dropped);
    if (written === 0) return;
    control.count(FORWARDED, written);
    if (ring.publish(at)) wake();
  }
}

/** For poll, which is to tell when there is something to be read. Kept referenced while it works. */
function pollFds(descriptors: readonly number[]): DataView<ArrayBuffer> {
  const fds = new DataView(new ArrayBuffer(POLLFD_SIZE * descriptors.length));
  descriptors.forEach((fd, i) => {
    fds.setInt32(i * POLLFD_SIZE, fd, true);
    fds.setInt16(i * POLLFD_SIZE + POLLFD_EVENTS, POLLIN, true);
  });
  return fds;
}
