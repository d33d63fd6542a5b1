// Finds upstreams that send our questions back to us: each is asked for a name that nobody else knows, and whoever asks
// us for that name shows the way it took. As CoreDNS's plugin `loop` does, but the program goes on.

import { randomBytes } from 'node:crypto';
import { buildLoopProbe } from './query.ts';
import type { Upstream } from './upstream.ts';

/** A probe that comes back within this time shows a loop. */
const RETURNS_WITHIN_MS = 5000;
/** An upstream that loops is probed as often, so that it is used again once it does not. */
const PROBE_AGAIN_MS = 10_000;
/** One that nobody answers may be lost: it is sent again after this time, so many times in all. */
const SEND_AGAIN_MS = 1000;
const SENDINGS = 3;
const TOKEN_BYTES = 10;

export interface LoopListener {
  looping(upstream: Upstream): void;
  loopEnded(upstream: Upstream): void;
}

interface Probe {
  readonly upstream: Upstream;
  readonly token: string;
  readonly zone: string;
  isAnswered: boolean;
  hasReturned: boolean;
}

export class LoopWatch {
  readonly #listener: LoopListener;
  /** By the first label of the name asked for. */
  readonly #probes = new Map<string, Probe>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** For each upstream, the zone whose names it is asked for; '' is the root. */
  readonly #zones = new Map<Upstream, string>();

  constructor(listener: LoopListener) {
    this.#listener = listener;
  }

  /** Probes an upstream, now and when it comes back to life. */
  add(upstream: Upstream, zone: string): void {
    if (this.#zones.has(upstream)) return;
    this.#zones.set(upstream, zone);
    this.probe(upstream);
  }

  remove(upstream: Upstream): void {
    this.#zones.delete(upstream);
  }

  probe(upstream: Upstream): void {
    const zone = this.#zones.get(upstream);
    if (zone === undefined) return;
    const token = randomBytes(TOKEN_BYTES).toString('hex');
    const probe: Probe = { upstream, token, zone, isAnswered: false, hasReturned: false };
    this.#probes.set(token, probe);
    this.#send(probe, SENDINGS);
    this.#after(RETURNS_WITHIN_MS, () => {
      this.#probes.delete(token);
      if (upstream.isLooping && !probe.hasReturned) this.#end(upstream);
      else if (upstream.isLooping) this.#after(PROBE_AGAIN_MS, () => this.probe(upstream));
    });
  }

  /** Whether a client's question is one of ours that has come back. */
  isReturned(question: Uint8Array): boolean {
    // Mostly there are none, and all of them begin alike.
    if (this.#probes.size === 0 || question[0] !== 2 * TOKEN_BYTES) return false;
    const token = Buffer.from(question.subarray(1, 1 + 2 * TOKEN_BYTES))
      .toString('latin1')
      .toLowerCase();
    const probe = this.#probes.get(token);
    if (probe === undefined) return false;
    probe.hasReturned = true;
    if (!probe.upstream.isLooping && this.#zones.has(probe.upstream)) {
      probe.upstream.isLooping = true;
      this.#listener.looping(probe.upstream);
    }
    return true;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#probes.clear();
  }

  #send(probe: Probe, left: number): void {
    const { upstream, token, zone } = probe;
    upstream.ask({
      query: buildLoopProbe(token, zone),
      onOutcome: ({ kind }) => {
        probe.isAnswered ||= kind === 'reply';
      },
    });
    if (left === 1) return;
    this.#after(SEND_AGAIN_MS, () => {
      if (!probe.isAnswered && !probe.hasReturned && this.#zones.has(upstream)) this.#send(probe, left - 1);
    });
  }

  #end(upstream: Upstream): void {
    upstream.isLooping = false;
    if (this.#zones.has(upstream)) this.#listener.loopEnded(upstream);
  }

  #after(delayMs: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs).unref();
    this.#timers.add(timer);
  }
}
