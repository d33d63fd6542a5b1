// What happens to the known leader when ZooKeeper dies, freezes or was never one.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireZk } from '../../src/config/zk-url.ts';
import { ZooKeeperDetector, type ZooKeeperDetectorOptions } from '../../src/leader/zookeeper-detector.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { follow } from '../support/followed.ts';
import { recordedLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { babblingServer, listen, relay, silentServer } from '../support/tcp.ts';
import { until } from '../support/until.ts';
import { joinElection, TestZooKeeper } from '../support/zookeeper.ts';

const ip = '127.0.0.1';
/** Keeps the servers in the order of the URL. */
const inOrder = () => 0.999;

describe('a detector whose ZooKeeper fails', () => {
  let zookeeper: TestZooKeeper;
  const cleanups: (() => Promise<unknown>)[] = [];

  before(async () => {
    zookeeper = await TestZooKeeper.start();
  });
  after(() => zookeeper.stop());
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  function create(zk: string, options: Partial<ZooKeeperDetectorOptions> = {}) {
    const source = requireZk(zk);
    assert.equal(source.kind, 'zookeeper');
    const metrics = createMetrics();
    const { log, lines } = recordedLog();
    const detector = new ZooKeeperDetector({ source, log, metrics, ...options });
    return { detector, metrics, lines };
  }

  function start(zk: string, options: Partial<ZooKeeperDetectorOptions> = {}) {
    const { detector, metrics, lines } = create(zk, options);
    cleanups.push(() => detector.close());
    const connected = async () => (await metrics.leaderSourceConnected.get()).values[0]?.value;
    return { ...follow(detector), connected, lines };
  }

  it('keeps the leader while the server is dead, and follows again after its restart', async () => {
    const path = '/killed';
    const first = await joinElection(zookeeper, { path, ip, port: 5051 });
    const second = await joinElection(zookeeper, { path, ip, port: 5052 });
    cleanups.push(() => second.leave());
    const followed = start(zookeeper.url(path));
    await followed.untilLeader(5051);

    await zookeeper.kill();
    await sleep(1500);
    await until(async () => (await followed.connected()) === 0, 'notice of its end');
    assert.equal(followed.detector.current?.leader?.port, 5051);
    const linesWhenDead = followed.lines.length;
    await sleep(1000);
    assert.equal(followed.lines.length, linesWhenDead, 'no line per attempt');

    await zookeeper.restart();
    await first.leave();
    await followed.untilLeader(5052);
    assert.equal(await followed.connected(), 1);
    assert.ok(
      followed.sets.every(({ leader }) => leader !== null),
      'never without a leader',
    );
  });

  it('keeps the leader while the server is frozen for 12 s, and follows again', async () => {
    const path = '/frozen';
    const first = await joinElection(zookeeper, { path, ip, port: 5051 });
    const second = await joinElection(zookeeper, { path, ip, port: 5052 });
    cleanups.push(() => second.leave());
    const followed = start(zookeeper.url(path));
    await followed.untilLeader(5051);

    zookeeper.freeze();
    cleanups.push(async () => zookeeper.thaw());
    await sleep(12_000);
    await until(async () => (await followed.connected()) === 0, 'notice of its silence');
    assert.equal(followed.detector.current?.leader?.port, 5051);
    zookeeper.thaw();

    await first.leave();
    await followed.untilLeader(5052);
    assert.ok(followed.sets.every(({ leader }) => leader !== null));
  });

  it('passes by one dead and one silent server of three', async () => {
    const member = await joinElection(zookeeper, { path: '/one-of-three', ip, port: 5051 });
    cleanups.push(() => member.leave());
    const silent = await silentServer();
    cleanups.push(() => silent.close());
    const hosts = [silent.port, await freePort(), zookeeper.port].map((port) => `${ip}:${port}`);
    const followed = start(`zk://${hosts.join()}/one-of-three`, { random: inOrder, connectTimeoutMs: 1000 });
    await followed.untilLeader(5051);
  });

  it('survives a connection that is cut in the middle', async () => {
    const member = await joinElection(zookeeper, { path: '/cut', ip, port: 5051 });
    cleanups.push(() => member.leave());
    const between = await relay(zookeeper, ip);
    const followed = start(`zk://${ip}:${between.port},${ip}:${zookeeper.port}/cut`, { random: inOrder });
    await followed.untilLeader(5051);
    await between.close();
    const other = await joinElection(zookeeper, { path: '/cut', ip, port: 5052 });
    cleanups.push(() => other.leave());
    await followed.until('second master', ({ masters }) => masters.length === 2);
  });

  const babble: readonly { readonly name: string; readonly bytes: string | Uint8Array }[] = [
    { name: 'an HTTP server', bytes: `HTTP/1.1 400 Bad Request\r\n\r\n${'x'.repeat(100_000)}` },
    { name: 'a server of negative lengths', bytes: Buffer.alloc(4096, 0xff) },
    { name: 'a server of empty frames', bytes: Buffer.alloc(4096) },
    { name: 'a server of short frames', bytes: Buffer.from('0000001000000000000000000000000000000000', 'hex') },
    { name: 'a server of cut frames', bytes: Buffer.from('000000250000', 'hex') },
    { name: 'a server that closes at once', bytes: '' },
  ];
  it('neither fails nor floods where the server is something else', async () => {
    await Promise.all(
      babble.map(async ({ name, bytes }) => {
        const server = await babblingServer(bytes);
        cleanups.push(() => server.close());
        const followed = start(`zk://${ip}:${server.port}/mesos`);
        const from = performance.now();
        await sleep(2000);
        await until(() => server.connections() >= 3 && followed.lines.length > 0, `three attempts and a line: ${name}`);
        const most = 12 * ((performance.now() - from) / 2000);
        assert.ok(server.connections() <= most, `${name}: ${server.connections()} attempts`);
        assert.equal(followed.lines.length, 1, name);
        assert.equal(followed.detector.current, null, name);
      }),
    );
  });

  const afterGrant: readonly { readonly name: string; readonly reply: string }[] = [
    {
      name: 'an error code that the library does not know',
      reply: '00000010' + '00000001' + '0000000000000001' + 'ffffff8a',
    },
    { name: 'the answer to another request', reply: '00000010' + '00000009' + '0000000000000001' + '00000000' },
    { name: 'a list that claims more than it holds', reply: '00000014000000010000000000000001000000007fffffff' },
    { name: 'a watch event of an unknown type', reply: '00000010ffffffff000000000000000000000000' },
    { name: 'an answer nobody asked for, cut', reply: '0000ffff00000001' },
  ];
  it('starts anew where a granted session brings nonsense', async () => {
    await Promise.all(
      afterGrant.map(async ({ name, reply }) => {
        const server = await grantingServer(Buffer.from(reply, 'hex'));
        cleanups.push(() => server.close());
        const followed = start(`zk://${ip}:${server.port}/mesos`);
        const from = performance.now();
        await sleep(2500);
        await until(() => server.connections() >= 2 && followed.lines.length > 0, `two attempts and a line: ${name}`);
        const most = 12 * ((performance.now() - from) / 2500);
        assert.ok(server.connections() <= most, `${name}: ${server.connections()} attempts`);
        assert.equal(followed.lines.length, 1, name);
      }),
    );
  });

  it('can be closed in every phase and leaves nothing behind', async () => {
    const member = await joinElection(zookeeper, { path: '/closing', ip, port: 5051 });
    cleanups.push(() => member.leave());
    const silent = await silentServer();
    cleanups.push(() => silent.close());
    const refusing = `zk://${ip}:${await freePort()}/closing`;
    const unresolvable = 'zk://zookeeper.invalid/closing';
    const resources = () =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => /TCP|Timeout|GetAddrInfo/.test(kind))
        .sort();
    await sleep(100); // what the lines above closed is gone
    const before = resources();
    // A timer of before may be over by now.
    const left = () => {
      const known = [...before];
      return resources()
        .filter((kind) => !takeOne(known, kind))
        .join(' ');
    };

    const delaysMs = [0, 1, 2, 4, 8, 15, 30, 60, 120];
    for (const zk of [
      zookeeper.url('/closing'),
      zookeeper.url('/missing'),
      `zk://${ip}:${silent.port}/m`,
      refusing,
      unresolvable,
    ]) {
      await create(zk).detector.close();
      const same = create(zk).detector;
      same.start();
      await same.close();
      await Promise.all(
        delaysMs.map(async (delayMs) => {
          const { detector } = create(zk);
          detector.start();
          await sleep(delayMs);
          const asked = performance.now();
          await detector.close();
          assert.ok(performance.now() - asked < 5000, `${zk} closed after ${delayMs} ms`);
        }),
      );
    }
    zookeeper.freeze();
    const frozen = create(zookeeper.url('/closing')).detector;
    frozen.start();
    await sleep(100);
    await frozen.close();
    zookeeper.thaw();

    // The silent server's own ends of the connections, and a look-up under way, take a moment.
    await until(() => left() === '', 'the end of what was opened').catch(() => undefined);
    assert.equal(left(), '');
  });
});

/** Grants a session of 2 s, then answers the first request with these bytes. */
function grantingServer(reply: Buffer) {
  const grant = Buffer.alloc(4 + 37);
  grant.writeInt32BE(37, 0);
  grant.writeInt32BE(2000, 8);
  grant.writeInt32BE(16, 20);
  return listen((socket) => {
    socket.once('data', () => {
      socket.write(grant);
      socket.once('data', () => socket.write(reply));
    });
  });
}

/** @returns whether the list had one */
function takeOne(list: string[], element: string): boolean {
  const at = list.indexOf(element);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}
