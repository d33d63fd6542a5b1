// Sends runs of a batch, whatever the kernel says: waits a little where it has no room, leaves out what it refuses.

import { errnoOf, type Libc, LibcError, MSG_DONTWAIT, POLLFD_EVENTS, POLLFD_SIZE, POLLOUT } from './libc.ts';
import type { PacketBatch } from './packet-batch.ts';
import { counterIndex } from './udp-control.ts';
import { allowFragments } from './udp-sockets.ts';

/** How often, and for how long each, a run waits for room before its rest is given up: queries wait behind it. */
const MAX_WAITS = 3;
const WAIT_MS = 5;

const EINTR = errnoOf('EINTR');
const EMSGSIZE = errnoOf('EMSGSIZE');
const EAGAIN = errnoOf('EAGAIN');
const ENOBUFS = errnoOf('ENOBUFS');
const ENOMEM = errnoOf('ENOMEM');

const SENT = counterIndex('sent');
const SEND_ERRORS = counterIndex('sendErrors');

export interface SendCounts {
  count(counter: number, by: number): void;
}

/** What of the C library is called here. */
type Caller = Pick<Libc, 'poll' | 'errno' | 'addressOf' | 'setsockopt'>;

export class PacketSender {
  readonly #libc: Caller;
  readonly #counts: SendCounts;
  readonly #onTrouble: (what: string, error: unknown) => void;
  readonly #pollFd = new DataView(new ArrayBuffer(POLLFD_SIZE));
  readonly #pollPtr: number;

  constructor(libc: Caller, counts: SendCounts, onTrouble: (what: string, error: unknown) => void) {
    this.#libc = libc;
    this.#counts = counts;
    this.#onTrouble = onTrouble;
    this.#pollFd.setInt16(POLLFD_EVENTS, POLLOUT, true);
    this.#pollPtr = libc.addressOf(this.#pollFd.buffer);
  }

  /** Sends slots `from` to `to` - 1. */
  send(fd: number, batch: Pick<PacketBatch, 'send' | 'shape'>, from: number, to: number): void {
    let at = from;
    let failed = 0;
    let waits = 0;
    let mayFragment = false;
    while (at < to) {
      const sent = batch.send(fd, at, to, MSG_DONTWAIT);
      if (sent > 0) {
        at += sent;
        continue;
      }
      const errno = this.#libc.errno();
      if (errno === EINTR) continue;
      if (errno === EMSGSIZE && !mayFragment) {
        // The way to a client begins with a link that is too small.
        mayFragment = true;
        allowFragments(this.#libc, fd, batch.shape.family);
        continue;
      }
      if (errno === EAGAIN || errno === ENOBUFS || errno === ENOMEM) {
        if (waits < MAX_WAITS) {
          waits += 1;
          this.#waitForRoom(fd, errno);
          continue;
        }
        failed += to - at;
        at = to;
      } else {
        // EPERM of a packet filter, EHOSTUNREACH, EINVAL of a forged address …: this one cannot be answered.
        failed += 1;
        at += 1;
      }
      this.#onTrouble('an answer could not be sent', new LibcError('sendmmsg', errno));
    }
    this.#counts.count(SENT, to - from - failed);
    if (failed > 0) this.#counts.count(SEND_ERRORS, failed);
  }

  /** Until the socket's buffer has room; a full queue of the interface (ENOBUFS) cannot be waited for but by time. */
  #waitForRoom(fd: number, errno: number): void {
    this.#pollFd.setInt32(0, fd, true);
    this.#libc.poll(this.#pollPtr, errno === EAGAIN ? 1 : 0, WAIT_MS);
  }
}
