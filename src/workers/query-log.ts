// Writes the queries that the threads have chosen into the log, all of them together within one allowance.

import { typeName } from '../dns/type-name.ts';
import { Allowance } from '../observability/allowance.ts';
import type { Logger } from '../observability/logger.ts';
import { rcodeText } from '../observability/rcode-name.ts';
import type { SampledQuery } from '../sockets/query-sampler.ts';

export class QueryLog {
  readonly #logger: Logger;
  readonly #allowance: Allowance;
  /** Left out by the threads, and not told of yet. */
  #omitted = 0;

  constructor(logger: Logger, allowance: Allowance = new Allowance()) {
    this.#logger = logger;
    this.#allowance = allowance;
  }

  write({ address, transport, question, answer, micros, omitted }: SampledQuery): void {
    this.#omitted += omitted;
    const others = this.#allowance.takes();
    if (others === null) return;
    const sum = this.#omitted + others;
    this.#omitted = 0;
    const fields = {
      client: address,
      transport,
      ...(question !== null && { name: question.name, type: typeName(question.type) ?? `TYPE${question.type}` }),
      ...(answer === null ? { forwarded: true } : { rcode: rcodeText(answer.rcode), bytes: answer.bytes }),
      micros,
      ...(sum > 0 && { omitted: sum }),
    };
    this.#logger.info(fields, 'sampled');
  }
}
