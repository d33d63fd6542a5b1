// The real program on configuration files that it cannot use: exit code 1 and one line that helps.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { runProgram, temporaryFile } from '../support/program.ts';

interface Case {
  readonly name: string;
  /** The keys to set beside a usable `masters`, or the text of the whole file. */
  readonly file: Readonly<Record<string, unknown>> | string;
  /** The key, the value and the expectation that the line must name. */
  readonly says: readonly string[];
}

const SECRET = 'hunter2-s3cret';
const PASSWORD = 'p4ss-w0rd';
const garbageFile = temporaryFile('no PEM at all', 'garbage.pem');

const CASES: readonly Case[] = [
  { name: 'an empty file', file: '', says: ['expected a JSON object', 'is empty'] },
  { name: 'a list', file: '[]', says: ['expected a JSON object', 'a list'] },
  { name: 'a cut file', file: '{\n  "port": 53', says: ['line 2, column 13', 'comma or }', 'the file ends here'] },
  { name: 'a comment', file: '{\n  // the port\n  "port": 53}', says: ['line 2, column 3', 'JSON has no comments'] },
  { name: 'a trailing comma', file: '{\n  "port": 53,\n}', says: ['line 3, column 1', 'followed by a comma'] },
  { name: 'NUL octets', file: '\0\0\0', says: ['line 1, column 1', 'expected'] },
  { name: 'neither zk nor masters', file: '{}', says: ['zk, masters', 'at least one', 'neither'] },
  { name: 'a port in a string', file: { port: '53' }, says: ['port', '"53"', 'an integer from 1 to 65535'] },
  { name: 'a port out of range', file: { port: 65_536 }, says: ['port', '65536', 'from 1 to 65535'] },
  { name: 'a negative ttl', file: { ttl: -1 }, says: ['ttl', '-1', 'from 0 to 2147483647 (seconds)'] },
  { name: 'a fraction', file: { refreshSeconds: 0.5 }, says: ['refreshSeconds', '0.5', 'an integer from 1'] },
  { name: 'no time for the state', file: { stateTimeoutSeconds: 0 }, says: ['stateTimeoutSeconds', '0', 'from 1'] },
  { name: 'a flag in a string', file: { dnsOn: 'true' }, says: ['dnsOn', '"true"', 'true or false'] },
  { name: 'a string for a list', file: { resolvers: '8.8.8.8' }, says: ['resolvers', '"8.8.8.8"', 'a list'] },
  { name: 'a master without a port', file: { masters: ['10.0.0.1'] }, says: ['masters', '"10.0.0.1"', 'host:port'] },
  {
    name: 'a master twice in two spellings',
    file: { masters: ['[fd00:0::2]:5050', '[fd00::2]:5050'] },
    says: ['masters', '[fd00::2]:5050', 'no duplicates'],
  },
  {
    name: 'zk without a path',
    file: { zk: `zk://dns:${PASSWORD}@10.0.0.1:2181` },
    says: ['zk', '/path', 'path is missing'],
  },
  {
    name: 'zk with a bad port',
    file: { zk: `zk://dns:${PASSWORD}@h1:2181,h2:x/mesos` },
    says: ['zk', 'host 2 of 2', '1 to 65535'],
  },
  { name: 'a domain with an underscore', file: { domain: 'my_cluster' }, says: ['domain', '"my_cluster"', 'letters'] },
  { name: 'an unknown IP source', file: { IPSources: ['host', 'rkt'] }, says: ['IPSources[1]', '"rkt"', '"netinfo"'] },
  { name: 'no IP sources', file: { IPSources: [] }, says: ['IPSources', 'at least one', 'empty'] },
  { name: 'neither DNS nor HTTP', file: { dnsOn: false, httpOn: false }, says: ['dnsOn, httpOn', 'at least one'] },
  {
    name: 'a listener that is a name nobody knows',
    file: { listener: 'gone.invalid' },
    says: ['listener', '"gone.invalid"', 'resolve'],
  },
  {
    name: 'a resolver by name',
    file: { resolvers: ['dns.google'] },
    says: ['resolvers', '"dns.google"', 'an IP address'],
  },
  {
    name: 'a zone that masks the domain',
    file: { domain: 'dc1.example', zoneResolvers: { example: ['10.0.0.1'] } },
    says: ['zoneResolvers', 'the domain "dc1.example" below "example"'],
  },
  {
    name: 'an unknown authentication',
    file: { mesosAuthentication: 'digest', mesosCredentials: { principal: 'dns', secret: SECRET } },
    says: ['mesosAuthentication', '"digest"', '"basic", "iam"'],
  },
  {
    name: 'a secret in a list',
    file: { mesosCredentials: { principal: 'dns', secret: [SECRET] } },
    says: ['mesosCredentials.secret', 'a string', 'a list'],
  },
  {
    name: 'credentials in a string',
    file: { mesosCredentials: `dns:${SECRET}` },
    says: ['mesosCredentials', 'an object', 'a string'],
  },
  {
    name: 'a missing CA file',
    file: { caCertFile: '/nowhere/ca.pem' },
    says: ['caCertFile', '/nowhere/ca.pem', 'no such file'],
  },
  {
    name: 'a CA file without certificates',
    file: { caCertFile: garbageFile },
    says: ['caCertFile', garbageFile, 'at least one certificate'],
  },
];

describe('a configuration that cannot be used ends the program with one helpful line', { concurrency: 3 }, () => {
  for (const { name, file, says } of CASES) {
    it(name, async () => {
      const content = typeof file === 'string' ? file : { masters: ['10.0.0.1:5050'], ...file };
      const path = temporaryFile(content);
      const line = await refusalOf([`-config=${path}`]);
      assert.ok(line.includes(path), `the file is not named in: ${line}`);
      for (const part of says) assert.ok(line.includes(part), `${JSON.stringify(part)} is not in: ${line}`);
    });
  }

  it('a file that is not there', async () => {
    assert.match(await refusalOf(['--config', '/nowhere/config.json']), /\/nowhere\/config\.json: .*no such file/);
  });

  it('a directory', async () => {
    const path = `${temporaryFile('')}.d`;
    mkdirSync(path);
    const line = await refusalOf([`-config=${path}`]);
    assert.ok(line.includes(path) && line.includes('directory'), line);
  });

  it('every problem at once', async () => {
    const line = await refusalOf([`-config=${temporaryFile('{"port": 0, "ttl": "60", "domain": "a_b"}')}`]);
    assert.match(line, /4 problems: \(1\) port: .*; \(2\) ttl: .*; \(3\) zk, masters: .*; \(4\) domain: /);
  });

  it('with --check-config too', async () => {
    const path = temporaryFile({ masters: [], port: 53 });
    assert.match(await refusalOf(['--check-config', `-config=${path}`]), /zk, masters/);
  });
});

/** The one line on standard error. */
async function refusalOf(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(args);
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^mesos-dns: [^\n]+\n$/);
  assert.doesNotMatch(stderr, /Error:|\bat .*\.js:\d/);
  for (const secret of [SECRET, PASSWORD]) assert.ok(!stderr.includes(secret), `a secret stands in: ${stderr}`);
  return stderr.trimEnd();
}
