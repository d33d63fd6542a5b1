// Every example of the README works: commands are run against the demonstration's cluster, files are read by what they
// are for.

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseArguments } from '../../src/cli.ts';
import { loadConfig } from '../../src/config/load.ts';
import { requirePackages } from '../support/debian.ts';
import { freePort } from '../support/ports.ts';
import { type Block, blocksOf, readReadme, tableBelow } from './readme.ts';

const run = promisify(execFile);
const readme = readReadme();
const blocks = blocksOf(readme);
const DEMO = fileURLToPath(new URL('../../src/standin/demo.js', import.meta.url));

let folder = '';
let demo: ChildProcess | null = null;
let dnsPort = 0;
let httpPort = 0;

before(async () => {
  await requirePackages('bind9-dnsutils', 'curl');
  folder = await mkdtemp(join(tmpdir(), 'mesos-dns-readme-'));
  dnsPort = await freePort();
  do httpPort = await freePort();
  while (httpPort === dnsPort);
  demo = await startDemo();
});

after(async () => {
  if (demo?.exitCode === null) {
    demo.kill('SIGTERM');
    await once(demo, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
});

describe('the examples of the README', () => {
  it('are all of a kind that is tested', () => {
    const tested = new Set([
      'sh run',
      'sh install',
      'text answer',
      'json answer',
      'json config',
      'json marathon',
      'ini unit',
      'ini drop-in',
      'ini resolved',
      'text resolv.conf',
      // Those two in test/clients.
      'text named.conf',
      'text unbound.conf',
      // In test/integration/query-log.test.ts.
      'json query-log',
      // Nothing to run: the picture, what `npm run bench` printed, and what a test compares with the program's own text.
      'text picture',
      'text bench',
      'text help',
    ]);
    assert.deepEqual(
      blocks.filter(({ kind }) => !tested.has(kind)).map(({ kind, line }) => `line ${line}: ${kind}`),
      [],
    );
  });

  it('of commands run, and print what stands below them', async () => {
    const commands = blocks.filter(({ kind }) => kind === 'sh run');
    assert.ok(commands.length > 5);
    for (const block of commands) {
      const output = await shell(block.text);
      const expected = answerOf(block);
      if (expected === null) continue;
      const where = `line ${block.line}: ${block.text}`;
      if (expected.kind === 'text answer') assert.deepEqual(comparable(output), comparable(expected.text), where);
      else assert.deepEqual(shapeOf(JSON.parse(output)), shapeOf(JSON.parse(expected.text)), where);
    }
  });

  it('of names answer for the types given', async () => {
    const published = await shell(`curl -s http://127.0.0.1:${httpPort}/v1/axfr`);
    const rows = tableBelow(readme, '### Names that are derived');
    assert.ok(rows.length > 12);
    for (const [names = '', types = ''] of rows) {
      for (const [, name = ''] of names.matchAll(/`([^`]+)`/g)) {
        for (const type of types.split(', ')) {
          const answer = await shell(`dig @127.0.0.1 -p 8053 +short ${type} ${present(name, published)}`);
          assert.notEqual(answer.trim(), '', `${type} ${name}`);
        }
      }
    }
  });

  it('of configurations load without a warning, as does the sample beside the README', async () => {
    const sample = await readFile(new URL('../../../config.json', import.meta.url), 'utf8');
    const configurations = blocks.filter(({ kind }) => kind === 'json config').map(({ text }) => text);
    assert.ok(configurations.length > 0);
    // The files that they name, where an operator would have put them.
    const [authority = ''] = rootCertificates;
    const files = new Map([
      ['/etc/mesos-dns/ca.pem', authority],
      ['/run/credentials/mesos-secret', 'secret'],
    ]);
    const surroundings = {
      interfaceAddresses: () => ['10.0.0.21'],
      environment: (name: string) => (name === 'CREDENTIALS_DIRECTORY' ? '/run/credentials' : undefined),
      readFile: async (path: string) => Buffer.from(files.get(path) ?? (await readFile(path))),
    };
    for (const text of [sample, ...configurations]) {
      const file = join(folder, 'config.json');
      await writeFile(file, text);
      const { warnings } = await loadConfig(file, surroundings);
      assert.deepEqual(warnings, [], text);
    }
  });

  it('of the unit are accepted by systemd', async () => {
    await requirePackages('systemd');
    const units = blocks.filter(({ kind }) => kind === 'ini unit');
    assert.ok(units.length > 0);
    for (const { text } of units) {
      for (const [, words = ''] of text.matchAll(/^ExecStart(?:Pre)?=\S+mesos-dns (.*)$/gm)) {
        assert.notEqual(parseArguments(words.split(' ')).kind, 'usage-error');
      }
      await checkUnit(text);
    }
    for (const { text } of blocks.filter(({ kind }) => kind === 'ini drop-in')) {
      await checkUnit(`${text}\nExecStart=/usr/bin/mesos-dns`);
    }
  });

  it('of the Marathon app have what Marathon needs', () => {
    const apps = blocks.filter(({ kind }) => kind === 'json marathon');
    assert.ok(apps.length > 0);
    for (const { text } of apps) {
      const app = JSON.parse(text) as Record<string, unknown>;
      assert.match(String(app['id']), /^\/[a-z0-9-]+(?:\/[a-z0-9-]+)*$/);
      const words = String(app['cmd']).split(' ');
      assert.ok(words.some((word) => word.endsWith('/bin/mesos-dns')));
      for (const key of ['cpus', 'mem', 'instances']) assert.ok(Number(app[key]) > 0, key);
      for (const constraint of app['constraints'] as readonly (readonly string[])[]) {
        const [, operator = '', pattern] = constraint;
        assert.ok(['UNIQUE', 'CLUSTER', 'GROUP_BY', 'LIKE', 'UNLIKE', 'MAX_PER', 'IS'].includes(operator));
        if (pattern !== undefined) assert.doesNotThrow(() => new RegExp(pattern));
      }
    }
  });

  it('of resolv.conf name no more servers than the C library reads', () => {
    const files = blocks.filter(({ kind }) => kind === 'text resolv.conf');
    assert.ok(files.length > 0);
    for (const { text } of files) {
      const lines = text.split('\n');
      for (const line of lines)
        assert.match(line, /^(?:nameserver [0-9a-f.:]+|options [a-z0-9: ]+|search [a-z0-9. -]+)$/);
      assert.ok(lines.filter((line) => line.startsWith('nameserver ')).length <= 3);
      assert.ok(lines.some((line) => line.startsWith('options ') && line.includes('rotate')));
    }
  });

  it('of systemd-resolved are settings of its section', () => {
    for (const { text } of blocks.filter(({ kind }) => kind === 'ini resolved')) {
      assert.match(text, /^\[Resolve\]\n(?:(?:DNS|Domains|DNSStubListener)=\S+(?:\n|$))+$/);
    }
  });
});

async function startDemo(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [DEMO, `--port=${dnsPort}`, `--http-port=${httpPort}`, '--every=86400'], {
    env: { ...process.env, npm_lifecycle_event: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (piece: unknown) => {
      output += String(piece);
      if (output.includes('it answers')) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', () => reject(new Error(`the demonstration ended: ${output}`)));
  });
  return child;
}

/** Runs commands as they stand, but for the demonstration's ports. */
async function shell(text: string): Promise<string> {
  const here = text.replaceAll('-p 8053', `-p ${dnsPort}`).replaceAll('127.0.0.1:8123', `127.0.0.1:${httpPort}`);
  const { stdout } = await run('sh', ['-ec', here], { timeout: 60_000, maxBuffer: 1 << 24 });
  return stdout;
}

/** The program may not be installed here: another one stands for it. */
async function checkUnit(text: string): Promise<void> {
  const file = join(folder, 'mesos-dns.service');
  const here = text.replaceAll('/usr/bin/mesos-dns', process.execPath);
  await writeFile(file, `${here}\n`);
  assert.deepEqual(await unitComplaints(file), []);
  await writeFile(file, here.replace('ExecStart=', 'ExecStrat='));
  assert.notDeepEqual(await unitComplaints(file), []);
}

/** What systemd says of this unit file; what it says of other units of the machine is not our concern. */
async function unitComplaints(file: string): Promise<readonly string[]> {
  const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', file]).catch(
    (error: { stdout?: string; stderr?: string }) => error,
  );
  return `${stdout ?? ''}${stderr ?? ''}`.split('\n').filter((line) => line.includes('mesos-dns.service'));
}

/** What the README shows directly below a block of commands. */
function answerOf(block: Block): Block | null {
  const next = blocks[blocks.indexOf(block) + 1];
  return next?.kind.endsWith(' answer') === true ? next : null;
}

/** Lines without what differs from run to run (hashes of random task ids, ports, serials), white space and order. */
function comparable(text: string): readonly string[] {
  return text
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/-[a-z0-9]{5}-s\d+\./g, '-HASH-s0.')
        .replaceAll(/\b\d{10}\b/g, 'SERIAL')
        .replaceAll(/\s+/g, ' '),
    )
    .sort();
}

/** Field names and types; of a list, those of its first element. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
  const isMapOfNames = Object.keys(value).some((key) => key.endsWith('.'));
  if (isMapOfNames) return shapeOf(Object.values(value));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]));
}

/** The canonical name of a task that there is, for an example whose hash is that of another run. */
function present(name: string, published: string): string {
  if (!/-[a-z0-9]{5}-s\d+\./.test(name)) return name;
  const pattern = name.replace(/-[a-z0-9]{5}-s\d+\./, '-[a-z0-9]{5}-s\\d+\\.').replaceAll(/\.(?=[a-z])/g, '\\.');
  return new RegExp(`"(${pattern})\\."`).exec(published)?.[1] ?? name;
}
