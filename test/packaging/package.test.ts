// The packages: what is in them, what Debian's own checks say, and that both run without anything else.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { buildDebian, changelogHead, debianVersion } from '../../packaging/debian.ts';
import { platformHere } from '../../packaging/runtime.ts';
import { buildTarball } from '../../packaging/tarball.ts';
import { keyEntries } from '../../src/config/schema.ts';
import { VERSION } from '../../src/version.ts';
import { requirePackages } from '../support/debian.ts';

const run = promisify(execFile);
const MAX_OUTPUT = { maxBuffer: 64 << 20 };
/** As on a machine without Node.js. */
const BARE = { env: { PATH: '/nowhere:/bin:/usr/bin:/usr/sbin:/sbin', NODE_OPTIONS: '' } };

let folder = '';
let deb = '';
/** What the package installs, unpacked. */
let installed = '';

async function build(name: string): Promise<string> {
  return buildDebian({
    version: VERSION,
    date: changelogHead().date,
    platform: platformHere(),
    maintainer: 'Somebody <somebody@example.com>',
    compression: 'none',
    workDirectory: join(folder, name, 'work'),
    outputDirectory: join(folder, name),
  });
}

before(async () => {
  await requirePackages('lintian', 'man-db', 'systemd');
  folder = await mkdtemp(join(tmpdir(), 'mesos-dns-package-'));
  deb = await build('first');
  installed = join(folder, 'installed');
  await run('dpkg-deb', ['-x', deb, installed]);
});

after(() => rm(folder, { recursive: true, force: true }));

describe('the packages', { concurrency: 3 }, () => {
  it('is free of complaints of lintian', async () => {
    const asBuiltHere = '--suppress-tags=uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball';
    const { stdout, stderr } = await run('lintian', ['--allow-root', '--fail-on=none', asBuiltHere, deb], MAX_OUTPUT);
    assert.equal(`${stdout}${stderr}`, '');
  });

  it('has the version of the changelog, which is that of the program', async () => {
    const { stdout } = await run('dpkg-deb', ['-f', deb, 'Version']);
    assert.equal(stdout.trim(), debianVersion(VERSION));
    assert.equal(changelogHead().version, debianVersion(VERSION));
  });

  it('holds the program, its units, its configuration and its pages, all owned by root', async () => {
    const { stdout } = await run('dpkg-deb', ['-c', deb], MAX_OUTPUT);
    const entries = stdout.trimEnd().split('\n');
    assert.deepEqual(
      entries.filter((line) => !/^[d-]rw(?:x|-)r-[x-]r-[x-] root\/root /.test(line)),
      [],
    );
    const files = new Set(entries.map((line) => line.replace(/^.*? \.\//, '')));
    for (const file of [
      'etc/mesos-dns/config.json',
      'usr/bin/mesos-dns',
      'usr/lib/mesos-dns/node',
      'usr/lib/mesos-dns/dist/core/release.wasm',
      'usr/lib/mesos-dns/dist/core/json.wasm',
      'usr/lib/systemd/system/mesos-dns.service',
      'usr/lib/systemd/system/mesos-dns.socket',
      'usr/lib/systemd/system/mesos-dns-http.socket',
      'usr/lib/sysusers.d/mesos-dns.conf',
      'usr/share/doc/mesos-dns/copyright',
      'usr/share/man/man5/mesos-dns.json.5.gz',
      'usr/share/man/man8/mesos-dns.8.gz',
    ]) {
      assert.ok(files.has(file), file);
    }
    const needless = [...files].filter((file) =>
      /standin|node_modules\/(?:typescript|@biomejs|assemblyscript)\/|\.map$/.test(file),
    );
    assert.deepEqual(needless, []);
    assert.equal((await run('dpkg-deb', ['-I', deb, 'conffiles'])).stdout, '/etc/mesos-dns/config.json\n');
  });

  it('is the same, octet by octet, when it is built again elsewhere', async () => {
    const again = await build('second');
    assert.equal(await digest(again), await digest(deb));
  });

  it('runs without an installed Node.js', async () => {
    const { stdout } = await run(join(installed, 'usr/bin/mesos-dns'), ['-version'], BARE);
    assert.equal(stdout, `${VERSION}\n`);
    const sample = join(installed, 'etc/mesos-dns/config.json');
    const checked = await run(join(installed, 'usr/bin/mesos-dns'), ['-check-config', `-config=${sample}`], BARE);
    assert.match(checked.stdout, /the configuration is usable/);
  });

  it('has units that systemd accepts', async () => {
    const units = join(folder, 'units');
    await cp(join(installed, 'usr/lib/systemd/system'), units, { recursive: true });
    const service = join(units, 'mesos-dns.service');
    const text = await readFile(service, 'utf8');
    await writeFile(service, text.replaceAll('/usr/bin/mesos-dns', join(installed, 'usr/bin/mesos-dns')));
    const files = ['mesos-dns.service', 'mesos-dns.socket', 'mesos-dns-http.socket'].map((name) => join(units, name));
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', ...files]);
    assert.deepEqual(
      `${stdout}${stderr}`.split('\n').filter((line) => line.includes('mesos-dns')),
      [],
    );
  });

  it('has a service whose exposure systemd rates no worse than 2.5 of 10', async () => {
    const unit = join(installed, 'usr/lib/systemd/system/mesos-dns.service');
    await run('systemd-analyze', ['security', '--offline=yes', '--threshold=25', '--no-pager', unit]);
  });

  it('has pages that groff reads without a warning, with every key of the configuration', async () => {
    const pages = join(installed, 'usr/share/man');
    const options = { env: { ...process.env, LC_ALL: 'C.UTF-8', MANROFFSEQ: '', MANWIDTH: '80' } };
    for (const page of ['man8/mesos-dns.8.gz', 'man5/mesos-dns.json.5.gz']) {
      const file = join(pages, page);
      const { stdout, stderr } = await run('man', ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', file], options);
      assert.equal(stderr, '', page);
      assert.ok(stdout.length > 1000);
    }
    const { stdout } = await run('man', ['-E', 'UTF-8', '-l', join(pages, 'man5/mesos-dns.json.5.gz')], options);
    const missing = keyEntries().filter(([name]) => !new RegExp(`^ +${name} \\(`, 'm').test(stdout));
    assert.deepEqual(missing, []);
  });
});

describe('the tarball', () => {
  it('runs where it is unpacked, and where it is moved to', async () => {
    const file = await buildTarball({
      version: VERSION,
      date: changelogHead().date,
      platform: platformHere(),
      workDirectory: join(folder, 'tarball'),
      outputDirectory: join(folder, 'tarball'),
    });
    await run('tar', ['-xzf', file, '-C', folder]);
    const place = join(folder, 'another place');
    await mkdir(place);
    await rename(join(folder, `mesos-dns-${VERSION}-${platformHere().name}`), join(place, 'dns'));
    const { stdout } = await run(join(place, 'dns/bin/mesos-dns'), ['-version'], BARE);
    assert.equal(stdout, `${VERSION}\n`);
    const sample = join(place, 'dns/etc/config.json');
    await run(join(place, 'dns/bin/mesos-dns'), ['-check-config', `-config=${sample}`], BARE);
  });
});

async function digest(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
