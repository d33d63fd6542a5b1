// An answerer and a forwarder for socket tests: names below `foreign` are forwarded, everything else is answered at once.

import packet from 'dns-packet';
import type { Forwarder } from '../../src/forwarder/forwarder.ts';
import type { Answerer, Client, Verdict } from '../../src/sockets/answerer.ts';

const SERVFAIL = 2;

/** Like the real core it builds every answer in the same memory, so that a socket which keeps a view is found out. */
export class FakeCore implements Answerer {
  readonly clients: Client[] = [];
  readonly #memory = new Uint8Array(65_535);
  /** Octets of TXT data that each answer carries beside its question. */
  readonly #padding: number;
  #failed: Uint8Array = new Uint8Array(0);

  constructor(padding = 0) {
    this.#padding = padding;
  }

  answer(query: Uint8Array, client: Client): Verdict {
    this.clients.push(client);
    if (query.length < 12 || ((query[2] ?? 0) & 0x80) !== 0) return { kind: 'dropped' };
    const decoded = packet.decode(Buffer.from(query));
    const name = decoded.questions?.[0]?.name ?? '';
    if (name === 'trap.mesos') {
      this.#failed = Uint8Array.from(query);
      throw new Error('unreachable executed');
    }
    if (name.endsWith('foreign')) return { kind: 'forward', route: 0, query };
    const strings = Array.from({ length: Math.floor(this.#padding / 250) }, () => 'x'.repeat(249));
    const answer = packet.encode({
      type: 'response',
      id: decoded.id ?? 0,
      questions: decoded.questions ?? [],
      answers: strings.length === 0 ? [] : [{ type: 'TXT', name, ttl: 1, data: strings }],
    });
    this.#memory.fill(0xee);
    this.#memory.set(answer);
    return { kind: 'answered', message: this.#memory.subarray(0, answer.length) };
  }

  fail(): Verdict {
    const { id = 0, questions = [] } = packet.decode(Buffer.from(this.#failed));
    return { kind: 'answered', message: packet.encode({ type: 'response', id, flags: SERVFAIL, questions }) };
  }
}

/** Answers with the query's own question after `delayMs`, or never. */
export class FakeForwarder implements Forwarder {
  readonly sizes: number[] = [];
  readonly #delayMs: number | null;
  pending = 0;

  constructor(delayMs: number | null = 0) {
    this.#delayMs = delayMs;
  }

  forward(query: Uint8Array, _route: number, maxSizeBytes: number): Promise<Uint8Array> {
    this.sizes.push(maxSizeBytes);
    const answer = new Uint8Array(query);
    answer[2] = (answer[2] ?? 0) | 0x80;
    this.pending += 1;
    const { promise, resolve } = withResolver<Uint8Array>();
    if (this.#delayMs !== null) {
      setTimeout(() => {
        this.pending -= 1;
        resolve(answer);
      }, this.#delayMs);
    }
    return promise;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
