// The tarball that runs wherever it is unpacked.

import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fileText, PROJECT } from './files.ts';
import { configurationPage, type Edition, programPage } from './man-pages.ts';
import type { Platform } from './runtime.ts';
import { stageProgram } from './stage.ts';

const run = promisify(execFile);

export interface TarballOptions extends Edition {
  readonly platform: Platform;
  /** Filled, and removed. */
  readonly workDirectory: string;
  readonly outputDirectory: string;
}

/** @returns the file's path */
export async function buildTarball(options: TarballOptions): Promise<string> {
  const { platform, version, date, workDirectory, outputDirectory } = options;
  const name = `mesos-dns-${version}-${platform.name}`;
  const root = join(workDirectory, name);
  await rm(root, { recursive: true, force: true });
  for (const folder of ['bin', 'etc', 'systemd', 'share/man/man5', 'share/man/man8']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await stageProgram(join(root, 'lib'), platform, join(root, 'LICENSE.node'));
  const script = join(root, 'bin/mesos-dns');
  await writeFile(script, fileText('files/mesos-dns.sh', { LIBRARY: '../lib' }));
  await chmod(script, 0o755);
  await cp(join(PROJECT, 'config.json'), join(root, 'etc/config.json'));
  for (const file of ['README.md', 'LICENSE']) await cp(join(PROJECT, file), join(root, file));
  for (const unit of ['mesos-dns.service', 'mesos-dns.socket', 'mesos-dns-http.socket', 'mesos-dns.sysusers']) {
    await cp(join(PROJECT, 'packaging/files', unit), join(root, 'systemd', unit));
  }
  await writeFile(join(root, 'share/man/man8/mesos-dns.8'), programPage(options));
  await writeFile(join(root, 'share/man/man5/mesos-dns.json.5'), configurationPage(options));

  await mkdir(outputDirectory, { recursive: true });
  const file = join(outputDirectory, `${name}.tar.gz`);
  const sameEverywhere = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=go=rX,u+rw'];
  const time = `--mtime=@${date.getTime() / 1000}`;
  await run('tar', [
    ...[...sameEverywhere, time, '--use-compress-program=gzip -n'],
    ...['-cf', `${file}.part`, '-C', dirname(root), basename(root)],
  ]);
  await rename(`${file}.part`, file);
  await rm(root, { recursive: true });
  return file;
}
