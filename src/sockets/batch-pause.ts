// A pause between batches under load, as network cards make one between interrupts (rx-usecs of ethtool(8)): what comes
// meanwhile goes through the kernel in one piece, and the thread sleeps and wakes its clients less often.
//
// Who asks alone never waits for it: there is none behind a batch of few packets. Nor is there one behind a large batch,
// because then packets come faster than a pause is worth. On a virtual machine with 130,000 queries a second of 46,000 names,
// each took 1.00 to 1.13 times the CPU of a C program that sends packets back, and 0.85 to 0.94 times with pauses.

import { performance } from 'node:perf_hooks';
import { type Libc, PR_SET_TIMERSLACK, TIMESPEC_NANOSECONDS, TIMESPEC_SIZE } from './libc.ts';

const PAUSE_NS = 20_000n;
/** Packets of a batch that a pause follows, from and to. */
const BATCH_FROM = 4;
const BATCH_TO = 15;
/** Where timers are coarser than so, as without those of high resolution, there are no pauses. */
const TOO_LONG_MS = 0.1;
const TRIALS = 5;
/** A machine that was busy when it was tried is tried again. */
const TRIED_AFTER = 10_000;

type PauseCalls = Pick<Libc, 'nanosleep' | 'prctl' | 'addressOf'>;

export class BatchPause {
  readonly #libc: PauseCalls;
  /** Kept referenced: the kernel reads it. */
  readonly #time = new ArrayBuffer(TIMESPEC_SIZE);
  readonly #timePtr: number;
  readonly #nowMs: () => number;
  #isShort: boolean;
  /** Pauses that were left out since the last trial. */
  #leftOut = 0;

  /** Tries on the calling thread, which must be the one that pauses, how long a pause takes there. */
  constructor(libc: PauseCalls, nowMs: () => number = () => performance.now()) {
    this.#libc = libc;
    this.#nowMs = nowMs;
    new DataView(this.#time).setBigInt64(TIMESPEC_NANOSECONDS, PAUSE_NS, true);
    this.#timePtr = libc.addressOf(this.#time);
    this.#isShort = this.#try();
  }

  /** @param count packets received in one turn, all of them answered */
  after(count: number): void {
    if (count < BATCH_FROM || count > BATCH_TO) return;
    if (this.#isShort) {
      this.#sleep();
      return;
    }
    this.#leftOut += 1;
    if (this.#leftOut < TRIED_AFTER) return;
    this.#leftOut = 0;
    this.#isShort = this.#try();
  }

  #try(): boolean {
    // By default the kernel may add 50 microseconds.
    if (this.#libc.prctl(PR_SET_TIMERSLACK, 1) !== 0) return false;
    return Array.from({ length: TRIALS }).some(() => {
      const startMs = this.#nowMs();
      return this.#sleep() === 0 && this.#nowMs() - startMs < TOO_LONG_MS;
    });
  }

  /** @returns 0, or -1 where it was refused or interrupted */
  #sleep(): number {
    return this.#libc.nanosleep(this.#timePtr, 0);
  }
}
