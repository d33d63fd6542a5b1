// Keys about serving DNS.

import { NSID_MAX, SECRETS_MAX, SLOT_ROOM, WORKERS_MAX } from '../../../assembly/shared/layout.ts';
import { MIN_UDP_PAYLOAD } from '../../../assembly/shared/wire.ts';
import { UDP_PAYLOAD } from '../../dns/constants.ts';
import type { KeyTable } from '../key.ts';

/** The kernel takes half of it: it doubles the size for its own overhead. */
const MAX_SOCKET_BUFFER = 1_073_741_823;
/** A block of memory for each, and one for the thread that serves TCP. */
const MAX_WORKERS = WORKERS_MAX - 1;

export const DNS_KEYS = {
  dnsOn: {
    type: 'boolean',
    default: true,
    doc: 'Serve DNS.',
  },
  listener: {
    type: 'list',
    orString: true,
    default: ['0.0.0.0'],
    doc: 'The address to serve DNS on, or a list of them. A host name stands for those of its addresses that this machine has.',
  },
  port: {
    type: 'integer',
    default: 53,
    min: 1,
    max: 65_535,
    doc: 'The port to serve DNS on, UDP and TCP.',
  },
  io: {
    type: 'string',
    default: 'auto',
    oneOf: ['auto', 'batched', 'dgram'],
    doc: 'How UDP is served: `batched` takes many packets with one system call (Linux on x86-64 and arm64), `dgram` works everywhere, `auto` is `batched` where it works. Where `batched` does not work, `dgram` serves, with a warning.',
  },
  workers: {
    type: 'integer',
    default: 0,
    min: 0,
    max: MAX_WORKERS,
    doc: 'Threads that answer over UDP with `batched`; 0 stands for one for each processor core that this process may use.',
  },
  udpReceiveBufferBytes: {
    type: 'integer',
    default: 1_048_576,
    min: 0,
    max: MAX_SOCKET_BUFFER,
    unit: 'bytes',
    doc: "Size of each UDP socket's receive buffer, in which queries wait in a burst (the system may grant less: `net.core.rmem_max`); 0 leaves it as the system sets it.",
  },
  udpSendBufferBytes: {
    type: 'integer',
    default: 0,
    min: 0,
    max: MAX_SOCKET_BUFFER,
    unit: 'bytes',
    doc: "Size of each UDP socket's send buffer (the system may grant less: `net.core.wmem_max`); 0 leaves it as the system sets it.",
  },
  recurseOn: {
    type: 'boolean',
    default: true,
    doc: 'Set the bit "recursion available" in answers for names of the domain.',
  },
  setTruncateBit: {
    type: 'boolean',
    default: true,
    doc: 'Set the bit "truncated" in answers over UDP that had to be cut, so that clients ask again over TCP.',
  },
  ednsUdpSize: {
    type: 'integer',
    default: UDP_PAYLOAD,
    min: MIN_UDP_PAYLOAD,
    max: SLOT_ROOM,
    unit: 'bytes',
    doc: 'The largest answer over UDP, for clients that take so much (EDNS); without EDNS it is 512. More than 1232 may not come through everywhere.',
  },
  tcpIdleSeconds: {
    type: 'integer',
    default: 20,
    min: 1,
    max: 60,
    unit: 'seconds',
    doc: 'A TCP connection that brings no whole query and takes no answer for so long is closed. Clients that ask are told (edns-tcp-keepalive).',
  },
  tcpConnections: {
    type: 'integer',
    default: 4096,
    min: 16,
    max: 1_000_000,
    doc: 'TCP connections of all clients to one listener, and at most half of the file descriptors. For one more, one of the client that has most is closed: an idle one before one that does not read, that before one that waits for a forwarded answer.',
  },
  tcpConnectionsPerAddress: {
    type: 'integer',
    default: 1024,
    min: 1,
    max: 1_000_000,
    doc: 'TCP connections of one client. For one more, its longest idle one is closed.',
  },
  dnsCookies: {
    type: 'boolean',
    default: true,
    doc: 'Answer the EDNS option COOKIE (RFC 7873, in the form of RFC 9018), which protects clients against forged answers.',
  },
  cookieSecrets: {
    type: 'list',
    secret: true,
    default: [],
    doc: `For servers that share an address (anycast, replicas behind a balancer): the secrets of DNS cookies, each 32 hexadecimal digits, at most ${SECRETS_MAX}. The first one makes cookies, all are accepted. An empty list stands for random secrets, another one each day.`,
  },
  nsid: {
    type: 'string',
    default: '',
    maxBytes: NSID_MAX,
    doc: 'What to tell clients that ask which server answers (the EDNS option NSID, RFC 5001); empty: nothing.',
  },
  serverVersion: {
    type: 'string',
    default: '',
    maxBytes: 255,
    doc: 'The text at `version.bind` and `version.server` in class CH; empty: REFUSED.',
  },
  serverId: {
    type: 'string',
    default: '',
    maxBytes: 255,
    doc: 'The text at `id.server` and `hostname.bind` in class CH (RFC 4892); empty: REFUSED.',
  },
  rateLimit: {
    type: 'integer',
    default: 0,
    min: 0,
    max: 1_000_000,
    doc: 'How many answers of a kind the clients of one /24 (IPv6: /56) get over UDP in a second: about one name, about names that do not exist, errors, forwarded questions about one name. Clients that come with a cookie of this server, or over TCP, are not limited. 0 turns it off.',
  },
  rateLimitSlip: {
    type: 'integer',
    default: 2,
    min: 0,
    max: 10,
    doc: 'With `n` here, every nth answer beyond `rateLimit` is replaced by an empty one that makes real clients ask over TCP, or come back with their cookie; the others are not sent. 0: none is sent.',
  },
} as const satisfies KeyTable;
