// What the leader room tells the others: which masters there are and which of them leads.

import type { HostPort } from '../dns/endpoint.ts';

export { formatHostPort as formatEndpoint } from '../dns/endpoint.ts';

/** A master's endpoint. */
export interface Master extends HostPort {
  /** MasterInfo's `hostname`, where known: what redirects of that master's peers name (it may not resolve here). */
  readonly hostname?: string;
}

/** A consistent view of the masters. `masters` holds the leader too, first if it is known. */
export interface MasterSet {
  readonly leader: Master | null;
  readonly masters: readonly Master[];
  readonly source: 'zookeeper' | 'static';
}

/** Follows the election. Losing the source of knowledge keeps the last known set. */
export interface LeaderDetector {
  /** The newest known set; null until something is known. */
  readonly current: MasterSet | null;
  /**
   * Called with every new set (leader or list of masters differs from the one before). Never throws into the detector.
   * @returns a function after which it is not called any more
   */
  onChange(listener: (masters: MasterSet) => void): () => void;
  start(): void;
  close(): Promise<void>;
}
