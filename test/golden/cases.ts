// Reads the golden cases: text files of queries and the answers that they must get. README.md says how they are written.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The source tree: text files are not compiled. */
const DIRECTORY = fileURLToPath(new URL('../../../test/golden/', import.meta.url));

export interface GoldenCase {
  /** `D1.5`, `N1`: rows of the list in README.md. */
  readonly rows: readonly string[];
  readonly title: string;
  readonly why: string;
  /** Which server is asked; see servers.ts. */
  readonly server: string;
  readonly over: readonly ('udp' | 'tcp')[];
  /** The line's words behind `ask`. */
  readonly ask: readonly string[];
  /** The lines from `reply` on, without indentation. */
  readonly reply: readonly string[];
}

export function readCases(): readonly GoldenCase[] {
  return textFiles('.cases.txt').flatMap(({ name, text }) =>
    paragraphs(text).map((lines) => {
      try {
        return readCase(lines);
      } catch (error) {
        throw new Error(`${name}: ${lines[0]}`, { cause: error });
      }
    }),
  );
}

/** The lines of a text file in this directory, without comments and empty ones. */
export function readLines(name: string): readonly string[] {
  return paragraphs(readFileSync(`${DIRECTORY}${name}`, 'utf8')).flat();
}

function textFiles(ending: string): readonly { readonly name: string; readonly text: string }[] {
  return readdirSync(DIRECTORY)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => ({ name, text: readFileSync(`${DIRECTORY}${name}`, 'utf8') }));
}

function paragraphs(text: string): string[][] {
  return text
    .split(/\n(?:[ \t]*\n)+/)
    .map((paragraph) => paragraph.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')))
    .filter((lines) => lines.length > 0);
}

function readCase(lines: readonly string[]): GoldenCase {
  const [, rows = '', title = ''] = /^case (\S+) (.+)$/.exec(lines[0] ?? '') ?? [];
  if (title === '') throw new Error('expected "case ROWS title"');
  const body = lines.slice(1).map((line) => line.trim());
  const first = body.findIndex((line) => /^(server|over|ask) /.test(line));
  const replyAt = body.findIndex((line) => line.startsWith('reply '));
  if (first < 1) throw new Error('expected a sentence that says why');
  if (replyAt < first) throw new Error('expected "ask" and then "reply"');
  const words = new Map(
    body.slice(first, replyAt).map((line) => {
      const [key = '', ...values] = line.split(/\s+/);
      return [key, values] as const;
    }),
  );
  const over = words.get('over') ?? ['udp', 'tcp'];
  return {
    rows: rows.split(','),
    title,
    why: body.slice(0, first).join(' '),
    server: words.get('server')?.[0] ?? 'usual',
    over: over.filter((word) => word === 'udp' || word === 'tcp'),
    ask: words.get('ask') ?? [],
    reply: body.slice(replyAt),
  };
}
