// The reader's memory: what is allocated stays until all of it is given back.

const PAGE = 65_536;

/** Addresses are below; what is no address is negative (see rows.ts). */
const MEMORY_END: usize = 0x8000_0000;

/** Octets behind everything that is allocated: whoever looks at 16 octets at once may look beyond the end. */
const SLACK = 16;

/** Pages that the memory grows by at least: each time, the host has to look at it anew. */
const GROWTH_PAGES = 64;

let top: usize = 0;

export function freeAll(): void {
  top = (__heap_base + 15) & ~15;
}

/** The octets are whatever was there before. Traps where there is no memory left. */
export function allocate(size: usize): usize {
  const address = top;
  top = (address + size + 15) & ~15;
  if (size > MEMORY_END || top + SLACK > MEMORY_END) unreachable();
  const pages = (<u32>(top + SLACK) + (PAGE - 1)) / PAGE;
  const missing = <i32>pages - memory.size();
  if (missing > 0 && memory.grow(max(missing, GROWTH_PAGES)) < 0) unreachable();
  return address;
}
