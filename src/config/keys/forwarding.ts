// Keys about names outside the domain.

import { LOCAL_NETWORKS, PRIVATE_NETWORKS } from '../../dns/network.ts';
import { type KeyTable, MAX_TIMER_SECONDS } from '../key.ts';

/** A week: nothing is worth keeping for longer (RFC 8767 section 4). */
const MAX_KEPT_SECONDS = 604_800;

export const FORWARDING_KEYS = {
  externalOn: {
    type: 'boolean',
    default: true,
    doc: 'Forward queries for names outside the domain; otherwise refuse them.',
  },
  resolvers: {
    type: 'list',
    default: ['8.8.8.8'],
    doc: 'The DNS servers to forward to, each as `IP` or `IP:port`, or, for DNS over TLS, `tls://IP@name` or `tls://IP:port@name` with the name of the certificate. An empty list stands for the name servers of `/etc/resolv.conf` that are not this machine; changes of that file are followed.',
  },
  zoneResolvers: {
    type: 'zones',
    default: {},
    doc: 'DNS servers for a zone and all names below it: `{"weave": ["172.17.0.1"]}`.',
  },
  specialUseNames: {
    type: 'boolean',
    default: true,
    doc: 'Answer names that have no place in the public DNS here, instead of forwarding them: `localhost`, `invalid`, `test`, `local`, `onion`, `home.arpa`, and the reverse names of private, loopback and link-local addresses. Zones in `zoneResolvers` are forwarded nevertheless.',
  },
  forwardPolicy: {
    type: 'string',
    default: 'sequential',
    oneOf: ['sequential', 'fastest', 'random'],
    doc: 'Which of several servers is asked first: as listed, the one that answers quickest, or any. One that does not answer is asked last, until it is back.',
  },
  forwardRandomCase: {
    type: 'boolean',
    default: false,
    doc: 'Give the letters of forwarded names a random case, which makes forged answers harder (0x20). Answers that do not repeat it are asked for again over TCP.',
  },
  forwardCaCertFile: {
    type: 'string',
    default: '',
    doc: 'PEM file with the certificate authorities for `tls://` servers; without it, those that Node.js knows.',
  },
  allowForward: {
    type: 'list',
    default: [...PRIVATE_NETWORKS, LOCAL_NETWORKS],
    doc: `The networks whose queries for names outside the domain are answered, each as \`address/prefix\`; \`${LOCAL_NETWORKS}\` stands for those of this machine's interfaces. Others get REFUSED. \`["0.0.0.0/0", "::/0"]\` serves everybody.`,
  },
  cacheSizeMegabytes: {
    type: 'integer',
    default: 32,
    min: 0,
    max: 1024,
    doc: 'Memory for answers of other servers, in MiB; it is taken as it fills. 0: nothing is kept.',
  },
  cacheMinTtl: {
    type: 'integer',
    default: 0,
    min: 0,
    max: 3600,
    unit: 'seconds',
    doc: 'Answers of other servers are kept for at least so long.',
  },
  cacheMaxTtl: {
    type: 'integer',
    default: 86_400,
    min: 1,
    max: MAX_KEPT_SECONDS,
    unit: 'seconds',
    doc: 'Answers of other servers are kept for at most so long.',
  },
  cacheMaxNegativeTtl: {
    type: 'integer',
    default: 10_800,
    min: 1,
    max: MAX_KEPT_SECONDS,
    unit: 'seconds',
    doc: 'That a name does not exist, or has no such record, is remembered for at most so long (RFC 2308).',
  },
  cacheMaxStale: {
    type: 'integer',
    default: 86_400,
    min: 0,
    max: MAX_KEPT_SECONDS,
    unit: 'seconds',
    doc: 'How long after its end an answer may still be given where no server answers (RFC 8767); 0: never.',
  },
  cachePrefetch: {
    type: 'boolean',
    default: true,
    doc: 'Ask again for names in demand in the last tenth of their time, so that no client waits for them.',
  },
  cacheNxdomainCut: {
    type: 'boolean',
    default: true,
    doc: 'Where a name does not exist, names below it do not exist either (RFC 8020).',
  },
  timeout: {
    type: 'integer',
    default: 5,
    min: 0,
    max: MAX_TIMER_SECONDS,
    unit: 'seconds',
    doc: 'How long a forwarded query may take, all servers together; 0 stands for 5. More than 4.5 seconds count as 4.5, so that clients that wait for 5 hear of a failure.',
  },
} as const satisfies KeyTable;
