// The life of the real process: signals, ports that are taken, flags, forwarding before and beside the cluster's zone.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { StandinUpstream, type UpstreamOptions } from '../../src/standin/upstream.ts';
import { DnsClient, NOERROR, REFUSED, SERVFAIL } from '../support/dns-client.ts';
import { freePort } from '../support/ports.ts';
import { type Program, runProgram, startProgram, temporaryFile } from '../support/program.ts';

const STOP_WITHIN_MS = 5000;
/** The machine may stand still meanwhile. */
const STANDSTILL_MS = 10_000;

describe('SIGTERM and SIGINT', { concurrency: 2 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} ends the program with exit code 0`, async (t) => {
      const program = await startLoaded(t);
      await assertEnds(program, signal);
    });
  }

  it('end it while a state is awaited', async (t) => {
    const master = await startMaster(t);
    master.setFault({ kind: 'hang' });
    const program = await start(t, { masters: [master.endpoint] });
    await program.waitUntil(() => (master.requests.get('/master/state') ?? 0) > 0, 'a request for the state');
    await assertEnds(program, 'SIGTERM');
  });

  it('end it while a forwarded query waits', async (t) => {
    const upstream = await startUpstream(t);
    upstream.setBehaviour({ kind: 'drop' });
    const program = await startLoaded(t, { resolvers: [upstream.endpoint] });
    const waiting = program.ask('www.example.com', 'A', { tries: 1, timeoutMs: 3000 }).catch(() => null);
    await program.waitUntil(() => upstream.queries.length > 0, 'a forwarded query');
    await assertEnds(program, 'SIGTERM', waiting);
  });

  it('have a query that waits for a silent resolver answered SERVFAIL first, over UDP and over TCP', async (t) => {
    const upstream = await startUpstream(t);
    upstream.setBehaviour({ kind: 'drop' });
    const program = await startLoaded(t, { resolvers: [upstream.endpoint] });
    const client = await DnsClient.open({ host: '127.0.0.1', port: program.dnsPort });
    t.after(() => client.close());
    const overTcp = client.askTcp('tcp.example.com', 'A');
    const overUdp = client.askUdp('udp.example.com', 'A', { tries: 1, timeoutMs: 15_000 });
    // Each of them may have come several times.
    const names = () => new Set(upstream.queries.map(({ name }) => name));
    await program.waitUntil(() => names().size > 1, 'two forwarded queries');
    const ended = assertEnds(program, 'SIGTERM');
    assert.deepEqual([(await overTcp).rcode, (await overUdp).rcode], [SERVFAIL, SERVFAIL]);
    await ended;
  });

  it('end it with open connections', async (t) => {
    const program = await startLoaded(t);
    const sockets = [program.dnsPort, program.httpPort].map((port) => connect({ host: '127.0.0.1', port }));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(Buffer.from([0, 40, 1])); // the beginning of something
    }
    await assertEnds(program, 'SIGTERM');
  });

  it('end it while nobody knows a leader', async (t) => {
    const program = await start(t, { zk: 'zk://127.0.0.1:1/mesos' });
    await assertEnds(program, 'SIGINT');
  });
});

describe('a port that is taken', { concurrency: 2 }, () => {
  it('ends the program with exit code 1 and a line that names the port', async (t) => {
    const first = await startLoaded(t);
    const ports = { port: first.dnsPort, httpPort: await freePort() };
    await assertRefused({ ...ports, listener: '127.0.0.1' }, new RegExp(`\\b${first.dnsPort}\\b`));
  });

  it('of HTTP likewise', async (t) => {
    const first = await startLoaded(t);
    const ports = { port: await freePort(), httpPort: first.httpPort };
    await assertRefused({ ...ports, listener: '127.0.0.1' }, new RegExp(`\\b${first.httpPort}\\b.*httpPort`));
  });

  it('or an address that is not of this machine', async () => {
    const ports = { port: await freePort(), httpPort: await freePort() };
    await assertRefused({ ...ports, listener: '192.0.2.1' }, /192\.0\.2\.1/);
  });

  async function assertRefused(keys: object, line: RegExp): Promise<void> {
    const config = { masters: ['127.0.0.1:1'], httpListener: '127.0.0.1', externalOn: false, ...keys };
    const { code, stdout, stderr } = await runProgram([`-config=${temporaryFile(config)}`]);
    assert.equal(code, 1, stderr);
    assert.equal(stdout, '');
    const complaints = stderr.split('\n').filter((each) => /FATAL|ERROR/.test(each));
    assert.equal(complaints.length, 1, stderr);
    assert.match(complaints[0] ?? '', line);
    assert.doesNotMatch(stderr, /\bat .*\.js:\d/);
  }
});

describe('flags', { concurrency: 2 }, () => {
  it('-version prints the version alone', async () => {
    for (const flag of ['-version', '--version']) {
      const { code, stdout, stderr } = await runProgram([flag]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.match(stdout, /^\d+\.\d+\.\d+\S*\n$/);
    }
  });

  it('--help names the flags', async () => {
    const { code, stdout } = await runProgram(['--help']);
    assert.equal(code, 0);
    for (const flag of ['-config', '-version', '-v=', '-check-config']) assert.ok(stdout.includes(flag), flag);
  });

  it('--check-config accepts what can be used, and starts nothing', async () => {
    const file = temporaryFile({ masters: ['127.0.0.1:5050'], prot: 53 });
    const { code, stdout, stderr } = await runProgram(['--check-config', '-config', file]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /usable/);
    assert.match(stderr, /WARN: .*prot.*port/);
    assert.doesNotMatch(stderr, /INFO/);
  });

  it('an unknown flag ends with exit code 2', async () => {
    const { code, stderr } = await runProgram(['-confg=x']);
    assert.equal(code, 2);
    assert.match(stderr, /^mesos-dns: unknown flag -confg; did you mean -config\?[^\n]*\n$/);
  });

  it('-v=2 logs every record as documented', async (t) => {
    const program = await startLoaded(t, {}, ['-v=2']);
    await program.waitForLine(/\[A\]\tnginx\.marathon\.mesos\.: 10\.0\.0\.1\d$/);
    await program.waitForLine(/\[SRV\]\t_nginx\._tcp\.marathon\.mesos\.: nginx-\w+-s\d\.marathon\.slave\.mesos\.:\d+$/);
    await program.waitForLine(/\[A\]\tleader\.mesos\.: 127\.0\.0\.1$/);
  });

  it('without -v no record is logged', async (t) => {
    const program = await startLoaded(t);
    assert.equal(program.linesMatching(/\[(A|AAAA|SRV)\]/).length, 0);
  });
});

describe('names outside the domain', { concurrency: 2 }, () => {
  it('are forwarded before the first state, when names inside get SERVFAIL', async (t) => {
    const [master, upstream] = [await startMaster(t), await startUpstream(t)];
    master.setFault({ kind: 'status', status: 503 });
    const program = await start(t, { masters: [master.endpoint], resolvers: [upstream.endpoint] });
    assert.deepEqual(await addressesOf(program, 'www.example.com'), ['192.0.2.80']);
    for (const type of ['A', 'SRV', 'SOA']) assert.equal((await program.ask('leader.mesos', type)).rcode, SERVFAIL);
    master.setFault(null);
    await program.loaded();
    assert.deepEqual(await addressesOf(program, 'leader.mesos'), ['127.0.0.1']);
    assert.deepEqual(await addressesOf(program, 'www.example.com'), ['192.0.2.80']);
  });

  it('are refused where externalOn is false', async (t) => {
    const program = await startLoaded(t);
    const reply = await program.ask('www.example.com');
    assert.equal(reply.rcode, REFUSED);
    assert.deepEqual(reply.answers, []);
  });

  it('go to the resolvers of their zone', async (t) => {
    const upstreams = [];
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
      const names = ['www.weave', 'a.b.corp.test', 'other.example'];
      const records = Object.fromEntries(
        names.map((name) => [name, [{ type: 'A' as const, name, ttl: 60, data: address }]]),
      );
      upstreams.push(await startUpstream(t, records));
    }
    const [rest, weave, corp] = upstreams.map(({ endpoint }) => endpoint);
    const zoneResolvers = { weave: [weave], 'corp.test': [corp] };
    const program = await startLoaded(t, { externalOn: true, resolvers: [rest], zoneResolvers });
    assert.deepEqual(await addressesOf(program, 'www.weave'), ['192.0.2.2']);
    assert.deepEqual(await addressesOf(program, 'A.b.CORP.test'), ['192.0.2.3']);
    assert.deepEqual(await addressesOf(program, 'other.example'), ['192.0.2.1']);
  });
});

async function start(t: TestContext, keys: object, args: readonly string[] = []): Promise<Program> {
  const program = await startProgram({ ...keys }, { args });
  t.after(() => program.stop('SIGKILL'));
  return program;
}

/** Follows a cluster of its own; forwards only where `resolvers` are given. */
async function startLoaded(t: TestContext, keys: object = {}, args: readonly string[] = []): Promise<Program> {
  const master = await startMaster(t);
  const program = await start(t, { masters: [master.endpoint], externalOn: 'resolvers' in keys, ...keys }, args);
  await program.loaded();
  return program;
}

async function startMaster(t: TestContext): Promise<StandinMaster> {
  const { cluster } = demoCluster();
  const master = new StandinMaster(cluster);
  await master.start();
  t.after(() => master.stop());
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  return master;
}

async function startUpstream(
  t: TestContext,
  records: NonNullable<UpstreamOptions['records']> = {},
): Promise<StandinUpstream> {
  const upstream = new StandinUpstream({ records });
  await upstream.start();
  t.after(() => upstream.stop());
  return upstream;
}

async function assertEnds(
  program: Program,
  signal: NodeJS.Signals,
  meanwhile: Promise<unknown> = Promise.resolve(),
): Promise<void> {
  const started = performance.now();
  program.kill(signal);
  const exit = await program.exit;
  const tookMs = performance.now() - started;
  assert.equal(exit.code, 0, exit.stderr);
  assert.ok(tookMs < STOP_WITHIN_MS + STANDSTILL_MS, `${tookMs} ms`);
  assert.doesNotMatch(exit.stderr, /ERROR|FATAL|\bat .*\.js:\d/);
  await program.stop();
  await meanwhile;
}

async function addressesOf(program: Program, name: string): Promise<readonly string[]> {
  const reply = await program.ask(name);
  assert.equal(reply.rcode, NOERROR, name);
  return reply.answers.flatMap((answer) => (answer.type === 'A' ? [answer.data] : []));
}
