// The README as its tests see it: its generated parts, its fenced blocks, its tables.

import { readFileSync } from 'node:fs';
import { helpText } from '../../src/cli.ts';
import { renderReference } from '../../src/config/reference.ts';
import { renderMetrics } from '../../src/observability/reference.ts';

/** Tests run from `dist/test/house`; the README stays with the sources. */
export const README_FILE = new URL('../../../README.md', import.meta.url);

export function readReadme(): string {
  return readFileSync(README_FILE, 'utf8');
}

/** The parts between `<!-- generated: NAME -->` and `<!-- end of NAME -->`, and what writes them. */
const GENERATED: Readonly<Record<string, () => string>> = {
  configuration: renderReference,
  metrics: renderMetrics,
  help: () => `\`\`\`text help\n${helpText().trimEnd()}\n\`\`\``,
};

/** The README with its generated parts as they are written now. @throws Error where the marks of a part are missing */
export function withGeneratedParts(readme: string): string {
  let text = readme;
  for (const [name, render] of Object.entries(GENERATED)) {
    const begin = `<!-- generated: ${name} -->\n`;
    const end = `<!-- end of ${name} -->`;
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from === -1 || to < from) throw new Error(`README.md has no part between ${begin.trim()} and ${end}`);
    text = `${text.slice(0, from + begin.length)}\n${render()}\n\n${text.slice(to)}`;
  }
  return text;
}

export interface Block {
  /** The words behind the fence: `sh run`, `json config`. */
  readonly kind: string;
  readonly text: string;
  /** Of the opening fence, counted from 1. */
  readonly line: number;
}

export function blocksOf(readme: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { kind: string; line: number; lines: string[] } | null = null;
  for (const [index, line] of readme.split('\n').entries()) {
    if (line.startsWith('```')) {
      if (open === null) {
        open = { kind: line.slice(3).trim(), line: index + 1, lines: [] };
      } else {
        blocks.push({ kind: open.kind, text: open.lines.join('\n'), line: open.line });
        open = null;
      }
    } else {
      open?.lines.push(line);
    }
  }
  if (open !== null) throw new Error(`the block that begins in line ${open.line} of README.md has no end`);
  return blocks;
}

/** The rows of the table below a heading, cells trimmed, without the two rows of its head. */
export function tableBelow(readme: string, heading: string): readonly (readonly string[])[] {
  const from = readme.indexOf(`\n${heading}\n`);
  if (from === -1) throw new Error(`README.md has no heading ${heading}`);
  const lines = readme.slice(from + 1).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const length = lines.slice(first).findIndex((line) => !line.startsWith('|'));
  return lines.slice(first + 2, first + length).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
