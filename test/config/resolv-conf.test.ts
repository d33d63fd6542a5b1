import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ResolvConf } from '../../src/config/resolv-conf.ts';
import { recordedLog } from '../support/log.ts';

const LIMIT_MS = 30_000;

describe('a resolv.conf that is followed', () => {
  let folder: string;
  let path: string;
  let follower: ResolvConf;
  let changes: (readonly string[])[];
  let lines: readonly string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mesos-dns-resolv-'));
    path = join(folder, 'resolv.conf');
    await writeFile(path, 'nameserver 192.0.2.1\n');
    changes = [];
    const recorded = recordedLog();
    lines = recorded.lines;
    follower = new ResolvConf({
      servers: ['192.0.2.1:53'],
      onChange: (servers) => changes.push(servers),
      interfaceAddresses: () => ['127.0.0.1', '10.0.0.9'],
      logger: recorded.log,
      path,
    });
    follower.start();
  });
  afterEach(async () => {
    follower.close();
    await rm(folder, { recursive: true });
  });

  async function until(condition: () => boolean): Promise<void> {
    const end = performance.now() + LIMIT_MS;
    while (!condition()) {
      assert.ok(performance.now() < end, `${JSON.stringify(changes)} ${lines.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('gives other servers, without the machine’s own addresses', async () => {
    await writeFile(path, 'nameserver 10.0.0.9\nnameserver 192.0.2.2\nnameserver 127.0.0.1\nnameserver 192.0.2.3\n');
    await until(() => changes.length > 0);
    assert.deepEqual(changes, [['192.0.2.2:53', '192.0.2.3:53']]);
    assert.match(lines.join('\n'), /has changed: forwarding to other servers/);
  });

  it('is read once though nobody touches it: it may have changed since the configuration was read', async () => {
    await rm(path);
    follower.close();
    follower = new ResolvConf({
      servers: ['192.0.2.9:53'],
      onChange: (servers) => changes.push(servers),
      interfaceAddresses: () => [],
      logger: recordedLog().log,
      path,
    });
    await writeFile(path, 'nameserver 192.0.2.1\n');
    follower.start();
    await until(() => changes.length > 0);
    assert.deepEqual(changes, [['192.0.2.1:53']]);
  });

  it('is followed when another file takes its place, and when it is a link that leads elsewhere', async () => {
    const other = join(folder, 'other');
    await writeFile(other, 'nameserver 192.0.2.4\n');
    await rename(other, path);
    await until(() => changes.length === 1);
    await writeFile(other, 'nameserver 192.0.2.5\n');
    await rm(path);
    await symlink(other, path);
    await until(() => changes.length === 2);
    assert.deepEqual(changes, [['192.0.2.4:53'], ['192.0.2.5:53']]);
  });

  it('that names nobody else, or is gone, changes nothing', async () => {
    await writeFile(path, 'nameserver 127.0.0.1\n');
    await until(() => /names no server but this machine/.test(lines.join('\n')));
    await rm(path);
    await until(() => /cannot be read/.test(lines.join('\n')));
    await writeFile(path, '# another comment\nnameserver 192.0.2.1\n');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.deepEqual(changes, []);
  });
});
