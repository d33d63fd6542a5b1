// Asks a DNS server over UDP at a steady pace, from a thread of its own, and remembers every question and what became
// of it: for tests that say "nothing lost, nothing wrong" and "not slower".
//
//   const probe = await Probe.start({ port, questions: [{ name: 'nginx.marathon.mesos' }], perSecond: 200 });
//   … something happens …
//   const { asked } = await probe.stop();

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface ProbeQuestion {
  readonly name: string;
  /** Default `A`. */
  readonly type?: 'A' | 'AAAA' | 'SRV';
}

export interface ProbeSettings {
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly address?: string;
  /** Asked in turn. */
  readonly questions: readonly ProbeQuestion[];
  /** The pace is kept whether answers come or not; only a delay of the thread itself leaves queries out. */
  readonly perSecond: number;
  /** Its thread goes before all others, where the test may do that: what it measures is not its own waiting. */
  readonly isUrgent?: boolean;
}

export interface Asked {
  readonly name: string;
  /** Unix time, milliseconds with a fraction. */
  readonly atMs: number;
  /** From the call that sent the query to the answer's arrival in the thread; null: never answered. */
  readonly tookMs: number | null;
  /** The response code where it is not NOERROR, else the answers' data, sorted, with a space between; null: never answered. */
  readonly answer: string | null;
}

export interface ProbeResult {
  /** In the order in which they were asked. */
  readonly asked: readonly Asked[];
  /** The thread's own worst delay in sending, milliseconds: how far its figures can be trusted. */
  readonly worstLateMs: number;
}

export class Probe {
  readonly #thread: Worker;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  /** Asks from now on. */
  static async start(settings: ProbeSettings): Promise<Probe> {
    const thread = new Worker(new URL('./probe-thread.js', import.meta.url), { workerData: settings });
    await once(thread, 'message');
    return new Probe(thread);
  }

  /**
   * Asks no more, waits up to 10 s for the answers that are due, and tells everything.
   * @param more queries that are asked before that
   */
  async stop(more = 0): Promise<ProbeResult> {
    const told = once(this.#thread, 'message');
    this.#thread.postMessage(more);
    const [result] = (await told) as [ProbeResult];
    await this.#thread.terminate();
    return result;
  }
}

/** Queries that were never answered. */
export function lostOf(asked: readonly Asked[]): number {
  return asked.filter(({ tookMs }) => tookMs === null).length;
}

/** The milliseconds below which so many of 1,000 answers stay; one that never came takes for ever. */
export function permille(asked: readonly Asked[], share: number): number {
  const times = asked.map(({ tookMs }) => tookMs ?? Number.POSITIVE_INFINITY);
  times.sort((one, other) => one - other);
  return times[Math.min(times.length - 1, Math.floor((times.length * share) / 1000))] ?? Number.NaN;
}
