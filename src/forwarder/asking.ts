// One question and the upstreams of its route: whom to ask when, what to accept, when to give up.

import { FLAG_TC, RCODE_MASK } from '../dns/constants.ts';
import type { Exchange, ExchangeOutcome } from './exchange.ts';
import { type MessageLayout, readLayout, readUint16 } from './message.ts';
import { buildUpstreamQuery, type ClientQuery, randomizeCase, responseCode } from './query.ts';
import type { Upstream } from './upstream.ts';

export type AskingResult =
  | { readonly kind: 'reply'; readonly message: Uint8Array; readonly layout: MessageLayout }
  /** `unreachable`: no upstream could even be talked to. */
  | { readonly kind: 'failed'; readonly unreachable: boolean }
  | { readonly kind: 'cancelled' };

/** What the askings of one forwarder have in common. */
export interface AskingContext {
  /** For the whole question, all upstreams and transports. */
  readonly deadlineMs: number;
  /** Letters of the question get a random case, and answers must bring it back. */
  readonly randomCase: boolean;
  readonly counters: AskingCounters;
  readonly now: () => number;
  /** An unpredictable integer, 0 to 65535. */
  readonly randomId: () => number;
}

/** Counts since start. */
export interface AskingCounters {
  /** Queries sent, over any transport. */
  upstreamQueries: number;
  /** Questions asked again over TCP: the answer was truncated, or in another case of letters, or forgers were at work. */
  overTcp: number;
  /** Queries that were not answered in the time that answers take. */
  timeouts: number;
  /** Socket errors, among them refused connections and a lack of sockets. */
  errors: number;
  /** Answers whose records could not be walked. */
  malformed: number;
  /** Answers that say SERVFAIL, REFUSED, NOTIMP, FORMERR or an extended error. */
  rejections: number;
}

/** An upstream is asked again after twice the time, and so on, up to here. */
const MAX_STEP_MS = 1500;
/** Queries for one question; then it is only waited. */
const TRIES_MAX = 10;

/** Codes that another upstream may do better: FORMERR, SERVFAIL, NOTIMP, REFUSED. */
const REJECTING_RCODES = new Set([1, 2, 4, 5]);
/** From BADVERS on, codes concern the hop, not the name. */
const FIRST_HOP_RCODE = 16;

interface Try {
  readonly upstream: Upstream;
  readonly transport: 'first' | 'tcp';
  readonly askedAtMs: number;
  exchange: Exchange | null;
  isLate: boolean;
}

/**
 * Asks the upstreams in the given order, and then again. The next one is asked at once when one fails, and when one is
 * silent for longer than its answers take; the silent one is still heard meanwhile. The first usable answer ends it all,
 * as does the deadline.
 */
export class Asking {
  readonly #context: AskingContext;
  readonly #upstreams: readonly Upstream[];
  readonly #query: ClientQuery;
  readonly #onResult: (result: AskingResult) => void;
  readonly #startedAtMs: number;
  /** Those still in question, the latest one last. */
  #running: Try[] = [];
  /** Have failed on this question, and are not asked again. */
  readonly #out: Upstream[] = [];
  /** Somebody forges their answers. */
  readonly #forged: Upstream[] = [];
  #tries = 0;
  /** When the next one is to be asked. */
  #dueAtMs = Number.POSITIVE_INFINITY;
  #unreachable = true;
  #done = false;

  /**
   * @param upstreams in the order in which to ask
   * @param onResult called once, before the constructor returns where nobody can be asked
   */
  constructor(
    context: AskingContext,
    upstreams: readonly Upstream[],
    query: ClientQuery,
    onResult: (result: AskingResult) => void,
    nowMs: number,
  ) {
    this.#context = context;
    this.#upstreams = upstreams;
    this.#query = query;
    this.#onResult = onResult;
    this.#startedAtMs = nowMs;
    this.#askNext(nowMs);
  }

  /** To be called every few milliseconds. */
  tick(nowMs: number): void {
    if (nowMs >= this.#dueAtMs) this.#passOver(nowMs);
  }

  /** Ends it without an answer. */
  cancel(): void {
    this.#finish({ kind: 'cancelled' });
  }

  #askNext(nowMs: number): void {
    while (!this.#done) {
      const upstream = this.#tries < TRIES_MAX ? this.#nextUpstream() : null;
      if (upstream === null) {
        if (this.#running.length === 0) this.#finish({ kind: 'failed', unreachable: this.#unreachable });
        else this.#wait(this.#context.deadlineMs, nowMs);
        return;
      }
      this.#tries += 1;
      if (!this.#ask(upstream, 'first', nowMs)) continue;
      const round = Math.floor((this.#tries - 1) / this.#upstreams.length);
      // Every upstream is to have its turn before the deadline.
      const shareMs = this.#context.deadlineMs / this.#upstreams.length;
      this.#wait(Math.min(upstream.times.waitMs * 2 ** round, shareMs, MAX_STEP_MS), nowMs);
      return;
    }
  }

  #nextUpstream(): Upstream | null {
    const { length } = this.#upstreams;
    for (let skipped = 0; skipped < length; skipped += 1) {
      const upstream = this.#upstreams[this.#tries % length];
      if (upstream === undefined) return null;
      const isDone = this.#out.includes(upstream);
      const isOverTcp = this.#running.some((each) => each.upstream === upstream && each.transport === 'tcp');
      if (!isDone && !isOverTcp) return upstream;
      this.#tries += 1;
    }
    return null;
  }

  /** @returns false where no socket can be had */
  #ask(upstream: Upstream, transport: 'first' | 'tcp', nowMs: number): boolean {
    const { counters, randomCase, randomId } = this.#context;
    const query = buildUpstreamQuery(this.#query);
    if (randomCase && transport === 'first') randomizeCase(query, randomId);
    const attempt: Try = { upstream, transport, askedAtMs: nowMs, exchange: null, isLate: false };
    const options = {
      query,
      isPatient: this.#forged.includes(upstream),
      onOutcome: (outcome: ExchangeOutcome) => this.#take(attempt, outcome),
    };
    attempt.exchange = transport === 'first' ? upstream.ask(options) : upstream.askOverStream(options);
    if (attempt.exchange === null) {
      counters.errors += 1;
      this.#out.push(upstream);
      return false;
    }
    counters.upstreamQueries += 1;
    // Nearly always the only one: an array that grows would be larger.
    if (this.#running.length === 0) this.#running = [attempt];
    else this.#running.push(attempt);
    return true;
  }

  /** For `stepMs` from now, but not beyond the deadline. */
  #wait(stepMs: number, nowMs: number): void {
    this.#dueAtMs = Math.min(nowMs + stepMs, this.#startedAtMs + this.#context.deadlineMs);
  }

  #passOver(nowMs: number): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    if (nowMs - this.#startedAtMs >= this.#context.deadlineMs - 1) {
      for (const each of this.#running) this.#noteLate(each);
      this.#finish({ kind: 'failed', unreachable: false });
      return;
    }
    const latest = this.#running.at(-1);
    if (latest !== undefined) this.#noteLate(latest);
    this.#askNext(nowMs);
  }

  /** It fails where it is silent altogether; where it answers others meanwhile, only this question is slow. */
  #noteLate(attempt: Try): void {
    if (attempt.isLate) return;
    attempt.isLate = true;
    const { upstream, askedAtMs } = attempt;
    this.#unreachable = false;
    this.#context.counters.timeouts += 1;
    if (upstream.answeredAtMs < askedAtMs) upstream.failed('no answer in time');
  }

  #take(attempt: Try, outcome: ExchangeOutcome): void {
    const { counters, randomCase } = this.#context;
    const { upstream, transport } = attempt;
    const wasLatest = this.#running.at(-1) === attempt;
    if (wasLatest) this.#running.pop();
    else this.#running = this.#running.filter((each) => each !== attempt);
    if (outcome.kind === 'error') {
      counters.errors += 1;
      upstream.failed(outcome.code);
      // It serves UDP alone: the answer is waited for among the forgeries.
      const isLastResort =
        transport === 'tcp' && this.#forged.includes(upstream) && this.#ask(upstream, 'first', this.#context.now());
      if (!isLastResort) this.#goOn(upstream, wasLatest);
      return;
    }
    this.#unreachable = false;
    if (outcome.kind === 'forgeries') {
      this.#forged.push(upstream);
      this.#askAgainOverTcp(upstream, wasLatest);
      return;
    }
    const { message, sameCase } = outcome;
    const flags = readUint16(message, 2);
    // A cut answer need not be well-formed behind its question.
    const isCut = (flags & FLAG_TC) !== 0 && !REJECTING_RCODES.has(flags & RCODE_MASK);
    if (transport === 'first' && upstream.transport === 'udp' && (isCut || (randomCase && !sameCase))) {
      this.#askAgainOverTcp(upstream, wasLatest);
      return;
    }
    const layout = readLayout(message);
    if (layout === null) {
      counters.malformed += 1;
      this.#goOn(upstream, wasLatest);
      return;
    }
    const rcode = responseCode(message, layout.opt);
    if (REJECTING_RCODES.has(rcode) || rcode >= FIRST_HOP_RCODE) {
      counters.rejections += 1;
      this.#goOn(upstream, wasLatest);
      return;
    }
    this.#finish({ kind: 'reply', message, layout });
  }

  /** It is alive and has more to say: it gets a full step for that. */
  #askAgainOverTcp(upstream: Upstream, wasLatest: boolean): void {
    this.#context.counters.overTcp += 1;
    const nowMs = this.#context.now();
    if (!this.#ask(upstream, 'tcp', nowMs)) this.#goOn(upstream, wasLatest);
    else if (wasLatest) this.#wait(MAX_STEP_MS, nowMs);
  }

  /** After a failure: nobody needs to wait for the one asked last, or for anybody any more. */
  #goOn(failed: Upstream, wasLatest: boolean): void {
    this.#out.push(failed);
    for (const each of this.#running) if (each.upstream === failed) each.exchange?.abandon();
    this.#running = this.#running.filter((each) => each.upstream !== failed);
    if (wasLatest || this.#running.length === 0) this.#askNext(this.#context.now());
  }

  #finish(result: AskingResult): void {
    if (this.#done) return;
    this.#done = true;
    for (const { exchange } of this.#running) exchange?.abandon();
    this.#running = [];
    this.#onResult(result);
  }
}
