// What the forwarder shows of its work, as plain data: threads hand it to one another.

import type { ForwarderCounters } from './forwarder.ts';
import type { Upstream } from './upstream.ts';
import type { Durations } from './upstream-times.ts';

export interface UpstreamFigures {
  readonly name: string;
  readonly isFailing: boolean;
  readonly isLooping: boolean;
  readonly requests: number;
  readonly failedProbes: number;
  readonly durations: readonly (readonly [rcode: number, Readonly<Durations>])[];
  readonly socketHits: Readonly<Record<string, number>>;
  readonly socketMisses: Readonly<Record<string, number>>;
}

export interface ForwardingFigures {
  readonly counters: Readonly<ForwarderCounters>;
  readonly upstreams: readonly UpstreamFigures[];
}

export function figuresOf(counters: ForwarderCounters, upstreams: Iterable<Upstream>): ForwardingFigures {
  return {
    counters: { ...counters },
    upstreams: Array.from(upstreams, ({ name, isFailing, isLooping, times }) => ({
      name,
      isFailing,
      isLooping,
      requests: times.requests,
      failedProbes: times.failedProbes,
      durations: [...times.durations],
      socketHits: times.socketHits,
      socketMisses: times.socketMisses,
    })),
  };
}
