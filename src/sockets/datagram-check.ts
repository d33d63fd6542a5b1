// Holds what upstream-datagrams.ts needs of the C library against what this machine's does, as batch-check.ts does.

import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_EVENT_DATA,
  EPOLL_EVENT_SIZE,
  EPOLLIN,
  type Libc,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  must,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCKADDR_IN_SIZE,
  SOCKADDR_IN6_SIZE,
} from './libc.ts';
import { domainOf } from './packet-batch.ts';
import { encodeAddress, portOf } from './socket-address.ts';

const LOOPBACK = '127.0.0.1';
const SIZE = 100;
const CANARY = 0xa5;

/** Throws an Error that says what is not as expected. */
export function checkDatagrams(libc: Libc): void {
  const open: number[] = [];
  const socket = () => {
    const fd = must(libc, 'socket', libc.socket(domainOf(4), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    open.push(fd);
    return fd;
  };
  try {
    const epoll = must(libc, 'epoll_create1', libc.epoll_create1(EPOLL_CLOEXEC));
    open.push(epoll);
    // Two of each, for two events in one array.
    const pairs = [0, 1].map(() => {
      const [server, client] = [socket(), socket()];
      const any = encodeAddress(LOOPBACK, 0);
      must(libc, 'bind', libc.bind(server, any.buffer, any.length));
      connect(libc, client, server);
      connect(libc, server, client);
      const event = new DataView(new ArrayBuffer(EPOLL_EVENT_SIZE));
      event.setUint32(0, EPOLLIN, true);
      event.setUint32(EPOLL_EVENT_DATA, client, true);
      must(libc, 'epoll_ctl', libc.epoll_ctl(epoll, EPOLL_CTL_ADD, client, event.buffer));
      return { server, client };
    });
    const events = new DataView(new ArrayBuffer(3 * EPOLL_EVENT_SIZE));
    const eventsPtr = libc.addressOf(events.buffer);
    expect('events of idle sockets', libc.epoll_wait(epoll, eventsPtr, 2, 0), 0);
    for (const { server } of pairs) sendOctets(libc, server);
    expect('events', libc.epoll_wait(epoll, eventsPtr, 2, 0), 2);
    const ready = [0, 1].map((i) => events.getUint32(i * EPOLL_EVENT_SIZE + EPOLL_EVENT_DATA, true));
    expect(
      'sockets that are ready',
      ready.sort().join(),
      pairs
        .map(({ client }) => client)
        .sort()
        .join(),
    );
    expect('what they are ready for', events.getUint32(EPOLL_EVENT_SIZE, true), EPOLLIN);
    expect('octets behind the events', events.getUint32(2 * EPOLL_EVENT_SIZE, true), 0);
    for (const { client, server } of pairs) checkReceived(libc, client, server);
  } finally {
    for (const fd of open) libc.close(fd);
  }
}

function connect(libc: Libc, from: number, to: number): void {
  const name = nameOf(libc, to);
  must(libc, 'connect', libc.connect(from, name.buffer, name.length));
}

function sendOctets(libc: Libc, fd: number): void {
  const data = Uint8Array.from({ length: SIZE }, (_, i) => i);
  expect('octets sent', libc.send(fd, libc.addressOf(data.buffer), SIZE, MSG_DONTWAIT | MSG_NOSIGNAL), SIZE);
}

function checkReceived(libc: Libc, fd: number, from: number): void {
  const data = new Uint8Array(new ArrayBuffer(SIZE + 1)).fill(CANARY);
  const sender = new Uint8Array(new ArrayBuffer(SOCKADDR_IN6_SIZE));
  const senderSize = new Uint32Array(new ArrayBuffer(4));
  senderSize[0] = SOCKADDR_IN6_SIZE;
  const [dataPtr, senderPtr] = [libc.addressOf(data.buffer), libc.addressOf(sender.buffer)];
  const receive = () => libc.recvfrom(fd, dataPtr, SIZE, MSG_DONTWAIT, senderPtr, libc.addressOf(senderSize.buffer));
  expect('octets received', receive(), SIZE);
  for (const [i, octet] of data.entries()) expect(`octet ${i}`, octet, i < SIZE ? i : CANARY);
  expect('size of the sender', senderSize[0], SOCKADDR_IN_SIZE);
  expect(
    'sender',
    Buffer.from(sender).toString('hex', 0, SOCKADDR_IN_SIZE),
    Buffer.from(nameOf(libc, from)).toString('hex'),
  );
  expect('no more', receive(), -1);
}

function nameOf(libc: Libc, fd: number): Uint8Array<ArrayBuffer> {
  const name = new ArrayBuffer(SOCKADDR_IN_SIZE);
  must(libc, 'getsockname', libc.getsockname(fd, name, new Uint32Array([SOCKADDR_IN_SIZE]).buffer));
  return encodeAddress(LOOPBACK, portOf(name));
}

function expect(what: string, got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`the C library differs from what was expected: ${what}: ${got}, not ${wanted}`);
}
