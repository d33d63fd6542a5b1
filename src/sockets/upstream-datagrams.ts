// The UDP sockets that upstreams are asked from, through the C library: what Node spends on a datagram in and one out is
// more than all the rest of a forwarded query. They are looked at in turns (turns.ts); while there is nothing to do,
// another thread waits for them (upstream-watcher.ts).

import { Worker } from 'node:worker_threads';
import type { ServerAddress } from '../dns/server-address.ts';
import { type DatagramEvents, type Datagrams, isRefusal } from '../forwarder/datagrams.ts';
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_EVENT_DATA,
  EPOLL_EVENT_SIZE,
  EPOLLIN,
  errnoOf,
  type Libc,
  LibcError,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  must,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCKADDR_IN_ADDRESS,
  SOCKADDR_IN6_ADDRESS,
  SOCKADDR_IN6_SIZE,
} from './libc.ts';
import { domainOf } from './packet-batch.ts';
import { encodeAddress } from './socket-address.ts';
import type { Source, Turns } from './turns.ts';
import {
  awaitLoadedWatcher,
  orderWatcher,
  WATCHER_REST,
  WATCHER_STOP,
  WATCHER_WATCH,
  WATCHER_WORDS,
  type WatcherSettings,
} from './upstream-watch.ts';

/** Sockets that a helping reads, one datagram each. */
const EVENTS_MAX = 64;
const DATAGRAM_MAX = 65_535;
const QUERY_MAX = 512;
/** How often sockets are looked at while the watcher is not ready: it takes a while to start where much else is to be done. */
const LOOK_MS = 2;

const EAGAIN = errnoOf('EAGAIN');
const EINTR = errnoOf('EINTR');
const ENOBUFS = errnoOf('ENOBUFS');

export class UpstreamDatagrams implements Source {
  readonly #libc: Libc;
  readonly #turns: Turns;
  readonly #epoll: number;
  readonly #events = new DataView(new ArrayBuffer(EVENTS_MAX * EPOLL_EVENT_SIZE));
  readonly #eventsPtr: number;
  /** By descriptor. */
  readonly #sockets: (UpstreamSocket | undefined)[] = [];
  #openSockets = 0;
  readonly #buffers: Buffers;
  readonly #watcherWords = new Int32Array(new SharedArrayBuffer(WATCHER_WORDS * 4));
  #isWatcherStarted = false;
  #isWatcherReady = false;
  #isClosed = false;

  /** @throws LibcError where the system has no descriptor left */
  constructor(libc: Libc, turns: Turns) {
    this.#libc = libc;
    this.#turns = turns;
    this.#buffers = new Buffers(libc);
    this.#eventsPtr = libc.addressOf(this.#events.buffer);
    this.#epoll = must(libc, 'epoll_create1', libc.epoll_create1(EPOLL_CLOEXEC));
    turns.add(this);
  }

  readonly open = (server: ServerAddress, events: DatagramEvents): Datagrams => {
    try {
      const socket = new UpstreamSocket(this.#libc, this.#epoll, this.#buffers, server, events, {
        used: () => this.#turns.wake(),
        closed: (fd) => {
          this.#sockets[fd] = undefined;
          this.#openSockets -= 1;
        },
      });
      this.#sockets[socket.fd] = socket;
      this.#openSockets += 1;
      this.#startWatcher();
      return socket;
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      events.onClosed();
      process.nextTick(() => events.onError(error.code, false));
      return NO_SOCKET;
    }
  };

  work(): boolean {
    if (this.#openSockets === 0) return false;
    orderWatcher(this.#watcherWords, WATCHER_REST);
    const count = this.#libc.epoll_wait(this.#epoll, this.#eventsPtr, EVENTS_MAX, 0);
    for (let i = 0; i < count; i += 1) {
      const fd = this.#events.getUint32(i * EPOLL_EVENT_SIZE + EPOLL_EVENT_DATA, true);
      this.#sockets[fd]?.receive();
    }
    return count > 0;
  }

  rest(): void {
    if (this.#openSockets === 0 || this.#isClosed) return;
    if (this.#isWatcherReady) orderWatcher(this.#watcherWords, WATCHER_WATCH);
    else setTimeout(() => this.#turns.wake(), LOOK_MS);
  }

  /** What is still open goes with it: the process has other threads, and nobody else closes descriptors of this one. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#turns.remove(this);
    for (const socket of [...this.#sockets]) socket?.close();
    orderWatcher(this.#watcherWords, WATCHER_STOP);
    if (this.#isWatcherStarted) awaitLoadedWatcher(this.#watcherWords);
    this.#libc.close(this.#epoll);
  }

  /** With the first socket: who forwards nothing does without. Where the system lacks what it needs, with a later one. */
  #startWatcher(): void {
    if (this.#isWatcherStarted) return;
    const settings: WatcherSettings = { epoll: this.#epoll, words: this.#watcherWords };
    let watcher: Worker;
    try {
      watcher = new Worker(new URL('../../joined/upstream-watcher.cjs', import.meta.url), { workerData: settings });
    } catch {
      return; // sockets are looked at
    }
    this.#isWatcherStarted = true;
    watcher.on('message', () => {
      this.#isWatcherReady = true;
      this.#turns.wake();
    });
    watcher.unref();
  }
}

/** What all sockets use in turn. */
class Buffers {
  readonly received = new Uint8Array(new ArrayBuffer(DATAGRAM_MAX));
  readonly receivedPtr: number;
  readonly query = new Uint8Array(new ArrayBuffer(QUERY_MAX));
  readonly queryPtr: number;
  readonly sender = new Uint32Array(new ArrayBuffer(SOCKADDR_IN6_SIZE));
  readonly senderPtr: number;
  readonly senderSize = new Uint32Array(new ArrayBuffer(4));
  readonly senderSizePtr: number;
  readonly event = new DataView(new ArrayBuffer(EPOLL_EVENT_SIZE));
  readonly #names = new WeakMap<ServerAddress, Uint32Array<ArrayBuffer>>();

  constructor(libc: Libc) {
    this.receivedPtr = libc.addressOf(this.received.buffer);
    this.queryPtr = libc.addressOf(this.query.buffer);
    this.senderPtr = libc.addressOf(this.sender.buffer);
    this.senderSizePtr = libc.addressOf(this.senderSize.buffer);
    this.event.setUint32(0, EPOLLIN, true);
  }

  /** Of a server, as the C library has it. */
  nameOf(server: ServerAddress): Uint32Array<ArrayBuffer> {
    const known = this.#names.get(server);
    if (known !== undefined) return known;
    const name = new Uint32Array(encodeAddress(server.address, server.port).buffer);
    this.#names.set(server, name);
    return name;
  }
}

interface Owner {
  used(): void;
  closed(fd: number): void;
}

class UpstreamSocket implements Datagrams {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #buffers: Buffers;
  readonly #events: DatagramEvents;
  readonly #owner: Owner;
  readonly #server: Uint32Array;
  readonly #family: 4 | 6;
  #isClosed = false;

  /** @throws LibcError */
  constructor(
    libc: Libc,
    epoll: number,
    buffers: Buffers,
    server: ServerAddress,
    events: DatagramEvents,
    owner: Owner,
  ) {
    const { family } = server;
    const name = buffers.nameOf(server);
    this.#libc = libc;
    this.#buffers = buffers;
    this.#events = events;
    this.#owner = owner;
    this.#server = name;
    this.#family = family;
    this.fd = must(libc, 'socket', libc.socket(domainOf(family), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    buffers.event.setUint32(EPOLL_EVENT_DATA, this.fd, true);
    try {
      must(libc, 'connect', libc.connect(this.fd, name.buffer, name.byteLength));
      must(libc, 'epoll_ctl', libc.epoll_ctl(epoll, EPOLL_CTL_ADD, this.fd, buffers.event.buffer));
    } catch (error) {
      libc.close(this.fd);
      throw error;
    }
  }

  send(message: Uint8Array): void {
    const { query, queryPtr } = this.#buffers;
    query.set(message);
    const sent = this.#libc.send(this.fd, queryPtr, message.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    this.#owner.used();
    if (sent < 0) this.#failed('send');
  }

  /** One datagram, or an error. */
  receive(): void {
    const { received, receivedPtr, sender, senderPtr, senderSize, senderSizePtr } = this.#buffers;
    senderSize[0] = SOCKADDR_IN6_SIZE;
    const size = this.#libc.recvfrom(this.fd, receivedPtr, DATAGRAM_MAX, MSG_DONTWAIT, senderPtr, senderSizePtr);
    if (size < 0) this.#failed('recvfrom');
    // What was queued between the choice of a port and the connection may have come from anywhere.
    else if (this.#isServer(sender)) this.#events.onMessage(received.subarray(0, size));
    else this.#events.onStray();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owner.closed(this.fd);
    this.#libc.close(this.fd);
    this.#events.onClosed();
  }

  /** By family, port and address. */
  #isServer(name: Uint32Array): boolean {
    const first = (this.#family === 4 ? SOCKADDR_IN_ADDRESS : SOCKADDR_IN6_ADDRESS) / 4;
    const words = this.#family === 4 ? 1 : 4;
    if (name[0] !== this.#server[0]) return false;
    for (let i = first; i < first + words; i += 1) if (name[i] !== this.#server[i]) return false;
    return true;
  }

  #failed(syscall: string): void {
    const errno = this.#libc.errno();
    // Nothing to read, a signal, or a full queue of the interface: the question is asked again when its time is over.
    if (errno === EAGAIN || errno === EINTR || errno === ENOBUFS) return;
    const { code } = new LibcError(syscall, errno);
    process.nextTick(() => {
      if (!this.#isClosed) this.#events.onError(code, isRefusal(code));
    });
  }
}

/** Stands for one that could not be opened. */
const NO_SOCKET: Datagrams = { send() {}, close() {} };
