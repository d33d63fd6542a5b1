// Sockets that the service manager opened and handed over (socket activation, sd_listen_fds(3)). It keeps them open while
// this process is restarted, so what arrives meanwhile waits in them.

import type { Config } from '../config/config.ts';
import { MesosDnsError, messageOf } from '../errors.ts';
import {
  type Libc,
  must,
  SO_ACCEPTCONN,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOCKADDR_IN6_SIZE,
  SOL_SOCKET,
} from '../sockets/libc.ts';
import { decodeAddress } from '../sockets/socket-address.ts';

export interface PassedSocket {
  readonly fd: number;
  readonly address: string;
  readonly port: number;
}

export interface PassedSockets {
  readonly udp: readonly PassedSocket[];
  readonly tcp: readonly PassedSocket[];
  readonly http: PassedSocket | null;
}

export const NO_SOCKETS: PassedSockets = { udp: [], tcp: [], http: null };

/** SD_LISTEN_FDS_START */
const FIRST_FD = 3;
/** FileDescriptorName= of a socket that is HTTP's whatever its port. */
const HTTP_NAME = 'http';

export type Environment = Readonly<Record<string, string | undefined>>;

/** How many sockets were handed to this very process. */
export function passedCount(environment: Environment, pid: number): number {
  if (Number(environment['LISTEN_PID']) !== pid) return 0;
  const count = Number(environment['LISTEN_FDS']);
  return Number.isInteger(count) && count > 0 ? count : 0;
}

/**
 * Sorts what was handed over: datagram sockets serve DNS over UDP; of those that listen, the one named `http`, or with the
 * port `httpPort`, serves HTTP, the others DNS over TCP.
 * @throws MesosDnsError ERR_LISTEN for a descriptor that is neither: serving on without it would leave its clients waiting
 */
export function takePassedSockets(
  libc: Libc,
  environment: Environment,
  pid: number,
  { httpPort, port: dnsPort }: Pick<Config, 'httpPort' | 'port'>,
): PassedSockets {
  const names = (environment['LISTEN_FDNAMES'] ?? '').split(':');
  const udp: PassedSocket[] = [];
  const tcp: PassedSocket[] = [];
  let http: PassedSocket | null = null;
  for (let i = 0; i < passedCount(environment, pid); i += 1) {
    const fd = FIRST_FD + i;
    const socket = socketAt(libc, fd, names[i] ?? '');
    const isHttp = names[i] === HTTP_NAME || (socket.port === httpPort && socket.port !== dnsPort);
    if (socket.type === SOCK_DGRAM) udp.push(socket);
    else if (!isHttp) tcp.push(socket);
    else if (http === null) http = socket;
    else throw new MesosDnsError('ERR_LISTEN', `expected one socket for HTTP from the service manager, got two`);
  }
  return { udp, tcp, http };
}

/** The configuration with the addresses that are really served: those of the sockets, where there are any. */
export function withPassedSockets(config: Config, { udp, tcp, http }: PassedSockets): Config {
  const [dns] = [...udp, ...tcp];
  return Object.freeze({
    ...config,
    ...(dns !== undefined && {
      listener: Object.freeze([...new Set([...udp, ...tcp].map(({ address }) => address))]),
      port: dns.port,
    }),
    ...(http !== null && { httpListener: http.address, httpPort: http.port }),
  });
}

function socketAt(libc: Libc, fd: number, name: string): PassedSocket & { readonly type: number } {
  const refuse = (got: string) =>
    new MesosDnsError(
      'ERR_LISTEN',
      `descriptor ${fd}${name === '' ? '' : ` (${name})`} of the service manager: expected a UDP socket, or a TCP socket that listens (Accept=no), got ${got}`,
    );
  try {
    const type = option(libc, fd, SO_TYPE);
    const bytes = new ArrayBuffer(SOCKADDR_IN6_SIZE);
    must(libc, 'getsockname', libc.getsockname(fd, bytes, new Uint32Array([SOCKADDR_IN6_SIZE]).buffer));
    const endpoint = decodeAddress(bytes);
    if (endpoint === null) throw refuse('one of another family');
    if (type === SOCK_DGRAM || (type === SOCK_STREAM && option(libc, fd, SO_ACCEPTCONN) === 1)) {
      return { fd, ...endpoint, type };
    }
  } catch (error) {
    throw error instanceof MesosDnsError ? error : refuse(messageOf(error));
  }
  throw refuse('something else');
}

function option(libc: Libc, fd: number, name: number): number {
  const value = new Uint32Array(1);
  must(libc, 'getsockopt', libc.getsockopt(fd, SOL_SOCKET, name, value.buffer, new Uint32Array([4]).buffer));
  return value[0] ?? 0;
}
