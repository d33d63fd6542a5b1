// The words by which threads tell a batched UDP worker, which never returns to its event loop, what to do, and the counts
// that it keeps. They stand in a small memory of their own, which the core cannot reach.
//
//   +0   order     i32, atomic: ORDER_…
//   +4   sample    i32, atomic: one of so many queries is told of; 0: none
//   +8   counters  f64 × COUNTERS.length, written by the worker alone, then as many that the forwarder's thread writes

export const ORDER_SERVE = 0;
/** Messages have come on the worker's port; it takes them and goes back to ORDER_SERVE. */
export const ORDER_READ_MESSAGES = 1;
/** Answer what was received, and end. */
export const ORDER_STOP = 2;

/** Counts since the socket was opened; a worker that is started again goes on counting. */
export const COUNTERS = [
  /** Datagrams received. */
  'received',
  /** Answers that the kernel took. */
  'sent',
  /** Datagrams that are never answered: from port 0, or without a local address. Those that the core drops are not counted. */
  'ignored',
  /** Datagrams larger than a slot; they were cut, so that they are malformed. */
  'oversized',
  /** Answers that the kernel did not take. */
  'sendErrors',
  /** Queries handed to the forwarder's thread. */
  'forwarded',
  /** Queries for the forwarder that were dropped because too many were waiting. */
  'forwardsDropped',
] as const;

export type UdpCounter = (typeof COUNTERS)[number];

const ORDER = 0;
const SAMPLE = 1;
const COUNTERS_OFFSET = 8;
const WRITERS = ['worker', 'forwarder'] as const;

export function createControlBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(COUNTERS_OFFSET + WRITERS.length * COUNTERS.length * 8);
}

export class UdpControl {
  readonly #words: Int32Array;
  readonly #counters: Float64Array;
  readonly #first: number;

  /** @param writer who counts through this object */
  constructor(buffer: SharedArrayBuffer, writer: (typeof WRITERS)[number] = 'worker') {
    this.#words = new Int32Array(buffer, 0, COUNTERS_OFFSET / 4);
    this.#counters = new Float64Array(buffer, COUNTERS_OFFSET);
    this.#first = WRITERS.indexOf(writer) * COUNTERS.length;
  }

  get order(): number {
    return Atomics.load(this.#words, ORDER);
  }

  give(order: number): void {
    Atomics.store(this.#words, ORDER, order);
  }

  /** A message was posted. An order to stop stays. */
  announceMessage(): void {
    Atomics.compareExchange(this.#words, ORDER, ORDER_SERVE, ORDER_READ_MESSAGES);
  }

  /** The worker is about to read its messages. */
  messagesRead(): void {
    Atomics.compareExchange(this.#words, ORDER, ORDER_READ_MESSAGES, ORDER_SERVE);
  }

  /** One of so many queries is to be told of; 0: none. */
  get sampleEvery(): number {
    return Atomics.load(this.#words, SAMPLE);
  }

  sample(every: number): void {
    Atomics.store(this.#words, SAMPLE, every);
  }

  count(counter: number, by: number): void {
    const at = this.#first + counter;
    this.#counters[at] = (this.#counters[at] ?? 0) + by;
  }

  /** Of all writers. */
  get counters(): Readonly<Record<UdpCounter, number>> {
    const sum = (i: number) =>
      WRITERS.reduce((total, _, writer) => total + (this.#counters[writer * COUNTERS.length + i] ?? 0), 0);
    const entries = COUNTERS.map((name, i) => [name, sum(i)] as const);
    return Object.fromEntries(entries) as Record<UdpCounter, number>;
  }
}

/** The index of a counter, for `count`. */
export function counterIndex(name: UdpCounter): number {
  return COUNTERS.indexOf(name);
}
