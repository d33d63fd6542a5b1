// Follows the election in ZooKeeper: lists the path, reads the candidates, waits for a change, and begins anew with
// another server whenever a session ends. What was known stays known meanwhile, for as long as that takes.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ZooKeeperSource } from '../config/zk-url.ts';
import type { HostPort } from '../dns/endpoint.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Announcer } from './announcer.ts';
import { backoffMs } from './backoff.ts';
import type { Election } from './election.ts';
import { ElectionReader } from './election-reader.ts';
import { formatEndpoint, type LeaderDetector, type Master, type MasterSet } from './leader.ts';
import { ZooKeeperSession } from './zookeeper-session.ts';

export interface ZooKeeperDetectorOptions {
  readonly source: ZooKeeperSource;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'leaderChanges' | 'leaderSourceConnected'>;
  /** Default Math.random: the order of the servers and the jitter of the back-off. */
  readonly random?: () => number;
  /** What is asked of the server, milliseconds; default 10,000. A silent server is noticed after two thirds of it. */
  readonly sessionTimeoutMs?: number;
  /** Until a server has granted a session, milliseconds; default 5000. */
  readonly connectTimeoutMs?: number;
}

/** A session that lasted so long was a success: the back-off starts from the beginning. */
const STABLE_SESSION_MS = 10_000;

export class ZooKeeperDetector implements LeaderDetector {
  readonly #source: ZooKeeperSource;
  readonly #log: Logger;
  readonly #metrics: ZooKeeperDetectorOptions['metrics'];
  readonly #random: () => number;
  readonly #sessionTimeoutMs: number;
  readonly #connectTimeoutMs: number;
  readonly #announcer: Announcer;
  readonly #stop = new AbortController();
  #session: ZooKeeperSession | null = null;
  #running: Promise<void> = Promise.resolve();
  /** Node name and endpoint of the leader announced last, and of the last one that there was. */
  #leaderKey: string | null = null;
  #lastLeaderKey: string | null = null;
  /** What was said last about the source and about the election: each is logged when it changes, not at every retry. */
  readonly #said = { source: '', election: '', odd: '' };

  constructor(options: ZooKeeperDetectorOptions) {
    this.#source = options.source;
    this.#log = options.log;
    this.#metrics = options.metrics;
    this.#random = options.random ?? Math.random;
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? 10_000;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 5000;
    this.#announcer = new Announcer(options.log);
  }

  get current(): MasterSet | null {
    return this.#announcer.current;
  }

  onChange(listener: (masters: MasterSet) => void): () => void {
    return this.#announcer.onChange(listener);
  }

  start(): void {
    this.#metrics.leaderSourceConnected.set(0);
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#session?.close();
    await this.#running;
    this.#metrics.leaderSourceConnected.set(0);
  }

  async #run(): Promise<void> {
    const servers = shuffled(this.#source.servers, this.#random);
    let failures = 0;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      const server = servers[attempt % servers.length];
      if (server === undefined) return;
      const startedAt = performance.now();
      try {
        await this.#follow(server);
      } catch (err) {
        this.#log.error({ err }, 'following the election failed; starting anew');
        this.#session?.end('failed');
      }
      this.#session = null;
      this.#metrics.leaderSourceConnected.set(0);
      failures = performance.now() - startedAt < STABLE_SESSION_MS ? failures + 1 : 1;
      await sleep(backoffMs(failures, servers.length, this.#random()), undefined, { signal: this.#stop.signal }).catch(
        () => {}, // closed meanwhile
      );
    }
  }

  /** One session, from its start to its end. */
  async #follow(server: HostPort): Promise<void> {
    const session = new ZooKeeperSession({
      server,
      credentials: this.#source.credentials,
      sessionTimeoutMs: this.#sessionTimeoutMs,
      connectTimeoutMs: this.#connectTimeoutMs,
    });
    this.#session = session;
    if (await session.ready) {
      const reader = new ElectionReader(session, this.#source.path);
      while (session.live) {
        const outcome = await reader.read();
        if (outcome.kind === 'no-auth') this.#sayNoAuth(server, session);
        if (!session.live) break;
        this.#sayConnected(server);
        if (outcome.kind === 'missing') this.#announce(null);
        if (outcome.kind === 'election') this.#announce(outcome.election);
        // Also without a change: the answer to the next list proves that the server is alive.
        await session.changed(session.pulseMs);
      }
    }
    this.#sayLost(server, session.endReason ?? 'ended');
  }

  /** @param election null: the path does not exist */
  #announce(election: Election | null): void {
    const leader = election?.leader ?? null;
    this.#sayElection(election);
    const key = leader === null ? null : `${leader.nodeName} ${formatEndpoint(leader.master)}`;
    if (key !== null && key !== this.#lastLeaderKey) {
      if (this.#lastLeaderKey !== null) this.#metrics.leaderChanges.inc();
      this.#lastLeaderKey = key;
    }

    // Without any candidate the masters known before are still the ones worth asking.
    const before = this.current?.masters ?? [];
    const masters = election === null || election.masters.length === 0 ? before : election.masters;
    if (this.current === null && masters.length === 0) return;
    if (this.current !== null && key === this.#leaderKey && sameMasters(masters, before)) return;
    this.#leaderKey = key;
    this.#announcer.announce({ leader: leader?.master ?? null, masters, source: 'zookeeper' });
  }

  #sayConnected(server: HostPort): void {
    this.#metrics.leaderSourceConnected.set(1);
    if (this.#said.source === 'connected') return;
    this.#said.source = 'connected';
    this.#log.info({ server: formatEndpoint(server), path: this.#source.path }, 'connected to ZooKeeper');
  }

  #sayLost(server: HostPort, reason: string): void {
    this.#log.debug({ server: formatEndpoint(server), reason }, 'a ZooKeeper session ended');
    if (this.#stop.signal.aborted || this.#said.source === 'lost' || this.#said.source === 'no-auth') return;
    this.#said.source = 'lost';
    const known = this.current === null ? '' : '; the masters known so far stay';
    this.#log.warn({ server: formatEndpoint(server), reason }, `no connection to ZooKeeper, trying on${known}`);
  }

  #sayNoAuth(server: HostPort, session: ZooKeeperSession): void {
    if (this.#said.source !== 'no-auth') {
      this.#said.source = 'no-auth';
      const expected = this.#source.credentials === null ? 'none are configured' : 'check those in the key "zk"';
      this.#log.error(
        { server: formatEndpoint(server), path: this.#source.path },
        `ZooKeeper does not let us read the election without the right credentials: ${expected}; trying on`,
      );
    }
    session.end('not allowed to read the election');
  }

  #sayElection(election: Election | null): void {
    const oddNow = election?.odd.map(({ nodeName }) => nodeName).join(' ') ?? '';
    if (oddNow !== '' && oddNow !== this.#said.odd) {
      this.#log.warn({ nodes: election?.odd }, 'left out masters whose data in ZooKeeper cannot be read');
    }
    this.#said.odd = oddNow;

    const leader = election?.leader ?? null;
    const text =
      election === null
        ? `the path ${this.#source.path} does not exist in ZooKeeper; waiting for the masters`
        : leader === null
          ? 'no leading master in ZooKeeper; waiting for an election'
          : `the leading master is ${formatEndpoint(leader.master)}`;
    if (text === this.#said.election) return;
    this.#said.election = text;
    if (leader === null) this.#log.warn(text);
    else this.#log.info({ node: leader.nodeName }, text);
  }
}

function sameMasters(a: readonly Master[], b: readonly Master[]): boolean {
  const text = (master: Master) => `${formatEndpoint(master)} ${master.hostname ?? ''}`;
  return a.length === b.length && a.map(text).join() === b.map(text).join();
}

/** Fisher–Yates, so that instances spread over the servers. */
function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [result[last], result[other]];
    if (a === undefined || b === undefined) continue;
    result[last] = b;
    result[other] = a;
  }
  return result;
}
