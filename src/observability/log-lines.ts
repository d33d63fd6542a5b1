// What a line of the log looks like, made of what pino writes.

import { createRequire } from 'node:module';
import type { PrettyOptions, prettyFactory } from 'pino-pretty';

const load = createRequire(import.meta.url);

/** As in the configuration. */
export type LogFormat = 'auto' | 'text' | 'journal' | 'json';

export type LineForm = 'text' | 'coloured' | 'journal' | 'json';

interface PinoLine {
  readonly level: number;
  readonly time: number;
  readonly room?: string;
  readonly msg?: string;
}

/** Of pino's levels, from the least to the gravest. */
const LEVELS: readonly {
  readonly number: number;
  readonly name: string;
  /** Of sd-daemon(3), as in syslog(3). */
  readonly priority: number;
}[] = [
  { number: 10, name: 'trace', priority: 7 },
  { number: 20, name: 'debug', priority: 7 },
  { number: 30, name: 'info', priority: 6 },
  { number: 40, name: 'warn', priority: 4 },
  { number: 50, name: 'error', priority: 3 },
  { number: 60, name: 'fatal', priority: 2 },
];
const UNKNOWN = { name: 'info', priority: 6 };

/** The name that was asked for is put here: `name` would be taken for that of the logger, which comes first. */
function messageOf({ room, msg, name }: Record<string, unknown>): string {
  return `${room === undefined ? '' : `${room}: `}${msg ?? ''}${name === undefined ? '' : ` ${name}`}`;
}

/** @returns what makes a line of pino's, JSON text, one or more lines with their ends */
export function formatterOf(form: LineForm): (line: string) => string {
  switch (form) {
    case 'json':
      return toJson;
    case 'journal':
      return journalFormatter();
    default:
      return prettyFormatter({
        colorize: form === 'coloured',
        singleLine: true,
        translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
        ignore: 'room,name',
        messageFormat: messageOf,
      });
  }
}

/** pino-pretty, loaded with the first line: a thread that says nothing would have to wait for it. */
function prettyFormatter(options: PrettyOptions): (line: string) => string {
  let pretty: ((line: string) => string) | null = null;
  return (line) => {
    if (pretty === null) {
      const library = load('pino-pretty') as { readonly prettyFactory: typeof prettyFactory };
      pretty = library.prettyFactory(options);
    }
    return pretty(line);
  };
}

/** Level and time as words, since people and collectors read them. */
function toJson(line: string): string {
  const { level, time, room, msg, ...rest } = JSON.parse(line) as PinoLine;
  return `${JSON.stringify({ time: new Date(time).toISOString(), level: levelOf(level).name, room, msg, ...rest })}\n`;
}

/** Each line behind its priority, without what journald notes itself: the time, and who speaks. */
function journalFormatter(): (line: string) => string {
  const plain = prettyFormatter({
    colorize: false,
    singleLine: true,
    ignore: 'room,name,time,level',
    messageFormat: messageOf,
  });
  return (line) => {
    const { level } = JSON.parse(line) as PinoLine;
    return inJournal(levelOf(level).priority, plain(line));
  };
}

/** The text of one entry, which journald would take apart at the ends of its lines. */
export function inJournal(priority: number, text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, i) => `<${priority}>${i === 0 ? line.trim() : line}\n`).join('');
}

function levelOf(number: number): { readonly name: string; readonly priority: number } {
  return LEVELS.find((level) => level.number === number) ?? UNKNOWN;
}
