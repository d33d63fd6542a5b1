// SipHash-2-4: the keyed hash of DNS cookies (RFC 9018 section 4.4).

/**
 * @param key the address of 16 octets
 * @param data the address of `size` octets; what follows them, up to the next multiple of 8, is readable
 */
export function sipHash(key: usize, data: usize, size: u32): u64 {
  const k0 = load<u64>(key);
  const k1 = load<u64>(key, 8);
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  const words = size >> 3;
  // The words, the last one with the size in it, and the end, which mixes nothing in.
  for (let i: u32 = 0; i <= words + 1; i++) {
    let word: u64 = 0;
    let rounds: u32 = 2;
    if (i < words) {
      word = load<u64>(data + (i << 3));
    } else if (i == words) {
      word = ((<u64>size) << 56) | (load<u64>(data + (i << 3)) & (((<u64>1) << ((size & 7) << 3)) - 1));
    } else {
      v2 ^= 0xff;
      rounds = 4;
    }
    v3 ^= word;
    for (; rounds > 0; rounds--) {
      v0 += v1;
      v2 += v3;
      v1 = rotl<u64>(v1, 13) ^ v0;
      v3 = rotl<u64>(v3, 16) ^ v2;
      v0 = rotl<u64>(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = rotl<u64>(v1, 17) ^ v2;
      v3 = rotl<u64>(v3, 21) ^ v0;
      v2 = rotl<u64>(v2, 32);
    }
    v0 ^= word;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}
