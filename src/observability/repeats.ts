// Warnings and errors that come again: the first one is written, those of the next minute are counted, and then summed up
// in one line. An error per packet must not fill a disk.

import type { LogFn, Logger } from 'pino';

/** How long a message is not written again. */
const HELD_MS = 60_000;
/** Different messages held at a time; beyond, they are written like the first. */
const MESSAGES_MAX = 500;
const WARN = 40;
const FATAL = 60;
/** The life of the process: its lines answer what an operator has just done, and are no repetition. */
const NEVER_HELD = 'main';

interface Held {
  /** Since it was written. */
  count: number;
  readonly logger: Logger;
  readonly write: LogFn;
  readonly args: Parameters<LogFn>;
}

export class Repeats {
  readonly #held = new Map<string, Held>();
  readonly #rooms = new WeakMap<Logger, string>();

  /** Writes what is counted and not yet told: at the end. */
  sumUp(): void {
    for (const held of this.#held.values()) writeSum(held);
  }

  /** For pino's `hooks.logMethod`. */
  get hook(): (this: Logger, args: Parameters<LogFn>, write: LogFn, level: number) => void {
    const repeats = this;
    return function (args, write, level) {
      repeats.#take(this, args, write, level);
    };
  }

  #take(logger: Logger, args: Parameters<LogFn>, write: LogFn, level: number): void {
    const key = level < WARN || level >= FATAL ? null : this.#keyOf(logger, args, level);
    if (key === null) {
      write.apply(logger, args);
      return;
    }
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.count += 1;
      return;
    }
    if (this.#held.size < MESSAGES_MAX) this.#hold(key, { count: 0, logger, write, args });
    write.apply(logger, args);
  }

  #hold(key: string, held: Held): void {
    this.#held.set(key, held);
    const timer = setInterval(() => {
      if (writeSum(held)) return;
      clearInterval(timer);
      this.#held.delete(key);
    }, HELD_MS);
    timer.unref();
  }

  /** The same for the same message of the same room with the same fields; null where it is to be written each time. */
  #keyOf(logger: Logger, args: Parameters<LogFn>, level: number): string | null {
    let room = this.#rooms.get(logger);
    if (room === undefined) {
      room = String(logger.bindings()['room'] ?? NEVER_HELD);
      this.#rooms.set(logger, room);
    }
    if (room === NEVER_HELD) return null;
    const [fields, text = ''] = args as unknown as [unknown, unknown?];
    const about = typeof fields === 'string' ? fields : JSON.stringify(fields, errorsAsText);
    return `${level} ${room} ${about} ${text}`;
  }
}

function errorsAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}

/** The same once more, with how often it came. @returns false where it did not */
function writeSum(held: Held): boolean {
  const { logger, write, args, count } = held;
  if (count === 0) return false;
  held.count = 0;
  const [fields, text] = args as unknown as [unknown, unknown?];
  const times = `; repeated: ${count}`;
  const sum = typeof fields === 'string' ? [`${fields}${times}`] : [fields, `${String(text ?? '')}${times}`];
  write.apply(logger, sum as unknown as Parameters<LogFn>);
  return true;
}
