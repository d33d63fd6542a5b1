// Following elections in a real ZooKeeper that is healthy.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { createLeaderDetector } from '../../src/leader/detector.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { bestOf } from '../support/best-of.ts';
import { type Followed, follow } from '../support/followed.ts';
import { recordedLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { relay } from '../support/tcp.ts';
import { until } from '../support/until.ts';
import {
  ACL_PRIVATE,
  type ElectionMember,
  type ElectionOptions,
  joinElection,
  TestSession,
  TestZooKeeper,
} from '../support/zookeeper.ts';

const ip = '127.0.0.1';

describe('a detector with a healthy ZooKeeper', () => {
  let zookeeper: TestZooKeeper;
  const cleanups: (() => Promise<unknown>)[] = [];

  before(async () => {
    zookeeper = await TestZooKeeper.start();
  });
  after(() => zookeeper.stop());
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function enrol(options: Omit<ElectionOptions, 'ip'> & { ip?: string }): Promise<ElectionMember> {
    const member = await joinElection(zookeeper, { ip, ...options });
    cleanups.push(() => member.leave());
    return member;
  }

  function start(zk: string, masters: readonly string[] = []) {
    const metrics = createMetrics();
    const recorded = recordedLog();
    const detector = createLeaderDetector({ zk, masters }, { log: recorded.log, metrics });
    cleanups.push(() => detector.close());
    const followed: Followed = follow(detector);
    return { ...followed, metrics, lines: recorded.lines };
  }

  it('finds the leader and lists all masters, the leader first', async () => {
    const path = '/mesos/cluster-a';
    await enrol({ path, port: 5051, hostname: 'm1.example' });
    await enrol({ path, port: 5052 });
    const followed = start(zookeeper.url(path));
    const set = await followed.untilLeader(5051);
    assert.deepEqual(set, {
      leader: { host: ip, port: 5051, hostname: 'm1.example' },
      masters: [
        { host: ip, port: 5051, hostname: 'm1.example' },
        { host: ip, port: 5052, hostname: ip },
      ],
      source: 'zookeeper',
    });
    assert.equal((await followed.metrics.leaderSourceConnected.get()).values[0]?.value, 1);
  });

  it('notices within 500 ms that the leader left, and counts it', async (test) => {
    await bestOf(test, { 'ms until it is noticed': 500 }, async (round) => {
      const path = `/change-${round}`;
      const first = await joinElection(zookeeper, { path, ip, port: 5051 });
      await enrol({ path, port: 5052 });
      const followed = start(zookeeper.url(path));
      await followed.untilLeader(5051);

      const leaving = performance.now();
      const left = first.leave();
      const set = await followed.untilLeader(5052);
      const elapsed = performance.now() - leaving;
      await left;
      assert.equal(set.masters.length, 1);
      assert.equal((await followed.metrics.leaderChanges.get()).values[0]?.value, 1);
      return { 'ms until it is noticed': elapsed };
    });
  });

  it('follows when the session of a leader that died times out', async () => {
    const path = '/crash';
    // Long enough that a moment without a sign of life, before it dies, does not end it.
    const first = await joinElection(zookeeper, { path, ip, port: 5051, sessionTimeoutMs: 6000 });
    await enrol({ path, port: 5052 });
    const followed = start(zookeeper.url(path));
    await followed.untilLeader(5051);
    first.crash();
    await followed.untilLeader(5052);
  });

  it('announces a new leader also where the list holds the same masters', async () => {
    const path = '/same-list';
    const old = await joinElection(zookeeper, { path, ip, port: 5051 });
    await enrol({ path, port: 5052 });
    await enrol({ path, port: 5051 });
    const followed = start(zookeeper.url(path));
    const before = await followed.untilLeader(5051);
    assert.deepEqual(
      before.masters.map(({ port }) => port),
      [5051, 5052],
    );
    await old.leave();
    const after = await followed.untilLeader(5052);
    assert.deepEqual(
      after.masters.map(({ port }) => port),
      [5052, 5051],
    );
  });

  it('orders protobuf and JSON nodes by one sequence, and ignores other children', async () => {
    const path = '/mixed';
    const session = await TestSession.open(zookeeper);
    cleanups.push(() => session.close());
    await session.makePath(`${path}/log_replicas`);
    await session.create(`${path}/other_0000000000`, Buffer.from('x'));
    await enrol({ path, port: 5051, format: 'protobuf' });
    await enrol({ path, port: 5052 });
    const set = await start(zookeeper.url(path)).untilLeader(5051);
    assert.deepEqual(
      set.masters.map(({ port }) => port),
      [5051, 5052],
    );
  });

  it('knows no leader while the first node cannot be read, and says so once', async () => {
    const path = '/odd';
    const session = await TestSession.open(zookeeper);
    cleanups.push(() => session.close());
    await session.makePath(path);
    await session.create(`${path}/json.info_0000000000`, Buffer.from('{"ip":'));
    const followed = start(zookeeper.url(path));
    await enrol({ path, port: 5051 });
    const set = await followed.until('set', () => true);
    assert.equal(set.leader, null);
    assert.deepEqual(
      set.masters.map(({ port }) => port),
      [5051],
    );
    assert.equal(followed.lines.filter((line) => line.includes('cannot be read')).length, 1);
    await session.remove(`${path}/json.info_0000000000`);
    await followed.untilLeader(5051);
  });

  it('waits for a path that is missing, and sees it come, go and come again', async () => {
    const path = '/comes/and/goes';
    const followed = start(zookeeper.url(path));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(followed.detector.current, null);

    const first = await joinElection(zookeeper, { path, ip, port: 5051 });
    await followed.untilLeader(5051);
    await first.leave();
    const none = await followed.untilLeader(null);
    assert.deepEqual(
      none.masters.map(({ port }) => port),
      [5051],
      'the masters known before are still worth asking',
    );

    const session = await TestSession.open(zookeeper);
    cleanups.push(() => session.close());
    await session.remove(path);
    const second = await enrol({ path, port: 5052 });
    assert.equal(second.nodeName, first.nodeName, 'the counter starts anew');
    await followed.untilLeader(5052);
  });

  it('reads what the file names when the key is file:///…', async () => {
    await enrol({ path: '/from-file', port: 5051 });
    const file = join(tmpdir(), `mesos-dns-zk-url-${process.pid}`);
    cleanups.push(() => rm(file));
    writeFileSync(file, `${zookeeper.url('/from-file')}\n`);
    await start(`file://${file}`).untilLeader(5051);
  });

  it('reaches a server by its IPv6 address', async () => {
    await enrol({ path: '/v6', port: 5051 });
    const v6 = await relay(zookeeper, '::1');
    cleanups.push(() => v6.close());
    await start(`zk://[::1]:${v6.port}/v6`).untilLeader(5051);
  });

  it('reads a protected tree with the right password', async () => {
    const credentials = 'mesos:s3:cret@1';
    await enrol({ path: '/private', port: 5051, credentials, acl: ACL_PRIVATE });
    const followed = start(zookeeper.url('/private', credentials));
    await followed.untilLeader(5051);
    assert.ok(!followed.lines.join().includes('s3:cret'));
  });

  it('says once that the password is wrong, and keeps trying', async () => {
    await enrol({ path: '/private-too', port: 5051, credentials: 'mesos:right', acl: ACL_PRIVATE });
    const followed = start(zookeeper.url('/private-too', 'mesos:wr0ng'));
    await until(() => followed.lines.length > 0, 'line about the credentials');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(followed.detector.current, null);
    assert.equal(followed.lines.length, 1);
    assert.match(followed.lines[0] ?? '', /credentials/);
    assert.doesNotMatch(followed.lines[0] ?? '', /wr0ng/);
    assert.equal((await followed.metrics.leaderSourceConnected.get()).values[0]?.value, 0);
  });

  it('uses the configured masters until ZooKeeper has named a leader, and not afterwards', async () => {
    const path = '/fallback';
    const followed = start(`zk://127.0.0.1:${await freePort()},127.0.0.1:${zookeeper.port}${path}`, ['10.0.0.9:5050']);
    assert.deepEqual(followed.detector.current, {
      leader: null,
      masters: [{ host: '10.0.0.9', port: 5050 }],
      source: 'static',
    });
    const member = await joinElection(zookeeper, { path, ip, port: 5051 });
    await followed.untilLeader(5051);
    await member.leave();
    const set = await followed.untilLeader(null);
    assert.equal(set.source, 'zookeeper');
  });
});
