// The files of this room that are installed, with what is filled into them.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Compiled to `dist/packaging`; the files stay with the sources. */
export const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** `@NAME@` is replaced by the value of that name. @throws Error for a mark without a value */
export function fileText(path: string, values: Readonly<Record<string, string>> = {}): string {
  return readFileSync(`${PROJECT}packaging/${path}`, 'utf8').replaceAll(/@([A-Z]+)@/g, (mark, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${path}: nothing to fill in for ${mark}`);
    return value;
  });
}
