// The last step of `npm run build`: removes from `dist` what was made from sources that are gone, so that it is neither
// tested nor shipped. Nothing else is touched: programs may be running from there.

import { existsSync, readdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT } from './files.ts';

/** What the compiler fills; other folders of `dist` have other makers. */
const FOLDERS = ['src', 'test', 'bench', 'packaging', 'assembly'] as const;

/** @returns what was removed, paths below `dist` */
export function sweep(project: string): readonly string[] {
  return FOLDERS.flatMap((folder) => sweepFolder(project, folder));
}

function sweepFolder(project: string, folder: string): readonly string[] {
  const compiled = join(project, 'dist', folder);
  if (!existsSync(compiled)) return [];
  const removed: string[] = [];
  let left = 0;
  for (const entry of readdirSync(compiled, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      removed.push(...sweepFolder(project, path));
      if (existsSync(join(project, 'dist', path))) left += 1;
    } else if (hasSource(project, path)) {
      left += 1;
    } else {
      rmSync(join(project, 'dist', path), { force: true });
      removed.push(path);
    }
  }
  if (left === 0) rmdirSync(compiled);
  return removed;
}

/** Compiled, its source map, or copied as it is. */
function hasSource(project: string, path: string): boolean {
  const source = join(project, path);
  return existsSync(source.replace(/\.js(\.map)?$/, '.ts')) || existsSync(source);
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1] ?? '.')).href) {
  for (const path of sweep(PROJECT)) console.log(`removed dist/${path}: its source is gone`);
}
