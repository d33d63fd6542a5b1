// What the log hears of forwarding: who began to fail, who came back, and how much was lost; bounded in lines.

import type { Logger } from '../observability/logger.ts';
import type { LoopListener } from './loop-watch.ts';
import type { HealthListener } from './upstream.ts';

interface Named {
  readonly name: string;
}

const MINUTE_MS = 60_000;

/** Says of each upstream at most once a minute that it fails (and then that it recovered), and sums up losses as often. */
export class ForwardingReport implements HealthListener, LoopListener {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #failingSaidAt = new Map<string, number>();
  readonly #failingSaid = new Set<string>();
  #unanswered = 0;
  #unansweredSinceMs = 0;

  constructor(logger: Logger, now: () => number) {
    this.#logger = logger;
    this.#now = now;
  }

  failing(upstream: Named, reason: string): void {
    const now = this.#now();
    const saidAt = this.#failingSaidAt.get(upstream.name);
    if (saidAt !== undefined && now - saidAt < MINUTE_MS) return;
    this.#failingSaidAt.set(upstream.name, now);
    this.#failingSaid.add(upstream.name);
    this.#logger.warn({ upstream: upstream.name, reason }, 'upstream began to fail');
  }

  recovered(upstream: Named): void {
    if (!this.#failingSaid.delete(upstream.name)) return;
    this.#logger.info({ upstream: upstream.name }, 'upstream answers again');
  }

  looping(upstream: Named): void {
    this.#logger.error(
      { upstream: upstream.name },
      'upstream sends our questions back to us: a loop; it is not asked until that ends. Take this server out of its configuration, or it out of `resolvers`',
    );
  }

  loopEnded(upstream: Named): void {
    this.#logger.info({ upstream: upstream.name }, 'upstream does not send our questions back any more');
  }

  /** A client got SERVFAIL. The line comes with the first one that is a minute after the first one counted. */
  unanswered(): void {
    const now = this.#now();
    if (this.#unanswered === 0) this.#unansweredSinceMs = now;
    this.#unanswered += 1;
    const elapsedMs = now - this.#unansweredSinceMs;
    if (elapsedMs < MINUTE_MS) return;
    const seconds = Math.round(elapsedMs / 1000);
    this.#logger.warn({ queries: this.#unanswered, seconds }, 'forwarded queries got no answer from any upstream');
    this.#unanswered = 0;
  }
}
