// What is known of an upstream's answers: how long they take, what they say; and how long to wait for the next one.

import type { Transport } from './exchange.ts';

/** Before anything is known. */
const FIRST_WAIT_MS = 400;
const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 1000;

/** Upper bounds in seconds, as CoreDNS has them for `request_duration_seconds`. */
export const DURATION_BOUNDS: readonly number[] = Array.from({ length: 16 }, (_, i) => 0.000_25 * 2 ** i);

export interface Durations {
  /** Answers up to each bound, and behind the last one, each counted once. */
  readonly buckets: number[];
  sumSeconds: number;
  count: number;
}

/** All counts are since start. */
export class UpstreamTimes {
  /** Queries sent. */
  requests = 0;
  /** Probes while it was failing, and those of them that were followed by another one. */
  probes = 0;
  failedProbes = 0;
  /** By response code. */
  readonly durations = new Map<number, Durations>();
  /** Queries that found an open socket, and that opened one. */
  readonly socketHits: Record<Transport, number> = { udp: 0, tcp: 0, tls: 0 };
  readonly socketMisses: Record<Transport, number> = { udp: 0, tcp: 0, tls: 0 };
  #smoothedMs = Number.NaN;
  #deviationMs = 0;

  /** @param isUsual over the transport of first resort */
  add(elapsedMs: number, rcode: number, isUsual: boolean): void {
    this.#count(elapsedMs / 1000, rcode);
    if (!isUsual) return;
    // RFC 6298 section 2.
    if (Number.isNaN(this.#smoothedMs)) {
      this.#smoothedMs = elapsedMs;
      this.#deviationMs = elapsedMs / 2;
    } else {
      this.#deviationMs += (Math.abs(this.#smoothedMs - elapsedMs) - this.#deviationMs) / 4;
      this.#smoothedMs += (elapsedMs - this.#smoothedMs) / 8;
    }
  }

  /** What an answer takes, about; Infinity before the first one. */
  get typicalMs(): number {
    return Number.isNaN(this.#smoothedMs) ? Number.POSITIVE_INFINITY : this.#smoothedMs;
  }

  /** After so long an answer is late: the question may be lost. */
  get waitMs(): number {
    if (Number.isNaN(this.#smoothedMs)) return FIRST_WAIT_MS;
    return Math.min(Math.max(this.#smoothedMs + 4 * this.#deviationMs, MIN_WAIT_MS), MAX_WAIT_MS);
  }

  countSocket(transport: Transport, isNew: boolean): void {
    if (isNew) this.socketMisses[transport] += 1;
    else this.socketHits[transport] += 1;
  }

  #count(seconds: number, rcode: number): void {
    let durations = this.durations.get(rcode);
    if (durations === undefined) {
      durations = { buckets: new Array<number>(DURATION_BOUNDS.length + 1).fill(0), sumSeconds: 0, count: 0 };
      this.durations.set(rcode, durations);
    }
    let at = 0;
    while (at < DURATION_BOUNDS.length && seconds > (DURATION_BOUNDS[at] ?? 0)) at += 1;
    durations.buckets[at] = (durations.buckets[at] ?? 0) + 1;
    durations.sumSeconds += seconds;
    durations.count += 1;
  }
}
