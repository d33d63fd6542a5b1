// What a usable configuration becomes: every key, the documented samples, and the warnings.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { KEYS } from '../../src/config/schema.ts';
import { MesosDnsError } from '../../src/errors.ts';
import { DEFAULT_CONFIG } from '../support/config.ts';
import { certificate, certificateKey, rsaKey } from './pem.ts';
import { load, loadText, minimal, surroundingsOf, type World } from './support.ts';

const files = {
  '/pki/cert.pem': certificate,
  '/pki/key.pem': certificateKey,
  '/home/operator/ca.pem': `some comment\n${certificate}`,
  '/iam/account.json': JSON.stringify({
    scheme: 'RS256',
    uid: 'mesos-dns',
    private_key: rsaKey,
    login_endpoint: 'https://leader.example/acs/api/v1/auth/login',
  }),
  '/zk/url': ' zk://10.0.0.1:2181/mesos\n',
};

/** Every key: how the file sets it and what the configuration then holds. */
const HAPPY: Readonly<Record<keyof typeof KEYS, readonly [unknown, unknown]>> = {
  zk: ['zk://10.0.0.1:2181,10.0.0.2:2181/mesos', 'zk://10.0.0.1:2181,10.0.0.2:2181/mesos'],
  masters: [
    ['10.0.0.2:5050', '[fd00:0::2]:5050', '[::ffff:10.0.0.3]:5050'],
    ['10.0.0.2:5050', '[fd00:0::2]:5050', '[::ffff:10.0.0.3]:5050'],
  ],
  zkDetectionTimeout: [45, 45],
  refreshSeconds: [1, 1],
  stateTimeoutSeconds: [20, 20],
  follow: ['poll', 'poll'],
  mesosAuthentication: ['', ''],
  mesosCredentials: [
    { Principal: '', secret: '' },
    { principal: '', secret: '' },
  ],
  iamConfigFile: ['', ''],
  mesosSecretFrom: ['', ''],
  mesosHTTPSOn: [true, true],
  caCertFile: ['~/ca.pem', '/home/operator/ca.pem'],
  certFile: ['', ''],
  keyFile: ['', ''],
  domain: ['DC1.Example', 'dc1.example'],
  ttl: [0, 0],
  srvRecordDefaultWeight: [65535, 65535],
  IPSources: [
    ['docker', 'netinfo', 'mesos', 'host'],
    ['docker', 'netinfo', 'mesos', 'host'],
  ],
  enforceRFC952: [true, true],
  reverseDNSOn: [true, true],
  resolvSubnetFirst: [true, true],
  dottedNames: [false, false],
  agentReregisterSeconds: [0, 0],
  holdSeconds: [30, 30],
  holdLossPercent: [75, 75],
  stateDirectory: ['/var/lib/mesos-dns', '/var/lib/mesos-dns'],
  snapshotMaxAgeSeconds: [3600, 3600],
  slaveNamedPorts: [true, true],
  healthAware: [true, true],
  SOARname: ['Admin@mesos.example', 'Admin.mesos.example.'],
  SOAMname: ['ns9.mesos...', 'ns9.mesos.'],
  SOARefresh: [4294967295, 4294967295],
  SOARetry: [1, 1],
  SOAExpire: [2, 2],
  SOAMinttl: [2147483647, 2147483647],
  dnsOn: [false, false],
  listener: [
    ['10.0.0.9', '0::1'],
    ['10.0.0.9', '::1'],
  ],
  port: [8053, 8053],
  io: ['dgram', 'dgram'],
  workers: [31, 31],
  udpReceiveBufferBytes: [0, 0],
  udpSendBufferBytes: [65_536, 65_536],
  recurseOn: [false, false],
  setTruncateBit: [false, false],
  ednsUdpSize: [4096, 4096],
  tcpIdleSeconds: [30, 30],
  tcpConnections: [500, 500],
  tcpConnectionsPerAddress: [50, 50],
  dnsCookies: [false, false],
  cookieSecrets: [
    ['e5e973e5a6b2a43f48e7dc849e37bfcf', '445536BCD2513298075A5D379663C962'],
    ['e5e973e5a6b2a43f48e7dc849e37bfcf', '445536BCD2513298075A5D379663C962'],
  ],
  nsid: ['rack 7', 'rack 7'],
  serverVersion: ['1', '1'],
  serverId: ['ns1', 'ns1'],
  rateLimit: [1000, 1000],
  rateLimitSlip: [0, 0],
  externalOn: [false, false],
  resolvers: [
    ['1.1.1.1', '1.1.1.1:5353', '2001:db8:0::1', '[2001:db8::1]:5353', '[2001:db8::2]'],
    ['1.1.1.1:53', '1.1.1.1:5353', '[2001:db8::1]:53', '[2001:db8::1]:5353', '[2001:db8::2]:53'],
  ],
  zoneResolvers: [
    { Weave: ['172.17.0.1'], '10.in-addr.arpa': ['10.0.0.53:54', 'fd00::53'], 'mesos-two': ['10.0.0.2'] },
    { weave: ['172.17.0.1:53'], '10.in-addr.arpa': ['10.0.0.53:54', '[fd00::53]:53'], 'mesos-two': ['10.0.0.2:53'] },
  ],
  specialUseNames: [false, false],
  forwardPolicy: ['fastest', 'fastest'],
  forwardRandomCase: [true, true],
  forwardCaCertFile: ['~/ca.pem', '/home/operator/ca.pem'],
  allowForward: [
    ['203.0.113.0/24', '2001:db8::/32', 'localnets'],
    ['203.0.113.0/24', '2001:db8::/32', 'localnets'],
  ],
  cacheSizeMegabytes: [0, 0],
  cacheMinTtl: [5, 5],
  cacheMaxTtl: [3600, 3600],
  cacheMaxNegativeTtl: [60, 60],
  cacheMaxStale: [0, 0],
  cachePrefetch: [false, false],
  cacheNxdomainCut: [false, false],
  timeout: [0, 5],
  httpOn: [false, false],
  httpListener: ['127.0.0.1', '127.0.0.1'],
  httpPort: [18123, 18123],
  enumerationOn: [false, false],
  metricsPrefix: ['coredns_', 'coredns_'],
  logFormat: ['json', 'json'],
  queryLogSample: [1000, 1000],
};

describe('loadConfig', () => {
  for (const [key, [written, expected]] of Object.entries(HAPPY)) {
    it(`reads ${key}, in whatever case it is written`, async () => {
      for (const spelling of [key, key.toLowerCase(), key.toUpperCase()]) {
        const { config, warnings } = await load(
          { ...(key === 'masters' ? {} : minimal), [spelling]: written },
          { files },
        );
        assert.deepEqual(config[key as keyof Config], expected);
        const others = warnings.filter((warning) => !warning.startsWith('mesosHTTPSOn: any certificate'));
        assert.deepEqual(others, []);
      }
    });
  }

  it('has the documented defaults', async () => {
    const { config, warnings } = await load(minimal);
    assert.deepEqual(warnings, []);
    assert.deepEqual(config, DEFAULT_CONFIG);
  });

  it('loads the configuration of the tutorial', async () => {
    const { config, warnings } = await loadText(`{
      "zk": "zk://10.41.40.151:2181/mesos",
      "refreshSeconds": 60,
      "ttl": 60,
      "domain": "mesos",
      "port": 53,
      "resolvers": ["169.254.169.254","10.0.0.1"],
      "timeout": 5,
      "email": "root.mesos-dns.mesos"
    }`);
    assert.deepEqual(warnings, []);
    assert.equal(config.zk, 'zk://10.41.40.151:2181/mesos');
    assert.deepEqual(config.resolvers, ['169.254.169.254:53', '10.0.0.1:53']);
    assert.equal(config.SOARname, 'root.mesos-dns.mesos.');
  });

  it('loads the sample that documents all parameters', async () => {
    const { config, warnings } = await load(
      {
        zk: 'zk://10.101.160.15:2181/mesos/',
        masters: ['10.101.160.15:5050', '10.101.160.16:5050', '10.101.160.17:5050'],
        mesosCredentials: { principal: 'my-mesos-dns-principal', secret: 'super-secret' },
        mesosAuthentication: 'basic',
        zoneResolvers: { weave: ['172.17.0.1'] },
        reversednson: false,
        httpon: true,
        dnson: true,
        httpport: 8123,
        externalon: true,
        listener: '10.101.160.16',
        IPSources: ['netinfo', 'mesos', 'host'],
      },
      {},
    );
    assert.deepEqual(warnings, []);
    assert.equal(config.zk, 'zk://10.101.160.15:2181/mesos');
    assert.deepEqual(config.mesosCredentials, { principal: 'my-mesos-dns-principal', secret: 'super-secret' });
  });

  const variants = {
    default: { IPSources: ['netinfo', 'mesos', 'host'], EnforceRFC952: false },
    host: { IPSources: ['host'], EnforceRFC952: false },
    docker: { IPSources: ['docker', 'netinfo', 'host'], EnforceRFC952: false },
    rfc952: { IPSources: ['netinfo', 'mesos', 'host'], EnforceRFC952: true },
  };
  for (const [name, variant] of Object.entries(variants)) {
    it(`loads the corpus variant ${name}`, async () => {
      const common = { domain: 'mesos', listener: '127.0.0.1', ttl: 60, refreshSeconds: 1 };
      const { config, warnings } = await load({ ...common, masters: ['127.0.0.1:5050'], ...variant });
      assert.deepEqual(warnings, []);
      assert.deepEqual(config.IPSources, variant.IPSources);
      assert.equal(config.enforceRFC952, variant.EnforceRFC952);
      assert.deepEqual(config.listener, ['127.0.0.1']);
      assert.equal(config.refreshSeconds, 1);
    });
  }

  it('loads the sample config.json of this project without warnings', async () => {
    // Compiled, this file is two folders deeper than in the sources.
    const path = fileURLToPath(new URL('../../../config.json', import.meta.url));
    const { config, warnings } = await loadConfig(path);
    assert.deepEqual(warnings, []);
    assert.equal(config.file, path);
    assert.equal(config.masters.length, 3);
    const keys = Object.keys(JSON.parse(await readFile(path, 'utf8')) as object);
    for (const key of [
      'zk',
      'masters',
      'refreshSeconds',
      'ttl',
      'domain',
      'port',
      'resolvers',
      'timeout',
      'listener',
      'email',
    ]) {
      assert.ok(keys.includes(key), key);
    }
  });

  it('freezes the configuration down to its lists', async () => {
    const { config } = await load({ ...minimal, zoneResolvers: { weave: ['172.17.0.1'] } });
    const parts: unknown[] = [config, config.masters, config.listener, config.resolvers, config.zoneResolvers];
    parts.push(config.zoneResolvers['weave'] ?? [], config.IPSources, config.mesosCredentials);
    assert.deepEqual(
      parts.filter((part) => !Object.isFrozen(part)),
      [],
    );
  });

  it('takes 60.0 and 6e1 for the integer 60', async () => {
    const { config } = await loadText('{"masters":["10.0.0.1:5050"],"ttl":60.0,"refreshSeconds":6e1,"timeout":-0}');
    assert.deepEqual([config.ttl, config.refreshSeconds, config.timeout], [60, 60, 5]);
  });

  it('takes null for a key that is not set', async () => {
    const { config, warnings } = await load({ ...minimal, zk: null, resolvers: null, zkDetectionTimeout: null });
    assert.deepEqual([config.zk, config.resolvers, config.exitWithoutLeaderSeconds], ['', ['8.8.8.8:53'], null]);
    assert.deepEqual(warnings, []);
  });

  it('ends without a leader only where a zkDetectionTimeout above 0 is written', async () => {
    const secondsFor = async (more: object) => (await load({ ...minimal, ...more })).config.exitWithoutLeaderSeconds;
    assert.equal(await secondsFor({}), null);
    assert.equal(await secondsFor({ zkDetectionTimeout: 0 }), null);
    assert.equal(await secondsFor({ zkDetectionTimeout: 30 }), 30);
  });

  it('empties resolvers and zoneResolvers without checking them when externalOn is false', async () => {
    const { config } = await load({
      ...minimal,
      externalOn: false,
      resolvers: ['no address'],
      zoneResolvers: { mesos: ['no address'] },
    });
    assert.deepEqual([config.resolvers, config.zoneResolvers], [[], {}]);
  });

  it('accepts email and mname, and prefers the present names', async () => {
    const old = await load({ ...minimal, email: 'root@old.example', mname: 'ns.old.example' });
    assert.deepEqual([old.config.SOARname, old.config.SOAMname], ['root.old.example.', 'ns.old.example.']);
    assert.deepEqual(old.warnings, []);
    for (const both of [
      { email: 'old.example', SOARname: 'new.example' },
      { SOARname: 'new.example', email: 'old.example' },
    ]) {
      const { config, warnings } = await load({ ...minimal, ...both });
      assert.equal(config.SOARname, 'new.example.');
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', /^email: not used, because SOARname/);
    }
  });

  it('takes the root for an empty mailbox', async () => {
    assert.equal((await load({ ...minimal, email: '' })).config.SOARname, '.');
  });

  it('reads an IAM account and certificates that fit', async () => {
    const { config, warnings } = await load(
      {
        ...minimal,
        mesosAuthentication: 'iam',
        iamConfigFile: '/iam/account.json',
        certFile: '/pki/cert.pem',
        keyFile: '/pki/key.pem',
        caCertFile: '/pki/cert.pem',
      },
      { files },
    );
    assert.deepEqual(warnings, []);
    assert.deepEqual([config.mesosAuthentication, config.iamConfigFile], ['iam', '/iam/account.json']);
  });

  it('takes the form of zk that names a file or one master', async () => {
    const zkAndMasters = async (values: object) => {
      const { config } = await load(values, { files });
      return [config.zk, config.masters];
    };
    assert.deepEqual(await zkAndMasters({ zk: 'file:///zk/url' }), ['zk://10.0.0.1:2181/mesos', []]);
    assert.deepEqual(await zkAndMasters({ zk: 'master@10.0.0.1:5050' }), ['', ['10.0.0.1:5050']]);
    assert.deepEqual(await zkAndMasters({ zk: '10.0.0.2:5050', masters: ['10.0.0.1:5050', '10.0.0.2:5050'] }), [
      '',
      ['10.0.0.2:5050', '10.0.0.1:5050'],
    ]);
  });
});

describe('the configuration file', () => {
  it('may begin with a byte order mark', async () => {
    assert.deepEqual((await loadText(`\ufeff${JSON.stringify(minimal)}`)).config.masters, ['10.0.0.1:5050']);
  });

  it('is found below the home directory', async () => {
    const world = surroundingsOf({ files: { '/home/operator/dns.json': JSON.stringify(minimal) } });
    const { config } = await loadConfig('~/dns.json', world);
    assert.equal(config.file, '~/dns.json');
  });

  const troubles = [
    { name: 'missing', path: 'no/such/file.json', says: /^no\/such\/file\.json: .*no such file/ },
    { name: 'a directory', path: '.', says: /^\.: .*it is a directory/ },
  ];
  for (const { name, path, says } of troubles) {
    it(`is refused in words where it is ${name}`, async () => {
      await assert.rejects(loadConfig(path), (error) => {
        assert.ok(error instanceof MesosDnsError);
        assert.equal(error.code, 'ERR_CONFIG');
        assert.match(error.message, says);
        return true;
      });
    });
  }

  it('is refused in words where it is written in UTF-16', async () => {
    const utf16 = async () => Buffer.from(`\ufeff${JSON.stringify(minimal)}`, 'utf16le');
    await assert.rejects(loadConfig('c.json', { readFile: utf16 }), /UTF-16/);
  });

  it('is read with a warning where some bytes are no UTF-8', async () => {
    const latin1 = async () => Buffer.from('{"masters":["10.0.0.1:5050"],"remark":"f\xfcr"}', 'latin1');
    const { warnings } = await loadConfig('c.json', { readFile: latin1 });
    assert.match(warnings.join('\n'), /not valid UTF-8/);
  });
});

describe('a warning', () => {
  const cases: readonly { name: string; values: object; says: RegExp; world?: World }[] = [
    {
      name: 'names the key meant by an unknown one',
      values: { resolver: [] },
      says: /"resolver".*did you mean resolvers\?$/,
    },
    { name: 'finds swapped letters', values: { domian: 'x' }, says: /"domian".*did you mean domain\?$/ },
    { name: 'knows former names too', values: { emial: 'x' }, says: /"emial".*did you mean email\?$/ },
    {
      name: 'suggests nothing far-fetched',
      values: { unrelatedThing: 1 },
      says: /"unrelatedThing": unknown key in line 1, ignored$/,
    },
    { name: 'explains keys that have no effect', values: { SOASerial: 1 }, says: /^SOASerial: has no effect/ },
    {
      name: 'tells unused credentials',
      values: { mesosCredentials: { principal: 'p' } },
      says: /^mesosCredentials: given, but not used/,
    },
    {
      name: 'tells an unused IAM file',
      values: { iamConfigFile: '/iam/account.json' },
      says: /^iamConfigFile: given, but not used/,
      world: { files },
    },
    {
      name: 'tells an unknown member of the credentials',
      values: { mesosCredentials: { password: 'x' } },
      says: /unknown member "password"/,
    },
    {
      name: 'tells a resolver that is this server',
      values: { resolvers: ['10.0.0.9'] },
      says: /^resolvers: "10.0.0.9:53" is this server itself/,
    },
    {
      name: 'tells a zone resolver that is this server',
      values: { listener: '10.0.0.9', zoneResolvers: { weave: ['10.0.0.9'] } },
      says: /^zoneResolvers\["weave"\]: "10.0.0.9:53" is this server/,
    },
    { name: 'tells a master in zk', values: { zk: '10.0.0.1:5050' }, says: /^zk: "10.0.0.1:5050" is no ZooKeeper URL/ },
  ];
  for (const { name, values, says, world } of cases) {
    it(name, async () => {
      const { warnings } = await load({ ...minimal, ...values }, world);
      assert.equal(warnings.length, 1, warnings.join('\n'));
      assert.match(warnings[0] ?? '', says);
    });
  }

  it('tells a key that stands twice; the last one counts', async () => {
    const { config, warnings } = await loadText('{"masters":["10.0.0.1:5050"],\n"ttl":1,\n"TTL":2,\n"ttl":3}');
    assert.equal(config.ttl, 3);
    assert.deepEqual(warnings, [
      'ttl: the value in line 2 is not used, because TTL stands again in line 3',
      'TTL: the value in line 3 is not used, because ttl stands again in line 4',
    ]);
  });
});
