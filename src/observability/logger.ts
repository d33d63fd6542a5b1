// The root logger of a thread: lines on standard error, as a person at a terminal, journald or a collector of JSON wants
// them. The form may change while it runs.

import { fstatSync } from 'node:fs';
import pino from 'pino';
import { formatterOf, type LineForm, type LogFormat } from './log-lines.ts';
import { Repeats } from './repeats.ts';

export type Logger = pino.Logger;
export type { LogFormat } from './log-lines.ts';

/** Verbosity as on the command line: 0 normal, 1 verbose, 2 very verbose (every record). */
export type Verbosity = 0 | 1 | 2;

export interface Log {
  readonly root: Logger;
  /** Lines look like this from now on. */
  setFormat(format: LogFormat): void;
}

const LEVEL_OF: Record<Verbosity, pino.Level> = { 0: 'info', 1: 'debug', 2: 'trace' };
const STANDARD_ERROR = 2;

/** @param write takes one or more whole lines; without it they go to standard error */
export function createLog(verbosity: Verbosity, write?: (lines: string) => void): Log {
  const sink = write ?? standardError();
  const repeats = new Repeats();
  if (write === undefined) process.once('exit', () => repeats.sumUp());
  let format = formatterOf(formOf('auto'));
  const root = pino(
    { level: LEVEL_OF[verbosity], base: null, hooks: { logMethod: repeats.hook } },
    { write: (line: string) => sink(format(line)) },
  );
  return {
    root,
    setFormat(wanted) {
      format = formatterOf(formOf(wanted));
    },
  };
}

/** A logger whose lines say which room speaks. */
export function roomLogger(root: Logger, room: string): Logger {
  return root.child({ room });
}

/** A logger that says nothing, for tests. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

/** Of standard error, where the format leaves it open. */
export function formOf(format: LogFormat): LineForm {
  if (format === 'json' || format === 'journal') return format;
  if (format === 'auto' && isJournal(process.env['JOURNAL_STREAM'])) return 'journal';
  const isTerminal = process.stderr.isTTY === true;
  return isTerminal && (process.env['NO_COLOR'] ?? '') === '' ? 'coloured' : 'text';
}

/** journald says of which socket it reads, `device:inode`; what it started may have sent standard error elsewhere. */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(STANDARD_ERROR, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** At once, so that the last words of a process are not lost. */
function standardError(): (lines: string) => void {
  const destination = pino.destination({ fd: STANDARD_ERROR, sync: true });
  return (lines) => void destination.write(lines);
}
