// A forwarder whose answers are counted beside those of the core.

import { performance } from 'node:perf_hooks'; // the global one is looked up anew for each call
import type { QueryCounts, Transport } from '../engine/query-counts.ts';
import type { RelayingForwarder } from './forwarder.ts';

/** @param transport of the clients that ask through it */
export function countingForwarder(
  forwarder: RelayingForwarder,
  counts: QueryCounts,
  transport: Transport,
): Pick<RelayingForwarder, 'forward' | 'relay'> {
  const count = (answer: Uint8Array, startMs: number) => {
    counts.countDuration(transport, 1, (performance.now() - startMs) / 1000);
    if (answer.length > 0) counts.countAnswer(transport, answer);
  };
  return {
    async forward(query, route, maxSizeBytes, clientGroup) {
      const startMs = performance.now();
      const answer = await forwarder.forward(query, route, maxSizeBytes, clientGroup);
      count(answer, startMs);
      return answer;
    },
    relay(query, route, maxSizeBytes, clientGroup, onAnswer) {
      const startMs = performance.now();
      forwarder.relay(query, route, maxSizeBytes, clientGroup, (answer) => {
        count(answer, startMs);
        onAnswer(answer);
      });
    },
  };
}
