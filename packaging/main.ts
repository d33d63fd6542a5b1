// `npm run package`: the Debian package and the tarball of what is in `dist`, below `dist/package`.
//
// The same sources give the same bytes: every file bears the time of the changelog's newest entry, or SOURCE_DATE_EPOCH.

import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { messageOf } from '../src/errors.ts';
import { VERSION } from '../src/version.ts';
import { buildDebian, changelogHead, debianVersion } from './debian.ts';
import { PROJECT } from './files.ts';
import { platformHere } from './runtime.ts';
import { buildTarball } from './tarball.ts';

process.umask(0o022);
try {
  await main();
} catch (error) {
  process.stderr.write(`package: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const head = changelogHead();
  if (head.version !== debianVersion(VERSION)) {
    throw new Error(`packaging/debian/changelog is about ${head.version}, package.json about ${VERSION}`);
  }
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  const outputDirectory = join(PROJECT, 'dist/package');
  const edition = {
    version: VERSION,
    date: epoch === undefined ? head.date : new Date(Number(epoch) * 1000),
    platform: platformHere(),
    workDirectory: join(outputDirectory, 'work'),
    outputDirectory,
  };
  const { DEBFULLNAME: name = 'mesos-dns packager', DEBEMAIL: address = 'mesos-dns@localhost' } = process.env;
  const files = [
    await buildDebian({ ...edition, maintainer: `${name} <${address}>`, compression: 'xz' }),
    await buildTarball(edition),
  ];
  for (const file of files) {
    const megabytes = (await stat(file)).size / 1e6;
    process.stdout.write(`${relative(process.cwd(), file)}  ${megabytes.toFixed(1)} MB\n`);
  }
}
