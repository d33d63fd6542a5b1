// The connection over which one upstream is asked with TCP or TLS (RFC 7766, RFC 7858): opened when it is needed, kept
// while it is used, shared by all questions, which are told apart by their ids.

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { RCODE_MASK } from '../dns/constants.ts';
import type { ServerAddress } from '../dns/server-address.ts';
import {
  codeOf,
  type Exchange,
  type ExchangeOptions,
  type ExchangeOutcome,
  type SocketBudget,
  type UpstreamSigns,
} from './exchange.ts';
import { readUint16, writeUint16 } from './message.ts';
import { compareReply } from './query.ts';

export interface StreamLinkOptions {
  readonly server: ServerAddress;
  readonly budget: SocketBudget;
  readonly signs: UpstreamSigns;
  readonly randomId: () => number;
  readonly now: () => number;
  /** PEM text of the authorities that sign certificates; null: those that Node knows. */
  readonly certificateAuthorities: string | null;
}

/** Without a question for so long, it is closed. Servers keep connections for 10 s and more. */
const IDLE_MS = 8000;
/** A question that waited so long on a connection that brought nothing shows that the connection is dead. */
const DEAD_MS = 3000;
const WAITING_MAX = 2048;
/** Longer than any question waits. */
const HEARD_MS = 10_000;

interface Waiting {
  readonly query: Uint8Array;
  readonly sentAtMs: number;
  /** It was asked on a connection that had been in use, and that the server may have closed before it came. */
  mayAskAgain: boolean;
  /** null: abandoned. */
  onOutcome: ExchangeOptions['onOutcome'] | null;
}

export class StreamLink {
  readonly #options: StreamLinkOptions;
  #connection: Connection | null = null;
  /** For the next connection to be quicker. */
  #session: Buffer | undefined;
  #isClosed = false;

  constructor(options: StreamLinkOptions) {
    this.#options = options;
  }

  /** @returns null where too much waits already */
  ask({ query, onOutcome }: ExchangeOptions): Exchange | null {
    const { now } = this.#options;
    const waiting: Waiting = { query, sentAtMs: now(), mayAskAgain: true, onOutcome };
    if (!this.#send(waiting)) return null;
    return {
      abandon() {
        waiting.onOutcome = null;
      },
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.destroy();
  }

  #send(waiting: Waiting): boolean {
    const { signs, server, now } = this.#options;
    if (this.#isClosed) return false;
    if (this.#connection?.isUsable(now()) === false) {
      this.#connection.destroy();
      this.#connection = null;
    }
    const isNew = this.#connection === null;
    signs.socketUsed(server.tls === null ? 'tcp' : 'tls', isNew);
    this.#connection ??= this.#open();
    return this.#connection.send(waiting);
  }

  #open(): Connection {
    const { server, certificateAuthorities } = this.#options;
    const { address: host, port, family, tls } = server;
    if (tls === null)
      return new Connection(connectTcp({ host, port, family, noDelay: true }), this.#options, this.#onClosed);
    const socket = connectTls({
      host,
      port,
      // A name is also what the certificate is held against; without one it is the address.
      ...(tls.name === null ? {} : { servername: tls.name }),
      ...(certificateAuthorities === null ? {} : { ca: certificateAuthorities }),
      ...(this.#session === undefined ? {} : { session: this.#session }),
      ALPNProtocols: ['dot'],
      minVersion: 'TLSv1.2',
    });
    socket.setNoDelay(true);
    socket.on('session', (session) => {
      this.#session = session;
    });
    return new Connection(socket, this.#options, this.#onClosed);
  }

  /** Questions that a used connection swallowed are asked once more over a new one. */
  readonly #onClosed = (connection: Connection, unanswered: readonly Waiting[], code: string): void => {
    if (this.#connection === connection) this.#connection = null;
    for (const waiting of unanswered) {
      if (waiting.onOutcome === null) continue;
      const again = connection.hasAnswered && waiting.mayAskAgain;
      waiting.mayAskAgain = false;
      if (!again || !this.#send(waiting)) waiting.onOutcome({ kind: 'error', code });
    }
  };
}

class Connection {
  hasAnswered = false;
  readonly #socket: Socket;
  readonly #options: StreamLinkOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onClosed: (connection: Connection, unanswered: readonly Waiting[], code: string) => void;
  #received: Buffer = Buffer.alloc(0);
  #heardAtMs: number;
  #code = 'ECONNRESET';
  #isOver = false;

  constructor(
    socket: Socket,
    options: StreamLinkOptions,
    onClosed: (connection: Connection, unanswered: readonly Waiting[], code: string) => void,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#onClosed = onClosed;
    this.#heardAtMs = options.now();
    options.budget.open += 1;
    socket.on('error', (error) => {
      this.#code = codeOf(error);
    });
    socket.on('close', () => {
      options.budget.open -= 1;
      this.#end();
    });
    // A server that wants to hear no more answers nothing more of what comes from now on.
    socket.on('end', () => this.destroy());
    socket.setTimeout(IDLE_MS, () => this.destroy());
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  /** False also where the server has had time enough, and not a sign of it has come since. */
  isUsable(nowMs: number): boolean {
    if (this.#socket.destroyed) return false;
    const [oldest] = this.#waiting.values();
    return oldest === undefined || nowMs - Math.max(oldest.sentAtMs, this.#heardAtMs) <= DEAD_MS;
  }

  /** @returns false where too much waits */
  send(waiting: Waiting): boolean {
    const { randomId, now } = this.#options;
    this.#forgetBefore(now() - HEARD_MS);
    if (this.#waiting.size >= WAITING_MAX || this.#isOver) return false;
    let id = randomId();
    while (this.#waiting.has(id)) id = randomId();
    const { query } = waiting;
    writeUint16(query, 0, id);
    this.#waiting.set(id, waiting);
    const framed = new Uint8Array(2 + query.length);
    writeUint16(framed, 0, query.length);
    framed.set(query, 2);
    this.#socket.write(framed);
    return true;
  }

  destroy(): void {
    this.#socket.destroy();
    // What comes now needs another connection, though this one has not closed yet; outcomes come later than that.
    process.nextTick(() => this.#end());
  }

  #forgetBefore(timeMs: number): void {
    for (const [id, { sentAtMs }] of this.#waiting) {
      if (sentAtMs >= timeMs) return;
      this.#waiting.delete(id);
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const unanswered = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#onClosed(this, unanswered, this.#code);
  }

  #take(chunk: Buffer): void {
    this.#heardAtMs = this.#options.now();
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 2 && !this.#isOver) {
      const end = 2 + readUint16(this.#received, 0);
      if (this.#received.length < end) return;
      const message = this.#received.subarray(2, end);
      this.#received = this.#received.subarray(end);
      this.#takeMessage(message);
    }
  }

  #takeMessage(message: Uint8Array): void {
    const { signs, now, server } = this.#options;
    const id = readUint16(message, 0);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      signs.ignored(false);
      return;
    }
    this.#waiting.delete(id);
    const match = compareReply(message, waiting.query);
    let outcome: ExchangeOutcome;
    if (match === 'other') {
      // Nobody forges this; what else comes on this connection is not worth waiting for.
      signs.ignored(true);
      outcome = { kind: 'error', code: 'EBADMSG' };
      this.destroy();
    } else {
      this.hasAnswered = true;
      const rcode = readUint16(message, 2) & RCODE_MASK;
      const nowMs = now();
      signs.answered(nowMs, nowMs - waiting.sentAtMs, rcode, server.tls === null ? 'tcp' : 'tls');
      outcome = { kind: 'reply', message, sameCase: match === 'same' };
    }
    waiting.onOutcome?.(outcome);
  }
}
