// A client that asks for many names continuously, and the judgement of what it was answered.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type DrillTask, dnsName } from './truth.ts';

export interface WatchSettings {
  readonly port: number;
  /** Asked in turn, for A records. */
  readonly names: readonly string[];
  readonly perSecond: number;
}

/** Equal answers to one name behind one another. Unix time, milliseconds. */
export interface Run {
  /** Addresses, sorted, with a space between; or the response code where it is not NOERROR. */
  readonly answer: string;
  /** When the first of them came. */
  readonly firstMs: number;
  /** When the last of them was asked for. */
  readonly lastAskedMs: number;
  readonly count: number;
}

export interface WatchResult {
  readonly askedCount: number;
  /** Queries that were sent again, because no answer came within a second. */
  readonly resentCount: number;
  /** Queries without an answer, however often they were sent. */
  readonly lostCount: number;
  readonly runs: ReadonlyMap<string, readonly Run[]>;
}

export class Watch {
  readonly #thread: Worker;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  static async start(settings: WatchSettings): Promise<Watch> {
    const thread = new Worker(new URL('./watch-thread.js', import.meta.url), { workerData: settings });
    await once(thread, 'message');
    return new Watch(thread);
  }

  async stop(): Promise<WatchResult> {
    const told = once(this.#thread, 'message');
    this.#thread.postMessage('stop');
    const [result] = (await told) as [WatchResult];
    await this.#thread.terminate();
    return result;
  }
}

/** The life of one task, Unix time in milliseconds. */
export interface Life {
  readonly task: DrillTask;
  /** Running and known before the watch began. */
  readonly isFirst: boolean;
  /** When it was killed; null: never. */
  readonly killedAtMs: number | null;
  /** When the leading master told of that; null: not yet. */
  readonly reportedAtMs: number | null;
}

export interface Judgement {
  /** One line for each run of answers that lacked a running task. */
  readonly missing: readonly string[];
  /** From the report of each kill to the last query that was still answered with the task's address. */
  readonly lingered: readonly { readonly task: DrillTask; readonly ms: number }[];
  /** Names of tasks that were never seen in an answer. */
  readonly unseen: readonly string[];
}

export function judge({ runs }: WatchResult, lives: readonly Life[]): Judgement {
  const missing: string[] = [];
  const lingered: { task: DrillTask; ms: number }[] = [];
  const unseen: string[] = [];
  for (const { task, isFirst, killedAtMs, reportedAtMs } of lives) {
    const own = runs.get(dnsName(task)) ?? [];
    let isKnown = isFirst;
    let lastSeenMs: number | null = null;
    for (const { answer, firstMs, lastAskedMs, count } of own) {
      if (answer.split(' ').includes(task.address)) {
        isKnown = true;
        lastSeenMs = lastAskedMs;
      } else if (isKnown && (killedAtMs === null || firstMs < killedAtMs)) {
        const lasted = lastAskedMs - firstMs;
        missing.push(`${task.id} was missing ${count} times for ${lasted} ms at ${firstMs}: ${answer || 'no records'}`);
      }
    }
    if (!isKnown) unseen.push(task.id);
    if (reportedAtMs !== null && lastSeenMs !== null) {
      lingered.push({ task, ms: Math.max(0, lastSeenMs - reportedAtMs) });
    }
  }
  return { missing, lingered, unseen };
}
