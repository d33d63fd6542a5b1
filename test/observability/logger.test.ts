// The log: what lines look like to people, journald and collectors, and what becomes of those that come again and again.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it, mock } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLog, type Log, roomLogger } from '../../src/observability/logger.ts';
import { requirePackages } from '../support/debian.ts';
import { temporaryFile } from '../support/program.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const TEXT = /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] (INFO|WARN|ERROR|FATAL): /;

function recorded(): Log & { readonly lines: () => readonly string[] } {
  let text = '';
  const log = createLog(2, (lines) => {
    text += lines;
  });
  return { ...log, lines: () => text.split('\n').slice(0, -1) };
}

/** What a program says that cannot open a socket and has one key too many, run as a shell says. */
async function complaints(command: string, keys: Readonly<Record<string, unknown>> = {}): Promise<readonly string[]> {
  const config = { masters: ['127.0.0.1:1'], listener: '192.0.2.7', prot: 53, externalOn: false, ...keys };
  const file = temporaryFile(config);
  const program = `'${process.execPath}' '${MAIN}' -config='${file}'`;
  const { NODE_TEST_CONTEXT: _, JOURNAL_STREAM: __, NO_COLOR: ___, ...env } = process.env;
  const child = spawn('sh', ['-c', command.replaceAll('PROGRAM', program)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, TERM: 'xterm' },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part));
  await once(child, 'close');
  return text.split(/\r?\n/).filter((line) => line !== '');
}

/** As journald does it for a unit's standard error. */
const UNDER_JOURNALD = 'export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2);';

describe('the log', () => {
  it('has times and levels in words where nobody is known to read it', async () => {
    const lines = await complaints('PROGRAM');
    assert.ok(lines.length >= 2);
    for (const line of lines) assert.match(line, TEXT);
  });

  it('has priorities and no times of its own where journald reads standard error', async () => {
    const lines = await complaints(`${UNDER_JOURNALD} PROGRAM`);
    assert.ok(
      lines.some((line) => /^<4>.*prot.*port/.test(line)),
      lines.join('\n'),
    );
    assert.ok(
      lines.some((line) => /^<2>.*192\.0\.2\.7/.test(line)),
      lines.join('\n'),
    );
    for (const line of lines) assert.match(line, /^<[2-6]>[^[\s]/);
    for (const line of lines) assert.doesNotMatch(line, /\d\d:\d\d:\d\d|FATAL|WARN/);
    const [refusal, ...others] = await complaints(`${UNDER_JOURNALD} PROGRAM`, { port: -1 });
    assert.match(refusal ?? '', /^<3>mesos-dns: .*port/);
    for (const line of others) assert.match(line, /^<3>/);
  });

  it('is for people where journald reads something else than standard error', async () => {
    for (const line of await complaints('JOURNAL_STREAM=1:1 PROGRAM')) assert.match(line, TEXT);
    assert.match((await complaints('PROGRAM', { logFormat: 'journal' }))[0] ?? '', /^<4>/);
    assert.match((await complaints(`${UNDER_JOURNALD} PROGRAM`, { logFormat: 'text' }))[0] ?? '', TEXT);
  });

  it('says of a query what was asked after what it is about', () => {
    for (const form of ['text', 'journal'] as const) {
      const log = recorded();
      log.setFormat(form);
      roomLogger(log.root, 'queries').info({ client: '10.0.0.1', name: '{msg}.mesos.' }, 'sampled');
      assert.match(log.lines()[0] ?? '', /(?:<6>|INFO: )queries: sampled \{msg\}\.mesos\. \{"client":"10\.0\.0\.1"\}$/);
    }
  });

  it('is JSON where that is wanted, a line each', async () => {
    for (const line of await complaints('PROGRAM', { logFormat: 'json' })) {
      const { time, level, msg } = JSON.parse(line) as { time: string; level: string; msg: string };
      assert.equal(new Date(time).toISOString(), time);
      assert.match(level, /^(info|warn|fatal)$/);
      assert.notEqual(msg, '');
    }
  });

  it('has colours on a terminal alone, and not with NO_COLOR', async () => {
    await requirePackages('bsdutils');
    const onTerminal = (set: string) => complaints(`${set} script -qec "PROGRAM" /dev/null`);
    assert.ok((await onTerminal('')).join('').includes('\u001b['));
    const without = await onTerminal('NO_COLOR=1');
    assert.ok(without.length >= 2);
    for (const line of without) assert.match(line, TEXT);
  });

  it('puts every line of a message behind its priority', () => {
    const { root, setFormat, lines } = recorded();
    setFormat('journal');
    roomLogger(root, 'udp').error({ err: new Error('broken') }, 'a socket cannot be read');
    assert.ok(lines().length > 1);
    for (const line of lines()) assert.match(line, /^<3>/);
    assert.match(lines()[0] ?? '', /^<3>udp: a socket cannot be read/);
    root.debug({ n: 1 }, 'details');
    assert.equal(lines().at(-1), '<7>details {"n":1}');
  });
});

describe('repeated messages', () => {
  it('are written once a minute, with how often they came', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const { root, setFormat, lines } = recorded();
    setFormat('journal');
    const log = roomLogger(root, 'udp');
    for (let i = 0; i < 1000; i += 1) log.warn({ port: 53 }, 'no answer');
    log.warn({ port: 54 }, 'no answer');
    roomLogger(root, 'tcp').warn({ port: 53 }, 'no answer');
    assert.equal(lines().length, 3, 'another field or another room is another message');
    mock.timers.tick(60_000);
    assert.deepEqual(lines().slice(3), ['<4>udp: no answer; repeated: 999 {"port":53}']);
    log.warn({ port: 53 }, 'no answer');
    mock.timers.tick(60_000);
    assert.deepEqual(lines().slice(4), ['<4>udp: no answer; repeated: 1 {"port":53}']);
    mock.timers.tick(60_000);
    log.warn({ port: 53 }, 'no answer');
    assert.deepEqual(lines().slice(5), ['<4>udp: no answer {"port":53}'], 'after a minute without it is news');
    mock.timers.reset();
  });

  it('are all written where they tell of what goes well, or answer an operator', () => {
    const { root, lines } = recorded();
    for (let i = 0; i < 3; i += 1) {
      roomLogger(root, 'zone').info('zone published');
      roomLogger(root, 'main').error('reload: the configuration stays as it was');
      root.fatal('the end');
    }
    assert.equal(lines().length, 9);
  });

  it('do not take memory without end', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const { root, lines } = recorded();
    const log = roomLogger(root, 'udp');
    for (let round = 0; round < 2; round += 1) for (let i = 0; i < 600; i += 1) log.error(`trouble ${i}`);
    assert.equal(lines().length, 700);
    mock.timers.reset();
  });
});
