// What a reload has to change: which keys differ, and which parts of the program read them.

import { createHash } from 'node:crypto';
import type { Config } from './config.ts';

/** A part of the program that goes over to another configuration by itself. */
export type Part =
  /** Finding the masters: made anew. */
  | 'leader'
  /** Asking the masters: made anew. */
  | 'following'
  /** The records, and the settings that stand in the table: derived and built anew. */
  | 'zone'
  /** The sockets of DNS and the forwarder: changed where they differ. */
  | 'service'
  /** Where the last cluster is kept on disk. */
  | 'snapshot'
  /** Words in memory that the core reads. */
  | 'core'
  /** The socket of HTTP. */
  | 'http'
  /** The loggers. */
  | 'log'
  /** Read where it is used: nothing is to be done. */
  | 'live'
  /** Stays as it was at the start. */
  | 'restart';

/** Every key has to be here: one that nobody applies would be a reload that lies. */
const READ_BY: { readonly [Key in keyof Config]: readonly Part[] } = {
  file: ['live'],
  zk: ['leader', 'following', 'zone', 'snapshot'],
  masters: ['leader', 'following', 'zone', 'snapshot'],
  zkDetectionTimeout: ['following'],
  exitWithoutLeaderSeconds: ['following'],
  refreshSeconds: ['following'],
  follow: ['following'],
  stateTimeoutSeconds: ['following'],
  mesosAuthentication: ['following'],
  mesosCredentials: ['following'],
  mesosSecretFrom: ['following'],
  mesosSecretFile: ['following'],
  iamConfigFile: ['following'],
  mesosHTTPSOn: ['following'],
  caCertFile: ['following'],
  certFile: ['following'],
  keyFile: ['following'],
  domain: ['zone', 'snapshot'],
  ttl: ['zone'],
  srvRecordDefaultWeight: ['zone'],
  IPSources: ['zone', 'snapshot'],
  enforceRFC952: ['zone', 'snapshot'],
  reverseDNSOn: ['zone', 'snapshot'],
  resolvSubnetFirst: ['zone'],
  dottedNames: ['zone', 'snapshot'],
  slaveNamedPorts: ['zone', 'snapshot'],
  healthAware: ['zone', 'snapshot'],
  SOARname: ['zone'],
  SOAMname: ['zone', 'snapshot'],
  SOARefresh: ['zone'],
  SOARetry: ['zone'],
  SOAExpire: ['zone'],
  SOAMinttl: ['zone'],
  agentReregisterSeconds: ['live'],
  holdSeconds: ['live'],
  holdLossPercent: ['live'],
  stateDirectory: ['snapshot'],
  snapshotMaxAgeSeconds: ['snapshot'],
  dnsOn: ['service'],
  listener: ['service', 'zone'],
  port: ['service'],
  io: ['restart'],
  workers: ['restart'],
  udpReceiveBufferBytes: ['service'],
  udpSendBufferBytes: ['service'],
  recurseOn: ['service', 'zone'],
  setTruncateBit: ['zone'],
  ednsUdpSize: ['service', 'zone'],
  dnsCookies: ['core'],
  cookieSecrets: ['core'],
  nsid: ['zone'],
  serverVersion: ['zone'],
  serverId: ['zone'],
  tcpIdleSeconds: ['restart'],
  tcpConnections: ['restart'],
  tcpConnectionsPerAddress: ['restart'],
  rateLimit: ['core'],
  rateLimitSlip: ['core'],
  externalOn: ['service', 'zone'],
  resolvers: ['service'],
  followsResolvConf: ['service'],
  zoneResolvers: ['service', 'zone'],
  specialUseNames: ['zone'],
  forwardPolicy: ['service'],
  forwardRandomCase: ['service'],
  forwardCaCertFile: ['service'],
  forwardAuthorities: ['service'],
  timeout: ['service'],
  allowForward: ['core'],
  cacheSizeMegabytes: ['restart'],
  cacheMinTtl: ['core'],
  cacheMaxTtl: ['core'],
  cacheMaxNegativeTtl: ['core'],
  cacheMaxStale: ['core'],
  cachePrefetch: ['core'],
  cacheNxdomainCut: ['core'],
  httpOn: ['http'],
  httpListener: ['http'],
  httpPort: ['http'],
  enumerationOn: ['live'],
  metricsPrefix: ['restart'],
  logFormat: ['log', 'service'],
  queryLogSample: ['service'],
};

export interface Changes {
  /** In the order of the table. */
  readonly keys: readonly (keyof Config)[];
  /** Those of them that need a restart. */
  readonly pending: readonly (keyof Config)[];
  concern(part: Part): boolean;
}

export function changesOf(last: Config, next: Config): Changes {
  const keys = (Object.keys(READ_BY) as (keyof Config)[]).filter(
    (key) => JSON.stringify(last[key]) !== JSON.stringify(next[key]),
  );
  const concern = (part: Part) => keys.some((key) => READ_BY[key].includes(part));
  return { keys, pending: keys.filter((key) => READ_BY[key].includes('restart')), concern };
}

/** A short name of a configuration, the same for equal ones. Secrets do not enter into it. */
export function fingerprintOf(config: Config): string {
  const { zk, mesosCredentials: _, cookieSecrets: __, forwardAuthorities: ___, ...rest } = config;
  const shown = { ...rest, zk: zk.replace(/\/\/.*@/, '//') };
  return createHash('sha256').update(JSON.stringify(shown)).digest('hex').slice(0, 16);
}
