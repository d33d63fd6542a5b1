// One upstream server: how it is asked, how quick it has been, and whether it has been answering.

import { formatServer, parseServer, type ServerAddress } from '../dns/server-address.ts';
import { MesosDnsError } from '../errors.ts';
import type { OpenDatagrams } from './datagrams.ts';
import type { Exchange, ExchangeOptions, SocketBudget, Transport, UpstreamSigns } from './exchange.ts';
import { buildProbe } from './query.ts';
import { StreamLink } from './stream-link.ts';
import { UdpPool } from './udp-pool.ts';
import { UpstreamTimes } from './upstream-times.ts';

/** What others want to hear about an upstream's health. */
export interface HealthListener {
  failing(upstream: Upstream, reason: string): void;
  recovered(upstream: Upstream): void;
}

/** What the upstreams of one forwarder have in common. */
export interface UpstreamContext {
  readonly listener: HealthListener;
  readonly openDatagrams: OpenDatagrams;
  readonly budget: SocketBudget;
  readonly randomId: () => number;
  readonly now: () => number;
  /** PEM text, for DNS over TLS; null: the authorities that Node knows. */
  readonly certificateAuthorities: string | null;
  /** Called for each message that nobody asked for. See UpstreamSigns. */
  readonly onIgnored: (hasId: boolean) => void;
  /** By name; new upstreams add theirs. */
  readonly times: Map<string, UpstreamTimes>;
}

/** One lost packet says nothing; two failures without an answer between them do. */
const FAILURES_UNTIL_FAILING = 2;
const PROBE_INTERVAL_MS = 500;

/**
 * Health counts answers of any kind as success: a SERVFAIL tells about a name, not about the server. Failures are
 * time-outs and socket errors. A failing upstream is asked after the others; meanwhile it is probed, so that its return is
 * seen whether or not anybody asks.
 */
export class Upstream {
  /** In the one spelling of servers. */
  readonly name: string;
  readonly server: ServerAddress;
  readonly times: UpstreamTimes;
  /** It sends our questions back to us. */
  isLooping = false;
  answeredAtMs = Number.NEGATIVE_INFINITY;
  readonly #context: UpstreamContext;
  readonly #udp: UdpPool;
  readonly #stream: StreamLink;
  #failures = 0;
  #probing: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @throws MesosDnsError ERR_CONFIG where the name is none that parseServer() takes. */
  constructor(name: string, context: UpstreamContext) {
    const server = parseServer(name);
    if (server === null) {
      throw new MesosDnsError(
        'ERR_CONFIG',
        `upstream "${name}": expected ip:port, with IPv6 as [ip]:port, or tls://ip:port@name`,
      );
    }
    this.name = formatServer(server);
    this.server = server;
    this.#context = context;
    this.times = context.times.get(this.name) ?? new UpstreamTimes();
    context.times.set(this.name, this.times);
    const { openDatagrams, budget, randomId, now, certificateAuthorities } = context;
    const signs: UpstreamSigns = {
      answered: (nowMs, elapsedMs, rcode, transport) => this.#heard(nowMs, elapsedMs, rcode, transport),
      ignored: context.onIgnored,
      socketUsed: (transport, isNew) => this.times.countSocket(transport, isNew),
    };
    budget.upstreams += 1;
    this.#udp = new UdpPool({ server, openDatagrams, budget, signs, randomId, now });
    this.#stream = new StreamLink({ server, budget, signs, randomId, now, certificateAuthorities });
  }

  /** The transport of first resort. */
  get transport(): 'udp' | 'tls' {
    return this.server.tls === null ? 'udp' : 'tls';
  }

  get isFailing(): boolean {
    return this.#failures >= FAILURES_UNTIL_FAILING;
  }

  /** @returns null where no socket can be had */
  ask(options: ExchangeOptions): Exchange | null {
    this.times.requests += 1;
    return this.server.tls === null ? this.#udp.ask(options) : this.#stream.ask(options);
  }

  askOverStream(options: ExchangeOptions): Exchange | null {
    this.times.requests += 1;
    return this.#stream.ask(options);
  }

  failed(reason: string): void {
    this.#failures += 1;
    if (this.#failures !== FAILURES_UNTIL_FAILING || this.#isClosed) return;
    this.#udp.setSilent(true);
    this.#context.listener.failing(this, reason);
    this.#probing = setInterval(() => this.#probe(), PROBE_INTERVAL_MS).unref();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#context.budget.upstreams -= 1;
    clearInterval(this.#probing);
    this.#udp.close();
    this.#stream.close();
  }

  #heard(nowMs: number, elapsedMs: number, rcode: number, transport: Transport): void {
    this.times.add(elapsedMs, rcode, transport === this.transport);
    this.answeredAtMs = nowMs;
    const wasFailing = this.isFailing;
    this.#failures = 0;
    if (!wasFailing) return;
    clearInterval(this.#probing);
    this.#udp.setSilent(false);
    this.#context.listener.recovered(this);
  }

  /** Whatever is answered shows that it is back, which the transport tells. */
  #probe(): void {
    this.times.failedProbes = this.times.probes;
    this.times.probes += 1;
    this.ask({ query: buildProbe(), onOutcome: () => {} });
  }
}
