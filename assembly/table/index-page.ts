// The name index: which page and slot a hash leads to, and finding, inserting and removing nodes.

import {
  CONTROL_LABELS,
  INDEX_SLOT_SIZE,
  NODE_NAME_SIZE,
  NODE_RRSET_COUNT,
  NODE_RRSETS,
  PAGE_SLOT_SHIFT,
  PAGE_SLOTS,
  RRSET_SIZE,
  SLOT_EMPTY,
  SLOT_NODE,
  SLOT_TAG,
  TABLE_DIRECTORY,
  TABLE_PAGE_MASK,
} from '../shared/layout';
import { sameName } from '../wire/name';
import { hashName } from './hash';

/** What insertNode returns where the page has no free slot. */
export const PAGE_FULL: u32 = 0xffffffff;

/** Address of the slot of a name, or 0. @param name lower-cased, on the wire */
export function findSlot(table: usize, hash: u64, name: usize, size: u32): usize {
  const page = pageAt(table, <u32>hash);
  const tag = <u32>(hash >> 32);
  let at = <u32>hash >> PAGE_SLOT_SHIFT;
  for (let left: u32 = PAGE_SLOTS; left > 0; left--) {
    const slot = page + <usize>at * INDEX_SLOT_SIZE;
    const node: usize = load<u32>(slot + SLOT_NODE);
    if (node == SLOT_EMPTY) return 0;
    if (load<u32>(slot + SLOT_TAG) == tag && load<u16>(node + NODE_NAME_SIZE) == size) {
      if (sameName(name, nameOf(node), size)) return slot;
    }
    at = (at + 1) & (PAGE_SLOTS - 1);
  }
  return 0;
}

/** Address of the index page that a hash leads to. */
export function pageAt(table: usize, hash: u32): usize {
  const directory = table + load<u32>(table + TABLE_DIRECTORY);
  return load<u32>(directory + ((<usize>(hash & load<u32>(table + TABLE_PAGE_MASK))) << 2));
}

/** Address of a node's name. */
export function nameOf(node: usize): usize {
  return node + NODE_RRSETS + <usize>load<u16>(node + NODE_RRSET_COUNT) * RRSET_SIZE;
}

function hashOf(node: usize): u64 {
  return hashName(nameOf(node), CONTROL_LABELS);
}

/** Index in the directory of the page that a node's name belongs to. Main thread only, as all below. */
export function pageOfNode(table: usize, node: usize): u32 {
  return <u32>hashOf(node) & load<u32>(table + TABLE_PAGE_MASK);
}

/** Address of the node with the same name, or 0. */
export function sameNode(table: usize, node: usize): usize {
  const slot = findSlot(table, hashOf(node), nameOf(node), load<u16>(node + NODE_NAME_SIZE));
  return slot == 0 ? 0 : load<u32>(slot + SLOT_NODE);
}

/**
 * Puts a node into its page, which no published table leads to.
 * @returns the address of the node that had the same name, 0 where none had, or PAGE_FULL
 */
export function insertNode(table: usize, node: usize): u32 {
  return insertHashed(table, node, hashOf(node));
}

/** Does the same where the hash of the node's name is at hand. */
export function insertHashed(table: usize, node: usize, hash: u64): u32 {
  const known = findSlot(table, hash, nameOf(node), load<u16>(node + NODE_NAME_SIZE));
  if (known != 0) {
    const replaced = load<u32>(known + SLOT_NODE);
    store<u32>(known + SLOT_NODE, <u32>node);
    return replaced;
  }
  const page = pageAt(table, <u32>hash);
  let at = <u32>hash >> PAGE_SLOT_SHIFT;
  // One slot stays empty, so that every probe ends.
  for (let left: u32 = PAGE_SLOTS - 1; left > 0; left--) {
    const slot = page + <usize>at * INDEX_SLOT_SIZE;
    if (load<u32>(slot + SLOT_NODE) == SLOT_EMPTY) {
      store<u32>(slot + SLOT_TAG, <u32>(hash >> 32));
      store<u32>(slot + SLOT_NODE, <u32>node);
      return 0;
    }
    at = (at + 1) & (PAGE_SLOTS - 1);
  }
  return PAGE_FULL;
}

/**
 * Removes the node with the same name from its page, which no published table leads to.
 * @returns its address, 0 where there is none
 */
export function removeNode(table: usize, node: usize): u32 {
  const hash = hashOf(node);
  const slot = findSlot(table, hash, nameOf(node), load<u16>(node + NODE_NAME_SIZE));
  if (slot == 0) return 0;
  const removed = load<u32>(slot + SLOT_NODE);
  closeGap(pageAt(table, <u32>hash), slot);
  return removed;
}

/**
 * Empties a slot, and moves up those behind it that probing would not come to any more. A page is as if the name had never
 * been in it: however many come and go, no probe gets longer.
 */
function closeGap(page: usize, slot: usize): void {
  let gap = <u32>((slot - page) / INDEX_SLOT_SIZE);
  let at = gap;
  for (let left: u32 = PAGE_SLOTS - 1; left > 0; left--) {
    at = (at + 1) & (PAGE_SLOTS - 1);
    const next = page + <usize>at * INDEX_SLOT_SIZE;
    const node: usize = load<u32>(next + SLOT_NODE);
    if (node == SLOT_EMPTY) break;
    const first = <u32>hashOf(node) >> PAGE_SLOT_SHIFT;
    // A probe for it that begins behind the gap does not pass the gap.
    if (((at - first) & (PAGE_SLOTS - 1)) < ((at - gap) & (PAGE_SLOTS - 1))) continue;
    store<u64>(page + <usize>gap * INDEX_SLOT_SIZE, load<u64>(next));
    gap = at;
  }
  store<u64>(page + <usize>gap * INDEX_SLOT_SIZE, SLOT_EMPTY);
}
