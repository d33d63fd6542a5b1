// Counts of what was asked and answered, in the worker's block.

import {
  COUNT_META_FIRST,
  COUNT_META_LAST,
  COUNT_RCODES,
  COUNT_REQUEST_SIZE,
  COUNT_REQUESTS,
  COUNT_RESPONSE_SIZE,
  COUNT_RESPONSES,
  COUNT_TYPE_MAX,
  COUNT_TYPES,
  DESCRIPTOR_FAMILY,
  DESCRIPTOR_TRANSPORT,
  SIZE_BUCKETS,
  SIZE_FIRST,
  TRANSPORT_TCP,
  WORKER_COUNTS,
} from '../shared/layout';

/** Adds one to a count. */
export function count(worker: usize, index: u32): void {
  add(worker, index, 1);
}

/** @param type of the question; 0 where it could not be read */
export function countRequest(worker: usize, descriptor: usize, type: u32, size: u32): void {
  const transport = transportOf(descriptor);
  const family: u32 = load<u32>(descriptor + DESCRIPTOR_FAMILY) == 2 ? 1 : 0;
  count(worker, COUNT_REQUESTS + (transport * 2 + family) * COUNT_TYPES + typeIndex(type));
  countSize(worker, COUNT_REQUEST_SIZE + transport * (SIZE_BUCKETS + 1), size);
}

export function countRcode(worker: usize, rcode: u32): void {
  count(worker, COUNT_RESPONSES + min<u32>(rcode, COUNT_RCODES - 1));
}

export function countResponseSize(worker: usize, descriptor: usize, size: u32): void {
  countSize(worker, COUNT_RESPONSE_SIZE + transportOf(descriptor) * (SIZE_BUCKETS + 1), size);
}

function transportOf(descriptor: usize): u32 {
  return load<u32>(descriptor + DESCRIPTOR_TRANSPORT) == TRANSPORT_TCP ? 1 : 0;
}

function typeIndex(type: u32): u32 {
  if (type <= <u32>COUNT_TYPE_MAX) return type;
  const meta: u32 = type - COUNT_META_FIRST;
  return meta <= <u32>(COUNT_META_LAST - COUNT_META_FIRST) ? COUNT_TYPE_MAX + 1 + meta : 0;
}

/** @param size of a message, 1–65,535 octets */
function countSize(worker: usize, histogram: u32, size: u32): void {
  count(worker, histogram + clz<u32>(SIZE_FIRST - 1) - clz<u32>((size - 1) | (SIZE_FIRST - 1)));
  add(worker, histogram + SIZE_BUCKETS, size);
}

function add(worker: usize, index: u32, by: f64): void {
  const at = worker + WORKER_COUNTS + ((<usize>index) << 3);
  store<f64>(at, load<f64>(at) + by);
}
