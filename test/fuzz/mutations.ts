// What happens to a query on its way through a broken client, a broken network or a hostile hand.

import type { Random } from './random.ts';

const ODD_OCTETS = [0, 1, 2, 11, 12, 41, 63, 64, 127, 128, 191, 192, 193, 254, 255];
const ODD_WORDS = [0, 1, 2, 3, 4, 7, 8, 10, 12, 41, 255, 256, 511, 512, 4096, 0x7fff, 0x8000, 0xc000, 0xc00c, 0xffff];
/** Offsets of the four counts in the header. */
const COUNTS = [4, 6, 8, 10];

type Mutation = (message: Uint8Array, random: Random, other: () => Uint8Array) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  function changeOctet(message, random) {
    message[random.below(message.length)] = random.oneIn(2) ? random.below(256) : random.pick(ODD_OCTETS);
    return message;
  },
  function flipBit(message, random) {
    const at = random.below(message.length);
    message[at] = (message[at] ?? 0) ^ (1 << random.below(8));
    return message;
  },
  function changeWord(message, random) {
    if (message.length < 2) return message;
    putWord(message, random.below(message.length - 1), random.pick(ODD_WORDS));
    return message;
  },
  function changeCount(message, random) {
    if (message.length < 12) return message;
    putWord(message, random.pick(COUNTS), random.oneIn(3) ? random.pick(ODD_WORDS) : random.below(4));
    return message;
  },
  function pointSomewhere(message, random) {
    if (message.length < 14) return message;
    putWord(message, 12 + random.below(message.length - 13), 0xc000 | random.below(message.length + 4));
    return message;
  },
  function cutOff(message, random) {
    return message.subarray(0, random.below(message.length + 1));
  },
  function addBehind(message, random) {
    return joined(message, random.bytes(1 + random.below(random.oneIn(10) ? 900 : 30)));
  },
  function insert(message, random) {
    const at = random.below(message.length + 1);
    return joined(message.subarray(0, at), random.bytes(1 + random.below(8)), message.subarray(at));
  },
  function remove(message, random) {
    const at = random.below(message.length);
    return joined(message.subarray(0, at), message.subarray(at + 1 + random.below(8)));
  },
  function repeat(message, random) {
    const from = random.below(message.length);
    const slice = message.subarray(from, from + 1 + random.below(40));
    const times = random.oneIn(20) ? 50 : 1 + random.below(3);
    return joined(message.subarray(0, from), ...Array.from({ length: times }, () => slice), message.subarray(from));
  },
  function splice(message, random, other) {
    const second = other();
    return joined(message.subarray(0, random.below(message.length)), second.subarray(random.below(second.length)));
  },
  function askForLongName(message, random) {
    const labels = Array.from({ length: 1 + random.below(6) }, () => random.pick([1, 31, 62, 63, 64, 192]));
    const name = labels.flatMap((size) => [size, ...new Array<number>(size & 63).fill(97)]);
    return joined(message.subarray(0, 12), Uint8Array.from(name), message.subarray(12));
  },
];

/** A changed copy of a query; `other` gives further queries to mix in. */
export function mutated(query: Uint8Array, random: Random, other: () => Uint8Array): Uint8Array {
  let message: Uint8Array = Uint8Array.from(query);
  for (let left = 1 + random.below(3); left > 0 && message.length > 0; left -= 1) {
    message = random.pick(MUTATIONS)(message, random, other);
  }
  return message;
}

function putWord(message: Uint8Array, at: number, value: number): void {
  message[at] = value >> 8;
  message[at + 1] = value & 255;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
