// The blocks of the core's memory: each is a thread's own while it runs, and the next one's after that.

import { randomBytes } from 'node:crypto';
import { announcementViews } from '../engine/memory.ts';
import type { CoreSettings } from './messages.ts';

/** The stream thread's; UDP worker n has block n. */
export const STREAM_BLOCK = 0;

export class CoreBlocks {
  readonly #core: Pick<CoreSettings, 'module' | 'memory' | 'priority'>;
  readonly #announcements: readonly Uint32Array[];

  /** @param core `priority` is the nice value of threads that have no other */
  constructor(core: Pick<CoreSettings, 'module' | 'memory' | 'priority'>) {
    this.#core = core;
    this.#announcements = announcementViews(core.memory);
  }

  /** There may be so many UDP workers. */
  get maxWorkers(): number {
    return this.#announcements.length - 1;
  }

  /** What the thread that has a block is started with. */
  settingsOf(block: number): CoreSettings {
    const { module, memory, priority } = this.#core;
    return { module, memory, priority, worker: block, seed: randomBytes(8).readBigUInt64LE() | 1n };
  }

  /** The thread has ended: what it announced it cannot withdraw any more. */
  release(block: number): void {
    const word = this.#announcements[block];
    if (word !== undefined) Atomics.store(word, 0, 0);
  }
}
