// What the paths of the API are served from.

import type { FastifyReply } from 'fastify';
import type { Config } from '../config/config.ts';
import type { ForwardingFigures } from '../forwarder/figures.ts';
import type { Hold } from '../guard/cluster-guard.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { PublishedZone } from './published-zone.ts';
import type { ZoneFeed } from './zone-feed.ts';

/** Seconds after which a client may ask again for a zone that is not there yet. */
const RETRY_AFTER_SECONDS = 2;

export interface RoutesOptions {
  /** The configuration in force: a reload replaces it. */
  readonly config: () => Config;
  /** The present zone; null until a first state has been loaded. */
  readonly zone: () => PublishedZone | null;
  /** Why the server is not ready to be asked; none where it is. */
  readonly reasonsNotReady?: () => readonly string[];
  /** What is being withheld from the zone; null: nothing. */
  readonly hold?: () => Hold | null;
  /** Publishes it, and whatever comes next. */
  readonly release?: () => void;
  /** Of the upstream resolvers; null while there is no forwarder. */
  readonly forwarding?: () => Promise<ForwardingFigures | null>;
  /** Tells of changes of the zone. */
  readonly feed?: ZoneFeed;
  /** Forgets what the cache knows of a name and those below it, given as a question; null: everything. See ServiceSupervisor. */
  readonly flushCache?: (question: Uint8Array | null) => Promise<number | null>;
  readonly version: string;
  readonly metrics: Pick<Metrics, 'registry'>;
}

/** Answers from the zone, or says that there is none yet. */
export function withZone(
  zone: PublishedZone | null,
  reply: FastifyReply,
  answer: (zone: PublishedZone) => unknown,
): unknown {
  if (zone !== null) return answer(zone);
  return reply
    .code(503)
    .header('retry-after', String(RETRY_AFTER_SECONDS))
    .send({ error: 'no state of the cluster has been loaded yet' });
}
