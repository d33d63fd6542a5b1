// Chooses how the leading master is found: ZooKeeper, the static list, or ZooKeeper with the list as a stopgap.

import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { requireZk, type ZkSource } from '../config/zk-url.ts';
import { MesosDnsError, messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Announcer } from './announcer.ts';
import { formatEndpoint, type LeaderDetector, type Master, type MasterSet } from './leader.ts';
import { parseMasters, StaticDetector } from './static-detector.ts';
import { ZooKeeperDetector } from './zookeeper-detector.ts';

export interface DetectorOptions {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'leaderChanges' | 'leaderSourceConnected'>;
  /** Default Math.random. */
  readonly random?: () => number;
}

/** @throws MesosDnsError ERR_CONFIG where `zk` or `masters` cannot be used, or neither is set */
export function createLeaderDetector(config: Pick<Config, 'zk' | 'masters'>, options: DetectorOptions): LeaderDetector {
  const source = config.zk === '' ? null : resolveFile(requireZk(config.zk));
  if (source?.kind === 'zookeeper') {
    const zookeeper = new ZooKeeperDetector({ ...options, source });
    const masters = parseMasters(config.masters);
    return masters.length === 0 ? zookeeper : new FallbackDetector(zookeeper, masters, options.log);
  }
  const named = source?.kind === 'master' ? [formatEndpoint(source.master)] : [];
  const masters = parseMasters([...named, ...config.masters]);
  if (masters.length === 0) {
    throw new MesosDnsError('ERR_CONFIG', 'configuration: expected "zk" or "masters"; got neither');
  }
  return new StaticDetector({ ...options, masters });
}

type FinalSource = Exclude<ZkSource, { kind: 'file' }>;

/** `file:///path` stands for what the file holds, which is not another file. */
function resolveFile(source: ZkSource): FinalSource {
  if (source.kind !== 'file') return source;
  let text: string;
  try {
    text = readFileSync(source.file, 'utf8');
  } catch (cause) {
    throw new MesosDnsError('ERR_CONFIG', `configuration key "zk": cannot read the file: ${messageOf(cause)}`, {
      cause,
    });
  }
  const inner = requireZk(text);
  if (inner.kind !== 'file') return inner;
  throw new MesosDnsError('ERR_CONFIG', `configuration key "zk": ${source.file} names another file; expected zk://…`);
}

/** The configured masters until ZooKeeper has named a leader once; from then on what ZooKeeper says. */
class FallbackDetector implements LeaderDetector {
  readonly #zookeeper: LeaderDetector;
  readonly #masters: readonly Master[];
  readonly #log: Logger;
  readonly #announcer: Announcer;

  constructor(zookeeper: LeaderDetector, masters: readonly Master[], log: Logger) {
    this.#zookeeper = zookeeper;
    this.#masters = masters;
    this.#log = log;
    this.#announcer = new Announcer(log);
    zookeeper.onChange((set) => {
      const followsZooKeeper = this.current?.source === 'zookeeper';
      if (followsZooKeeper || set.leader !== null) this.#announcer.announce(set);
    });
  }

  get current(): MasterSet | null {
    return this.#announcer.current;
  }

  onChange(listener: (masters: MasterSet) => void): () => void {
    return this.#announcer.onChange(listener);
  }

  start(): void {
    this.#log.info(
      { masters: this.#masters.map(formatEndpoint) },
      'using the configured masters until ZooKeeper names a leader',
    );
    this.#announcer.announce({ leader: null, masters: this.#masters, source: 'static' });
    this.#zookeeper.start();
  }

  close(): Promise<void> {
    return this.#zookeeper.close();
  }
}
