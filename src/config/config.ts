// The one configuration value that every room reads. Built and checked by load.ts; frozen afterwards.

/** Where a task's addresses may come from, in the order of the key `IPSources`. */
export type IpSource = 'netinfo' | 'mesos' | 'docker' | 'host' | 'autoip';

export interface Config {
  /** The file it was read from, as given on the command line. */
  readonly file: string;

  // --- finding and asking the masters ---
  /** `zk://[user:password@]host:port,…/path`, or '' when not set. May hold a password: never log or serve it raw. */
  readonly zk: string;
  /** Static masters, `host:port` (IPv6 as `[v6]:port`), addresses spelled as in the file, distinct in any spelling. */
  readonly masters: readonly string[];
  /** Seconds, as shown by `/v1/config` (default 30). */
  readonly zkDetectionTimeout: number;
  /** Seconds without a leader after which the process ends; null = never. Set only by a `zkDetectionTimeout` > 0 in the file. */
  readonly exitWithoutLeaderSeconds: number | null;
  readonly refreshSeconds: number;
  readonly stateTimeoutSeconds: number;
  readonly follow: 'auto' | 'stream' | 'poll';
  readonly mesosAuthentication: '' | 'basic' | 'iam';
  readonly mesosCredentials: { readonly principal: string; readonly secret: string };
  /** Where that secret was read from, as in the configuration file; '' for the file itself. */
  readonly mesosSecretFrom: string;
  /** The file that the secret was read from, '' where it came from somewhere else. */
  readonly mesosSecretFile: string;
  readonly iamConfigFile: string;
  readonly mesosHTTPSOn: boolean;
  readonly caCertFile: string;
  readonly certFile: string;
  readonly keyFile: string;

  // --- the zone ---
  /** Lower case, without a final dot: `mesos`, `dc1.example`. */
  readonly domain: string;
  /** Seconds, for every record derived from the cluster. */
  readonly ttl: number;
  readonly srvRecordDefaultWeight: number;
  readonly IPSources: readonly IpSource[];
  readonly enforceRFC952: boolean;
  readonly reverseDNSOn: boolean;
  readonly resolvSubnetFirst: boolean;
  readonly dottedNames: boolean;
  readonly slaveNamedPorts: boolean;
  readonly healthAware: boolean;
  readonly SOARname: string;
  readonly SOAMname: string;
  readonly SOARefresh: number;
  readonly SOARetry: number;
  readonly SOAExpire: number;
  readonly SOAMinttl: number;

  // --- keeping the zone good ---
  /** Seconds; 0 = never. */
  readonly agentReregisterSeconds: number;
  /** Seconds; 0 = never. */
  readonly holdSeconds: number;
  /** 1–100. */
  readonly holdLossPercent: number;
  /** '' = the environment's `STATE_DIRECTORY`, if any. */
  readonly stateDirectory: string;
  readonly snapshotMaxAgeSeconds: number;

  // --- serving DNS ---
  readonly dnsOn: boolean;
  /** IP literals, at least one; host names are resolved while loading. */
  readonly listener: readonly string[];
  readonly port: number;
  readonly io: 'auto' | 'batched' | 'dgram';
  /** Threads that answer over UDP by the batch; 0 = the cores available. */
  readonly workers: number;
  /** Bytes, of each UDP socket; 0 = as the system sets them. */
  readonly udpReceiveBufferBytes: number;
  readonly udpSendBufferBytes: number;
  readonly recurseOn: boolean;
  readonly setTruncateBit: boolean;
  /** The largest answer over UDP, bytes. */
  readonly ednsUdpSize: number;
  readonly tcpIdleSeconds: number;
  readonly tcpConnections: number;
  readonly tcpConnectionsPerAddress: number;
  readonly dnsCookies: boolean;
  /** 32 hexadecimal digits each, the first one makes cookies; empty: random ones. Never log or serve them. */
  readonly cookieSecrets: readonly string[];
  /** What the server says of itself; '' says nothing. */
  readonly nsid: string;
  readonly serverVersion: string;
  readonly serverId: string;
  /** Responses of a kind that a prefix of clients gets over UDP in a second; 0 = as many as it asks for. */
  readonly rateLimit: number;
  /** Every nth response beyond is an empty one with TC; 0 = none is. */
  readonly rateLimitSlip: number;

  // --- forwarding ---
  readonly externalOn: boolean;
  /** Upstreams for names outside the domain, `ip:port` (IPv6 as `[v6]:port`) or `tls://ip:port@name`. Empty when externalOn is false. */
  readonly resolvers: readonly string[];
  /** `resolvers` was empty in the file, and is what /etc/resolv.conf said at start; that file is to be followed. */
  readonly followsResolvConf: boolean;
  /** Zone (lower case, no final dot) to its upstreams. Empty when externalOn is false. */
  readonly zoneResolvers: Readonly<Record<string, readonly string[]>>;
  /** Names without a place in the public DNS are answered here, but for those in `zoneResolvers`. */
  readonly specialUseNames: boolean;
  readonly forwardPolicy: 'sequential' | 'fastest' | 'random';
  readonly forwardRandomCase: boolean;
  readonly forwardCaCertFile: string;
  /** What stands in that file; null without one. */
  readonly forwardAuthorities: string | null;
  /** Networks as parseNetwork() takes them, or LOCAL_NETWORKS, whose queries are forwarded. */
  readonly allowForward: readonly string[];
  /** MiB; 0: there is no cache. */
  readonly cacheSizeMegabytes: number;
  /** Seconds, as all below. */
  readonly cacheMinTtl: number;
  readonly cacheMaxTtl: number;
  readonly cacheMaxNegativeTtl: number;
  /** 0: never. */
  readonly cacheMaxStale: number;
  readonly cachePrefetch: boolean;
  readonly cacheNxdomainCut: boolean;
  /** Seconds for one forwarded query. */
  readonly timeout: number;

  // --- serving HTTP ---
  readonly httpOn: boolean;
  readonly httpListener: string;
  readonly httpPort: number;
  readonly enumerationOn: boolean;
  readonly metricsPrefix: string;

  // --- logs ---
  readonly logFormat: 'auto' | 'text' | 'journal' | 'json';
  /** One of so many queries is logged; 0: none. */
  readonly queryLogSample: number;
}
