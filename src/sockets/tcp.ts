// DNS over TCP (RFC 7766, RFC 9210): accepts connections, bounds their number and age, closes them in the end.

import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { listenError } from './listen-error.ts';
import { type DnsService, type Endpoint, ErrorLog, type ServiceOptions, withoutZone } from './service.ts';
import { type Claim, type ConnectionContext, TcpConnection } from './tcp-connection.ts';

export interface TcpLimits {
  /** Connections in all; above, one of the address that has most is closed. Default 4096. */
  readonly maxConnections: number;
  /** Connections of one address; above, one of them is closed. Default 1024. */
  readonly maxConnectionsPerAddress: number;
  /** A connection that brings no whole query and takes no answer for so long is closed. Default 20,000. */
  readonly idleMs: number;
  /** Queries of one connection that are with the forwarder at a time; others wait. Default 64. */
  readonly maxInFlightPerConnection: number;
  /** Octets of queries of one connection that wait for the forwarder; above, it is not read. Default 65,536. */
  readonly maxWaitingBytes: number;
  /** Octets of answers that a client has not taken; above, it is not read. Default 262,144. */
  readonly maxUnsentBytes: number;
  /** The same of all clients; above, the one that has taken nothing for longest is let go. Default 64 MiB. */
  readonly maxUnsentBytesInAll: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = {
  maxConnections: 4096,
  maxConnectionsPerAddress: 1024,
  idleMs: 20_000,
  maxInFlightPerConnection: 64,
  maxWaitingBytes: 64 * 1024,
  maxUnsentBytes: 256 * 1024,
  maxUnsentBytesInAll: 64 * 1024 * 1024,
};

export interface TcpServiceOptions extends ServiceOptions {
  readonly limits?: Partial<TcpLimits>;
}

/** Counts since start, but for the gauges. */
export interface TcpCounters {
  /** Connections taken. */
  connections: number;
  /** Connections closed in favour of newer ones, or not taken because no other had to go. */
  evicted: number;
  /** Connections closed because nothing useful happened on them. */
  idleClosed: number;
  /** Messages that were given to the core. */
  queries: number;
  /** Messages written to a connection. */
  answers: number;
  /** Gauge: connections open now. */
  open: number;
  /** Gauge: queries now with the forwarder. */
  forwarding: number;
  /** Gauge: octets of answers that clients have not taken. */
  unsentBytes: number;
}

const NO_COUNTS: Readonly<TcpCounters> = {
  connections: 0,
  evicted: 0,
  idleClosed: 0,
  queries: 0,
  answers: 0,
  open: 0,
  forwarding: 0,
  unsentBytes: 0,
};

export function sumOfCounters(each: readonly Readonly<TcpCounters>[]): TcpCounters {
  const sum: TcpCounters = { ...NO_COUNTS };
  for (const counters of each) {
    for (const name of Object.keys(sum) as (keyof TcpCounters)[]) sum[name] += counters[name];
  }
  return sum;
}

export interface TcpService extends DnsService {
  readonly counters: Readonly<TcpCounters>;
}

/** Connection attempts that the kernel keeps for us, as far as `net.core.somaxconn` lets it. */
const BACKLOG = 1024;
const SWEEPS_PER_IDLE_TIME = 10;

export function createTcpService(options: TcpServiceOptions): TcpService {
  return new StreamService(options);
}

class StreamService implements TcpService {
  readonly counters: TcpCounters = { ...NO_COUNTS };
  readonly #options: TcpServiceOptions;
  readonly #limits: TcpLimits;
  readonly #errors: ErrorLog;
  readonly #context: ConnectionContext;
  readonly #server: Server;
  readonly #byAddress = new Map<string, Set<TcpConnection>>();
  /** Whose clients have not taken their answers. */
  readonly #behind = new Set<TcpConnection>();
  /** While connections are open. */
  #sweep: NodeJS.Timeout | undefined;
  #closing: Promise<void> | null = null;
  #onLastClosed: (() => void) | null = null;

  constructor(options: TcpServiceOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_TCP_LIMITS, ...options.limits };
    this.#errors = new ErrorLog(options.logger);
    this.#context = {
      answerer: options.answerer,
      forwarder: options.forwarder,
      limits: this.#limits,
      counters: this.counters,
      errors: this.#errors,
      onUnsent: (connection, changeBytes) => this.#onUnsent(connection, changeBytes),
    };
    // A client may close its half after the last query and still read the answers.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  listen(): Promise<Endpoint> {
    const { address, port, fd } = this.#options;
    const server = this.#server;
    const at = fd === undefined ? { host: address, port, ipv6Only: isIPv6(address) } : { fd };
    return new Promise((resolve, reject) => {
      const onError = (error: Error) => reject(listenError('TCP', address, port, error));
      server.once('error', onError);
      server.listen({ ...at, backlog: BACKLOG, exclusive: true }, () => {
        server.off('error', onError);
        // A lack of file descriptors, for one: the connections that are there go on.
        server.on('error', (error) => this.#errors.say(error, 'a TCP connection could not be taken'));
        const bound = server.address();
        if (bound === null || typeof bound === 'string') reject(listenError('TCP', address, port, bound));
        else resolve({ address: bound.address, port: bound.port });
      });
    });
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#finish(graceMs);
    return this.#closing;
  }

  async #finish(graceMs: number): Promise<void> {
    this.#endSweep();
    this.#server.close();
    for (const connection of [...this.#connections()]) connection.finish();
    if (this.counters.open === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const connection of [...this.#connections()]) connection.destroy();
      }, graceMs);
      this.#onLastClosed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {
      // Resets are daily life; 'close' follows and does all that is to do.
    });
    // Undefined where the client is gone already.
    const address = withoutZone(socket.remoteAddress ?? '');
    if (address === '' || this.#closing !== null || !this.#makeRoom(address)) {
      socket.destroy();
      return;
    }
    const ofAddress = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, ofAddress);
    const connection = new TcpConnection(socket, address, this.#context);
    ofAddress.add(connection);
    this.counters.connections += 1;
    this.counters.open += 1;
    // What came while the thread stood still is read first.
    const sweep = () => setImmediate(() => this.#closeIdle());
    this.#sweep ??= setInterval(sweep, this.#limits.idleMs / SWEEPS_PER_IDLE_TIME).unref();
    socket.on('close', () => this.#forget(connection, address));
  }

  /** Once per connection, at its end; an evicted one makes room before its socket has closed. */
  #forget(connection: TcpConnection, address: string): void {
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress?.delete(connection) !== true) return;
    if (ofAddress.size === 0) this.#byAddress.delete(address);
    this.counters.open -= 1;
    if (this.counters.open > 0) return;
    this.#endSweep();
    this.#onLastClosed?.();
  }

  /** False where the limits are reached and no other connection has less of a claim than a new one. */
  #makeRoom(address: string): boolean {
    const own = this.#byAddress.get(address);
    const ownCount = own?.size ?? 0;
    if (own !== undefined && ownCount >= this.#limits.maxConnectionsPerAddress) {
      return this.#evictFrom(own, address, ['idle', 'does not read']);
    }
    if (this.counters.open < this.#limits.maxConnections) return true;
    let largest: [string, ReadonlySet<TcpConnection>] | undefined;
    for (const entry of this.#byAddress) {
      if (largest === undefined || entry[1].size > largest[1].size) largest = entry;
    }
    if (largest === undefined) return false;
    // Who has more connections than the newcomer would have cannot hold on to all of them by keeping them busy.
    const claims: Claim[] = ['idle', 'does not read'];
    if (largest[1].size > ownCount + 1) claims.push('waits for a forward');
    return this.#evictFrom(largest[1], largest[0], claims);
  }

  /** Closes the one that has been useless longest, of those with the least of these claims. */
  #evictFrom(connections: ReadonlySet<TcpConnection>, address: string, claims: readonly Claim[]): boolean {
    this.counters.evicted += 1;
    const oldest = new Map<Claim, TcpConnection>();
    for (const each of connections) {
      const { claim } = each;
      const found = oldest.get(claim);
      if (found === undefined || each.usefulAtMs < found.usefulAtMs) oldest.set(claim, each);
    }
    const claim = claims.find((each) => oldest.has(each));
    const chosen = claim === undefined ? undefined : oldest.get(claim);
    if (chosen === undefined) return false;
    this.#forget(chosen, address);
    chosen.destroy();
    return true;
  }

  #onUnsent(connection: TcpConnection, changeBytes: number): void {
    if (connection.unsentBytes > 0) this.#behind.add(connection);
    else this.#behind.delete(connection);
    this.counters.unsentBytes += changeBytes;
    if (this.counters.unsentBytes <= this.#limits.maxUnsentBytesInAll) return;
    let oldest = connection;
    for (const each of this.#behind) {
      if (each.usefulAtMs < oldest.usefulAtMs) oldest = each;
    }
    this.counters.evicted += 1;
    oldest.destroy();
  }

  #endSweep(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #closeIdle(): void {
    const now = performance.now();
    for (const connection of this.#connections()) {
      if (!connection.isOverdue(now)) continue;
      this.counters.idleClosed += 1;
      connection.destroy();
    }
  }

  *#connections(): Iterable<TcpConnection> {
    for (const ofAddress of this.#byAddress.values()) yield* ofAddress;
  }
}
