// How long to wait before the next attempt: doubling from 100 ms to 0.5 s, with jitter so that instances drift apart. Not
// longer: who leads must be known as soon as ZooKeeper is back.

const FIRST_MS = 100;
const MAX_MS = 500;

/**
 * @param failures attempts that failed since the last success, at least 1
 * @param serverCount the delay doubles after each round through all servers, so that one dead server costs little
 * @param random 0 ≤ random < 1
 * @returns milliseconds, between half of the nominal delay and all of it
 */
export function backoffMs(failures: number, serverCount: number, random: number): number {
  const round = Math.floor((failures - 1) / serverCount);
  const nominal = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(round, 16));
  return nominal * (0.5 + random / 2);
}
