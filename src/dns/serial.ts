// The SOA serial: moves with the content, and only forward.

const MODULUS = 2 ** 32;

/**
 * The first serial of a life that does not go on from a snapshot: the Unix time, or the number behind the last one known.
 *
 * @param last a serial that was used before, or null
 * @param nowSeconds Unix time
 */
export function firstSerial(last: number | null, nowSeconds: number): number {
  const now = Math.floor(nowSeconds) % MODULUS;
  return last === null || isAfter(now, last) ? now || 1 : laterSerial(last, 1);
}

/**
 * The serial after some changes of content. Never 0, which some secondaries take for none.
 *
 * @param changes 1 to 2^31 - 2
 */
export function laterSerial(last: number, changes: number): number {
  const later = (last + changes) % MODULUS;
  // Over the wrap 0 is passed by, however many steps lead there.
  return later < last ? later + 1 : later;
}

/** Serial number arithmetic, RFC 1982 section 3.2. */
export function isAfter(a: number, b: number): boolean {
  const distance = (a - b + MODULUS) % MODULUS;
  return distance > 0 && distance < MODULUS / 2;
}
