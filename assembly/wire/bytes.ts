// Big-endian loads and stores; the only place that swaps bytes.

export function load16(at: usize): u32 {
  return <u32>bswap<u16>(load<u16>(at));
}

export function load32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

export function store16(at: usize, value: u32): void {
  store<u16>(at, bswap<u16>(<u16>value));
}

export function store32(at: usize, value: u32): void {
  store<u32>(at, bswap<u32>(value));
}

/** Eight octets of a name lower-cased, ASCII only (RFC 4343). A label's length is below any letter, so that it stays. */
export function lowerCase(octets: u64): u64 {
  const low = octets & 0x7f7f7f7f7f7f7f7f;
  const fromA = low + 0x3f3f3f3f3f3f3f3f; // bit 7 of each octet: at least 'A'
  const aboveZ = low + 0x2525252525252525; // bit 7 of each octet: above 'Z'
  return octets | (((fromA ^ aboveZ) & ~octets & 0x8080808080808080) >> 2);
}
