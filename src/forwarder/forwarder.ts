// Forwarding of foreign names: the contract that sockets use, and the forwarder that asks upstream servers.

import { performance } from 'node:perf_hooks'; // the global one is looked up anew for each call
import { RCODE_NXDOMAIN, RCODE_SERVFAIL } from '../dns/constants.ts';
import type { Logger } from '../observability/logger.ts';
import { Asking, type AskingContext, type AskingCounters, type AskingResult } from './asking.ts';
import { NO_GROUP } from './client-group.ts';
import { type OpenDatagrams, openNodeDatagrams } from './datagrams.ts';
import type { SocketBudget } from './exchange.ts';
import { Failures } from './failures.ts';
import { type ForwardingFigures, figuresOf } from './figures.ts';
import { LoopWatch } from './loop-watch.ts';
import { boundUdpSize, capTtls, type MessageLayout, readLayout } from './message.ts';
import { Places } from './places.ts';
import { type ForwardPolicy, orderUpstreams } from './policy.ts';
import { type ClientQuery, readClientQuery, responseCode } from './query.ts';
import { QuestionTable } from './question-table.ts';
import { createRandomId } from './random.ts';
import {
  buildEmptyReply,
  buildHeaderReply,
  EDE_CACHED_ERROR,
  EDE_NETWORK_ERROR,
  EDE_NO_REACHABLE_AUTHORITY,
  EDE_STALE,
  EDE_STALE_NXDOMAIN,
  fitReply,
} from './reply.ts';
import { ForwardingReport } from './report.ts';
import { RouteTable } from './routes.ts';
import type { UpstreamContext } from './upstream.ts';
import type { UpstreamTimes } from './upstream-times.ts';

/** Answers questions about foreign names by asking upstream servers. */
export interface Forwarder {
  /**
   * Asks the upstreams of a route and resolves with the message to send to the client: the upstream's answer under the
   * client's id and spelling of the question, or SERVFAIL. Never rejects.
   *
   * @param query the client's message, without TCP's length prefix; copied before the call returns.
   * @param route 0: the default `resolvers`; n: the nth zone of `zoneResolvers` in the configuration's order.
   * @param maxSizeBytes the largest answer the client's transport takes; larger ones are cut to header and question with TC.
   * @param clientGroup whose share of the places it takes, see client-group.ts.
   */
  forward(query: Uint8Array, route: number, maxSizeBytes: number, clientGroup?: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A forwarder for those who have many clients. */
export interface RelayingForwarder extends Forwarder {
  /**
   * As forward(), for clients over UDP, whose OPT says how large an answer they take, and without the cost of a promise.
   *
   * @param maxSizeBytes whatever the client says.
   * @param onAnswer called once, maybe before the call returns; an empty message is no answer.
   */
  relay(query: Uint8Array, route: number, maxSizeBytes: number, clientGroup: number, onAnswer: OnAnswer): void;
}

export type OnAnswer = (message: Uint8Array) => void;

/** An upstream's answer that clients may have, as it came but for its TTLs, which are no longer than a week. */
export interface UpstreamReply {
  readonly route: number;
  /** Of the client that asked first: its id and letters are its own, the rest is what was asked. */
  readonly query: ClientQuery;
  readonly message: Uint8Array;
  readonly layout: MessageLayout;
}

/** What a cache knows: an answer in the form of an upstream's. */
export interface KnownAnswer {
  readonly message: Uint8Array;
  /** It is out of date; clients are told so (RFC 8914). */
  readonly isStale: boolean;
}

/** What a cache adds. All are called in the course of other work, and must neither wait nor throw. */
export interface ForwarderHooks {
  /** Asked before a question is: an answer, which is fitted to the client; or null. */
  readonly lookup?: (query: ClientQuery, route: number) => KnownAnswer | null;
  /** Called once for each usable answer, before clients get it. */
  readonly onReply?: (reply: UpstreamReply) => void;
  /** Asked for each client that waits too long, and for each that would get SERVFAIL: an answer as `lookup` gives it. */
  readonly stale?: (query: ClientQuery, route: number, why: 'late' | 'failed') => KnownAnswer | null;
}

export interface ForwarderOptions {
  /** Route n to its upstreams as parseServer() takes them, in the order to try; 0 is the default route. */
  readonly routes: readonly (readonly string[])[];
  /** The zone of each route, without final dot; '' for the default route, and where it is not given. */
  readonly zones?: readonly string[];
  /** For one forwarded query, all upstreams and transports together; above 4.5 s means 4.5 s, so that clients that wait 5 s still hear of it. */
  readonly timeoutSeconds: number;
  readonly logger: Logger;
  /** Default: `sequential`. */
  readonly policy?: ForwardPolicy;
  /** Whether the letters of questions get a random case (0x20). Default: false. */
  readonly randomCase?: boolean;
  /** PEM text of the authorities for DNS over TLS. Default: those that Node knows. */
  readonly certificateAuthorities?: string | null;
  readonly hooks?: ForwarderHooks;
  /** What was counted before. Default: nothing. */
  readonly history?: ForwarderHistory;
  /** Opens the UDP sockets. Default: Node's own. */
  readonly openDatagrams?: OpenDatagrams;
  /** RA of every answer (the key `recurseOn`). Default true. */
  readonly recursionAvailable?: boolean;
  /** Different questions being asked at a time. Default 2048. */
  readonly maxInFlight?: number;
  /** Clients waiting for them; more get SERVFAIL at once. Default 8192. */
  readonly maxWaiting?: number;
  /** Upstream sockets open at a time. Default 2048. */
  readonly maxSockets?: number;
  /** Whether upstreams are watched for sending questions back. Default: true. */
  readonly watchesLoops?: boolean;
  /** Milliseconds of a clock that only goes forward. Default: `performance.now`. */
  readonly now?: () => number;
  /** An unpredictable integer, 0 to 65535. Default: from `node:crypto`. */
  readonly randomId?: () => number;
}

/** Counts since start, but for the two gauges. */
export interface ForwarderCounters extends AskingCounters {
  /** Client queries that came. */
  queries: number;
  /** Client queries that got an upstream's answer. */
  answered: number;
  /** Client queries that got SERVFAIL. */
  failed: number;
  /** Of these, those that found too many questions or clients waiting, or that made room for others. */
  overLimit: number;
  /** Client queries that joined a question already being asked. */
  coalesced: number;
  /** Client queries that are never forwarded: malformed, signed, transfers. */
  refused: number;
  /** Questions that found all upstreams of their route failing. */
  allFailing: number;
  /** Answers with the id of a query and another question. */
  otherQuestions: number;
  /** Messages of another id, question or sender: answers that came too late, or forgeries. */
  ignoredReplies: number;
  /** Questions of ours that came back. */
  looped: number;
  /** Gauge: different questions being asked now. */
  inFlight: number;
  /** Gauge: clients waiting now. */
  waiting: number;
}

/** What a forwarder goes on counting that takes the place of another one; both may be at work for a while. */
export interface ForwarderHistory {
  readonly counters: ForwarderCounters;
  /** Of upstreams, by name. */
  readonly times: Map<string, UpstreamTimes>;
}

export function createForwarderHistory(): ForwarderHistory {
  const counters: ForwarderCounters = {
    queries: 0,
    answered: 0,
    failed: 0,
    overLimit: 0,
    coalesced: 0,
    refused: 0,
    allFailing: 0,
    otherQuestions: 0,
    ignoredReplies: 0,
    looped: 0,
    inFlight: 0,
    waiting: 0,
    upstreamQueries: 0,
    overTcp: 0,
    timeouts: 0,
    errors: 0,
    malformed: 0,
    rejections: 0,
  };
  return { counters, times: new Map() };
}

/** The forwarder with what the composition root changes and shows of it. */
export interface UpstreamForwarder extends RelayingForwarder {
  readonly counters: Readonly<ForwarderCounters>;
  readonly figures: ForwardingFigures;
  /** From now on, a route leads to these upstreams. What is being asked goes on. */
  setRoute(route: number, upstreams: readonly string[]): void;
}

const MAX_DEADLINE_MS = 4500;
const DEFAULT_MAX_IN_FLIGHT = 2048;
const DEFAULT_MAX_WAITING = 8192;
export const DEFAULT_MAX_SOCKETS = 2048;
/** RFC 8767 section 5: clients get what is known then, however old. */
const STALE_AFTER_MS = 1800;
/** How exactly times are kept. */
const TICK_MS = 20;

/** @throws MesosDnsError ERR_CONFIG where an upstream is none that parseServer() takes. */
export function createForwarder(options: ForwarderOptions): UpstreamForwarder {
  return new CoalescingForwarder(options);
}

/** Clients that asked the same question, and the one asking for all of them. */
interface Shared {
  readonly route: number;
  waiters: Waiter[];
  asking: Asking | null;
  /** When clients have waited long enough for what is known already; Infinity where they were told, or there is none. */
  staleAtMs: number;
}

interface Waiter {
  readonly query: ClientQuery;
  readonly maxSizeBytes: number;
  readonly onAnswer: OnAnswer;
}

/** Identical questions in flight are asked once; each client gets the answer in its own form. */
class CoalescingForwarder implements UpstreamForwarder {
  readonly counters: ForwarderCounters;
  readonly #routes: RouteTable;
  readonly #context: AskingContext;
  readonly #report: ForwardingReport;
  readonly #policy: ForwardPolicy;
  readonly #hooks: ForwarderHooks;
  readonly #recursionAvailable: boolean;
  readonly #maxWaiting: number;
  readonly #questions = new QuestionTable<Shared>();
  /** Holds slots of the questions. */
  readonly #places: Places<number>;
  readonly #failures: Failures;
  readonly #loops: LoopWatch;
  /** Runs while there are questions in flight. */
  #ticker: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ForwarderOptions) {
    const now = options.now ?? (() => performance.now());
    const randomId = options.randomId ?? createRandomId();
    const history = options.history ?? createForwarderHistory();
    this.counters = history.counters;
    const budget: SocketBudget = { max: options.maxSockets ?? DEFAULT_MAX_SOCKETS, upstreams: 0, open: 0 };
    this.#report = new ForwardingReport(options.logger, now);
    this.#policy = options.policy ?? 'sequential';
    this.#hooks = options.hooks ?? {};
    this.#recursionAvailable = options.recursionAvailable ?? true;
    this.#maxWaiting = options.maxWaiting ?? DEFAULT_MAX_WAITING;
    this.#places = new Places(options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT);
    this.#failures = new Failures(now);
    this.#loops = new LoopWatch(this.#report);
    this.#context = {
      deadlineMs: Math.min(options.timeoutSeconds * 1000, MAX_DEADLINE_MS),
      randomCase: options.randomCase ?? false,
      counters: this.counters,
      now,
      randomId,
    };
    const upstreamContext: UpstreamContext = {
      listener: {
        failing: (upstream, reason) => this.#report.failing(upstream, reason),
        recovered: (upstream) => {
          this.#failures.clear();
          this.#report.recovered(upstream);
          this.#loops.probe(upstream);
        },
      },
      openDatagrams: options.openDatagrams ?? openNodeDatagrams,
      budget,
      randomId,
      now,
      certificateAuthorities: options.certificateAuthorities ?? null,
      onIgnored: (hasId) => {
        this.counters.ignoredReplies += 1;
        if (hasId) this.counters.otherQuestions += 1;
      },
      times: history.times,
    };
    const loops = options.watchesLoops === false ? null : this.#loops;
    this.#routes = new RouteTable(options.routes, options.zones ?? [], upstreamContext, loops);
  }

  get figures(): ForwardingFigures {
    return figuresOf(this.counters, this.#routes.upstreams());
  }

  setRoute(route: number, upstreams: readonly string[]): void {
    this.#failures.clear();
    this.#routes.set(route, upstreams);
  }

  forward(
    message: Uint8Array,
    route: number,
    maxSizeBytes: number,
    clientGroup: number = NO_GROUP,
  ): Promise<Uint8Array> {
    return new Promise((resolve) => this.#take(message, route, maxSizeBytes, false, clientGroup, resolve));
  }

  relay(message: Uint8Array, route: number, maxSizeBytes: number, clientGroup: number, onAnswer: OnAnswer): void {
    this.#take(message, route, maxSizeBytes, true, clientGroup, onAnswer);
  }

  /** Clients that still wait get SERVFAIL. */
  close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#ticker);
    this.#questions.forEach(({ asking }) => {
      asking?.cancel();
    });
    this.#loops.close();
    this.#routes.close();
    return Promise.resolve();
  }

  #take(
    message: Uint8Array,
    route: number,
    maxSizeBytes: number,
    isUdp: boolean,
    clientGroup: number,
    onAnswer: OnAnswer,
  ): void {
    this.counters.queries += 1;
    const outcome = readClientQuery(message);
    if (outcome.kind === 'refused') {
      this.counters.refused += 1;
      onAnswer(
        outcome.query === null
          ? buildHeaderReply(message, outcome.rcode)
          : buildEmptyReply(outcome.query, outcome.rcode, null, this.#recursionAvailable),
      );
      return;
    }
    const { query, udpSizeBytes } = outcome;
    const limit = isUdp ? boundUdpSize(udpSizeBytes, maxSizeBytes) : maxSizeBytes;
    this.#admit(route, { query, maxSizeBytes: limit, onAnswer }, clientGroup);
  }

  #admit(route: number, waiter: Waiter, clientGroup: number): void {
    if (this.#loops.isReturned(waiter.query.question)) {
      this.counters.looped += 1;
      this.#refuse(waiter, EDE_NETWORK_ERROR);
      return;
    }
    const known = this.#hooks.lookup?.(waiter.query, route) ?? null;
    if (known !== null && this.#answerWith(waiter, known)) return;
    if (this.#failures.has(waiter.query, route)) {
      this.#giveUp(waiter, route, EDE_CACHED_ERROR);
      return;
    }
    const present = this.#questions.find(waiter.query, route);
    if (this.#closed || !this.#makeRoom(present, clientGroup)) {
      if (!this.#closed) this.counters.overLimit += 1;
      this.#giveUp(waiter, route, EDE_NETWORK_ERROR);
      return;
    }
    this.counters.waiting += 1;
    if (present === undefined) {
      this.#ask(route, waiter, clientGroup);
    } else {
      this.counters.coalesced += 1;
      present.waiters.push(waiter);
    }
  }

  /** False where too many wait and this client's network has its share of them. */
  #makeRoom(present: Shared | undefined, clientGroup: number): boolean {
    if (this.counters.waiting >= this.#maxWaiting) return false;
    if (present !== undefined) return true;
    const place = this.#places.find(clientGroup);
    if (place === 'free') return true;
    if (place === 'full') return false;
    const displaced = this.#questions.at(place.holder);
    this.counters.overLimit += displaced?.waiters.length ?? 0;
    displaced?.asking?.cancel();
    return true;
  }

  #ask(route: number, waiter: Waiter, clientGroup: number): void {
    const nowMs = this.#context.now();
    const staleAtMs = this.#hooks.stale === undefined ? Number.POSITIVE_INFINITY : nowMs + STALE_AFTER_MS;
    const shared: Shared = { route, waiters: [waiter], asking: null, staleAtMs };
    const { query } = waiter;
    const slot = this.#questions.add(query, route, shared);
    this.#places.take(clientGroup, slot);
    this.counters.inFlight += 1;
    const upstreams = orderUpstreams(this.#routes.of(route), this.#policy, this.#context.randomId);
    if (upstreams[0]?.isFailing === true) this.counters.allFailing += 1;
    const onResult = (result: AskingResult) => {
      this.#questions.remove(slot);
      this.#places.giveBack(clientGroup, slot);
      this.counters.inFlight -= 1;
      this.counters.waiting -= shared.waiters.length;
      if (result.kind === 'failed') this.#failures.add(query, route);
      if (result.kind === 'reply') this.#failures.delete(query, route);
      this.#settle(shared, query, result);
    };
    const asking = new Asking(this.#context, upstreams, query, onResult, nowMs);
    // Where nobody can be asked it is over by now.
    if (this.#questions.at(slot) !== shared) return;
    shared.asking = asking;
    this.#ticker ??= setInterval(this.#tick, TICK_MS);
  }

  /** One timer for all: two for each question would cost more than asking it. */
  readonly #tick = (): void => {
    if (this.#questions.isEmpty) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    }
    const nowMs = this.#context.now();
    this.#questions.forEach((shared) => {
      shared.asking?.tick(nowMs);
      if (nowMs >= shared.staleAtMs) this.#answerStale(shared);
    });
  };

  #settle({ route, waiters }: Shared, query: ClientQuery, result: AskingResult): void {
    if (result.kind !== 'reply') {
      const ede = result.kind === 'failed' && result.unreachable ? EDE_NETWORK_ERROR : EDE_NO_REACHABLE_AUTHORITY;
      for (const waiter of waiters) this.#giveUp(waiter, route, ede);
      return;
    }
    const { message, layout } = result;
    capTtls(message, layout);
    this.#hooks.onReply?.({ route, query, message, layout });
    this.counters.answered += waiters.length;
    for (const { query: asked, maxSizeBytes, onAnswer } of waiters) {
      onAnswer(fitReply(message, layout, asked, maxSizeBytes, this.#recursionAvailable));
    }
  }

  /** Clients have waited long enough for what may never come; it is still asked, for those who come later. */
  #answerStale(shared: Shared): void {
    shared.staleAtMs = Number.POSITIVE_INFINITY;
    const waiting = shared.waiters.filter(({ query }, i) => {
      const waiter = shared.waiters[i];
      const known = this.#hooks.stale?.(query, shared.route, 'late') ?? null;
      return waiter === undefined || known === null || !this.#answerWith(waiter, known);
    });
    this.counters.waiting -= shared.waiters.length - waiting.length;
    shared.waiters = waiting;
  }

  #giveUp(waiter: Waiter, route: number, ede: number): void {
    const known = this.#hooks.stale?.(waiter.query, route, 'failed') ?? null;
    if (known === null || !this.#answerWith(waiter, known)) this.#refuse(waiter, ede);
  }

  /** @returns false where the message cannot be walked */
  #answerWith({ query, maxSizeBytes, onAnswer }: Waiter, { message, isStale }: KnownAnswer): boolean {
    const layout = readLayout(message);
    if (layout === null) return false;
    const isNxdomain = responseCode(message, null) === RCODE_NXDOMAIN;
    const ede = !isStale ? null : isNxdomain ? EDE_STALE_NXDOMAIN : EDE_STALE;
    onAnswer(fitReply(message, layout, query, maxSizeBytes, this.#recursionAvailable, ede));
    return true;
  }

  #refuse(waiter: Waiter, ede: number): void {
    this.counters.failed += 1;
    this.#report.unanswered();
    waiter.onAnswer(buildEmptyReply(waiter.query, RCODE_SERVFAIL, ede, this.#recursionAvailable));
  }
}
