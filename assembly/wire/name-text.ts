// Names from text to wire, for tables that are built here.

import { MAX_LABEL_SIZE, MAX_NAME_SIZE } from '../shared/wire';
import { lowerCase } from './bytes';

/**
 * Writes a name that is given as ASCII text with its final dot. Up to 7 octets behind the name are written, too, and as many
 * behind the text are read.
 * @returns octets on the wire; 0 where it cannot be written, without a final dot, a label empty or too long, the name too
 *          long, and where there are capital letters
 */
export function writeNameText(to: usize, text: usize, size: u32): u32 {
  if (size > <u32>MAX_NAME_SIZE - 1) return 0;
  // The text stands one octet behind where its first label's length goes, and each dot where that of the next one does.
  let label: u32 = 0;
  for (let at: u32 = 0; at < size; at += 8) {
    let octets = load<u64>(text + at);
    store<u64>(to + at + 1, octets);
    if (size - at < 8) octets &= ((<u64>1) << ((size - at) << 3)) - 1;
    if (lowerCase(octets) != octets) return 0;
    let dots = dotsIn(octets);
    while (dots != 0) {
      const dot = at + 1 + (<u32>ctz<u64>(dots) >> 3);
      const labelSize = dot - label - 1;
      if (labelSize == 0 || labelSize > <u32>MAX_LABEL_SIZE) return 0;
      store<u8>(to + label, labelSize);
      label = dot;
      dots &= dots - 1;
    }
  }
  if (label == 0 || label != size) return 0;
  store<u8>(to + label, 0);
  return size + 1;
}

/** The highest bit of each octet that is a dot. */
function dotsIn(octets: u64): u64 {
  const others = octets ^ 0x2e2e2e2e2e2e2e2e;
  return ~(((others & 0x7f7f7f7f7f7f7f7f) + 0x7f7f7f7f7f7f7f7f) | others) & 0x8080808080808080;
}
