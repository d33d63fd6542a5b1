// The arrays that recvmmsg and sendmmsg work on: for each packet slot a header, an address and control data.
//
//   slots (linear memory)       one ArrayBuffer that the core cannot reach
//   +---------------------+     +------------------+---------------+----------------+--------------+-------+----------+
//   | message of slot 0   |<----| receive headers  | send headers  | receive iovecs | send iovecs  | names | controls |
//   | message of slot 1   |<--  +------------------+---------------+----------------+--------------+-------+----------+
//
// Every pointer is written once, here. Afterwards only lengths change: the kernel writes how much it received, and the
// owner writes how much is to be sent, never more than a slot holds. The peer of a received packet is the one that
// sending answers: both headers of a slot share its name and control data.

import { canonicalIp } from '../dns/ip-text.ts';
import {
  AF_INET,
  AF_INET6,
  IOV_BASE,
  IOV_LENGTH,
  IOVEC_SIZE,
  type Libc,
  MMSGHDR_SIZE,
  MSG_CONTROL,
  MSG_CONTROL_SIZE,
  MSG_FLAGS,
  MSG_IOV,
  MSG_IOV_COUNT,
  MSG_LENGTH,
  MSG_NAME,
  MSG_NAME_SIZE,
  MSG_TRUNC,
  PKTINFO_IFINDEX,
  PKTINFO_SPACE,
  PKTINFO6_ADDRESS,
  PKTINFO6_IFINDEX,
  PKTINFO6_SPACE,
  SOCKADDR_IN_ADDRESS,
  SOCKADDR_IN_SIZE,
  SOCKADDR_IN6_ADDRESS,
  SOCKADDR_IN6_SIZE,
  SOCKADDR_PORT,
} from './libc.ts';

export interface BatchShape {
  readonly family: 4 | 6;
  /** Receive, and send back, the local address of each packet (IP_PKTINFO); the socket must have been told so. */
  readonly localAddresses: boolean;
}

const NAME_STRIDE = 32;
const CONTROL_STRIDE = 40;
/** Octets of what copyPeer() returns. */
export const PEER_SIZE = NAME_STRIDE + CONTROL_STRIDE;

const HEADER_WORDS = MMSGHDR_SIZE / 4;
const IOVEC_WORDS = IOVEC_SIZE / 4;
const NAME_WORDS = NAME_STRIDE / 4;
const CONTROL_WORDS = CONTROL_STRIDE / 4;
const LENGTH_WORD = MSG_LENGTH / 4;
const FLAGS_WORD = MSG_FLAGS / 4;
const CONTROL_SIZE_WORD = MSG_CONTROL_SIZE / 4;
const IOV_LENGTH_WORD = IOV_LENGTH / 4;
const IFINDEX_WORD = PKTINFO_IFINDEX / 4;
const IFINDEX6_WORD = PKTINFO6_IFINDEX / 4;
const ADDRESS6_WORD = PKTINFO6_ADDRESS / 4;

export class PacketBatch {
  readonly shape: BatchShape;
  readonly #libc: Libc;
  readonly #slotSize: number;
  /** Kept referenced: the kernel writes into them. */
  readonly #slots: readonly Uint8Array<SharedArrayBuffer>[];
  readonly #buffer: ArrayBuffer;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #peerWords = new Uint32Array(PEER_SIZE / 4);
  readonly #peer = new Uint8Array(this.#peerWords.buffer);
  readonly #receivePtr: number;
  readonly #sendPtr: number;
  // Where the sections begin in #words.
  readonly #sendIovecs: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #controlSpace: number;
  readonly #addressWord: number;

  /** @param slots all of one size; they must not move, so they are views of shared memory */
  constructor(libc: Libc, slots: readonly Uint8Array<SharedArrayBuffer>[], shape: BatchShape) {
    const count = slots.length;
    const nameSize = shape.family === 4 ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE;
    const sections = [MMSGHDR_SIZE, MMSGHDR_SIZE, IOVEC_SIZE, IOVEC_SIZE, NAME_STRIDE, CONTROL_STRIDE];
    const [receive = 0, send = 0, receiveIovecs = 0, sendIovecs = 0, names = 0, controls = 0] = sections.map(
      (_, i) => count * sections.slice(0, i).reduce((sum, size) => sum + size, 0),
    );
    this.shape = shape;
    this.#libc = libc;
    this.#slots = slots;
    this.#slotSize = slots[0]?.length ?? 0;
    this.#buffer = new ArrayBuffer(controls + count * CONTROL_STRIDE);
    this.#words = new Uint32Array(this.#buffer);
    this.#sendIovecs = sendIovecs / 4;
    this.#names = names / 4;
    this.#controls = controls / 4;
    this.#controlSpace = shape.localAddresses ? (shape.family === 4 ? PKTINFO_SPACE : PKTINFO6_SPACE) : 0;
    this.#addressWord = (shape.family === 4 ? SOCKADDR_IN_ADDRESS : SOCKADDR_IN6_ADDRESS) / 4;

    const base = libc.addressOf(this.#buffer);
    this.#receivePtr = base + receive;
    this.#sendPtr = base + send;
    const view = new DataView(this.#buffer);
    slots.forEach((slot, i) => {
      const directions = [
        { header: receive, iovecs: receiveIovecs, room: this.#slotSize },
        { header: send, iovecs: sendIovecs, room: 0 },
      ];
      for (const { header: headers, iovecs, room } of directions) {
        const header = headers + i * MMSGHDR_SIZE;
        const iovec = iovecs + i * IOVEC_SIZE;
        view.setBigUint64(iovec + IOV_BASE, BigInt(libc.addressOf(slot)), true);
        view.setUint32(iovec + IOV_LENGTH, room, true);
        view.setBigUint64(header + MSG_NAME, BigInt(base + names + i * NAME_STRIDE), true);
        view.setUint32(header + MSG_NAME_SIZE, nameSize, true);
        view.setBigUint64(header + MSG_IOV, BigInt(base + iovec), true);
        view.setUint32(header + MSG_IOV_COUNT, 1, true);
        if (this.#controlSpace === 0) continue;
        view.setBigUint64(header + MSG_CONTROL, BigInt(base + controls + i * CONTROL_STRIDE), true);
        view.setUint32(header + MSG_CONTROL_SIZE, this.#controlSpace, true);
      }
    });
  }

  /** Fills slots from the first one on. @returns how many; -1 on failure, with the reason in errno */
  receive(fd: number, flags: number): number {
    return this.#libc.recvmmsg(fd, this.#receivePtr, this.#slots.length, flags, 0);
  }

  /** Sends slots `from` to `to` - 1, each to its peer. @returns how many; -1 where the first one failed */
  send(fd: number, from: number, to: number, flags: number): number {
    return this.#libc.sendmmsg(fd, this.#sendPtr + from * MMSGHDR_SIZE, to - from, flags);
  }

  /** Octets received, no more than a slot holds. */
  lengthOf(slot: number): number {
    const length = this.#words[slot * HEADER_WORDS + LENGTH_WORD] ?? 0;
    return Math.min(length, this.#slotSize);
  }

  /** The message received was larger than a slot. */
  isCut(slot: number): boolean {
    return ((this.#words[slot * HEADER_WORDS + FLAGS_WORD] ?? 0) & MSG_TRUNC) !== 0;
  }

  setLength(slot: number, length: number): void {
    this.#words[this.#sendIovecs + slot * IOVEC_WORDS + IOV_LENGTH_WORD] = Math.min(length, this.#slotSize);
  }

  /** Port 0 can be sent from by a forger only, and not be sent to. */
  isFromPort0(slot: number): boolean {
    return (this.#words[this.#names + slot * NAME_WORDS] ?? 0) >>> (8 * SOCKADDR_PORT) === 0;
  }

  /** The sender's address, as four words in the order of memory; an IPv4 address is the first one. */
  addressWord(slot: number, index: number): number {
    return this.#words[this.#names + slot * NAME_WORDS + this.#addressWord + index] ?? 0;
  }

  /** The sender's address for people. */
  addressText(slot: number): string {
    const { family } = this.shape;
    const at = (this.#names + slot * NAME_WORDS + this.#addressWord) * 4;
    const octets = [...new Uint8Array(this.#buffer, at, family === 4 ? 4 : 16)];
    if (family === 4) return octets.join('.');
    const text = octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
    return canonicalIp(text.replaceAll(/(.{4})(?=.)/g, '$1:')) ?? text;
  }

  /**
   * Makes the local address that a packet was sent to the one that its answer leaves from. The route is left to the
   * kernel, but for link-local addresses, which mean nothing without their interface.
   * @returns false where the kernel did not say to which address it was sent
   */
  keepLocalAddress(slot: number): boolean {
    if (this.#controlSpace === 0) return true;
    const words = this.#words;
    const sizeAt = slot * HEADER_WORDS + CONTROL_SIZE_WORD;
    const isWhole = words[sizeAt] === this.#controlSpace;
    words[sizeAt] = this.#controlSpace;
    const control = this.#controls + slot * CONTROL_WORDS;
    if (this.shape.family === 4) {
      words[control + IFINDEX_WORD] = 0;
    } else if (((words[control + ADDRESS6_WORD] ?? 0) & 0xc0ff) !== 0x80fe) {
      words[control + IFINDEX6_WORD] = 0; // not fe80::/10
    }
    return isWhole;
  }

  /** The octets that say to whom, and from which address, an answer goes. */
  copyPeer(slot: number): Uint8Array {
    return new Uint8Array(this.peerOf(slot));
  }

  /** The same as a view, valid until the next call. */
  peerOf(slot: number): Uint8Array {
    const name = this.#names + slot * NAME_WORDS;
    const control = this.#controls + slot * CONTROL_WORDS;
    for (let i = 0; i < NAME_WORDS; i += 1) this.#peerWords[i] = this.#words[name + i] ?? 0;
    for (let i = 0; i < CONTROL_WORDS; i += 1) this.#peerWords[NAME_WORDS + i] = this.#words[control + i] ?? 0;
    return this.#peer;
  }

  /** @param peer from copyPeer() of a batch of the same shape */
  setPeer(slot: number, peer: Uint8Array): void {
    this.#peer.set(peer);
    const name = this.#names + slot * NAME_WORDS;
    const control = this.#controls + slot * CONTROL_WORDS;
    for (let i = 0; i < NAME_WORDS; i += 1) this.#words[name + i] = this.#peerWords[i] ?? 0;
    for (let i = 0; i < CONTROL_WORDS; i += 1) this.#words[control + i] = this.#peerWords[NAME_WORDS + i] ?? 0;
  }
}

/** What copyPeer() would return for a socket address, without a local address. */
export function peerOf(socketAddress: Uint8Array): Uint8Array {
  const peer = new Uint8Array(PEER_SIZE);
  peer.set(socketAddress);
  return peer;
}

export function domainOf(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}
