// What both packages contain: the program, its production dependencies, and the Node.js to run them, in one directory.

import { execFile } from 'node:child_process';
import { chmod, copyFile, cp, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from './files.ts';
import { type Platform, placeRuntime } from './runtime.ts';

const run = promisify(execFile);

/** Of the dependencies' own directories: nothing of it is needed to run. */
const NOT_INSTALLED = new Set([
  'test',
  'tests',
  'doc',
  'docs',
  'example',
  'examples',
  'benchmark',
  'benchmarks',
  'bench',
  'scripts',
]);
const NOT_INSTALLED_FILE =
  /^\.|\.(?:map|md|markdown|html|ico|png|[cm]?ts|cc|hh?|S|asm|inc|def|bnf|sh|ya?ml)$|^(?:AUTHORS|CONTRIBUTORS|Makefile|bin\.js|cnoke\.cjs)$/;
const LICENCE = /^(?:licen[cs]e|copying|notice)/i;

/** Fills `library` with `node`, `package.json`, `dist` and `node_modules`, and writes the licence of Node.js. */
export async function stageProgram(library: string, platform: Platform, nodeLicence: string): Promise<void> {
  await mkdir(library, { recursive: true });
  await placeRuntime(platform, join(library, 'node'), nodeLicence);
  await stageDependencies(library);
  await stageCode(library);
  await setModes(library);
  await chmod(join(library, 'node'), 0o755);
}

async function stageDependencies(library: string): Promise<void> {
  for (const file of ['package.json', 'package-lock.json']) await copyFile(join(PROJECT, file), join(library, file));
  const install = ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  // What npm has kept of an earlier installation is enough, and needs no network.
  await run('npm', [...install, '--offline'], { cwd: library }).catch(() =>
    run('npm', [...install, '--fetch-retries=1'], { cwd: library }).catch((error) => {
      throw new Error(`npm ci could not fetch the dependencies: ${String(error.stderr).trim().split('\n')[0]}`);
    }),
  );
  await rm(join(library, 'package-lock.json'));
  await prune(join(library, 'node_modules'), true);
  const manifest = JSON.parse(await readFile(join(library, 'package.json'), 'utf8')) as Record<string, unknown>;
  const { name, version, license, type } = manifest;
  await writeFile(join(library, 'package.json'), `${JSON.stringify({ name, version, license, type }, null, 2)}\n`);
}

async function prune(directory: string, mayDropFolders: boolean): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const isPackage = basename(directory) !== 'node_modules' && !basename(directory).startsWith('@');
    if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'musl_x64') {
      const isDropped = mayDropFolders && isPackage && NOT_INSTALLED.has(entry.name);
      if (isDropped) await rm(path, { recursive: true });
      else await prune(path, !isPackage || entry.name === 'node_modules');
    } else if (!entry.isFile() || (NOT_INSTALLED_FILE.test(entry.name) && !LICENCE.test(entry.name))) {
      await rm(path, { recursive: true });
    }
  }
}

async function stageCode(library: string): Promise<void> {
  const dist = join(PROJECT, 'dist');
  await cp(join(dist, 'src'), join(library, 'dist/src'), {
    recursive: true,
    filter: (source) => !source.endsWith('.map') && !source.startsWith(join(dist, 'src/standin')),
  });
  await cp(join(dist, 'assembly'), join(library, 'dist/assembly'), {
    recursive: true,
    filter: (source) => !source.endsWith('.map'),
  });
  await cp(join(dist, 'joined'), join(library, 'dist/joined'), { recursive: true });
  await mkdir(join(library, 'dist/core'));
  for (const module of ['release.wasm', 'json.wasm']) {
    await copyFile(join(dist, 'core', module), join(library, 'dist/core', module));
  }
}

/** The same whatever the umask and the archives of npm say. */
async function setModes(path: string): Promise<void> {
  const isDirectory = (await lstat(path)).isDirectory();
  await chmod(path, isDirectory ? 0o755 : 0o644);
  if (isDirectory) for (const name of await readdir(path)) await setModes(join(path, name));
}
