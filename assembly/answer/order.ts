// The order in which the records of an RRset are written: random, so that clients that take the first spread evenly,
// and so that an answer that must be cut shows every record equally often.

import {
  A_RECORD_SIZE,
  AAAA_RECORD_SIZE,
  RECORD_FIXED_SIZE,
  SUBNET_ADDRESS,
  SUBNET_FAMILY,
  WORKER_ORDER,
  WORKER_RANDOM,
} from '../shared/layout';
import { TYPE_A } from '../shared/wire';

/** RRsets up to this size are shuffled; larger ones are rotated to a random start, which costs less per record. */
const SHUFFLE_MAX: u32 = 256;

/** Writes a random order of `count` records to the worker's order, at least the first `wanted` of it. */
export function drawOrder(worker: usize, count: u32, wanted: u32): void {
  const order = worker + WORKER_ORDER;
  if (count > SHUFFLE_MAX) {
    const last = min<u32>(count, wanted);
    let record = randomBelow(worker, count);
    for (let i: u32 = 0; i < last; i++) {
      store<u16>(order + (i << 1), <u16>record);
      record = record + 1 == count ? 0 : record + 1;
    }
    return;
  }
  // Fisher and Yates, inside out.
  for (let i: u32 = 0; i < count; i++) {
    const j = randomBelow(worker, i + 1);
    store<u16>(order + (i << 1), load<u16>(order + (j << 1)));
    store<u16>(order + (j << 1), <u16>i);
  }
}

/**
 * Writes an order that begins with the addresses of the client's /24 (IPv4) or /64 (IPv6), both groups in random order, at
 * least the first `wanted` of it.
 * @param body of an A or AAAA RRset
 */
export function drawNearFirst(worker: usize, type: u32, body: usize, count: u32, wanted: u32): void {
  const family: u32 = type == TYPE_A ? 1 : 2;
  if (load<u32>(worker + SUBNET_FAMILY) != family) {
    drawOrder(worker, count, wanted);
    return;
  }
  const addresses = body + RECORD_FIXED_SIZE;
  const size: usize = type == TYPE_A ? A_RECORD_SIZE : AAAA_RECORD_SIZE;
  const order = worker + WORKER_ORDER;
  if (count > SHUFFLE_MAX) {
    const last = min<u32>(count, wanted);
    const start = randomBelow(worker, count);
    const near = collect(worker, type, addresses, size, count, start, true, 0, last);
    collect(worker, type, addresses, size, count, start, false, near, last);
    return;
  }
  drawOrder(worker, count, count);
  let near: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const record = load<u16>(order + (i << 1));
    if (!isNear(worker, type, addresses + <usize>record * size)) continue;
    store<u16>(order + (i << 1), load<u16>(order + (near << 1)));
    store<u16>(order + (near << 1), record);
    near += 1;
  }
}

/**
 * Writes the near records, or the others, as they follow one another from `start` around, to the order behind its first
 * `drawn`, until it has `last`.
 * @returns how many it has then
 */
function collect(
  worker: usize,
  type: u32,
  addresses: usize,
  size: usize,
  count: u32,
  start: u32,
  near: bool,
  drawn: u32,
  last: u32,
): u32 {
  const order = worker + WORKER_ORDER;
  let record = start;
  for (let left = count; left > 0 && drawn < last; left--) {
    if (isNear(worker, type, addresses + <usize>record * size) == near) {
      store<u16>(order + (drawn << 1), <u16>record);
      drawn += 1;
    }
    record = record + 1 == count ? 0 : record + 1;
  }
  return drawn;
}

function isNear(worker: usize, type: u32, address: usize): bool {
  const client = worker + SUBNET_ADDRESS;
  if (type == TYPE_A) return ((load<u32>(client) ^ load<u32>(address)) & 0x00ffffff) == 0;
  return load<u64>(client) == load<u64>(address);
}

/** A number from 0 to bound − 1, evenly enough for loads (the bias is below 2⁻¹⁶). */
export function randomBelow(worker: usize, bound: u32): u32 {
  // xorshift64* (Marsaglia, Vigna)
  let state = load<u64>(worker + WORKER_RANDOM);
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  store<u64>(worker + WORKER_RANDOM, state);
  return <u32>((((state * 0x2545f4914f6cdd1d) >> 32) * bound) >> 32);
}
