// What the DNS services over UDP and TCP have in common.

import type { Forwarder } from '../forwarder/forwarder.ts';
import type { Logger } from '../observability/logger.ts';
import type { Answerer, Client, Verdict } from './answerer.ts';

/** Where to serve: an address to bind, or a socket that was bound by somebody else. */
export interface Place {
  /** An IP literal. An IPv6 wildcard does not take IPv4 clients: list both. */
  readonly address: string;
  /** 0 lets the system choose; `listen` tells. */
  readonly port: number;
  /** Of a socket that is bound already, which is closed with the service. */
  readonly fd?: number;
}

export interface ServiceOptions extends Place {
  readonly answerer: Answerer;
  readonly forwarder: Pick<Forwarder, 'forward'>;
  readonly logger: Logger;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface DnsService {
  /** @throws MesosDnsError ERR_LISTEN, naming address, port and what to do. */
  listen(): Promise<Endpoint>;
  /** Takes no more queries, gives forwarded ones up to `graceMs` to be answered, then closes. */
  close(graceMs: number): Promise<void>;
}

const MINUTE_MS = 60_000;

/**
 * Lets the first of a kind of event through, then at most one a minute, and counts the others. For those that may come with
 * every packet: what it holds back costs next to nothing, unlike what the log counts.
 */
export class Throttle {
  readonly #kinds = new Map<string, { passedAt: number; held: number }>();

  /** @returns how many were held back since the one before; null where this one is */
  passes(what: string): number | null {
    const now = performance.now();
    const kind = this.#kinds.get(what);
    if (kind !== undefined && now - kind.passedAt < MINUTE_MS) {
      kind.held += 1;
      return null;
    }
    this.#kinds.set(what, { passedAt: now, held: 0 });
    return kind?.held ?? 0;
  }
}

/** `what`, and how often it came since it was said last. */
export function withCount(what: string, held: number): string {
  return held === 0 ? what : `${what}; repeated: ${held}`;
}

/** Logs errors, throttled by kind. */
export class ErrorLog {
  readonly #logger: Logger;
  readonly #throttle = new Throttle();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  say(err: unknown, what: string): void {
    const held = this.#throttle.passes(what);
    if (held !== null) this.#logger.error({ err }, withCount(what, held));
  }
}

/** Asks the core; a query that it fails on gets SERVFAIL, and the service goes on. */
export function askCore(answerer: Answerer, query: Uint8Array, client: Client, errors: ErrorLog): Verdict {
  try {
    return answerer.answer(query, client);
  } catch (error) {
    errors.say(error, 'the core failed on a query; it gets SERVFAIL');
    return answerer.fail(client);
  }
}

/** `fe80::1%eth0` to `fe80::1`. */
export function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}
