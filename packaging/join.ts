// The last step of `npm run build`: writes the modules of each thread into one file, `dist/joined/NAME.cjs`. Finding and
// reading 200 files one by one takes longer than to compile what is in them. Only how they find each other is changed:
//
//    import { a, b as c } from './x.js';      const { a, b: c } = module3;
//    export function d() {}                   function d() {}                  at the end: return { d };
//
// Each module is a function of its own, run in the order of the imports; what is imported by `import()` is run then. Modules
// must neither import each other in a circle, which Biome forbids, nor export what changes.

import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT } from './files.ts';

/** Below `dist/src`: the program, and each thread that it starts. */
const ENTRIES = [
  'program.js',
  'workers/udp-worker.js',
  'workers/stream-worker.js',
  'sockets/upstream-watcher.js',
  'engine/touch-thread.js',
] as const;

const IMPORTED_FIRST = /^(?:import|export (?:\{|\*)).* from '(\.[^']+)'/gm;
const IMPORTED_LATER = /\bimport\('(\.[^']+)'\)/g;

const IMPORT = /^import (\w+)?(?:, )?(?:\{(.*)\})? from '([^']+)';/;
const EXPORT_NAMES = /^export \{(.*)\}(?: from '([^']+)')?;/;
const EXPORT_ALL = /^export \* from '([^']+)';/;
const EXPORT_DECLARATION = /^export ((?:async )?function\*?|class|const) (\w+)/;
const MODULE_SYNTAX = /^(?:import|export)\b(?!\()|\bimport\.meta\b/;

/**
 * @param entry path of a compiled module
 * @param folder where the joined file will stand
 * @returns its text: CommonJS that exports what the entry does
 * @throws Error for module syntax that it does not know
 */
export function joinModules(entry: string, folder: string): string {
  const first = inOrder(entry, new Set());
  const all = new Set(first);
  for (const file of all) for (const other of importsOf(file, IMPORTED_LATER)) inOrder(other, all);
  const numbers = new Map([...all].map((file, i) => [file, i]));
  /** An expression for what a module exports. */
  const exportsOf = (file: string) => `module${numbers.get(file)}${first.has(file) ? '' : '()'}`;
  const pieces = [...all].map((file) => {
    const number = numbers.get(file);
    const body = `(() => {\n${joinedBody(file, folder, exportsOf)}})()`;
    const title = `// ${relative(folder, file)}`;
    if (first.has(file)) return `${title}\nconst module${number} = ${body};\n`;
    return `${title}\nlet made${number};\nfunction module${number}() {\nreturn (made${number} ??= ${body});\n}\n`;
  });
  return `'use strict';\n${URL_OF}\n${pieces.join('\n')}\nmodule.exports = ${exportsOf(entry)};\n`;
}

const URL_OF = `const urlOf = (path) => require('node:url').pathToFileURL(require('node:path').join(__dirname, path)).href;\n`;

/** Adds a module behind all that it imports. */
function inOrder(file: string, known: Set<string>): Set<string> {
  if (known.has(file)) return known;
  for (const other of importsOf(file, IMPORTED_FIRST)) inOrder(other, known);
  return known.add(file);
}

function importsOf(file: string, form: RegExp): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(form)].map(([, path = '']) => resolve(dirname(file), path));
}

function joinedBody(file: string, folder: string, exportsOf: (file: string) => string): string {
  const exported: string[] = [];
  const from = (path: string) =>
    path.startsWith('.') ? exportsOf(resolve(dirname(file), path)) : `require('${path}')`;
  const joinedLine = (line: string): string => {
    const imported = IMPORT.exec(line);
    if (imported !== null) {
      const [, whole, names, path = ''] = imported;
      if (whole !== undefined && path.startsWith('.'))
        throw new Error(`${file}: a default import of a module: ${line}`);
      const patterns = [whole ?? [], names === undefined ? [] : `{${names.replaceAll(' as ', ': ')}}`].flat();
      return patterns.map((pattern) => `const ${pattern} = ${from(path)};`).join(' ');
    }
    const named = EXPORT_NAMES.exec(line);
    if (named !== null) {
      const [, names = '', path] = named;
      for (const name of names.split(',').map((each) => each.trim())) {
        const [inner = '', outer = inner] = name.split(' as ');
        if (name !== '') exported.push(`${outer}: ${path === undefined ? inner : `${from(path)}.${inner}`}`);
      }
      return '';
    }
    const all = EXPORT_ALL.exec(line);
    if (all !== null) {
      exported.push(`...${from(all[1] ?? '')}`);
      return '';
    }
    const declared = EXPORT_DECLARATION.exec(line);
    if (declared !== null) exported.push(declared[2] ?? '');
    const inner = (declared === null ? line : line.slice('export '.length))
      .replaceAll('import.meta.url', `urlOf('${relative(folder, file)}')`)
      .replaceAll(IMPORTED_LATER, (_, path: string) => `Promise.resolve().then(() => ${from(path)})`);
    if (MODULE_SYNTAX.test(inner)) throw new Error(`${file}: this cannot be joined: ${line}`);
    return inner;
  };
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('//# sourceMappingURL='))
    .map(joinedLine);
  return `${lines.join('\n')}\nreturn { ${exported.join(', ')} };\n`;
}

function main(): void {
  const folder = join(PROJECT, 'dist/joined');
  mkdirSync(folder, { recursive: true });
  for (const entry of ENTRIES) {
    const file = join(folder, `${basename(entry, '.js')}.cjs`);
    // Programs may be running from there.
    writeFileSync(`${file}.new`, joinModules(join(PROJECT, 'dist/src', entry), folder));
    renameSync(`${file}.new`, file);
  }
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1] ?? '.')).href) main();
