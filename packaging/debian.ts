// The Debian package, from a staged program.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { fileText, PROJECT } from './files.ts';
import { configurationPage, type Edition, programPage } from './man-pages.ts';
import type { Platform } from './runtime.ts';
import { stageProgram } from './stage.ts';

const run = promisify(execFile);

const UNITS = ['mesos-dns.service', 'mesos-dns.socket', 'mesos-dns-http.socket'];
const DOC = 'usr/share/doc/mesos-dns';

export interface DebianOptions extends Edition {
  readonly platform: Platform;
  /** Name and address, as in `Maintainer:`. */
  readonly maintainer: string;
  /** `none` is for tests, which build often. */
  readonly compression: 'xz' | 'none';
  /** Emptied, filled, and removed. */
  readonly workDirectory: string;
  readonly outputDirectory: string;
}

/** @returns the file's path */
export async function buildDebian(options: DebianOptions): Promise<string> {
  const { platform, workDirectory: root, outputDirectory, date, compression } = options;
  const version = debianVersion(options.version);
  await rm(root, { recursive: true, force: true });
  await mkdir(join(root, DOC), { recursive: true });

  const licence = join(root, DOC, 'copyright.node');
  await stageProgram(join(root, 'usr/lib/mesos-dns'), platform, licence);
  await compress(licence, await readFile(licence));
  await place(root, 'usr/bin/mesos-dns', fileText('files/mesos-dns.sh', { LIBRARY: '../lib/mesos-dns' }), 0o755);
  for (const unit of UNITS) await place(root, `usr/lib/systemd/system/${unit}`, fileText(`files/${unit}`));
  await place(root, 'usr/lib/sysusers.d/mesos-dns.conf', fileText('files/mesos-dns.sysusers'));
  await place(root, 'etc/mesos-dns/config.json', await readFile(join(PROJECT, 'config.json'), 'utf8'));
  await place(root, 'usr/share/lintian/overrides/mesos-dns', fileText('debian/lintian-overrides'));
  await place(root, `${DOC}/copyright`, fileText('debian/copyright'));
  await cp(join(PROJECT, 'README.md'), join(root, DOC, 'README.md'));
  await chmod(join(root, DOC, 'README.md'), 0o644);
  const changelog = fileText('debian/changelog', { MAINTAINER: options.maintainer });
  await compressed(root, `${DOC}/changelog`, changelog);
  await compressed(root, 'usr/share/man/man8/mesos-dns.8', programPage(options));
  await compressed(root, 'usr/share/man/man5/mesos-dns.json.5', configurationPage(options));
  await writeControl(root, options, version);

  await mkdir(outputDirectory, { recursive: true });
  const file = join(outputDirectory, `mesos-dns_${version}_${platform.debian}.deb`);
  // Under another name until it is whole.
  await run('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '-z1', '--build', root, `${file}.part`], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(date.getTime() / 1000) },
  });
  await rename(`${file}.part`, file);
  await rm(root, { recursive: true });
  return file;
}

/** Before a version, there is no hyphen in Debian's spelling, and `~` sorts before the end. */
export function debianVersion(version: string): string {
  return version.replace('-', '~');
}

/** Of the newest entry of the changelog. */
export function changelogHead(): { readonly version: string; readonly date: Date } {
  const text = fileText('debian/changelog', { MAINTAINER: '' });
  const [, version = ''] = /^mesos-dns \(([^)]+)\)/.exec(text) ?? [];
  const [, date = ''] = /^ -- .* {2}(.+)$/m.exec(text) ?? [];
  return { version, date: new Date(date) };
}

async function writeControl(root: string, options: DebianOptions, version: string): Promise<void> {
  const files = await filesBelow(root);
  const sizes = await Promise.all(files.map(async (file) => Math.ceil((await lstat(file)).size / 1024)));
  const sums = await Promise.all(
    files
      .filter((file) => !relative(root, file).startsWith('etc/'))
      .map(
        async (file) =>
          `${createHash('md5')
            .update(await readFile(file))
            .digest('hex')}  ${relative(root, file)}\n`,
      ),
  );
  const control = fileText('debian/control', {
    VERSION: version,
    ARCHITECTURE: options.platform.debian,
    MAINTAINER: options.maintainer,
    SIZE: String(sizes.reduce((sum, size) => sum + size, 0)),
  });
  await place(root, 'DEBIAN/control', control);
  await place(root, 'DEBIAN/conffiles', '/etc/mesos-dns/config.json\n');
  await place(root, 'DEBIAN/md5sums', sums.join(''));
  for (const script of ['postinst', 'prerm', 'postrm']) {
    const text = fileText(`debian/${script}`, { UNITS: UNITS.map((unit) => `'${unit}'`).join(' ') });
    await place(root, `DEBIAN/${script}`, text, 0o755);
  }
}

async function place(root: string, path: string, text: string, mode = 0o644): Promise<void> {
  const file = join(root, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, text);
  await chmod(file, mode);
}

async function compressed(root: string, path: string, text: string): Promise<void> {
  await place(root, path, '');
  await compress(join(root, path), Buffer.from(text));
}

/** Replaces the file by one with `.gz` behind its name. Node writes no time into it. */
async function compress(file: string, content: Buffer): Promise<void> {
  await writeFile(`${file}.gz`, gzipSync(content, { level: 9 }));
  await chmod(`${file}.gz`, 0o644);
  await rm(file);
}

/** In an order that does not depend on the file system. */
async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
