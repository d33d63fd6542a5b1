// Chooses some of the queries that a thread answers, and says what they were: for the log of queries.

import { HEADER_SIZE } from '../dns/constants.ts';
import { nameText } from '../dns/name-text.ts';
import { readLayout, readQuestionEnd, readUint16 } from '../forwarder/message.ts';
import { Allowance } from '../observability/allowance.ts';
import type { Answerer, Client } from './answerer.ts';

/** One query and what became of it. */
export interface SampledQuery extends Client {
  /** null where the question cannot be read. */
  readonly question: { readonly name: string; readonly type: number } | null;
  /** null: it was handed to the forwarder. */
  readonly answer: { readonly rcode: number; readonly bytes: number } | null;
  /** From its receipt to the answer; over UDP that of the batch it came in. */
  readonly micros: number;
  /** Queries chosen before it that were more than may be told of. */
  readonly omitted: number;
}

export interface Seen extends Client {
  /** As sent or handed on, with the question. Read at once. */
  readonly message: Uint8Array;
  readonly isForwarded: boolean;
  readonly micros: number;
}

export class QuerySampler {
  readonly #report: (query: SampledQuery) => void;
  readonly #random: () => number;
  readonly #allowance = new Allowance();
  #every = 0;
  /** The next one to be chosen is so many queries away. */
  #ahead = 0;

  constructor(report: (query: SampledQuery) => void, random: () => number = Math.random) {
    this.#report = report;
    this.#random = random;
  }

  /**
   * Counts a query. At random, since clients ask in patterns: every second query may be one for AAAA.
   * @param every one of so many is chosen, on average; at least 1
   */
  chooses(every: number): boolean {
    if (every !== this.#every) {
      this.#every = every;
      this.#ahead = this.#distance();
    }
    this.#ahead -= 1;
    if (this.#ahead > 0) return false;
    this.#ahead = this.#distance();
    return true;
  }

  /** Tells of one that was chosen, unless there are too many: a flood must neither fill a disk nor busy the main thread. */
  take({ message, isForwarded, transport, address, micros }: Seen): void {
    const omitted = this.#allowance.takes();
    if (omitted === null) return;
    const end = readQuestionEnd(message);
    const name = end < 0 ? null : nameText(message, HEADER_SIZE);
    this.#report({
      transport,
      address,
      question: name === null ? null : { name, type: readUint16(message, end - 4) },
      answer: isForwarded ? null : { rcode: rcodeOf(message), bytes: message.length },
      micros,
      omitted,
    });
  }

  /** 1 to 2 × every − 1, each as likely. */
  #distance(): number {
    return 1 + Math.floor(this.#random() * (2 * this.#every - 1));
  }
}

/** Answers as the one behind it, and has the sampler choose from what it answers. */
export function sampledAnswerer(answerer: Answerer, sampler: QuerySampler, every: () => number): Answerer {
  return {
    answer(query, client) {
      const oneOf = every();
      if (oneOf === 0) return answerer.answer(query, client);
      const startMs = performance.now();
      const verdict = answerer.answer(query, client);
      if (verdict.kind === 'dropped' || !sampler.chooses(oneOf)) return verdict;
      const isForwarded = verdict.kind === 'forward';
      const message = isForwarded ? verdict.query : verdict.message;
      sampler.take({ ...client, message, isForwarded, micros: Math.round((performance.now() - startMs) * 1000) });
      return verdict;
    },
    fail: (client) => answerer.fail(client),
  };
}

/** With the upper eight bits of an OPT record (RFC 6891 section 6.1.3). */
function rcodeOf(message: Uint8Array): number {
  return ((readLayout(message)?.opt?.extendedRcode ?? 0) << 4) | ((message[3] ?? 0) & 0xf);
}
