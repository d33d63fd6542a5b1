// Keys that are wanted of a kind of object.
//
//   +0   count
//   +4   lengths  bit n: there is one of n octets
//   +16  keys, each
//          +0   mask     a bit for each octet
//          +16  octets   16

import { isKeyEscaped, startOfKey } from './container';
import { endOfKey } from './token';

const COUNT = 0;
const LENGTHS = 4;
const FIRST_KEY = 16;
const KEY_OCTETS = 16;
const KEY_SIZE = 32;

const LONGEST_KEY = 16;
const KEYS_MAX = 9;
export const KEYS_SIZE = FIRST_KEY + KEYS_MAX * KEY_SIZE;

export const UNWANTED = -1;
export const ESCAPED = -2; // it may spell one that is wanted

/** Adds a key of at most LONGEST_KEY octets, all of them ASCII; its number is how many were added before. */
export function want(keys: usize, key: string): void {
  const number = load<i32>(keys, COUNT);
  const at = keys + FIRST_KEY + number * KEY_SIZE;
  store<i32>(keys, number + 1, COUNT);
  store<u32>(keys, load<u32>(keys, LENGTHS) | (1 << key.length), LENGTHS);
  store<u32>(at, (1 << key.length) - 1);
  for (let i = 0; i < key.length; i++) store<u8>(at + KEY_OCTETS + i, <u8>key.charCodeAt(i));
}

/** The number of the key that was passed last, or UNWANTED or ESCAPED. */
export function keyNumber(keys: usize): i32 {
  if (isKeyEscaped()) return ESCAPED;
  const start = startOfKey() + 1;
  const length = endOfKey() - 1 - start;
  if (length > LONGEST_KEY || ((load<u32>(keys, LENGTHS) >>> length) & 1) == 0) return UNWANTED;
  const mask = (1 << length) - 1;
  const octets = v128.load(start);
  const count = load<i32>(keys, COUNT);
  for (let number = 0; number < count; number++) {
    const key = keys + FIRST_KEY + number * KEY_SIZE;
    if (load<i32>(key) != mask) continue;
    if ((i8x16.bitmask(i8x16.eq(octets, v128.load(key, KEY_OCTETS))) & mask) == mask) return number;
  }
  return UNWANTED;
}
