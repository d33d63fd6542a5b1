// The UDP sockets on which one upstream is asked.
//
// A forger who cannot see the queries has to guess port and id (RFC 5452). Each socket has a port of the kernel's choice
// and is connected, so that the kernel hands up only what comes from the upstream's address and port. Questions go through
// the sockets in turn: no two of SOCKETS_MAX questions behind one another share a port, and each socket is closed after
// USES_MAX questions or a while without any, so that nobody can find out the open ports one by one. A socket to which answers
// with other ids come is closed, and what waits on it is asked in a way that cannot be forged.

import { RCODE_MASK } from '../dns/constants.ts';
import type { ServerAddress } from '../dns/server-address.ts';
import type { DatagramEvents, Datagrams, OpenDatagrams } from './datagrams.ts';
import {
  type Exchange,
  type ExchangeOptions,
  type ExchangeOutcome,
  type SocketBudget,
  shareOf,
  type UpstreamSigns,
} from './exchange.ts';
import { readUint16, writeUint16 } from './message.ts';
import { compareReply } from './query.ts';

export interface UdpPoolOptions {
  readonly server: ServerAddress;
  readonly openDatagrams: OpenDatagrams;
  readonly budget: SocketBudget;
  readonly signs: UpstreamSigns;
  readonly randomId: () => number;
  readonly now: () => number;
}

const SOCKETS_MAX = 320;
const USES_MAX = 24;
/** Answers are heard for so long, also when nobody waits any more: they tell that the upstream is there. */
const HEARD_MS = 5000;
const SWEEP_MS = 1000;
/** Questions waiting on one socket: ids remain hard to guess. */
const WAITING_MAX = 64;
/** Somebody who has found out a port may guess the id so often. */
const GUESSES_MAX = 16;

export class UdpPool {
  readonly #options: UdpPoolOptions;
  #sockets: PooledSocket[] = [];
  /** The one that was chosen last. */
  #latest = 0;
  #isSilent = false;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: UdpPoolOptions) {
    this.#options = options;
  }

  /** @returns null where no socket can be had */
  ask(options: ExchangeOptions): Exchange | null {
    const { signs } = this.#options;
    // Nobody else's question is to wait where forgers are at work.
    const mayOpen = options.isPatient === true && this.#sockets.length < 2 * this.#limit;
    const socket = mayOpen ? this.#open() : this.#choose();
    signs.socketUsed('udp', socket?.uses === 0);
    return socket?.ask(options) ?? null;
  }

  /**
   * Whether the upstream is taken for dead. Sockets keep the address that this machine had when they were opened: in case
   * it has another one now, those from before are not used any more.
   */
  setSilent(isSilent: boolean): void {
    this.#isSilent = isSilent;
    if (isSilent) for (const socket of this.#sockets) socket.uses = USES_MAX;
  }

  /** Nothing is announced or heard any more. */
  close(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  /** A fresh one while there is room, else the next one that can take a question. */
  #choose(): PooledSocket | null {
    if (this.#sockets.length < this.#limit) return this.#open();
    for (let tried = 0; tried < this.#sockets.length; tried += 1) {
      this.#latest = (this.#latest + 1) % this.#sockets.length;
      const socket = this.#sockets[this.#latest];
      if (socket === undefined) break;
      if (socket.isUsedUp && (socket.isIdle || this.#isSilent)) {
        socket.close();
        const fresh = new PooledSocket(this.#options, this.#forget);
        this.#sockets[this.#latest] = fresh;
        return fresh;
      }
      if (socket.hasRoom) return socket;
    }
    return null;
  }

  get #limit(): number {
    return Math.min(SOCKETS_MAX, shareOf(this.#options.budget));
  }

  #open(): PooledSocket {
    const socket = new PooledSocket(this.#options, this.#forget);
    this.#sockets.push(socket);
    this.#sweep ??= setInterval(() => this.#closeUnused(), SWEEP_MS).unref();
    return socket;
  }

  readonly #forget = (socket: PooledSocket): void => {
    const at = this.#sockets.indexOf(socket);
    if (at >= 0) this.#sockets.splice(at, 1);
  };

  #closeUnused(): void {
    const before = this.#options.now() - HEARD_MS;
    this.#sockets = this.#sockets.filter((socket) => {
      if (!socket.isUnusedSince(before)) return true;
      socket.close();
      return false;
    });
    if (this.#sockets.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

class Waiting implements Exchange {
  readonly id: number;
  readonly query: Uint8Array;
  readonly sentAtMs: number;
  /** null: abandoned. */
  onOutcome: ExchangeOptions['onOutcome'] | null;

  constructor(id: number, query: Uint8Array, sentAtMs: number, onOutcome: ExchangeOptions['onOutcome']) {
    this.id = id;
    this.query = query;
    this.sentAtMs = sentAtMs;
    this.onOutcome = onOutcome;
  }

  abandon(): void {
    this.onOutcome = null;
  }
}

class PooledSocket implements DatagramEvents {
  uses = 0;
  readonly #options: UdpPoolOptions;
  readonly #onEnded: (socket: PooledSocket) => void;
  readonly #socket: Datagrams;
  /** In no order, and mostly one or two: no Map, for the reason given in forwarder.ts. */
  #waiting: Waiting[] = [];
  /** Ids whose answers have come; they may come twice. */
  readonly #answered: number[] = [];
  #guesses = 0;
  #isPatient = false;
  #usedAtMs = 0;
  #isClosed = false;

  constructor(options: UdpPoolOptions, onEnded: (socket: PooledSocket) => void) {
    this.#options = options;
    this.#onEnded = onEnded;
    options.budget.open += 1;
    this.#socket = options.openDatagrams(options.server, this);
  }

  get hasRoom(): boolean {
    return this.#waiting.length < WAITING_MAX && !this.#isPatient;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  get isUsedUp(): boolean {
    return this.uses >= USES_MAX || this.#isPatient;
  }

  /** Forgets what was asked before; true where nothing was asked since then. */
  isUnusedSince(timeMs: number): boolean {
    this.#waiting = this.#waiting.filter(({ sentAtMs }) => sentAtMs >= timeMs);
    return this.#usedAtMs < timeMs;
  }

  ask({ query, onOutcome, isPatient = false }: ExchangeOptions): Exchange {
    const { now, randomId } = this.#options;
    this.#isPatient = isPatient;
    this.uses += 1;
    this.#usedAtMs = now();
    let id = randomId();
    while (this.#find(id) >= 0) id = randomId();
    writeUint16(query, 0, id);
    const waiting = new Waiting(id, query, this.#usedAtMs, onOutcome);
    this.#waiting.push(waiting);
    this.#socket.send(query);
    return waiting;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting = [];
    this.#socket.close();
  }

  onMessage(message: Uint8Array): void {
    if (this.#isClosed) return;
    const { signs, now } = this.#options;
    const id = readUint16(message, 0);
    const at = this.#find(id);
    const waiting = this.#waiting[at];
    const match = waiting === undefined ? 'other' : compareReply(message, waiting.query);
    if (waiting === undefined || match === 'other') {
      signs.ignored(waiting !== undefined);
      if (this.#answered.includes(id)) return;
      this.#guesses += 1;
      if (this.#guesses > GUESSES_MAX && !this.#isPatient) this.#end({ kind: 'forgeries' }, false);
      return;
    }
    this.#remove(at);
    this.#answered.push(id);
    const nowMs = now();
    signs.answered(nowMs, nowMs - waiting.sentAtMs, readUint16(message, 2) & RCODE_MASK, 'udp');
    waiting.onOutcome?.({ kind: 'reply', message, sameCase: match === 'same' });
  }

  onStray(): void {
    this.#options.signs.ignored(false);
  }

  onError(code: string, isUsable: boolean): void {
    this.#end({ kind: 'error', code }, isUsable);
  }

  onClosed(): void {
    this.#options.budget.open -= 1;
  }

  /** -1 where nothing with this id waits. */
  #find(id: number): number {
    for (let at = 0; at < this.#waiting.length; at += 1) if (this.#waiting[at]?.id === id) return at;
    return -1;
  }

  #remove(at: number): void {
    const last = this.#waiting.pop();
    if (last !== undefined && at < this.#waiting.length) this.#waiting[at] = last;
  }

  #end(outcome: ExchangeOutcome, isUsable: boolean): void {
    if (this.#isClosed) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (!isUsable) {
      this.close();
      this.#onEnded(this);
    }
    for (const { onOutcome } of waiting) onOutcome?.(outcome);
  }
}
