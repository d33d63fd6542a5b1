// Holds libc.ts and packet-batch.ts against the C library of this machine, with packets between sockets on loopback, so
// that a layout which is wrong here shows before it can harm.

import {
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  type Libc,
  MSG_DONTWAIT,
  must,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCKADDR_IN6_SIZE,
} from './libc.ts';
import { domainOf, PacketBatch, peerOf } from './packet-batch.ts';
import { encodeAddress, portOf } from './socket-address.ts';

interface Loopback {
  readonly family: 4 | 6;
  readonly wildcard: string;
  readonly client: string;
  /** The address of the server that is asked, and must answer. */
  readonly server: string;
}

const LOOPBACKS: readonly Loopback[] = [
  { family: 4, wildcard: '0.0.0.0', client: '127.0.0.1', server: '127.0.0.2' },
  { family: 6, wildcard: '::', client: '::1', server: '::1' },
];
const SLOT_SIZE = 512;
const GUARD_SIZE = 64;
const CANARY = 0xa5;
/** The last one does not fit into a slot. */
const SIZES = [1, 300, SLOT_SIZE + 88];

/** Throws an Error that says what is not as expected. IPv6 is checked where this machine has it. */
export function checkBatches(libc: Libc): void {
  for (const loopback of LOOPBACKS) {
    const sockets: number[] = [];
    try {
      const server = openSocket(libc, loopback.family, sockets);
      if (server === null) continue;
      if (!bindTo(libc, server, loopback.wildcard)) continue;
      const client = openSocket(libc, loopback.family, sockets);
      if (client === null || !bindTo(libc, client, loopback.client)) continue;
      checkExchange(libc, loopback, client, server);
    } finally {
      for (const fd of sockets) libc.close(fd);
    }
  }
}

function checkExchange(libc: Libc, { family, client, server }: Loopback, clientFd: number, serverFd: number): void {
  const asking = createSlots(SLOT_SIZE * 2);
  const answering = createSlots(SLOT_SIZE);
  const ask = new PacketBatch(libc, asking.slots, { family, localAddresses: false });
  const answer = new PacketBatch(libc, answering.slots, { family, localAddresses: true });
  const serverName = encodeAddress(server, localPort(libc, serverFd));
  const clientName = encodeAddress(client, localPort(libc, clientFd));

  // Twice: what the first round left in the headers must serve the second one.
  for (const round of [1, 2]) {
    const octet = (i: number, at: number) => (round * 16 + i * 7 + at) & 0xff;
    SIZES.forEach((size, i) => {
      asking.slots[i]?.forEach((_, at, slot) => {
        slot[at] = octet(i, at);
      });
      ask.setPeer(i, peerOf(serverName));
      ask.setLength(i, size);
    });
    expect('packets sent', ask.send(clientFd, 0, SIZES.length, MSG_DONTWAIT), SIZES.length);
    expect('packets received', answer.receive(serverFd, MSG_DONTWAIT), SIZES.length);
    SIZES.forEach((size, i) => {
      const received = Math.min(size, SLOT_SIZE);
      expect('length', answer.lengthOf(i), received);
      expect('cut', answer.isCut(i), size > SLOT_SIZE);
      expect('sender', namePart(answer.copyPeer(i), clientName), namePart(clientName, clientName));
      expect('first word of the sender', answer.addressWord(i, 0), firstAddressWord(clientName, family));
      expect('port 0', answer.isFromPort0(i), false);
      expect('local address', answer.keepLocalAddress(i), true);
      for (let at = 0; at < received; at += 1) expect(`octet ${at}`, answering.slots[i]?.[at], octet(i, at));
      answer.setLength(i, received);
    });
    expect('answers sent', answer.send(serverFd, 0, SIZES.length, MSG_DONTWAIT), SIZES.length);
    for (const slot of asking.slots) slot.fill(0);
    expect('answers received', ask.receive(clientFd, MSG_DONTWAIT), SIZES.length);
    SIZES.forEach((size, i) => {
      const received = Math.min(size, SLOT_SIZE);
      expect('length of the answer', ask.lengthOf(i), received);
      expect('source of the answer', namePart(ask.copyPeer(i), serverName), namePart(serverName, serverName));
      for (let at = 0; at < received; at += 1) expect(`octet ${at}`, asking.slots[i]?.[at], octet(i, at));
    });
    expect('no more packets', answer.receive(serverFd, MSG_DONTWAIT), -1);
    expect(
      'guards',
      [...asking.guards, ...answering.guards].flatMap((g) => [...g]).find((o) => o !== CANARY),
      undefined,
    );
  }
}

function createSlots(size: number): {
  readonly slots: Uint8Array<SharedArrayBuffer>[];
  readonly guards: Uint8Array[];
} {
  const stride = GUARD_SIZE + size;
  const buffer = new SharedArrayBuffer(stride * SIZES.length + GUARD_SIZE);
  new Uint8Array(buffer).fill(CANARY);
  const slots = SIZES.map((_, i) => new Uint8Array(buffer, i * stride + GUARD_SIZE, size));
  const guards = [...SIZES, 0].map((_, i) => new Uint8Array(buffer, i * stride, GUARD_SIZE));
  return { slots, guards };
}

/** null where the machine does not have the family. */
function openSocket(libc: Libc, family: 4 | 6, sockets: number[]): number | null {
  const fd = libc.socket(domainOf(family), SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 && family === 6) return null;
  sockets.push(must(libc, 'socket', fd));
  const on = new Uint32Array([1]).buffer;
  if (family === 6) must(libc, 'setsockopt IPV6_V6ONLY', libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, on, 4));
  return fd;
}

function bindTo(libc: Libc, fd: number, address: string): boolean {
  const name = encodeAddress(address, 0);
  const isV6 = name.length === SOCKADDR_IN6_SIZE;
  const result = libc.bind(fd, name.buffer, name.length);
  if (result < 0 && isV6) return false;
  must(libc, 'bind', result);
  const [level, option] = isV6 ? [IPPROTO_IPV6, IPV6_RECVPKTINFO] : [IPPROTO_IP, IP_PKTINFO];
  must(libc, 'setsockopt PKTINFO', libc.setsockopt(fd, level, option, new Uint32Array([1]).buffer, 4));
  return true;
}

function localPort(libc: Libc, fd: number): number {
  const name = new ArrayBuffer(SOCKADDR_IN6_SIZE);
  must(libc, 'getsockname', libc.getsockname(fd, name, new Uint32Array([SOCKADDR_IN6_SIZE]).buffer));
  return portOf(name);
}

function namePart(bytes: Uint8Array, name: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, name.length)).toString('hex');
}

function firstAddressWord(name: Uint8Array<ArrayBuffer>, family: 4 | 6): number {
  return new DataView(name.buffer).getUint32(family === 4 ? 4 : 8, true);
}

function expect(what: string, got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`the C library differs from what was expected: ${what}: ${got}, not ${wanted}`);
}
