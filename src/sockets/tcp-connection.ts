// One TCP connection: queries in, answers out in whatever order they are ready, and no more of either than fits.

import type { Socket } from 'node:net';
import { clientGroupOf } from '../forwarder/client-group.ts';
import type { Forwarder } from '../forwarder/forwarder.ts';
import type { Answerer, Client } from './answerer.ts';
import { askCore, type ErrorLog } from './service.ts';
import type { TcpCounters, TcpLimits } from './tcp.ts';
import { FrameReader } from './tcp-frames.ts';

/** What all connections of a service share. */
export interface ConnectionContext {
  readonly answerer: Answerer;
  readonly forwarder: Pick<Forwarder, 'forward'>;
  readonly limits: TcpLimits;
  readonly counters: TcpCounters;
  readonly errors: ErrorLog;
  /** Told of each change of what the client of a connection has not taken; may close connections. */
  readonly onUnsent: (connection: TcpConnection, changeBytes: number) => void;
}

/** What would be lost with a connection, the least first. */
export type Claim = 'idle' | 'does not read' | 'waits for a forward';

interface WaitingQuery {
  readonly message: Uint8Array;
  readonly route: number;
}

const MAX_MESSAGE_BYTES = 65_535;
/** After so many queries at a stretch, other connections have their turn. */
const QUERIES_PER_TURN = 256;
/** Forwarded answers may arrive after reading has stopped; a client with so many times the limit unsent is let go. */
const UNSENT_FACTOR = 4;

export class TcpConnection {
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #clientGroup: number;
  readonly #context: ConnectionContext;
  readonly #frames = new FrameReader();
  /** The last time at which a query came or the client had taken every answer; `performance.now`. */
  #usefulAtMs = performance.now();
  #inFlight = 0;
  /** Queries for the forwarder that came while it had as many of this connection as allowed. */
  readonly #waiting: WaitingQuery[] = [];
  #waitingBytes = 0;
  /** As noted last. */
  #unsentBytes = 0;
  /** The client has sent its last octet. */
  #ended = false;
  /** We take no more queries. */
  #finishing = false;
  #turnScheduled = false;

  /** The owner listens to the socket's 'close' and 'error'. */
  constructor(socket: Socket, address: string, context: ConnectionContext) {
    this.#socket = socket;
    this.#client = { transport: 'tcp', address };
    this.#clientGroup = clientGroupOf(address);
    this.#context = context;
    socket.on('close', () => this.#noteUnsent());
    socket.on('data', (chunk) => {
      this.#frames.feed(chunk);
      this.#work();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#work();
    });
    socket.on('drain', () => {
      this.#noteUnsent();
      this.#usefulAtMs = performance.now();
      this.#work();
    });
  }

  get usefulAtMs(): number {
    return this.#usefulAtMs;
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  get claim(): Claim {
    if (this.#inFlight > 0) return 'waits for a forward';
    return this.#socket.writableLength > 0 ? 'does not read' : 'idle';
  }

  /** Nothing useful has happened for longer than allowed: single octets of a query, or answers not taken, are not. */
  isOverdue(nowMs: number): boolean {
    return this.#inFlight === 0 && nowMs - this.#usefulAtMs > this.#context.limits.idleMs;
  }

  /** Takes no more queries, and closes when those taken are answered and sent. */
  finish(): void {
    this.#finishing = true;
    this.#work();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#noteUnsent();
  }

  /** Answers what has come, as far as there is room for answers; stops or resumes reading; closes when all is done. */
  #work(): void {
    if (this.#socket.destroyed || this.#turnScheduled) return;
    const exhausted = this.#answerFrames();
    this.#noteUnsent();
    if (this.#finishing) {
      this.#socket.pause();
      if (this.#inFlight === 0) this.#socket.destroySoon();
    } else if (this.#ended) {
      if (exhausted && this.#inFlight === 0) this.#socket.end();
    } else if (exhausted && this.#hasRoom()) {
      this.#socket.resume();
    } else {
      this.#socket.pause();
    }
  }

  /** True when every whole query that has come is taken. */
  #answerFrames(): boolean {
    let exhausted = false;
    this.#socket.cork();
    for (let count = 0; this.#hasRoom() && !this.#finishing; count += 1) {
      if (count === QUERIES_PER_TURN) {
        this.#scheduleTurn();
        break;
      }
      const message = this.#frames.next();
      if (message === null) {
        exhausted = true;
        break;
      }
      // A message without a header cannot be answered, and one without anything says that the client is confused.
      if (message.length === 0) this.#finishing = true;
      else this.#answer(message);
    }
    this.#socket.uncork();
    return exhausted;
  }

  #scheduleTurn(): void {
    this.#turnScheduled = true;
    setImmediate(() => {
      this.#turnScheduled = false;
      this.#work();
    });
  }

  #hasRoom(): boolean {
    const { limits } = this.#context;
    return this.#waitingBytes < limits.maxWaitingBytes && this.#socket.writableLength <= limits.maxUnsentBytes;
  }

  /** A little that the system is about to take does not count. */
  #noteUnsent(): void {
    const { destroyed, writableLength, writableNeedDrain } = this.#socket;
    const unsentBytes = writableNeedDrain && !destroyed ? writableLength : 0;
    const changeBytes = unsentBytes - this.#unsentBytes;
    this.#unsentBytes = unsentBytes;
    if (changeBytes !== 0) this.#context.onUnsent(this, changeBytes);
  }

  #answer(message: Uint8Array): void {
    const { answerer, counters, errors, limits } = this.#context;
    counters.queries += 1;
    const verdict = askCore(answerer, message, this.#client, errors);
    switch (verdict.kind) {
      case 'answered':
        this.#usefulAtMs = performance.now();
        this.#send(verdict.message);
        return;
      case 'dropped':
        return;
      case 'forward':
        this.#usefulAtMs = performance.now();
        if (this.#inFlight < limits.maxInFlightPerConnection) {
          this.#forward(verdict.query, verdict.route);
        } else {
          // Queries behind it, which need no forward, need not wait for one.
          this.#waiting.push({ message: Uint8Array.from(verdict.query), route: verdict.route });
          this.#waitingBytes += verdict.query.length;
        }
        return;
      default:
        verdict satisfies never;
    }
  }

  #forward(query: Uint8Array, route: number): void {
    const { counters, errors, forwarder } = this.#context;
    this.#inFlight += 1;
    counters.forwarding += 1;
    forwarder.forward(query, route, MAX_MESSAGE_BYTES, this.#clientGroup).then(
      (answer) => this.#forwarded(answer),
      (error) => {
        errors.say(error, 'the forwarder failed on a query; dropped');
        this.#forwarded(null);
      },
    );
  }

  #forwarded(answer: Uint8Array | null): void {
    this.#inFlight -= 1;
    this.#context.counters.forwarding -= 1;
    if (this.#socket.destroyed) return;
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#waitingBytes -= next.message.length;
      this.#forward(next.message, next.route);
    }
    if (answer !== null && answer.length > 0) this.#send(answer);
    if (this.#socket.writableLength > UNSENT_FACTOR * this.#context.limits.maxUnsentBytes) this.destroy();
    this.#usefulAtMs = performance.now();
    this.#work();
  }

  /** Copies the message, behind its length. */
  #send(message: Uint8Array): void {
    const framed = Buffer.allocUnsafe(2 + message.length);
    framed.writeUInt16BE(message.length, 0);
    framed.set(message, 2);
    this.#socket.write(framed);
    this.#context.counters.answers += 1;
  }
}
