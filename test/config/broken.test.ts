// Broken configurations, each with the one line that an operator gets.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { certificate, certificateKey, lockedKey, rsaKey } from './pem.ts';
import { refusalOf, type World } from './support.ts';

interface Case {
  readonly name: string;
  /** The keys to set beside a usable `masters`, or the text of the whole file. */
  readonly file: Readonly<Record<string, unknown>> | string;
  /** What the line must contain: the key, the value, the expectation. */
  readonly says: readonly string[];
  readonly world?: World;
}

const files = {
  '/pki/cert.pem': certificate,
  '/pki/key.pem': certificateKey,
  '/pki/rsa.pem': rsaKey,
  '/pki/locked.pem': lockedKey,
  '/pki/garbage.pem': 'no PEM at all',
  '/iam/broken.json': '{"uid": ',
  '/iam/list.json': '[]',
  '/iam/no-uid.json': JSON.stringify({ private_key: rsaKey, login_endpoint: 'https://auth.example/login' }),
  '/iam/bad-key.json': JSON.stringify({ uid: 'u', private_key: 'x', login_endpoint: 'https://auth.example/login' }),
  '/iam/bad-url.json': JSON.stringify({ uid: 'u', private_key: rsaKey, login_endpoint: 'auth.example' }),
  '/zk/empty': '\n',
};

const CASES: readonly Case[] = [
  // the text of the file
  { name: 'an empty file', file: '', says: ['expected a JSON object', 'is empty'] },
  { name: 'white space only', file: ' \n\t', says: ['expected a JSON object', 'is empty'] },
  {
    name: 'a mistyped key, which is why another one is missing',
    file: '{"zkk": "zk://h/mesos"}',
    says: ['zk, masters: expected at least one of them', '; also: "zkk": unknown key in line 1', 'did you mean zk?'],
  },
  { name: 'a list', file: '[]', says: ['expected a JSON object', 'a list'] },
  { name: 'a string', file: '"zk"', says: ['expected a JSON object', 'a string'] },
  { name: 'a cut file', file: '{\n  "port": 53', says: ['line 2, column 13', 'comma or }', 'the file ends here'] },
  {
    name: 'a trailing comma',
    file: '{\n  "port": 53,\n}',
    says: ['line 3, column 1', 'must not be followed by a comma'],
  },
  { name: 'a missing comma', file: '{"port": 53 "ttl": 60}', says: ['line 1, column 13', 'comma or }'] },
  { name: 'a comment', file: '{\n  // the port\n  "port": 53}', says: ['line 2, column 3', 'JSON has no comments'] },
  { name: 'single quotes', file: "{'port': 53}", says: ['line 1, column 2', 'single quotes'] },
  { name: 'a bare word', file: '{"dnsOn": yes}', says: ['line 1, column 11', 'expected a value'] },
  { name: 'text after the object', file: '{} {}', says: ['line 1, column 4', 'nothing more'] },

  // types and ranges
  { name: 'a port in a string', file: { port: '53' }, says: ['port', '"53"', 'an integer from 1 to 65535'] },
  { name: 'port 0', file: { port: 0 }, says: ['port', 'got 0', 'an integer from 1 to 65535'] },
  { name: 'a port too high', file: { port: 65536 }, says: ['port', '65536', 'from 1 to 65535'] },
  { name: 'an HTTP port too high', file: { HttpPort: 123456 }, says: ['httpPort', '123456', 'from 1 to 65535'] },
  {
    name: 'a metric prefix with a dash',
    file: { metricsPrefix: 'mesos-dns_' },
    says: ['metricsPrefix', 'mesos-dns_', 'letters'],
  },
  { name: 'a negative ttl', file: { ttl: -1 }, says: ['ttl', '-1', 'from 0 to 2147483647 (seconds)'] },
  { name: 'a ttl beyond 31 bits', file: { ttl: 2147483648 }, says: ['ttl', '2147483648', 'to 2147483647'] },
  { name: 'a fraction', file: { refreshSeconds: 0.5 }, says: ['refreshSeconds', '0.5', 'an integer from 1'] },
  { name: 'refreshing all the time', file: { refreshSeconds: 0 }, says: ['refreshSeconds', 'got 0', 'from 1 to'] },
  {
    name: 'a refresh that no timer holds',
    file: { refreshSeconds: 1e9 },
    says: ['refreshSeconds', '1000000000', '2147483'],
  },
  { name: 'no time for the state', file: { stateTimeoutSeconds: 0 }, says: ['stateTimeoutSeconds', 'got 0', 'from 1'] },
  { name: 'a negative timeout', file: { timeout: -5 }, says: ['timeout', '-5', 'an integer from 0'] },
  {
    name: 'a negative zkDetectionTimeout',
    file: { zkDetectionTimeout: -1 },
    says: ['zkDetectionTimeout', '-1', 'from 0'],
  },
  {
    name: 'a weight beyond 16 bits',
    file: { srvRecordDefaultWeight: 65536 },
    says: ['srvRecordDefaultWeight', '65536', 'to 65535'],
  },
  { name: 'a negative SOARetry', file: { SOARetry: -1 }, says: ['SOARetry', '-1', 'from 0 to 4294967295'] },
  { name: 'a flag in a string', file: { dnsOn: 'true' }, says: ['dnsOn', '"true"', 'true or false'] },
  { name: 'a flag as a number', file: { externalon: 1 }, says: ['externalOn', 'got 1', 'true or false'] },
  { name: 'a domain that is a number', file: { domain: 5 }, says: ['domain', 'got 5', 'a string'] },
  { name: 'a huge number', file: '{"masters":["10.0.0.1:5050"],"ttl":1e999}', says: ['ttl', 'Infinity', 'an integer'] },

  // the masters
  { name: 'neither zk nor masters', file: '{}', says: ['zk, masters', 'at least one', 'neither'] },
  { name: 'empty masters and no zk', file: { masters: [] }, says: ['zk, masters', 'at least one'] },
  {
    name: 'masters in a string',
    file: { masters: '10.0.0.1:5050' },
    says: ['masters', '"10.0.0.1:5050"', 'in brackets'],
  },
  { name: 'a master that is a number', file: { masters: [5050] }, says: ['masters[0]', '5050', 'a string'] },
  { name: 'a master without a port', file: { masters: ['10.0.0.1'] }, says: ['masters', '"10.0.0.1"', 'host:port'] },
  { name: 'a master without a host', file: { masters: [':5050'] }, says: ['masters', '":5050"', 'host:port'] },
  { name: 'a master with port 0', file: { masters: ['10.0.0.1:0'] }, says: ['masters', '"10.0.0.1:0"', '1 to 65535'] },
  { name: 'a master with port 65536', file: { masters: ['10.0.0.1:65536'] }, says: ['masters', '65536', '1 to 65535'] },
  { name: 'a master with a port name', file: { masters: ['10.0.0.1:http'] }, says: ['masters', 'http', '1 to 65535'] },
  {
    name: 'a master with a mistyped IP',
    file: { masters: ['10.0.0.256:5050'] },
    says: ['masters', '10.0.0.256', 'host:port'],
  },
  {
    name: 'a bare IPv6 master',
    file: { masters: ['2001:db8::1:5050'] },
    says: ['masters', '2001:db8::1', '[address]:port'],
  },
  { name: 'a URL as master', file: { masters: ['http://10.0.0.1:5050'] }, says: ['masters', 'http://', 'host:port'] },
  {
    name: 'a master twice',
    file: { masters: ['10.0.0.2:5050', '10.0.0.2:5050'] },
    says: ['masters', '10.0.0.2:5050', 'no duplicates'],
  },
  {
    name: 'a master twice in two spellings',
    file: { masters: ['[fd00:0::2]:5050', '[fd00::2]:5050'] },
    says: ['masters', '[fd00::2]:5050', 'no duplicates'],
  },

  // ZooKeeper
  {
    name: 'zk without a scheme',
    file: { zk: '10.0.0.1:2181/mesos' },
    says: ['zk', 'zk://host:port', 'does not begin'],
  },
  {
    name: 'zk with another scheme',
    file: { zk: 'http://10.0.0.1/mesos' },
    says: ['zk', 'zk://host:port', 'does not begin'],
  },
  { name: 'zk without a path', file: { zk: 'zk://10.0.0.1:2181' }, says: ['zk', '/path', 'path is missing'] },
  { name: 'zk with the path /', file: { zk: 'zk://10.0.0.1:2181/' }, says: ['zk', '/path', 'path is missing'] },
  { name: 'zk with a hole in its path', file: { zk: 'zk://10.0.0.1/a//b' }, says: ['zk', 'empty segment'] },
  { name: 'zk without a host', file: { zk: 'zk://,/mesos' }, says: ['zk', 'no ZooKeeper host'] },
  {
    name: 'zk with a bad port',
    file: { zk: 'zk://h1:2181,h2:x/mesos' },
    says: ['zk', 'host 2 of 2', 'port', '1 to 65535'],
  },
  { name: 'zk with port 0', file: { zk: 'zk://h1:0/mesos' }, says: ['zk', 'host 1 of 1', 'port', '1 to 65535'] },
  {
    name: 'zk with white space',
    file: { zk: 'zk://h1:2181,h 2:2181/mesos' },
    says: ['zk', 'host 2 of 2', 'white space'],
  },
  { name: 'zk with bare IPv6', file: { zk: 'zk://fd00::1/mesos' }, says: ['zk', 'host 1 of 1', 'without brackets'] },
  { name: 'zk as a list', file: { zk: ['zk://10.0.0.1/mesos'] }, says: ['zk', 'a string', 'a list'] },
  { name: 'zk in a missing file', file: { zk: 'file:///zk/none' }, says: ['zk', '/zk/none', 'no such file'] },
  { name: 'zk in an empty file', file: { zk: 'file:///zk/empty' }, says: ['zk', '/zk/empty', 'holds the URL'] },

  // the zone
  { name: 'an empty domain', file: { domain: '' }, says: ['domain', '""', 'labels of letters'] },
  {
    name: 'a domain with a final dot',
    file: { domain: 'mesos.' },
    says: ['domain', '"mesos."', 'without a final dot'],
  },
  {
    name: 'a domain with an underscore',
    file: { domain: 'my_cluster' },
    says: ['domain', '"my_cluster"', 'letters, digits'],
  },
  { name: 'a domain with an empty label', file: { domain: 'dc1..mesos' }, says: ['domain', '"dc1..mesos"'] },
  { name: 'a label of 64 characters', file: { domain: 'a'.repeat(64) }, says: ['domain', 'aaaa', 'at most 63'] },
  {
    name: 'a domain of 255 characters',
    file: { domain: 'ab.'.repeat(85).slice(0, -1) },
    says: ['domain', 'at most 253'],
  },
  { name: 'no IP sources', file: { IPSources: [] }, says: ['IPSources', 'at least one', 'empty'] },
  {
    name: 'an unknown IP source',
    file: { IPSources: ['host', 'rkt'] },
    says: ['IPSources[1]', '"rkt"', '"netinfo"', '"host"'],
  },
  { name: 'an IP source twice', file: { IPSources: ['host', 'host'] }, says: ['IPSources', '"host"', 'no duplicates'] },
  {
    name: 'an SOA name with white space',
    file: { SOAMname: 'ns 1.mesos' },
    says: ['SOAMname', '"ns 1.mesos"', 'a domain name'],
  },
  { name: 'an empty SOA server', file: { SOAMname: '' }, says: ['SOAMname', 'a domain name'] },
  {
    name: 'a mailbox with an empty label',
    file: { email: 'root@@mesos' },
    says: ['SOARname', 'root..mesos', 'empty labels'],
  },

  // serving
  {
    name: 'neither DNS nor HTTP',
    file: { dnsOn: false, httpOn: false },
    says: ['dnsOn, httpOn', 'at least one', 'false'],
  },
  {
    name: 'an address beside the wildcard that stands for it',
    file: { listener: ['0.0.0.0', '127.0.0.1'] },
    says: ['listener', '"127.0.0.1"', 'no address beside 0.0.0.0'],
  },
  { name: 'no listener', file: { listener: [] }, says: ['listener', 'at least one', 'empty'] },
  { name: 'an empty listener', file: { listener: '' }, says: ['listener', '""', 'an IP address'] },
  {
    name: 'a listener with a port',
    file: { listener: '10.0.0.9:53' },
    says: ['listener', '"10.0.0.9:53"', 'without a port'],
  },
  {
    name: 'a listener that does not resolve',
    file: { listener: 'gone.example' },
    says: ['listener', '"gone.example"', 'resolves', 'ENOTFOUND'],
  },
  {
    name: 'a listener that is a mistyped IP',
    file: { listener: '10.0.0.256' },
    says: ['listener', '"10.0.0.256"', 'an IP address'],
  },
  { name: 'a listener twice', file: { listener: ['::1', '0::1'] }, says: ['listener', '"::1"', 'no duplicates'] },
  {
    name: 'an HTTP listener that does not resolve',
    file: { httpListener: 'gone.example' },
    says: ['httpListener', '"gone.example"', 'resolves'],
  },
  { name: 'DNS and HTTP on one port', file: { port: 8123 }, says: ['httpPort', '8123', 'other than that of DNS'] },

  // forwarding
  {
    name: 'a resolver by name',
    file: { resolvers: ['dns.google'] },
    says: ['resolvers', '"dns.google"', 'an IP address'],
  },
  {
    name: 'a resolver with a bad port',
    file: { resolvers: ['8.8.8.8:70000'] },
    says: ['resolvers', '"8.8.8.8:70000"', '65535'],
  },
  { name: 'an empty resolver', file: { resolvers: [''] }, says: ['resolvers', '""', 'an IP address'] },
  {
    name: 'a resolver twice',
    file: { resolvers: ['8.8.8.8', '8.8.8.8:53'] },
    says: ['resolvers', '8.8.8.8:53', 'no duplicates'],
  },
  {
    name: 'resolvers in a string',
    file: { resolvers: '8.8.8.8' },
    says: ['resolvers', '"8.8.8.8"', 'a list of strings'],
  },
  {
    name: 'zone resolvers in a list',
    file: { zoneResolvers: ['weave'] },
    says: ['zoneResolvers', 'a list', 'an object'],
  },
  {
    name: 'a zone without servers',
    file: { zoneResolvers: { weave: [] } },
    says: ['zoneResolvers["weave"]', 'at least one', 'empty'],
  },
  {
    name: 'a zone with a string',
    file: { zoneResolvers: { weave: '10.0.0.1' } },
    says: ['zoneResolvers["weave"]', 'a list', '"10.0.0.1"'],
  },
  {
    name: 'a zone with a bad server',
    file: { zoneResolvers: { weave: ['x'] } },
    says: ['zoneResolvers["weave"]', '"x"', 'an IP address'],
  },
  {
    name: 'an invalid zone',
    file: { zoneResolvers: { 'weave.': ['10.0.0.1'] } },
    says: ['zoneResolvers["weave."]', 'without a final dot'],
  },
  {
    name: 'the domain as a zone',
    file: { zoneResolvers: { Mesos: ['10.0.0.1'] } },
    says: ['zoneResolvers["mesos"]', 'other than the domain'],
  },
  {
    name: 'a zone that masks another',
    file: { zoneResolvers: { example: ['10.0.0.1'], 'a.example': ['10.0.0.2'] } },
    says: ['zoneResolvers', '"a.example" below "example"'],
  },
  {
    name: 'a zone below the domain',
    file: { zoneResolvers: { 'a.mesos': ['10.0.0.1'] } },
    says: ['zoneResolvers', '"a.mesos" below the domain "mesos"'],
  },
  {
    name: 'a zone above the domain',
    file: { domain: 'dc1.example', zoneResolvers: { example: ['10.0.0.1'] } },
    says: ['zoneResolvers', 'the domain "dc1.example" below "example"'],
  },
  {
    name: 'a zone twice',
    file: { zoneResolvers: { weave: ['10.0.0.1'], WEAVE: ['10.0.0.2'] } },
    says: ['zoneResolvers["WEAVE"]', 'each zone once'],
  },

  // authentication and certificates
  {
    name: 'an unknown authentication',
    file: { mesosAuthentication: 'digest' },
    says: ['mesosAuthentication', '"digest"', '"basic", "iam"'],
  },
  {
    name: 'basic without a principal',
    file: { mesosAuthentication: 'basic' },
    says: ['mesosCredentials', 'a principal', '"basic"'],
  },
  {
    name: 'credentials in a string',
    file: { mesosCredentials: 'a:b' },
    says: ['mesosCredentials', 'an object', 'a string'],
  },
  {
    name: 'a secret that is a number',
    file: { mesosCredentials: { secret: 1234 } },
    says: ['mesosCredentials.secret', 'a string', 'a number'],
  },
  {
    name: 'a cookie secret that is too short',
    file: { cookieSecrets: ['e5e973e5a6b2a43f48e7dc849e37bfcf', 'e5e973e5a6b2a43f48e7dc849e37bfc'] },
    says: ['cookieSecrets[1]', '32 hexadecimal digits', '31 characters'],
  },
  {
    name: 'a cookie secret that is a number',
    file: { cookieSecrets: [12345678] },
    says: ['cookieSecrets[0]', 'a string', 'a number'],
  },
  {
    name: 'more cookie secrets than are used',
    file: { cookieSecrets: Array.from({ length: 5 }, () => 'e5e973e5a6b2a43f48e7dc849e37bfcf') },
    says: ['cookieSecrets', 'at most 4', '5'],
  },
  { name: 'an NSID that is too long', file: { nsid: 'é'.repeat(65) }, says: ['nsid', 'at most 128 bytes'] },
  { name: 'iam without a file', file: { mesosAuthentication: 'iam' }, says: ['iamConfigFile', 'a file', '"iam"'] },
  {
    name: 'a missing iam file',
    file: { mesosAuthentication: 'iam', iamConfigFile: '/iam/none' },
    says: ['iamConfigFile', '/iam/none', 'no such file'],
  },
  {
    name: 'an iam file that is not JSON',
    file: { mesosAuthentication: 'iam', iamConfigFile: '/iam/broken.json' },
    says: ['iamConfigFile', '/iam/broken.json', 'line 1, column 9'],
  },
  {
    name: 'an iam file with a list',
    file: { mesosAuthentication: 'iam', iamConfigFile: '/iam/list.json' },
    says: ['iamConfigFile', '/iam/list.json', 'a JSON object'],
  },
  {
    name: 'an iam file without a uid',
    file: { mesosAuthentication: 'iam', iamConfigFile: '/iam/no-uid.json' },
    says: ['iamConfigFile', '"uid"'],
  },
  {
    name: 'an iam file with a bad key',
    file: { mesosAuthentication: 'iam', iamConfigFile: '/iam/bad-key.json' },
    says: ['iamConfigFile', '"private_key"', 'RSA'],
  },
  {
    name: 'an iam file with a bad endpoint',
    file: { mesosAuthentication: 'iam', iamConfigFile: '/iam/bad-url.json' },
    says: ['iamConfigFile', '"login_endpoint"', 'URL'],
  },
  {
    name: 'a certificate without a key',
    file: { certFile: '/pki/cert.pem' },
    says: ['keyFile', 'private key of certFile', 'nothing'],
  },
  {
    name: 'a key without a certificate',
    file: { keyFile: '/pki/key.pem' },
    says: ['certFile', 'certificate of keyFile', 'nothing'],
  },
  { name: 'a missing CA file', file: { caCertFile: '~/ca.pem' }, says: ['caCertFile', '~/ca.pem', 'no such file'] },
  {
    name: 'a CA file without certificates',
    file: { caCertFile: '/pki/garbage.pem' },
    says: ['caCertFile', '/pki/garbage.pem', 'at least one certificate'],
  },
  {
    name: 'a certificate that is none',
    file: { certFile: '/pki/garbage.pem', keyFile: '/pki/key.pem' },
    says: ['certFile', '/pki/garbage.pem', 'a certificate'],
  },
  {
    name: 'a key that is none',
    file: { certFile: '/pki/cert.pem', keyFile: '/pki/garbage.pem' },
    says: ['keyFile', '/pki/garbage.pem', 'a private key'],
  },
  {
    name: 'a key with a passphrase',
    file: { certFile: '/pki/cert.pem', keyFile: '/pki/locked.pem' },
    says: ['keyFile', '/pki/locked.pem', 'without a passphrase'],
  },
  {
    name: 'the key of another certificate',
    file: { certFile: '/pki/cert.pem', keyFile: '/pki/rsa.pem' },
    says: ['keyFile', '/pki/rsa.pem', '/pki/cert.pem'],
  },
];

describe('a broken configuration is refused in one helpful line', () => {
  for (const { name, file, says, world } of CASES) {
    it(name, async () => {
      const text = typeof file === 'string' ? file : JSON.stringify({ masters: ['10.0.0.1:5050'], ...file });
      const line = await refusalOf(text, { files, ...world });
      assert.match(line, /^config\.json: [^\n]+$/);
      assert.doesNotMatch(line, /problems: /, `one problem was expected: ${line}`);
      for (const part of says) assert.ok(line.includes(part), `${JSON.stringify(part)} is not in: ${line}`);
    });
  }

  it('names every problem at once, in one line', async () => {
    const line = await refusalOf('{"port": 0, "ttl": "60", "domain": "a_b", "listener": "gone.example"}');
    assert.match(
      line,
      /^config\.json: 5 problems: \(1\) port: .*; \(2\) ttl: .*; \(3\) zk, masters: .*; \(4\) domain: .*; \(5\) listener: [^\n]*$/,
    );
  });
});
