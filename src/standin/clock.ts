// Time and chance for the stand-in, both replaceable so that a test sees the same cluster every time.

export interface Clock {
  /** Unix time, milliseconds, with a fraction if there is one. */
  now(): number;
  /** Runs `action` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

/** The machine's clock. Its timers keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Numbers in [0, 1). */
export type Random = () => number;

/** A reproducible source of numbers (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const HEX = Array.from({ length: 65536 }, (_, value) => value.toString(16).padStart(4, '0'));

/** A version 4 UUID made of the given chance. */
export function uuid(random: Random): string {
  const word = (): string => HEX[Math.floor(random() * 65536)] ?? '0000';
  const variant = '89ab'.charAt(Math.floor(random() * 4));
  return `${word()}${word()}-${word()}-4${word().slice(1)}-${variant}${word().slice(1)}-${word()}${word()}${word()}`;
}
