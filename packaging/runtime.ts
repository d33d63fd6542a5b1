// The Node.js that a package carries: fetched with `npm pack` once, held against its checksum each time. Nothing of it is
// run while packaging.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const VERSION = '20.20.2';

export interface Platform {
  /** Of the npm package of Node.js, and of the tarball's name. */
  readonly name: 'linux-x64' | 'linux-arm64';
  /** As Debian calls it. */
  readonly debian: 'amd64' | 'arm64';
  /** Of the file that `npm pack` fetches, as the registry gives it. */
  readonly integrity: string;
}

const PLATFORMS: Readonly<Record<string, Platform>> = {
  x64: {
    name: 'linux-x64',
    debian: 'amd64',
    integrity: 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  },
  arm64: {
    name: 'linux-arm64',
    debian: 'arm64',
    integrity: 'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
};

/** A package is built for the platform that it is built on: npm chooses the native modules. */
export function platformHere(): Platform {
  const platform = process.platform === 'linux' ? PLATFORMS[process.arch] : undefined;
  if (platform === undefined) throw new Error(`no package is built on ${process.platform} ${process.arch}`);
  return platform;
}

/** Where what was fetched is kept between runs. */
export function cacheDirectory(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mesos-dns');
}

/** Puts the program and its licence into these files. @throws Error of one line where it can neither be found nor fetched */
export async function placeRuntime(platform: Platform, program: string, licence: string): Promise<void> {
  const archive = await fetchRuntime(platform);
  const folder = await mkdtemp(join(cacheDirectory(), 'unpacked-'));
  try {
    await run('tar', ['-xzf', archive, '-C', folder, 'package/bin/node', 'package/LICENSE']);
    await copyFile(join(folder, 'package/bin/node'), program);
    await copyFile(join(folder, 'package/LICENSE'), licence);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function fetchRuntime({ name, integrity }: Platform): Promise<string> {
  const directory = cacheDirectory();
  const archive = join(directory, `node-${name}-${VERSION}.tgz`);
  if (await hasIntegrity(archive, integrity)) return archive;

  await mkdir(directory, { recursive: true });
  const folder = await mkdtemp(join(directory, 'fetched-'));
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', folder, `node-${name}@${VERSION}`]).catch((error) => {
      const [reason = ''] = /E[A-Z0-9]{3,}/.exec(String(error.stderr)) ?? [];
      throw new Error(
        `npm pack could not fetch node-${name}@${VERSION} from the registry (${reason || error.message})`,
      );
    });
    const fetched = join(folder, `node-${name}-${VERSION}.tgz`);
    if (!(await hasIntegrity(fetched, integrity)))
      throw new Error(`node-${name}@${VERSION} is not what it was: checksum`);
    // By another process meanwhile: the same file.
    await rename(fetched, archive);
  } finally {
    await rm(folder, { recursive: true });
  }
  return archive;
}

async function hasIntegrity(file: string, integrity: string): Promise<boolean> {
  const content = await readFile(file).catch(() => null);
  return content !== null && `sha512-${createHash('sha512').update(content).digest('base64')}` === integrity;
}
