// Examples of the README, with the addresses of servers that are there.

import { blocksOf, readReadme } from '../house/readme.ts';

/** The one block of a kind; our servers, which have the addresses from 10.0.0.21 on, all become 127.0.0.1. */
export function readmeExample(kind: string): string {
  const found = blocksOf(readReadme()).filter((block) => block.kind === kind);
  if (found.length !== 1) throw new Error(`README.md has ${found.length} blocks of the kind ${kind}`);
  const lines = (found[0]?.text ?? '').replaceAll(/10\.0\.0\.2\d/g, '127.0.0.1').split('\n');
  // The same server twice is one too many for BIND.
  return [...new Set(lines)].join('\n').replace('127.0.0.1; 127.0.0.1;', '127.0.0.1;');
}
