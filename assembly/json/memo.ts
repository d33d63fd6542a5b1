// Gives equal texts one number: what the host makes of them, it makes once.

import { ENTRY_HASH, ENTRY_LENGTH, ENTRY_SIZE, ENTRY_START, MEMO_COUNT } from '../shared/rows';
import { allocate } from './memory';

// A memo:
//   +0   slots     address of u32 each: by hash, with open addressing, the number of an entry, counted from 1
//   +4   mask      how many slots there are, less one
//   +8   entries   address of the entries
//   +12  room      how many entries fit
//   +16  count     how many there are
//   +20  last      the entry that was asked for last, counted from 1: it mostly is again
const SLOTS = 0;
const MASK = 4;
const ENTRIES = 8;
const ROOM = 12;
const COUNT = 16;
const LAST = 20;
const MEMO_SIZE = 24;

/** A power of two, twice the room of entries. */
const FIRST_SLOTS = 256;

const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

const memos = memory.data(MEMO_COUNT * MEMO_SIZE, 8);

export function openMemos(): void {
  for (let i = 0; i < MEMO_COUNT; i++) {
    const memo = memos + i * MEMO_SIZE;
    store<u32>(memo, 0, COUNT);
    store<u32>(memo, 0, LAST);
    makeSlots(memo, FIRST_SLOTS);
    store<u32>(memo, <u32>allocate((FIRST_SLOTS / 2) * ENTRY_SIZE), ENTRIES);
    store<u32>(memo, FIRST_SLOTS / 2, ROOM);
  }
}

/** Address of an entry, counted from 1. */
export function entryOf(number: i32, entry: i32): usize {
  return entryAt(memos + number * MEMO_SIZE, entry);
}

/** The entry, counted from 1, of the text between two addresses. */
export function remember(number: i32, start: i32, end: i32): i32 {
  const memo = memos + number * MEMO_SIZE;
  const length = end - start;
  const last = load<i32>(memo, LAST);
  if (last != 0 && isEqual(entryAt(memo, last), start, length)) return last;
  const entry = find(memo, start, length);
  store<i32>(memo, entry, LAST);
  return entry;
}

function find(memo: usize, start: i32, length: i32): i32 {
  const hash = hashOf(start, length);
  const slots = <usize>load<u32>(memo, SLOTS);
  const mask = load<u32>(memo, MASK);
  let slot = hash & mask;
  while (true) {
    const entry = load<i32>(slots + (slot << 2));
    if (entry == 0) break;
    const address = entryAt(memo, entry);
    if (load<u32>(address, ENTRY_HASH) == hash && isEqual(address, start, length)) return entry;
    slot = (slot + 1) & mask;
  }
  const entry = add(memo, hash, start, length);
  store<i32>(slots + (slot << 2), entry);
  if (load<i32>(memo, ROOM) == entry) grow(memo);
  return entry;
}

function entryAt(memo: usize, entry: i32): usize {
  return load<u32>(memo, ENTRIES) + (entry - 1) * ENTRY_SIZE;
}

function add(memo: usize, hash: u32, start: i32, length: i32): i32 {
  const entry = load<i32>(memo, COUNT) + 1;
  store<i32>(memo, entry, COUNT);
  const text = allocate(length);
  memory.copy(text, start, length);
  const address = entryAt(memo, entry);
  store<u32>(address, hash, ENTRY_HASH);
  store<u32>(address, <u32>text, ENTRY_START);
  store<u32>(address, length, ENTRY_LENGTH);
  return entry;
}

function isEqual(entry: usize, start: i32, length: i32): bool {
  if (load<i32>(entry, ENTRY_LENGTH) != length) return false;
  let known = <usize>load<u32>(entry, ENTRY_START);
  let at = <usize>start;
  let rest = length;
  for (; rest >= 8; rest -= 8, at += 8, known += 8) if (load<u64>(at) != load<u64>(known)) return false;
  return rest == 0 || ((load<u64>(at) ^ load<u64>(known)) & firstOctets(rest)) == 0;
}

function hashOf(start: i32, length: i32): u32 {
  let hash: u64 = length;
  let at = <usize>start;
  let rest = length;
  for (; rest >= 8; rest -= 8, at += 8) hash = mixed(hash, load<u64>(at));
  if (rest != 0) hash = mixed(hash, load<u64>(at) & firstOctets(rest));
  // What came last hangs in the high bits alone; those of one more product hang on all of it.
  return <u32>((hash * MULTIPLIER) >> 32);
}

function mixed(hash: u64, octets: u64): u64 {
  const product = (hash ^ octets) * MULTIPLIER;
  // The low bits of a product hang on the low bits of its factors alone.
  return product ^ (product >> 32);
}

/** A mask of the octets that come first, of eight. @param count 1–7 */
function firstOctets(count: i32): u64 {
  return ((<u64>1) << ((<u64>count) << 3)) - 1;
}

function makeSlots(memo: usize, count: i32): void {
  const slots = allocate(count * 4);
  memory.fill(slots, 0, count * 4);
  store<u32>(memo, <u32>slots, SLOTS);
  store<i32>(memo, count - 1, MASK);
}

function grow(memo: usize): void {
  const count = load<i32>(memo, COUNT);
  const entries = allocate(count * 2 * ENTRY_SIZE);
  memory.copy(entries, load<u32>(memo, ENTRIES), count * ENTRY_SIZE);
  store<u32>(memo, <u32>entries, ENTRIES);
  store<i32>(memo, count * 2, ROOM);
  makeSlots(memo, count * 4);
  const slots = <usize>load<u32>(memo, SLOTS);
  const mask = load<u32>(memo, MASK);
  for (let entry = 1; entry <= count; entry++) {
    let slot = load<u32>(entryAt(memo, entry), ENTRY_HASH) & mask;
    while (load<u32>(slots + (slot << 2)) != 0) slot = (slot + 1) & mask;
    store<i32>(slots + (slot << 2), entry);
  }
}
