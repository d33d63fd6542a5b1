// Wakes a thread that waits in poll for its sockets: an eventfd (eventfd(2)), readable from the moment that it is rung until
// the thread has heard it. Between threads the descriptor goes as a number.

import { constants, readSync, writeSync } from 'node:fs';
import { type Libc, must, SOCK_CLOEXEC } from './libc.ts';

/** A count, in the order of octets of the machine. */
const ONCE = new Uint8Array(new BigUint64Array([1n]).buffer);

export class Bell {
  readonly fd: number;
  readonly #libc: Pick<Libc, 'close'>;
  #isOpen = true;

  /** @throws LibcError where the system has no descriptor left */
  constructor(libc: Libc) {
    this.fd = must(libc, 'eventfd', libc.eventfd(0, SOCK_CLOEXEC | constants.O_NONBLOCK));
    this.#libc = libc;
  }

  ring(): void {
    if (this.#isOpen) writeSync(this.fd, ONCE);
  }

  /** Only when no thread waits for it any more: its number goes to others at once. */
  close(): void {
    if (this.#isOpen) this.#libc.close(this.fd);
    this.#isOpen = false;
  }
}

/** By the thread that was woken: the bell is silent until it is rung again. */
export function hearBell(fd: number): void {
  readSync(fd, new Uint8Array(ONCE.length));
}
