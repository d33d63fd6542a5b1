// The command line, as units and app definitions write it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Command, helpText, parseArguments, versionText } from '../src/cli.ts';

function parse(line: string): Command {
  return parseArguments(line === '' ? [] : line.split(' '));
}

function run(configFile: string, verbosity: number): object {
  return { kind: 'run', configFile, verbosity, warnings: [] };
}

describe('parseArguments', () => {
  const cases: readonly (readonly [line: string, expected: object])[] = [
    ['', run('config.json', 0)],
    ['-config=/etc/mesos-dns/config.json', run('/etc/mesos-dns/config.json', 0)],
    ['--config=a=b.json', run('a=b.json', 0)],
    ['-config a.json', run('a.json', 0)],
    ['--config a.json', run('a.json', 0)],
    ['-config=a.json -config=b.json', run('b.json', 0)],
    ['-v -config=a.json', run('a.json', 1)],
    ['-v=1', run('config.json', 1)],
    ['-v=2 -config=a.json', run('a.json', 2)],
    ['-v 2', run('config.json', 2)],
    ['--v=0', run('config.json', 0)],
    ['-v=9', run('config.json', 2)],
    ['-v=-1', run('config.json', 0)],
    ['-vv', run('config.json', 2)],
    ['-version=false', run('config.json', 0)],
    ['-version', { kind: 'version' }],
    ['--version=true', { kind: 'version' }],
    ['-config=a.json -version', { kind: 'version' }],
    ['--check-config -config=a.json', { kind: 'check-config', configFile: 'a.json', warnings: [] }],
    ['-check-config=1', { kind: 'check-config', configFile: 'config.json', warnings: [] }],
    ['--help', { kind: 'help' }],
    ['-h', { kind: 'help' }],
    ['-help -version', { kind: 'help' }],
  ];
  for (const [line, expected] of cases) {
    it(`understands ${line === '' ? 'an empty line' : line}`, () => assert.deepEqual(parse(line), expected));
  }

  it('accepts the flags of glog, each with a warning', () => {
    const command = parse(
      '-logtostderr -alsologtostderr=true -stderrthreshold=INFO -vmodule x=2 -log_dir=/tmp -log_backtrace_at a.go:1 -config=a.json',
    );
    assert.equal(command.kind, 'run');
    if (command.kind !== 'run') return;
    assert.equal(command.configFile, 'a.json');
    assert.equal(command.warnings.length, 6);
    assert.match(command.warnings[0] ?? '', /^-logtostderr has no effect/);
  });

  const errors: readonly (readonly [line: string, says: RegExp])[] = [
    ['-confg=a.json', /unknown flag -confg; did you mean -config\?/],
    ['--chek-config', /unknown flag -chek-config; did you mean -check-config\?/],
    ['-frobnicate', /unknown flag -frobnicate; see --help/],
    ['-constructor', /unknown flag -constructor/],
    ['-config', /-config needs a value/],
    ['-config=', /-config needs a value/],
    ['-config -v=1', /-config needs a value/],
    ['-v=high', /-v is a number from 0 to 2, not "high"/],
    ['-version=maybe', /-version is true or false, not "maybe"/],
    ['config.json', /unexpected argument "config.json".*-config=FILE/],
    ['---config=a.json', /unexpected argument "---config=a.json"/],
    ['-', /unexpected argument "-"/],
    ['-=x', /unexpected argument "-=x"/],
  ];
  for (const [line, says] of errors) {
    it(`refuses ${line}`, () => {
      const command = parse(line);
      assert.equal(command.kind, 'usage-error');
      if (command.kind === 'usage-error') assert.match(command.message, says);
    });
  }

  it('refuses an empty argument', () => {
    assert.equal(parseArguments(['']).kind, 'usage-error');
  });
});

describe('helpText', () => {
  it('mentions every flag, the signals and the exit codes', () => {
    const flags = ['config', 'check-config', 'v', 'vv', 'version', 'help', 'h', 'logtostderr', 'alsologtostderr'];
    flags.push('stderrthreshold', 'vmodule', 'log_dir', 'log_backtrace_at');
    for (const flag of flags) assert.match(helpText(), new RegExp(`-${flag}\\b`), flag);
    for (const word of ['SIGTERM', 'SIGINT', 'Exit codes']) assert.ok(helpText().includes(word), word);
    for (const line of helpText().split('\n')) assert.ok(line.length <= 80, line);
  });
});

describe('versionText', () => {
  it('is the bare version, as the original prints it', () => {
    assert.equal(versionText('1.2.3'), '1.2.3\n');
  });
});
