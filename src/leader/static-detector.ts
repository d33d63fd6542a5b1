// The configured list of masters as a detector. It knows nothing about leadership: whoever asks the masters in order
// learns the leader from the state document.

import { parseHostPort } from '../dns/endpoint.ts';
import { MesosDnsError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Announcer } from './announcer.ts';
import { formatEndpoint, type LeaderDetector, type Master, type MasterSet } from './leader.ts';

export interface StaticDetectorOptions {
  /** At least one. */
  readonly masters: readonly Master[];
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'leaderSourceConnected'>;
}

/** Reads the configuration key `masters`, dropping repeated endpoints. @throws MesosDnsError ERR_CONFIG */
export function parseMasters(texts: readonly string[]): readonly Master[] {
  const masters = new Map<string, Master>();
  for (const text of texts) {
    const master = parseHostPort(text);
    if (master === null) {
      throw new MesosDnsError('ERR_CONFIG', `configuration key "masters": expected host:port; got "${text}"`);
    }
    masters.set(formatEndpoint(master), master);
  }
  return [...masters.values()];
}

export class StaticDetector implements LeaderDetector {
  readonly #options: StaticDetectorOptions;
  readonly #announcer: Announcer;

  constructor(options: StaticDetectorOptions) {
    this.#options = options;
    this.#announcer = new Announcer(options.log);
  }

  get current(): MasterSet | null {
    return this.#announcer.current;
  }

  onChange(listener: (masters: MasterSet) => void): () => void {
    return this.#announcer.onChange(listener);
  }

  start(): void {
    const { masters, log, metrics } = this.#options;
    metrics.leaderSourceConnected.set(1);
    log.info({ masters: masters.map(formatEndpoint) }, 'using the configured masters');
    this.#announcer.announce({ leader: null, masters, source: 'static' });
  }

  async close(): Promise<void> {}
}
