// One session with one ZooKeeper server: promises instead of callbacks, a time limit on everything, and an end that
// comes exactly once. A session is used until it ends and then replaced; it never reconnects.

import type { Exception as ZooKeeperError } from 'node-zookeeper-client';
import type { HostPort } from '../dns/endpoint.ts';
import { messageOf } from '../errors.ts';
import { createDisposableClient, type DisposableClient } from './zookeeper-client.ts';
import { zookeeperLibrary } from './zookeeper-library.ts';

export interface SessionOptions {
  readonly server: HostPort;
  /** `user:password`, or null. */
  readonly credentials: string | null;
  /** What is asked for, milliseconds; the server bounds it (2 to 20 of its ticks). */
  readonly sessionTimeoutMs: number;
  /** From the start until the session is granted, milliseconds. */
  readonly connectTimeoutMs: number;
}

/** Why a call brought nothing. `ended`: the session is over, its `endReason` says why. */
export type CallFailure = { readonly kind: 'no-node' } | { readonly kind: 'no-auth' } | { readonly kind: 'ended' };

export type ChildrenResult =
  /** `parentId` changes when the parent is removed and made again (its counter then starts anew). */
  { readonly kind: 'children'; readonly names: readonly string[]; readonly parentId: string } | CallFailure;

export type DataResult = { readonly kind: 'data'; readonly data: Uint8Array } | CallFailure;

/** Bounds for our own timers, whatever session time-out a server grants. */
const MIN_TIMEOUT_MS = 2000;
const MAX_TIMEOUT_MS = 30_000;

export class ZooKeeperSession {
  /** True when the session was granted, false when it ended before. Never rejects. */
  readonly ready: Promise<boolean>;

  readonly #client: DisposableClient;
  readonly #connectTimer: NodeJS.Timeout;
  /** What to call when the session ends: every promise that somebody waits for. */
  readonly #onEnd = new Set<() => void>();
  #live = false;
  #endReason: string | null = null;
  #timeoutMs: number;
  #changed = false;
  #wake: () => void = () => {};
  /** One function for every path: the library drops duplicates by identity and cannot remove a watch. */
  readonly #watcher = (): void => {
    this.#changed = true;
    this.#wake();
  };

  constructor(options: SessionOptions) {
    this.#timeoutMs = options.sessionTimeoutMs;
    this.#client = createDisposableClient(options.server, options, (reason) => this.#end(reason));
    this.#connectTimer = limit(options.connectTimeoutMs, () => {
      if (!this.#live) this.end(`no session within ${options.connectTimeoutMs} ms`);
    });
    this.ready = new Promise((resolve) => {
      this.#onEnd.add(() => resolve(false));
      this.#client.client.once('connected', () => {
        clearTimeout(this.#connectTimer);
        const granted = this.#client.client.getSessionTimeout();
        this.#timeoutMs = Math.min(Math.max(granted, MIN_TIMEOUT_MS), MAX_TIMEOUT_MS);
        this.#live = true;
        resolve(true);
      });
    });
    this.#client.connect();
  }

  /** Whether calls make sense. */
  get live(): boolean {
    return this.#live;
  }

  /** Null until it has ended. */
  get endReason(): string | null {
    return this.#endReason;
  }

  /** A third of the session time-out: how long a call may take, and how often somebody should call, milliseconds. */
  get pulseMs(): number {
    return this.#timeoutMs / 3;
  }

  /** Lists the children and leaves a watch. */
  children(path: string): Promise<ChildrenResult> {
    return this.#call('children', (done) => {
      this.#client.client.getChildren(path, this.#watcher, (error, names, stat) => {
        done(error ?? { kind: 'children', names, parentId: error === null ? stat.czxid.toString('hex') : '' });
      });
    });
  }

  /** Reads a node. An empty one has no bytes. */
  data(path: string): Promise<DataResult> {
    return this.#call('data', (done) => {
      this.#client.client.getData(path, (error, data: Buffer | undefined) => {
        done(error ?? { kind: 'data', data: data ?? new Uint8Array() });
      });
    });
  }

  /** Leaves a watch for the creation of a node that is missing. */
  exists(path: string): Promise<{ readonly kind: 'exists' } | CallFailure> {
    return this.#call('exists', (done) => {
      this.#client.client.exists(path, this.#watcher, (error, stat: unknown) => {
        done(error ?? (stat === null ? { kind: 'no-node' } : { kind: 'exists' }));
      });
    });
  }

  /** Waits for a watch to fire, at most so long. Returns at once where one has fired since the last time, or at the end. */
  async changed(maxWaitMs: number): Promise<void> {
    if (!this.#changed && this.#live) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxWaitMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#changed = false;
    this.#wake = () => {};
  }

  /** Ends the session because of something that was seen from outside. */
  end(reason: string): void {
    this.#client.discard();
    this.#end(reason);
  }

  /** Ends the session in agreement with the server where possible; at most 250 ms. */
  async close(): Promise<void> {
    const polite = this.#live;
    this.#end('closed');
    if (polite) await this.#client.closePolitely();
    else this.#client.discard();
  }

  #end(reason: string): void {
    if (this.#endReason !== null) return;
    this.#endReason = reason;
    this.#live = false;
    clearTimeout(this.#connectTimer);
    for (const settle of this.#onEnd) settle();
    this.#onEnd.clear();
    this.#wake();
  }

  /** The library forgets the callbacks of requests that it could not send, so every call has its own limit. */
  #call<T extends { readonly kind: string }>(
    what: string,
    send: (done: (result: Error | ZooKeeperError | T | CallFailure) => void) => void,
  ): Promise<T | CallFailure> {
    const { Exception } = zookeeperLibrary();
    return new Promise((resolve) => {
      const finish = (result: T | CallFailure): void => {
        clearTimeout(timer);
        this.#onEnd.delete(abandon);
        resolve(result);
      };
      const abandon = (): void => finish({ kind: 'ended' });
      const limitMs = this.pulseMs;
      const timer = limit(limitMs, () => {
        if (this.#onEnd.has(abandon)) this.end(`no answer to "${what}" within ${Math.round(limitMs)} ms`);
      });
      this.#onEnd.add(abandon);
      if (!this.#live) return abandon();

      try {
        send((result) => {
          if (!(result instanceof Error || result instanceof Exception)) finish(result);
          else if ('code' in result && result.code === Exception.NO_NODE) finish({ kind: 'no-node' });
          else if ('code' in result && result.code === Exception.NO_AUTH) finish({ kind: 'no-auth' });
          else this.end(`"${what}" failed: ${messageOf(result)}`);
        });
      } catch (error) {
        this.end(`"${what}" failed: ${messageOf(error)}`);
      }
    });
  }
}

/** A timer that first lets in what arrived while this thread was busy (timers run before sockets are read). */
function limit(delayMs: number, onLimit: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(onLimit), delayMs);
}
