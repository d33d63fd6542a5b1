// Looking a whole batch up ahead of answering it. A large table is not in the processor's caches, and one answer after the
// other waits for each of its memory accesses; here the accesses of all questions are underway at the same time.

import {
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_SIZE,
  GUARD_SIZE,
  INDEX_SLOT_SIZE,
  NODE_RRSET_COUNT,
  NODE_RRSETS,
  PAGE_SLOT_SHIFT,
  RRSET_BODY,
  SLOT_NODE,
  SLOT_ROOM,
  SLOT_SIZE,
  TABLE_PAGE_MASK,
  WORKER_DESCRIPTORS,
  WORKER_PACKETS,
  WORKER_PLACES,
  WORKER_TOUCHED,
} from '../shared/layout';
import { HEADER_SIZE } from '../shared/wire';
import { hashQuestionName } from '../wire/name';
import { pageAt } from './index-page';

/** Tables with fewer pages, and smaller batches, gain nothing. */
const PAGES_MIN: u32 = 32;
const BATCH_MIN: u32 = 4;
/** Where nothing is to be touched, as an empty slot says too; no address is 0. */
const NOWHERE: u32 = 0;

/** Touches what the first `count` slots ask for: the index, then the nodes, then the records. Answers do not depend on it. */
export function warm(worker: usize, table: usize, count: u32): void {
  if (table == 0 || count < BATCH_MIN || load<u32>(table + TABLE_PAGE_MASK) < PAGES_MIN - 1) return;
  const places = worker + WORKER_PLACES;
  const end = places + ((<usize>count) << 2);
  let descriptor = worker + WORKER_DESCRIPTORS;
  let message = worker + WORKER_PACKETS + GUARD_SIZE;
  for (let place = places; place < end; place += 4) {
    const length = min<u32>(load<u32>(descriptor + DESCRIPTOR_LENGTH), SLOT_ROOM);
    store<u32>(place, length > <u32>HEADER_SIZE ? <u32>indexSlot(table, worker, message, length) : NOWHERE);
    descriptor += DESCRIPTOR_SIZE;
    message += SLOT_SIZE;
  }
  // Only the first slot of each probe is looked at, and whatever node stands there.
  for (let place = places; place < end; place += 4) {
    const slot: usize = load<u32>(place);
    const node: u32 = slot == NOWHERE ? NOWHERE : load<u32>(slot, SLOT_NODE);
    store<u32>(place, node);
  }
  for (let place = places; place < end; place += 4) {
    // An empty non-terminal has its name where others have their first RRset.
    const node: usize = load<u32>(place);
    const hasRRset = node != NOWHERE && load<u16>(node, NODE_RRSET_COUNT) != 0;
    store<u32>(place, hasRRset ? load<u32>(node, NODE_RRSETS + RRSET_BODY) : NOWHERE);
  }
  let touched: u32 = 0;
  for (let place = places; place < end; place += 4) {
    const body: usize = load<u32>(place);
    if (body != NOWHERE) touched ^= load<u32>(body);
  }
  store<u32>(worker + WORKER_TOUCHED, touched); // so that the compiler keeps the accesses
}

function indexSlot(table: usize, worker: usize, message: usize, length: u32): usize {
  const hash = hashQuestionName(worker, message, length);
  return pageAt(table, <u32>hash) + <usize>(<u32>hash >> PAGE_SLOT_SHIFT) * INDEX_SLOT_SIZE;
}
