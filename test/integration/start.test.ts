// `npm start` as an operator meets it: built from the sources, answering on loopback, telling its story, ended by a signal.

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bestOf } from '../support/best-of.ts';
import { requirePackages } from '../support/debian.ts';
import { freePort } from '../support/ports.ts';
import { Probe } from '../support/probe.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url));
const ANSWER_LIMIT_SECONDS = 60;
/** Until then a machine that is short of time may go on: another round may be quicker. */
const ANSWER_GUARD_MS = 180_000;
const STORY_MS = 20_000;
/** From the signal to the end of npm itself. */
const END_LIMIT_MS = 5000;
/** The machine may stand still meanwhile. */
const STANDSTILL_MS = 10_000;

describe('npm start', () => {
  let folder: string;
  let dnsPort: number;
  let httpPort: number;
  let npm: ChildProcess;
  let output = '';

  before(async () => {
    await requirePackages('bind9-dnsutils', 'curl');
    // A copy, because it builds: other tests run from the checkout's own dist meanwhile.
    folder = await mkdtemp(join(tmpdir(), 'mesos-dns-start-'));
    const left = new Set(['node_modules', 'dist', '.git']);
    await cp(CHECKOUT, folder, { recursive: true, filter: (source) => !left.has(basename(source)) });
    await symlink(join(CHECKOUT, 'node_modules'), join(folder, 'node_modules'));
    [dnsPort, httpPort] = [await freePort(), await freePort()];
  });

  after(async () => {
    await endByForce();
    await rm(folder, { recursive: true, force: true });
  });

  async function endByForce(): Promise<void> {
    const group = npm?.pid;
    if (group === undefined || (await processesOf(group)).length === 0) return;
    process.kill(-group, 'SIGKILL');
    await until(async () => (await processesOf(group)).length === 0, 'end of the group');
  }

  it('answers for nginx within 60 s and says what to try', async (test) => {
    await bestOf(test, { 's until it answers': ANSWER_LIMIT_SECONDS }, async () => {
      await endByForce();
      output = '';
      const started = performance.now();
      npm = spawn('npm', ['start'], {
        cwd: folder,
        detached: true, // its own process group
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, MESOS_DNS_DEMO_DNS_PORT: String(dnsPort), MESOS_DNS_DEMO_HTTP_PORT: String(httpPort) },
      });
      for (const stream of [npm.stdout, npm.stderr]) stream?.on('data', (piece) => (output += String(piece)));
      while (!output.includes('/v1/enumerate')) {
        const isTooLate = performance.now() - started > ANSWER_GUARD_MS;
        assert.ok(!isTooLate && npm.exitCode === null, `no answer; npm wrote:\n${output}`);
        await sleep(50);
      }
      const dig = ['@127.0.0.1', '-p', String(dnsPort), '+short', 'nginx.marathon.mesos'];
      assert.match((await run('dig', dig)).stdout, /^10\.0\.0\.1[123]\n/);
      return { 's until it answers': (performance.now() - started) / 1000 };
    });
  });

  it('prints commands that work, then lives through its story while nginx always answers', async () => {
    const probe = await Probe.start({
      port: dnsPort,
      questions: [{ name: 'nginx.marathon.mesos' }, { name: 'example.com' }],
      perSecond: 50,
    });
    const started = performance.now();

    const commands = printedCommands(output);
    assert.ok(commands.length >= 13, output);
    for (const command of commands) await assertAnswers(command);

    await sleep(STORY_MS - (performance.now() - started));
    const told = output.split('\n').filter((line) => /^\d\d:\d\d:\d\d /.test(line));
    assert.ok(told.length >= 2, `told in ${STORY_MS / 1000} s: ${told.join('; ')}`);
    for (const command of printedCommands(told.join('\n'))) await assertAnswers(command);

    const { asked } = await probe.stop();
    assert.deepEqual(
      asked.filter(({ answer }) => answer === null || !/^(?:10\.0\.0\.1[123] ?)+$|^192\.0\.2\.10$/.test(answer)),
      [],
    );
    assert.equal(npm.exitCode, null);
  });

  it('ends with exit code 0 within 5 s of SIGTERM and leaves nothing behind', async () => {
    assert.ok(npm.pid !== undefined);
    const group = npm.pid;
    const configuration = /configuration: (\S+)/.exec(output)?.[1] ?? '';
    assert.ok(existsSync(configuration));
    const exited = once(npm, 'exit');
    const asked = performance.now();
    process.kill(-group, 'SIGTERM'); // all of the group, as a terminal's Ctrl-C
    const [code] = (await exited) as [number | null];
    const tookMs = performance.now() - asked;
    assert.equal(code, 0, output);
    assert.ok(tookMs < END_LIMIT_MS + STANDSTILL_MS, `${tookMs} ms`);
    // npm may be gone a moment before what it started.
    await until(async () => (await processesOf(group)).length === 0, 'end of the group').catch(() => undefined);
    assert.deepEqual(await processesOf(group), []);
    assert.equal(existsSync(configuration), false);
  });
});

/** The `dig` and `curl` commands at the ends of lines. */
function printedCommands(text: string): readonly string[] {
  return [...text.matchAll(/(?:^|\s)((?:dig @|curl http)[^\n]*)$/gm)].map(([, command = '']) => command.trim());
}

/** Runs a command as printed: dig must bring a record, curl a JSON document. */
async function assertAnswers(command: string): Promise<void> {
  const [program = '', ...args] = command.split(' ');
  if (program === 'curl') {
    const { stdout } = await run(program, ['--silent', '--show-error', '--fail', ...args]);
    assert.ok(JSON.stringify(JSON.parse(stdout)).length > 30 && !stdout.includes('"ip":""'), `${command}\n${stdout}`);
    return;
  }
  const { stdout } = await run(program, args);
  if (args.includes('+short')) assert.notEqual(stdout.trim(), '', command);
  else assert.match(stdout, /status: NOERROR[\s\S]*ANSWER: [1-9]/, command);
}

/** What still runs in a process group, as command lines. */
async function processesOf(group: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // Behind the name in parentheses: state, parent, group.
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(pgrp) !== group || state === 'Z') continue;
    found.push((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '));
  }
  return found;
}
