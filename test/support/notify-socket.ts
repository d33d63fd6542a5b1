// The service manager's end of sd_notify(3), for tests: a Unix datagram socket, and what arrived in it.

import { setTimeout as sleep } from 'node:timers/promises';
import { AF_UNIX, loadLibc, MSG_DONTWAIT, must, SOCK_CLOEXEC, SOCK_DGRAM } from '../../src/sockets/libc.ts';
import { PacketBatch } from '../../src/sockets/packet-batch.ts';
import { encodeUnixAddress } from '../../src/sockets/socket-address.ts';

const LOOK_EVERY_MS = 10;

export type Notification = Readonly<Record<string, string>>;

export class NotifySocket {
  readonly path: string;
  /** Everything so far, one entry for each datagram. */
  readonly received: Notification[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #close: () => void;

  /** @param path as NOTIFY_SOCKET gives it */
  static async open(path: string): Promise<NotifySocket> {
    const libc = await loadLibc();
    const fd = must(libc, 'socket', libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const address = encodeUnixAddress(path);
    must(libc, 'bind', libc.bind(fd, address.buffer, address.length));
    const slot = new Uint8Array(new SharedArrayBuffer(4096));
    const batch = new PacketBatch(libc, [slot], { family: 4, localAddresses: false });
    const receive = () =>
      batch.receive(fd, MSG_DONTWAIT) === 1 ? Buffer.from(slot.slice(0, batch.lengthOf(0))) : null;
    return new NotifySocket(path, receive, () => libc.close(fd));
  }

  private constructor(path: string, receive: () => Buffer | null, close: () => void) {
    this.path = path;
    this.#close = close;
    this.#timer = setInterval(() => {
      for (let datagram = receive(); datagram !== null; datagram = receive()) this.received.push(parse(datagram));
    }, LOOK_EVERY_MS);
  }

  /** Waits for a datagram with this key, from number `from` on. */
  async until(key: string, { from = 0, timeoutMs = 30_000 } = {}): Promise<Notification> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const found = this.received.slice(from).find((each) => key in each);
      if (found !== undefined) return found;
      if (performance.now() > end) throw new Error(`no ${key} in ${JSON.stringify(this.received)}`);
      await sleep(LOOK_EVERY_MS);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#close();
  }
}

function parse(datagram: Buffer): Notification {
  return Object.fromEntries(
    datagram
      .toString()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
