// The C library, as far as UDP by the batch and the service manager need it. The only file that knows koffi, and loads it when asked to.
//
// All structs are those of 64-bit little-endian Linux; x86-64 and arm64, glibc and musl agree on them. Nothing is taken
// on trust: batch-check.ts and datagram-check.ts hold them against what the C library does before they are used. Offsets in octets.

import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type Koffi from 'koffi';

const load = createRequire(import.meta.url);

// struct mmsghdr: a struct msghdr, and what recvmmsg received (recvmmsg(2), recvmsg(2)).
//
//   0         8          16        24           32            40                48       52    56       60
//   +---------+----------+---------+------------+-------------+-----------------+--------+-----+--------+-----+
//   | name *  | nameSize | iov *   | iovCount   | control *   | controlSize     | flags  | pad | length | pad |
//   +---------+----------+---------+------------+-------------+-----------------+--------+-----+--------+-----+
//     u64       u32, pad   u64       u64 (musl:   u64           u64 (musl: u32,   i32            u32
//                                    u32, pad)                  pad)
export const MSG_NAME = 0;
export const MSG_NAME_SIZE = MSG_NAME + 8;
export const MSG_IOV = MSG_NAME_SIZE + 8;
export const MSG_IOV_COUNT = MSG_IOV + 8;
export const MSG_CONTROL = MSG_IOV_COUNT + 8;
export const MSG_CONTROL_SIZE = MSG_CONTROL + 8;
export const MSG_FLAGS = MSG_CONTROL_SIZE + 8;
export const MSG_LENGTH = MSG_FLAGS + 8;
export const MMSGHDR_SIZE = MSG_LENGTH + 8;

// struct iovec: | base * u64 | length u64 |
export const IOV_BASE = 0;
export const IOV_LENGTH = IOV_BASE + 8;
export const IOVEC_SIZE = IOV_LENGTH + 8;

// struct sockaddr_in:  | family u16 | port, big-endian | address (4) | zero (8) |
// struct sockaddr_in6: | family u16 | port, big-endian | flow info u32 | address (16) | scope id u32 |
export const SOCKADDR_FAMILY = 0;
export const SOCKADDR_PORT = SOCKADDR_FAMILY + 2;
export const SOCKADDR_IN_ADDRESS = SOCKADDR_PORT + 2;
export const SOCKADDR_IN_SIZE = SOCKADDR_IN_ADDRESS + 4 + 8;
export const SOCKADDR_IN6_ADDRESS = SOCKADDR_PORT + 2 + 4;
export const SOCKADDR_IN6_SCOPE = SOCKADDR_IN6_ADDRESS + 16;
export const SOCKADDR_IN6_SIZE = SOCKADDR_IN6_SCOPE + 4;

// One control message: struct cmsghdr, then struct in_pktinfo or in6_pktinfo, then padding to 8 octets (cmsg(3), ip(7),
// ipv6(7)). Neither its size nor what stands in it may be larger than what the header above says.
//
//   | size u64 (musl: u32, pad) | level i32 | type i32 | in_pktinfo:  | ifindex i32 | local address (4) | destination (4) |
//                                                      | in6_pktinfo: | address (16) | ifindex u32 |
export const CONTROL_DATA_SIZE = 0;
export const CONTROL_LEVEL = CONTROL_DATA_SIZE + 8;
export const CONTROL_TYPE = CONTROL_LEVEL + 4;
export const CONTROL_DATA = CONTROL_TYPE + 4;
export const PKTINFO_IFINDEX = CONTROL_DATA;
export const PKTINFO_LOCAL = PKTINFO_IFINDEX + 4;
export const PKTINFO6_ADDRESS = CONTROL_DATA;
export const PKTINFO6_IFINDEX = PKTINFO6_ADDRESS + 16;
/** CMSG_SPACE of each. */
export const PKTINFO_SPACE = alignTo8(CONTROL_DATA + 4 + 4 + 4);
export const PKTINFO6_SPACE = alignTo8(CONTROL_DATA + 16 + 4);

// struct sockaddr_un:  | family u16 | path (108); its size says where it ends, and a first octet of 0 makes it abstract |
export const SOCKADDR_UN_PATH = SOCKADDR_FAMILY + 2;
export const SOCKADDR_UN_SIZE = SOCKADDR_UN_PATH + 108;

// struct pollfd: | fd i32 | events i16 | revents i16 |
export const POLLFD_EVENTS = 4;
export const POLLFD_RETURNED = 6;
export const POLLFD_SIZE = 8;

// struct epoll_event: | events u32 | data u64 |, without padding between them on x86-64 alone (epoll_ctl(2))
export const EPOLL_EVENT_DATA = process.arch === 'x64' ? 4 : 8;
export const EPOLL_EVENT_SIZE = EPOLL_EVENT_DATA + 8;

// struct timeval: | seconds i64 | microseconds i64 |
export const TIMEVAL_MICROSECONDS = 8;
export const TIMEVAL_SIZE = 16;

// struct timespec: | seconds i64 | nanoseconds i64 |
export const TIMESPEC_NANOSECONDS = 8;
export const TIMESPEC_SIZE = 16;

// struct sched_attr, as far as the first version of it goes (sched_setattr(2)):
//
//   | size u32 | policy u32 | flags u64 | nice i32 | priority u32 | runtime u64 | deadline u64 | period u64 |
export const SCHED_NICE = 16;
export const SCHED_RUNTIME = 24;
export const SCHED_ATTR_SIZE = 48;
/** The number of the system call, for which older C libraries have no function; undefined on other architectures. */
export const SYS_SCHED_SETATTR: number | undefined = { x64: 314, arm64: 274 }[process.arch as string];

// Numbers of asm-generic, which both architectures use.
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_TYPE = 3;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_REUSEPORT = 15;
export const SO_RCVTIMEO = 20;
export const SO_ACCEPTCONN = 30;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const IPPROTO_IP = 0;
export const IP_PKTINFO = 8;
export const IP_MTU_DISCOVER = 10;
export const IPPROTO_IPV6 = 41;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const PMTUDISC_PROBE = 3;
export const PMTUDISC_OMIT = 5;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_WAITFORONE = 0x10000;
export const POLLIN = 1;
export const POLLOUT = 4;
export const EPOLL_CLOEXEC = SOCK_CLOEXEC;
export const EPOLL_CTL_ADD = 1;
export const EPOLLIN = 1;
/** Its value: by how many nanoseconds the timers of the calling thread may be late, at least 1 (prctl(2)). */
export const PR_SET_TIMERSLACK = 29;

/** Numbers of the error codes; an absent one (another platform) matches no error. */
export function errnoOf(code: keyof typeof constants.errno): number {
  return constants.errno[code] ?? -1;
}

/** Pointers are addresses of memory that the caller keeps referenced while a call may use it. All calls return -1 on failure. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, value: ArrayBuffer, sizeBytes: number): number;
  /** @param size u32, in and out */
  getsockopt(fd: number, level: number, option: number, value: ArrayBuffer, size: ArrayBuffer): number;
  bind(fd: number, address: ArrayBuffer, sizeBytes: number): number;
  connect(fd: number, address: ArrayBuffer, sizeBytes: number): number;
  /** @param size u32, in and out */
  getsockname(fd: number, address: ArrayBuffer, size: ArrayBuffer): number;
  /** @returns the number of messages received */
  recvmmsg(fd: number, headersPtr: number, count: number, flags: number, timeoutPtr: number): number;
  /** @returns the number of messages sent; -1 only where the first one failed */
  sendmmsg(fd: number, headersPtr: number, count: number, flags: number): number;
  /** @returns the octets sent */
  sendto(
    fd: number,
    data: ArrayBuffer,
    length: number,
    flags: number,
    address: ArrayBuffer,
    addressSizeBytes: number,
  ): number;
  /** @returns the octets sent */
  send(fd: number, dataPtr: number, length: number, flags: number): number;
  /** @param namePtr the sender's address; its size, u32, in and out. @returns the octets received */
  recvfrom(fd: number, dataPtr: number, sizeBytes: number, flags: number, namePtr: number, nameSizePtr: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, operation: number, fd: number, event: ArrayBuffer): number;
  /** @returns the number of events */
  epoll_wait(epoll: number, eventsPtr: number, count: number, timeoutMs: number): number;
  eventfd(count: number, flags: number): number;
  /** @returns another descriptor of the same socket */
  dup(fd: number): number;
  poll(fdsPtr: number, count: number, timeoutMs: number): number;
  close(fd: number): number;
  /** @param timePtr a struct timespec @param leftPtr where what is left is written when a signal comes, or 0 */
  nanosleep(timePtr: number, leftPtr: number): number;
  prctl(option: number, value: number): number;
  /** @param thread 0: the calling one */
  syscall(number: number, thread: number, attributes: ArrayBuffer, flags: number): number;
  /** The reason of the last failed call of this thread. */
  errno(): number;
  /** Where a buffer stands. It must be an ArrayBuffer of its own, or shared: the garbage collector moves small typed arrays. */
  addressOf(buffer: ArrayBuffer | Uint8Array<SharedArrayBuffer>): number;
}

/** A C library call that failed; `code` is the name of its error, such as `EADDRINUSE`. */
export class LibcError extends Error {
  readonly code: string;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
    super(`${syscall}: ${code}`);
    this.name = 'LibcError';
    this.code = code;
    this.syscall = syscall;
  }
}

/** @returns the result of a call, where it succeeded; throws LibcError where it did not */
export function must(libc: Libc, syscall: string, result: number): number {
  if (result < 0) throw new LibcError(syscall, libc.errno());
  return result;
}

/** Throws where koffi cannot be loaded, or the C library lacks a function. */
export async function loadLibc(): Promise<Libc> {
  const koffi = load('koffi') as typeof Koffi;
  // The process itself: Node is linked with the C library, whichever it is (glibc, musl).
  const library = koffi.load(null);
  const memset = library.func('uintptr_t memset(void *s, int c, size_t n)');
  return {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    setsockopt: library.func('int setsockopt(int fd, int level, int option, void *value, uint32_t size)'),
    getsockopt: library.func('int getsockopt(int fd, int level, int option, void *value, void *size)'),
    bind: library.func('int bind(int fd, void *address, uint32_t size)'),
    connect: library.func('int connect(int fd, void *address, uint32_t size)'),
    getsockname: library.func('int getsockname(int fd, void *address, void *size)'),
    recvmmsg: library.func('int recvmmsg(int fd, uintptr_t headers, unsigned int count, int flags, uintptr_t timeout)'),
    sendmmsg: library.func('int sendmmsg(int fd, uintptr_t headers, unsigned int count, int flags)'),
    sendto: library.func('intptr_t sendto(int fd, void *data, size_t length, int flags, void *address, uint32_t size)'),
    send: library.func('intptr_t send(int fd, uintptr_t data, size_t length, int flags)'),
    recvfrom: library.func(
      'intptr_t recvfrom(int fd, uintptr_t data, size_t size, int flags, uintptr_t name, uintptr_t nameSize)',
    ),
    epoll_create1: library.func('int epoll_create1(int flags)'),
    epoll_ctl: library.func('int epoll_ctl(int epoll, int operation, int fd, void *event)'),
    epoll_wait: library.func('int epoll_wait(int epoll, uintptr_t events, int count, int timeout)'),
    eventfd: library.func('int eventfd(unsigned int count, int flags)'),
    dup: library.func('int dup(int fd)'),
    poll: library.func('int poll(uintptr_t fds, unsigned long count, int timeout)'),
    close: library.func('int close(int fd)'),
    nanosleep: library.func('int nanosleep(uintptr_t time, uintptr_t left)'),
    prctl: library.func('int prctl(int option, unsigned long value)'),
    syscall: library.func('intptr_t syscall(intptr_t number, int thread, void *attributes, unsigned int flags)'),
    errno: () => koffi.errno(),
    // Writing nothing returns the address of where it would have been written.
    addressOf: (buffer) => Number(memset(buffer, 0, 0)),
  };
}

function alignTo8(size: number): number {
  return (size + 7) & ~7;
}
