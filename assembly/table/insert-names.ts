// Names that come in lists while a table is built whole: their nodes are written, hashed and put into the index.

import {
  ABOVE_ELEMENT,
  ABOVE_HASH,
  ABOVE_NAME,
  ABOVE_NAME_SIZE,
  ABOVE_SIZE,
  CONTROL_LABELS,
  INDEX_SLOT_SIZE,
  LIST_ABOVE,
  LIST_ABOVE_MAX,
  LIST_ADDED,
  LIST_AT,
  LIST_COUNT,
  LIST_GARBAGE,
  LIST_IS_FULL,
  LIST_NAMES,
  LIST_NEXT,
  LIST_TEXTS,
  LISTED_EXTENT,
  LISTED_FIRST,
  LISTED_HASH,
  LISTED_NODE,
  LISTED_RRSET_COUNT,
  LISTED_RRSETS,
  LISTED_SIBLINGS,
  LISTED_SIZE,
  LISTED_TEXT_SIZE,
  NODE_ALIGN,
  NODE_EXTENT,
  NODE_FLAGS,
  NODE_NAME_PADDING,
  NODE_NAME_SIZE,
  NODE_RRSET_COUNT,
  NODE_RRSETS,
  PAGE_SLOT_SHIFT,
  RRSET_SIZE,
  SLOT_NODE,
} from '../shared/layout';
import { sameName } from '../wire/name';
import { writeNameText } from '../wire/name-text';
import { extendHash, hashName } from './hash';
import { insertHashed, nameOf, PAGE_FULL, pageAt } from './index-page';

/**
 * Gives each name of a list its node. The pages must be led to by no published table. Steps of one kind are done together,
 * for the whole list: waits for memory that do not depend on each other are one.
 */
export function insertNames(table: usize, list: usize): void {
  const end = list + LIST_NAMES + <usize>load<u32>(list + LIST_COUNT) * LISTED_SIZE;
  writeNodes(list, end);
  memory.fill(list + LIST_ABOVE, 0, ABOVE_SIZE * LIST_ABOVE_MAX);
  store<u32>(list + LIST_NEXT, 0);
  for (let at = list + LIST_NAMES; at < end; at += LISTED_SIZE) {
    const node: usize = load<u32>(at + LISTED_NODE);
    if (node == 0) continue;
    const hash = hashListed(list, at, nameOf(node), load<u16>(node + NODE_NAME_SIZE));
    store<u64>(at + LISTED_HASH, hash);
    // The slot is looked at ahead, and stored so that the compiler keeps the access.
    const slot = pageAt(table, <u32>hash) + <usize>(<u32>hash >> PAGE_SLOT_SHIFT) * INDEX_SLOT_SIZE;
    store<u32>(at + LISTED_SIBLINGS, load<u32>(slot + SLOT_NODE));
  }
  for (let at = list + LIST_NAMES; at < end; at += LISTED_SIZE) store<u32>(at + LISTED_SIBLINGS, 0);
  insertNodes(table, list, end);
}

function writeNodes(list: usize, end: usize): void {
  let node: usize = load<u32>(list + LIST_AT);
  let text = list + LIST_TEXTS;
  for (let at = list + LIST_NAMES; at < end; at += LISTED_SIZE) {
    const textSize = load<u32>(at + LISTED_TEXT_SIZE);
    const rrsetCount = load<u32>(at + LISTED_RRSET_COUNT);
    const name = node + NODE_RRSETS + <usize>rrsetCount * RRSET_SIZE;
    const nameSize = writeNameText(name, text, textSize);
    text += textSize;
    if (nameSize == 0) {
      store<u32>(at + LISTED_NODE, 0);
      continue;
    }
    const next = (name + nameSize + NODE_NAME_PADDING + NODE_ALIGN - 1) & ~(NODE_ALIGN - 1);
    store<u16>(node + NODE_NAME_SIZE, nameSize);
    store<u16>(node + NODE_RRSET_COUNT, rrsetCount);
    store<u32>(node + NODE_FLAGS, 0);
    store<u32>(node + NODE_EXTENT, load<u32>(at + LISTED_EXTENT) + <u32>(next - node));
    for (let i: usize = 0; i < <usize>rrsetCount * RRSET_SIZE; i += RRSET_SIZE) {
      store<u64>(node + NODE_RRSETS + i, load<u64>(at + LISTED_RRSETS + i));
    }
    store<u32>(at + LISTED_NODE, <u32>node);
    node = next;
  }
  store<u32>(list + LIST_AT, <u32>node);
}

/** The hash of an element's name. Names come in runs below few others, whose hashes are remembered. */
function hashListed(list: usize, element: usize, name: usize, size: u32): u64 {
  const labelEnd = <u32>load<u8>(name) + 1;
  const above = aboveOf(list, element, name + labelEnd, size - labelEnd);
  store<u32>(element + LISTED_FIRST, load<u32>(above + ABOVE_ELEMENT));
  return extendHash(load<u64>(above + ABOVE_HASH), name);
}

/** Address of what is remembered of the name above an element's, which takes the place of another where it is new. */
function aboveOf(list: usize, element: usize, name: usize, size: u32): usize {
  const first = list + LIST_ABOVE;
  for (let above = first; above < first + ABOVE_SIZE * LIST_ABOVE_MAX; above += ABOVE_SIZE) {
    if (load<u32>(above + ABOVE_NAME_SIZE) == size && sameName(load<u32>(above + ABOVE_NAME), name, size)) return above;
  }
  const next = load<u32>(list + LIST_NEXT);
  store<u32>(list + LIST_NEXT, (next + 1) % LIST_ABOVE_MAX);
  const above = first + <usize>next * ABOVE_SIZE;
  store<u64>(above + ABOVE_HASH, hashName(name, CONTROL_LABELS));
  store<u32>(above + ABOVE_NAME, <u32>name);
  store<u32>(above + ABOVE_NAME_SIZE, size);
  store<u32>(above + ABOVE_ELEMENT, <u32>element);
  return above;
}

function insertNodes(table: usize, list: usize, end: usize): void {
  let added: u32 = 0;
  let garbage: u32 = 0;
  let isFull: u32 = 0;
  for (let at = list + LIST_NAMES; at < end && isFull == 0; at += LISTED_SIZE) {
    const node: usize = load<u32>(at + LISTED_NODE);
    if (node == 0) continue;
    const replaced = insertHashed(table, node, load<u64>(at + LISTED_HASH));
    if (replaced == PAGE_FULL) {
      isFull = 1;
    } else if (replaced != 0) {
      garbage += load<u32>(<usize>replaced + NODE_EXTENT);
    } else {
      const first: usize = load<u32>(at + LISTED_FIRST);
      store<u32>(first + LISTED_SIBLINGS, load<u32>(first + LISTED_SIBLINGS) + 1);
      added += 1;
    }
  }
  store<u32>(list + LIST_ADDED, added);
  store<u32>(list + LIST_GARBAGE, garbage);
  store<u32>(list + LIST_IS_FULL, isFull);
}
