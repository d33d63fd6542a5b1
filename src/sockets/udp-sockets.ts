// The UDP sockets of the batched driver. The main thread opens and keeps them, so that a socket outlives the worker that
// serves it: what came meanwhile is answered by the next one.

import type { Logger } from '../observability/logger.ts';
import {
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU_DISCOVER,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  type Libc,
  must,
  PMTUDISC_OMIT,
  PMTUDISC_PROBE,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVTIMEO,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
  TIMEVAL_MICROSECONDS,
  TIMEVAL_SIZE,
} from './libc.ts';
import { listenError } from './listen-error.ts';
import { type BatchShape, domainOf } from './packet-batch.ts';
import type { Endpoint, Place } from './service.ts';
import { encodeAddress, familyOf, isWildcard } from './socket-address.ts';

/** A worker that waits for packets looks at its orders this late, and with every packet. */
export const RECEIVE_TIMEOUT_MS = 1000;

/** An open socket; as plain as it is, threads hand it to one another. */
export interface UdpSocket extends BatchShape {
  readonly fd: number;
}

export interface UdpSocketOptions {
  /** Ports are never 0: the system might choose one for a client that shares ports, as `dig` does, and the two would share it. */
  readonly places: readonly Place[];
  /** Sockets for each address that is bound here; the kernel spreads clients over them. */
  readonly workers: number;
  /** Of sockets opened here. 0: as the system sets them. */
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  readonly logger: Logger;
}

/** The sockets of one address. */
interface Group extends Endpoint {
  readonly sockets: readonly UdpSocket[];
  /** Somebody else bound them, and may have fewer or more of them than there are workers. */
  readonly isPassed: boolean;
}

export class UdpSockets {
  readonly #libc: Libc;
  readonly #groups: readonly Group[];
  readonly #workers: number;

  /**
   * Throws MesosDnsError ERR_LISTEN, with nothing opened.
   * @param others sockets of this process that are open already; those of an address that is wanted again are taken over
   */
  static open(libc: Libc, options: UdpSocketOptions, others: readonly UdpSockets[] = []): UdpSockets {
    const { workers } = options;
    const opened: Group[] = [];
    const open = others.flatMap((each) => each.#groups);
    const groups: Group[] = [];
    for (const { address, port } of distinct(options.places)) {
      const present = open.find((group) => isAt(group, address, port));
      const fds = options.places.flatMap((each) => (isAt(each, address, port) && each.fd !== undefined ? each.fd : []));
      if (present !== undefined) {
        groups.push(present);
        continue;
      }
      try {
        const group =
          fds.length > 0 ? adoptGroup(libc, address, port, fds) : openGroup(libc, address, port, options, open);
        groups.push(group);
        if (!group.isPassed) opened.push(group);
      } catch (error) {
        for (const group of opened) closeGroup(libc, group);
        throw listenError('UDP', address, port, error);
      }
    }
    logBuffers(libc, opened[0]?.sockets[0], options);
    return new UdpSockets(libc, groups, workers);
  }

  private constructor(libc: Libc, groups: readonly Group[], workers: number) {
    this.#libc = libc;
    this.#groups = groups;
    this.#workers = workers;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#groups.map(({ address, port }) => ({ address, port }));
  }

  /** For each worker, at least one for each address; passed sockets are shared where they are too few. */
  get ofWorkers(): readonly (readonly UdpSocket[])[] {
    return Array.from({ length: this.#workers }, (_, worker) =>
      this.#groups.flatMap(({ sockets }) =>
        sockets.length < this.#workers
          ? sockets.slice(worker % sockets.length, (worker % sockets.length) + 1)
          : sockets.filter((_, i) => i % this.#workers === worker),
      ),
    );
  }

  /** Sizes of the buffers of sockets that were opened here. */
  setBuffers(receiveBufferBytes: number, sendBufferBytes: number): void {
    for (const { isPassed, sockets } of this.#groups) {
      if (isPassed) continue;
      for (const { fd } of sockets) setBuffers(this.#libc, fd, receiveBufferBytes, sendBufferBytes);
    }
  }

  /** Those that the other one does not have. */
  without(other: UdpSockets): UdpSockets {
    return new UdpSockets(
      this.#libc,
      this.#groups.filter((group) => !other.#groups.includes(group)),
      this.#workers,
    );
  }

  /** Only when no thread uses them any more: their numbers go to others at once. */
  close(): void {
    for (const group of this.#groups) closeGroup(this.#libc, group);
  }
}

function isAt(endpoint: Endpoint, address: string, port: number): boolean {
  return endpoint.address === address && endpoint.port === port;
}

function distinct(places: readonly Place[]): readonly Place[] {
  return places.filter(({ address, port }, i) => places.findIndex((each) => isAt(each, address, port)) === i);
}

function adoptGroup(libc: Libc, address: string, port: number, fds: readonly number[]): Group {
  const sockets = fds.map((fd): UdpSocket => {
    // The service manager does it where PassPacketInfo=yes; packets that came before have no local address.
    if (isWildcard(address)) askForLocalAddresses(libc, fd, familyOf(address));
    setReceiveTimeout(libc, fd);
    return { fd, family: familyOf(address), localAddresses: isWildcard(address) };
  });
  return { address, port, sockets, isPassed: true };
}

function openGroup(
  libc: Libc,
  address: string,
  port: number,
  options: UdpSocketOptions,
  open: readonly Group[],
): Group {
  const sockets: UdpSocket[] = [];
  try {
    // Sockets that share a port cannot tell a stranger's from their own; one that does not share finds out.
    const overlapsOurs = open.some(
      (group) =>
        group.port === port &&
        familyOf(group.address) === familyOf(address) &&
        (isWildcard(group.address) || isWildcard(address)),
    );
    if (!overlapsOurs) libc.close(openSocket(libc, address, port, false));
    for (let worker = 0; worker < options.workers; worker += 1) {
      const fd = openSocket(libc, address, port, true);
      sockets.push({ fd, family: familyOf(address), localAddresses: isWildcard(address) });
      setUp(libc, fd, address, options);
    }
  } catch (error) {
    for (const { fd } of sockets) libc.close(fd);
    throw error;
  }
  return { address, port, sockets, isPassed: false };
}

function closeGroup(libc: Libc, { sockets }: Group): void {
  for (const { fd } of sockets) libc.close(fd);
}

function openSocket(libc: Libc, address: string, port: number, shared: boolean): number {
  const family = familyOf(address);
  const fd = must(libc, 'socket', libc.socket(domainOf(family), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    if (family === 6) setOption(libc, fd, 'IPV6_V6ONLY', IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (shared) setOption(libc, fd, 'SO_REUSEPORT', SOL_SOCKET, SO_REUSEPORT, 1);
    // Before the socket is bound, so that no packet comes without its local address.
    if (isWildcard(address)) askForLocalAddresses(libc, fd, family);
    const name = encodeAddress(address, port);
    must(libc, 'bind', libc.bind(fd, name.buffer, name.length));
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  return fd;
}

function askForLocalAddresses(libc: Libc, fd: number, family: 4 | 6): void {
  if (family === 6) setOption(libc, fd, 'IPV6_RECVPKTINFO', IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  else setOption(libc, fd, 'IP_PKTINFO', IPPROTO_IP, IP_PKTINFO, 1);
}

function setReceiveTimeout(libc: Libc, fd: number): void {
  const timeout = new DataView(new ArrayBuffer(TIMEVAL_SIZE));
  timeout.setBigInt64(0, BigInt(Math.floor(RECEIVE_TIMEOUT_MS / 1000)), true);
  timeout.setBigInt64(TIMEVAL_MICROSECONDS, BigInt((RECEIVE_TIMEOUT_MS % 1000) * 1000), true);
  must(libc, 'setsockopt SO_RCVTIMEO', libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout.buffer, TIMEVAL_SIZE));
}

function setUp(libc: Libc, fd: number, address: string, options: UdpSocketOptions): void {
  setReceiveTimeout(libc, fd);
  setBuffers(libc, fd, options.receiveBufferBytes, options.sendBufferBytes);
  // No fragments, as RFC 9715 asks for, and no heed to "fragmentation needed" messages, which anybody can forge. It is
  // cheaper, too: the kernel need not find an id for each packet.
  setPathMtuDiscovery(libc, fd, familyOf(address), PMTUDISC_PROBE);
}

/** From now on, what a socket sends is cut in fragments where the link to the receiver takes no packet of that size. */
export function allowFragments(libc: Pick<Libc, 'setsockopt'>, fd: number, family: 4 | 6): void {
  setPathMtuDiscovery(libc, fd, family, PMTUDISC_OMIT);
}

/** A favour: where the kernel does not know the mode, it goes on as it likes. */
function setPathMtuDiscovery(libc: Pick<Libc, 'setsockopt'>, fd: number, family: 4 | 6, mode: number): void {
  const [level, option] = family === 6 ? [IPPROTO_IPV6, IPV6_MTU_DISCOVER] : [IPPROTO_IP, IP_MTU_DISCOVER];
  libc.setsockopt(fd, level, option, new Uint32Array([mode]).buffer, 4);
}

function setBuffers(libc: Libc, fd: number, receiveBufferBytes: number, sendBufferBytes: number): void {
  setBuffer(libc, fd, SO_RCVBUFFORCE, SO_RCVBUF, receiveBufferBytes);
  setBuffer(libc, fd, SO_SNDBUFFORCE, SO_SNDBUF, sendBufferBytes);
}

/** With CAP_NET_ADMIN beyond the system's limits, else up to them. */
function setBuffer(libc: Libc, fd: number, force: number, option: number, sizeBytes: number): void {
  if (sizeBytes === 0) return;
  const value = new Uint32Array([sizeBytes]).buffer;
  if (libc.setsockopt(fd, SOL_SOCKET, force, value, 4) < 0) libc.setsockopt(fd, SOL_SOCKET, option, value, 4);
}

function setOption(libc: Libc, fd: number, name: string, level: number, option: number, value: number): void {
  must(libc, `setsockopt ${name}`, libc.setsockopt(fd, level, option, new Uint32Array([value]).buffer, 4));
}

/** The kernel doubles what it is asked for, for its own overhead, and without privilege cuts it at net.core.rmem_max. */
function logBuffers(libc: Libc, socket: UdpSocket | undefined, options: UdpSocketOptions): void {
  if (socket === undefined) return;
  const receiveBufferBytes = bufferSize(libc, socket.fd, SO_RCVBUF);
  const sendBufferBytes = bufferSize(libc, socket.fd, SO_SNDBUF);
  const isCut = receiveBufferBytes < 2 * options.receiveBufferBytes;
  const hint = isCut ? `; ${options.receiveBufferBytes} were asked for, net.core.rmem_max grants less` : '';
  options.logger.info({ receiveBufferBytes, sendBufferBytes }, `UDP socket buffers${hint}`);
}

function bufferSize(libc: Libc, fd: number, option: number): number {
  const value = new Uint32Array(1);
  must(libc, 'getsockopt', libc.getsockopt(fd, SOL_SOCKET, option, value.buffer, new Uint32Array([4]).buffer));
  return value[0] ?? 0;
}
