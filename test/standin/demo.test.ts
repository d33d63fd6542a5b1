import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { parseDemoOptions } from '../../src/standin/demo-options.ts';
import { Ensemble } from '../../src/standin/ensemble.ts';
import { Story } from '../../src/standin/story.ts';
import { freePort } from '../support/ports.ts';
import { ManualClock } from './support.ts';

const DEMO = fileURLToPath(new URL('../../src/standin/demo.js', import.meta.url));
const FAKE = fileURLToPath(new URL('./fake-server.js', import.meta.url));

const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

async function runDemo(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [DEMO, ...args], {
    env: { ...process.env, npm_lifecycle_event: undefined, ...environment },
  });
  children.push(child);
  let [output, errors] = ['', ''];
  child.stdout.on('data', (piece) => (output += String(piece)));
  child.stderr.on('data', (piece) => (errors += String(piece)));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const until = async (text: string): Promise<void> => {
    const deadline = performance.now() + 60_000;
    while (!output.includes(text)) {
      assert.ok(performance.now() < deadline && child.exitCode === null, `no "${text}" in: ${output}${errors}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { child, exited, until, output: () => output, errors: () => errors };
}

const portsArgs = async (): Promise<string[]> => [`--port=${await freePort()}`, `--http-port=${await freePort()}`];

describe('the demonstration', () => {
  it('starts the server, prints what to try and what changes, and ends with exit code 0 on SIGTERM', async () => {
    const demo = await runDemo([...(await portsArgs()), '--every', '1', '--program', FAKE]);
    await demo.until('nginx scaled from 1 to 2');
    const output = demo.output();
    for (const line of ['nginx.marathon.mesos', 'SRV _myapp.dev._tcp.marathon.mesos', '-x 9.0.', '/v1/hosts/nginx']) {
      assert.ok(output.includes(line), `${line} in ${output}`);
    }
    const config = output.match(/configuration: (\S+)/)?.[1] ?? '';
    assert.ok(existsSync(config));
    const written = JSON.parse(demo.errors().match(/fake server: (.*)/)?.[1] ?? '{}') as { masters?: string[] };
    assert.equal(new Set(written.masters).size, 3);
    const asked = performance.now();
    demo.child.kill('SIGTERM');
    assert.equal(await demo.exited, 0);
    assert.ok(performance.now() - asked < 10_000);
    assert.equal(existsSync(config), false);
  });

  it('ends within 5 s even if the server ignores SIGTERM', async () => {
    const demo = await runDemo([...(await portsArgs()), '--program', FAKE], { FAKE_END: 'never' });
    await demo.until('it answers');
    const asked = performance.now();
    demo.child.kill('SIGINT');
    assert.equal(await demo.exited, 0);
    assert.ok(performance.now() - asked < 10_000);
  });

  it('ends with exit code 1 and one line when the server ends by itself', async () => {
    const demo = await runDemo([...(await portsArgs()), '--program', FAKE], { FAKE_END: '800' });
    assert.equal(await demo.exited, 1);
    const own = demo
      .errors()
      .split('\n')
      .filter((line) => line.startsWith('demo: '));
    assert.deepEqual(own, ['demo: the server ended by itself (exit code 3)']);
  });

  it('names the busy port and how to choose another, for DNS over either transport and for HTTP', async () => {
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    const tcp = createServer().listen(0, '127.0.0.1');
    await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
    const tcpAddress = tcp.address();
    const tcpPort = typeof tcpAddress === 'object' ? (tcpAddress?.port ?? 0) : 0;
    for (const [dns, http, expected] of [
      [udp.address().port, await freePort(), /^demo: port \d+ \(DNS\).*--port N or MESOS_DNS_DEMO_DNS_PORT=N.*\n$/],
      [tcpPort, await freePort(), /^demo: port \d+ \(DNS\).*--port N or MESOS_DNS_DEMO_DNS_PORT=N.*\n$/],
      [await freePort(), tcpPort, /^demo: port \d+ \(HTTP\).*--http-port N or MESOS_DNS_DEMO_HTTP_PORT=N.*\n$/],
    ] as const) {
      const demo = await runDemo([`--port=${dns}`, `--http-port=${http}`, '--program', FAKE]);
      assert.equal(await demo.exited, 1);
      assert.match(demo.errors(), expected);
    }
    udp.close();
    tcp.close();
  });
});

describe('the command line of the demonstration', () => {
  it('takes ports from flags, then from the environment, then defaults', () => {
    const ports = (args: readonly string[], environment: Record<string, string>): readonly number[] => {
      const options = parseDemoOptions(args, environment);
      return [options.dnsPort, options.httpPort];
    };
    assert.deepEqual(ports([], {}), [8053, 8123]);
    const environment = { MESOS_DNS_DEMO_DNS_PORT: '5300', MESOS_DNS_DEMO_HTTP_PORT: '8300' };
    assert.deepEqual(ports([], environment), [5300, 8300]);
    assert.deepEqual(ports(['--port', '5400', '-http-port=8400'], environment), [5400, 8400]);
  });

  it('refuses what it does not understand, naming it', () => {
    assert.throws(() => parseDemoOptions(['--prot', '1'], {}), /unknown argument --prot/);
    assert.throws(() => parseDemoOptions(['--port', 'x'], {}), /--port is "x", expected a number from 1 to 65535/);
    assert.throws(() => parseDemoOptions(['--every'], {}), /--every needs a value/);
    assert.throws(() => parseDemoOptions([], { MESOS_DNS_DEMO_DNS_PORT: '0' }), /MESOS_DNS_DEMO_DNS_PORT is "0"/);
  });
});

it('tells a story in which every application keeps a running task and somebody leads', async () => {
  const demo = demoCluster({ clock: new ManualClock() });
  const ensemble = new Ensemble(demo.cluster);
  await ensemble.start();
  const story = new Story(demo, ensemble, { dnsPort: 8053, httpPort: 8123 });
  const least = new Map<string, number>();
  demo.cluster.onChange(() => {
    for (const name of ['nginx', 'myapp.dev', 'api', 'search']) {
      const running = demo.marathon.tasks(name).filter((task) => task.state === 'TASK_RUNNING').length;
      least.set(name, Math.min(least.get(name) ?? running, running));
    }
  });
  const told: string[] = [];
  for (let number = 0; number < 14; number += 1) {
    const { what, query } = await story.step();
    told.push(what);
    assert.match(query, /^dig @127\.0\.0\.1 -p 8053 /);
    assert.ok(ensemble.leader?.view.phase === 'recovered');
  }
  await ensemble.stop();
  assert.deepEqual(
    [...least.values()].map((count) => count >= 1),
    [true, true, true, true],
  );
  assert.equal(told.filter((what) => what.startsWith('leading master')).length, 2);
  assert.equal(new Set(told.slice(0, 7)).size, 7);
});
