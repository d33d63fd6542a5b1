// Says in the log whose answers are being limited: the prefixes with the most answers held back, once a minute at most.

import { limitedPrefixes } from '../engine/rate-table.ts';
import type { Logger } from '../observability/logger.ts';

export interface RateReportOptions {
  readonly memory: WebAssembly.Memory;
  /** Answers held back since start, by all workers. */
  readonly held: () => number;
  readonly logger: Logger;
}

const INTERVAL_MS = 60_000;
const NAMED_MAX = 5;

/** @returns a function that ends it */
export function startRateReport({ memory, held, logger }: RateReportOptions): () => void {
  let known = 0;
  const timer = setInterval(() => {
    const now = held();
    if (now === known) return;
    const named = limitedPrefixes(memory, NAMED_MAX).map(({ prefix, kind, held }) => `${prefix} (${kind}: ${held})`);
    logger.warn(`${now - known} answers were held back by rateLimit; most of all from ${named.join(', ')}`);
    known = now;
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
