// The last step of `npm run build`: writes the modules of each thread into one file, `dist/joined/NAME.cjs`, and those that
// are imported later into others beside it. Finding and reading 180 files one by one takes longer than to compile what is in them.

import { mkdirSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type OutputAsset, type OutputChunk, type Plugin, rollup } from 'rollup';
import { PROJECT } from './files.ts';

/** Below `dist/src`: the program, and each thread that it starts. */
const ENTRIES = [
  'program.js',
  'workers/udp-worker.js',
  'workers/stream-worker.js',
  'sockets/upstream-watcher.js',
  'engine/touch-thread.js',
] as const;

/**
 * @param entry path of a compiled module
 * @param folder where the joined files will stand
 * @returns their texts by name: CommonJS, of which `NAME.cjs` exports what the entry does
 */
export async function joinModules(entry: string, folder: string): Promise<ReadonlyMap<string, string>> {
  const name = basename(entry, '.js');
  const bundle = await rollup({
    input: { [name]: entry },
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    plugins: [urlsAsBefore(folder)],
    onwarn: ({ message }) => {
      throw new Error(`${entry}: ${message}`);
    },
  });
  try {
    const { output } = await bundle.generate({
      format: 'cjs',
      interop: 'default',
      entryFileNames: '[name].cjs',
      chunkFileNames: `${name}-[name].cjs`,
    });
    return new Map(output.map((file) => [file.fileName, textOf(file)]));
  } finally {
    await bundle.close();
  }
}

/** Modules find what stands beside them where it stood. */
function urlsAsBefore(folder: string): Plugin {
  return {
    name: 'urls-as-before',
    resolveImportMeta(property, { moduleId }) {
      if (property !== 'url') throw new Error(`${moduleId}: import.meta.${property} is not known`);
      const path = JSON.stringify(relative(folder, moduleId));
      return `require('node:url').pathToFileURL(require('node:path').join(__dirname, ${path})).href`;
    },
  };
}

function textOf(file: OutputChunk | OutputAsset): string {
  return file.type === 'chunk' ? file.code : String(file.source);
}

async function main(): Promise<void> {
  const folder = join(PROJECT, 'dist/joined');
  mkdirSync(folder, { recursive: true });
  const written = new Set<string>();
  for (const entry of ENTRIES) {
    for (const [file, text] of await joinModules(join(PROJECT, 'dist/src', entry), folder)) {
      written.add(file);
      // Programs may be running from there.
      writeFileSync(join(folder, `${file}.new`), text);
      renameSync(join(folder, `${file}.new`), join(folder, file));
    }
  }
  for (const file of readdirSync(folder)) if (!written.has(file)) rmSync(join(folder, file));
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1] ?? '.')).href) await main();
