// The package on a booted Debian, as an operator meets it: `npm run test:systemd`. Needs root, and the network at first.
//
// What is fetched and built comes first; then this file starts itself once more in a network of its own, which the container
// shares, so that port 53 is free and the stand-in cluster can be reached.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildDebian, changelogHead } from '../../packaging/debian.ts';
import { platformHere } from '../../packaging/runtime.ts';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { VERSION } from '../../src/version.ts';
import { bestOf } from '../support/best-of.ts';
import { BootedContainer, prepareSystem } from '../support/booted-container.ts';
import { lostOf, Probe } from '../support/probe.ts';

const CONFIG = '/etc/mesos-dns/config.json';
const UNITS = ['mesos-dns.service', 'mesos-dns.socket', 'mesos-dns-http.socket'];
const NAME = 'nginx.marathon.mesos';
const ADDRESS = '10.0.0.11';
/** What getent ends with. */
const NOT_FOUND = 2;
const PER_SECOND = 5000;
const RELOAD_LIMIT_MS = 30_000;
const WATCHDOG_LIMIT_MS = 90_000;
const JOURNAL_LINES = 40;

/** systemd in the container wants the one hierarchy of control groups, which is not mounted everywhere. */
const ALONE = `
  ip link set lo up
  test -e /sys/fs/cgroup/cgroup.procs || mount -t cgroup2 cgroup2 /sys/fs/cgroup
  exec "$@"
`;

const [system, deb, newerDeb] = process.argv.slice(2);
if (system === undefined || deb === undefined || newerDeb === undefined) process.exitCode = await prepare();
else testIn(system, deb, newerDeb);

/** @returns the exit code of the tests */
async function prepare(): Promise<number> {
  process.umask(0o022);
  const folder = await mkdtemp(join(tmpdir(), 'mesos-dns-booted-'));
  try {
    const tree = await prepareSystem();
    const packages = [await build(folder, VERSION), await build(folder, `${VERSION}.1`)];
    const self = [process.execPath, '--test-reporter=spec', fileURLToPath(import.meta.url)];
    // Processes of their own, too: none of them outlives this one, whatever becomes of it.
    const apart = ['--net', '--mount', '--pid', '--mount-proc', '--kill-child'];
    const command = [...apart, 'sh', '-ec', ALONE, 'sh', ...self, tree, ...packages];
    return spawnSync('unshare', command, { stdio: 'inherit' }).status ?? 1;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function build(folder: string, version: string): Promise<string> {
  return buildDebian({
    version,
    date: changelogHead().date,
    platform: platformHere(),
    maintainer: 'Somebody <somebody@example.com>',
    compression: 'none',
    workDirectory: join(folder, 'work'),
    outputDirectory: folder,
  });
}

function testIn(system: string, deb: string, newerDeb: string): void {
  const master = new StandinMaster(demoCluster().cluster);
  let container: BootedContainer;
  let hasFailed = false;

  /** One after the other on the same system: after one that failed, the others would tell nothing. */
  const step = (name: string, run: (t: TestContext) => Promise<void>) =>
    it(name, async (t) => {
      if (hasFailed) return t.skip('an earlier step has failed');
      try {
        await run(t);
      } catch (error) {
        hasFailed = true;
        const units = UNITS.map((unit) => `--unit=${unit}`);
        const { output } = await container.inside('journalctl', '--no-pager', `-n${JOURNAL_LINES}`, ...units);
        t.diagnostic(`the journal's last lines:\n${output}`);
        throw error;
      }
    });
  const configure = (keys: Readonly<Record<string, unknown>>) =>
    writeFile(
      join(container.root, CONFIG),
      JSON.stringify({ masters: [master.endpoint], externalOn: false, refreshSeconds: 1, ...keys }),
    );
  const property = (name: string) => container.must('systemctl', 'show', '-P', name, 'mesos-dns.service');
  const install = async (file: string) => {
    await copyFile(file, join(container.root, 'root', basename(file)));
    await container.must('dpkg', '--install', `/root/${basename(file)}`);
    await rm(join(container.root, 'root', basename(file)));
  };
  /** Through the C library, as a user without any privilege. */
  const resolved = async () => {
    const asNobody = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
    const { code, output } = await container.inside(...asNobody, 'getent', 'hosts', NAME);
    return code === NOT_FOUND ? 'nothing' : output.split(' ')[0];
  };
  /** A reload is over when systemctl returns, if systemd 252 heard within the pause of the unit that it has begun: or else soon. */
  const untilResolved = async (wanted: string) => {
    for (const since = performance.now(); (await resolved()) !== wanted; await sleep(100)) {
      assert.ok(performance.now() - since < RELOAD_LIMIT_MS, `${NAME} is not ${wanted} after the reload`);
    }
  };

  before(async () => {
    await master.start();
    master.view.lead(master.cluster.startTime);
    master.view.recover(true);
    container = await BootedContainer.boot(system);
    await writeFile(join(container.root, 'etc/resolv.conf'), 'nameserver 127.0.0.1\n');
  });

  after(async () => {
    await container?.stop();
    await master.stop();
  });

  describe('the package on a booted Debian', () => {
    step('installs without starting, and gives the configuration to its user alone', async () => {
      await install(deb);
      assert.equal((await container.inside('systemctl', 'is-enabled', ...UNITS)).stdout, 'disabled\n'.repeat(3));
      assert.equal((await container.inside('systemctl', 'is-active', ...UNITS)).stdout, 'inactive\n'.repeat(3));
      assert.equal(await container.must('stat', '-c', '%U:%G %a', CONFIG), 'root:mesos-dns 640');
      await container.must('mesos-dns', '-check-config', `-config=${CONFIG}`);
    });

    step('starts, and answers on port 53 for a user who is not root, run by one who is not', async () => {
      await configure({ ttl: 61 });
      await container.must('systemctl', 'enable', '--now', 'mesos-dns.service');
      assert.match(await property('StatusText'), /^serving mesos, serial \d+/);
      assert.equal(await resolved(), ADDRESS);
      assert.equal(await container.must('stat', '-c', '%U', `/proc/${await property('MainPID')}`), 'mesos-dns');
    });

    step('has an exposure of at most 2.5', async (t) => {
      const { code, stdout } = await container.inside(
        ...['systemd-analyze', 'security', '--no-pager', '--threshold=25', 'mesos-dns.service'],
      );
      t.diagnostic(/Overall exposure level.*/.exec(stdout)?.[0] ?? stdout);
      assert.equal(code, 0, stdout);
    });

    step('reloads in the same process, and refuses a file that cannot be used', async () => {
      const pid = await property('MainPID');
      await configure({ ttl: 62, domain: 'other' });
      await container.must('systemctl', 'reload', 'mesos-dns.service');
      await untilResolved('nothing');
      await configure({ ttl: 'long' });
      assert.notEqual((await container.inside('systemctl', 'reload', 'mesos-dns.service')).code, 0);
      await configure({ ttl: 62 });
      await container.must('systemctl', 'reload', 'mesos-dns.service');
      await untilResolved(ADDRESS);
      assert.equal(await property('MainPID'), pid);
    });

    step('is killed and started anew by the watchdog when its process is frozen', async (t) => {
      const pid = await property('MainPID');
      const since = performance.now();
      await container.must('sh', '-c', `kill -STOP ${pid}`);
      while ((await property('MainPID')) === pid || (await property('ActiveState')) !== 'active') {
        assert.ok(performance.now() - since < WATCHDOG_LIMIT_MS, 'not started anew');
        await sleep(100);
      }
      t.diagnostic(`serving again ${((performance.now() - since) / 1000).toFixed(1)} s after it was frozen`);
      assert.equal(await property('NRestarts'), '1');
      assert.match(await container.must('journalctl', '--no-pager', '-u', 'mesos-dns'), /Watchdog timeout/);
      assert.equal(await resolved(), ADDRESS);
    });

    step(`loses none of ${PER_SECOND} queries a second in a restart with passed sockets`, async (t) => {
      await container.must('systemctl', 'stop', 'mesos-dns.service');
      await container.must('systemctl', 'enable', '--now', 'mesos-dns.socket', 'mesos-dns-http.socket');
      await container.must('systemctl', 'start', 'mesos-dns.service');
      await expectNothingLost(t, async () => {
        await container.must('systemctl', 'restart', 'mesos-dns.service');
      });
    });

    step('loses none either while it is upgraded, and keeps the configuration', async (t) => {
      const pid = await property('MainPID');
      const before = await container.must('sha256sum', CONFIG);
      await expectNothingLost(t, () => install(newerDeb));
      assert.notEqual(await property('MainPID'), pid);
      assert.equal(await property('ActiveState'), 'active');
      assert.equal(await container.must('mesos-dns', '-version'), VERSION);
      assert.match(await container.must('dpkg-query', '-W', 'mesos-dns'), /\.1$/);
      assert.equal((await container.inside('systemctl', 'is-enabled', ...UNITS)).stdout, 'enabled\n'.repeat(3));
      assert.equal(await container.must('sha256sum', CONFIG), before);
      assert.ok(existsSync(join(container.root, 'var/lib/mesos-dns')));
    });

    step('leaves nothing behind when it is purged', async () => {
      await container.must('dpkg', '--purge', 'mesos-dns');
      const left = await container.must('find', '/etc', '/usr', '/var', '/run', '-name', '*mesos-dns*');
      assert.equal(left, '');
      assert.equal(await container.must('systemctl', 'list-units', '--all', '--no-legend', 'mesos-dns*'), '');
      assert.equal(await resolved(), 'nothing');
      assert.equal((await container.inside('systemctl', 'is-system-running')).stdout, 'running\n');
    });
  });
}

/** Asks at a steady pace before, during and after; where the machine stands still, it has to happen again. */
async function expectNothingLost(t: TestContext, happens: () => Promise<void>): Promise<void> {
  await bestOf(t, { 'queries lost': 1 }, async () => {
    const probe = await Probe.start({ port: 53, questions: [{ name: NAME }], perSecond: PER_SECOND });
    await sleep(1000);
    const from = performance.now();
    await happens();
    const tookMs = performance.now() - from;
    await sleep(1000);
    const { asked } = await probe.stop();
    const others = new Set(asked.flatMap(({ answer }) => answer ?? []));
    const longestMs = Math.max(...asked.map((each) => each.tookMs ?? 0));
    t.diagnostic(
      `${asked.length} asked in ${(2 + tookMs / 1000).toFixed(1)} s, longest wait ${longestMs.toFixed(0)} ms, answers: ${[...others].join('; ')}`,
    );
    // Where the machine is busy the probe leaves some out; the pace is that of the whole second at least.
    assert.ok(asked.length > PER_SECOND, `only ${asked.length} asked`);
    assert.deepEqual(
      [...others].filter((answer) => !/^10\.0\.0\.\d/.test(answer)),
      [],
    );
    return { 'queries lost': lostOf(asked) };
  });
}
