import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseZk, redactZk, requireZk } from '../../src/config/zk-url.ts';
import { MesosDnsError } from '../../src/errors.ts';

describe('parseZk', () => {
  const accepted = [
    {
      name: 'one host with the default port',
      url: 'zk://zk1/mesos',
      expected: { servers: [{ host: 'zk1', port: 2181 }], path: '/mesos', credentials: null },
    },
    {
      name: 'several hosts, with and without ports, and spaces around them',
      url: ' zk://10.0.0.1:2182, zk2,zk3.example.com:2181,/mesos/cluster-a/\n',
      expected: {
        servers: [
          { host: '10.0.0.1', port: 2182 },
          { host: 'zk2', port: 2181 },
          { host: 'zk3.example.com', port: 2181 },
        ],
        path: '/mesos/cluster-a',
        credentials: null,
      },
    },
    {
      name: 'IPv6 in brackets, in its canonical spelling',
      url: 'zk://[fd00:0::1]:2183,[::1]/m',
      expected: {
        servers: [
          { host: 'fd00::1', port: 2183 },
          { host: '::1', port: 2181 },
        ],
        path: '/m',
        credentials: null,
      },
    },
    {
      name: 'credentials up to the last @, verbatim',
      url: 'zk://user:p@ss%40:w0rd@zk1:2181/mesos',
      expected: { servers: [{ host: 'zk1', port: 2181 }], path: '/mesos', credentials: 'user:p@ss%40:w0rd' },
    },
    {
      name: 'a path with a final slash',
      url: 'zk://h1:2181,10.0.0.3/mesos/cluster-a/',
      expected: {
        servers: [
          { host: 'h1', port: 2181 },
          { host: '10.0.0.3', port: 2181 },
        ],
        path: '/mesos/cluster-a',
        credentials: null,
      },
    },
    {
      name: 'the same server once',
      url: 'ZK://zk1,zk1:2181/mesos',
      expected: { servers: [{ host: 'zk1', port: 2181 }], path: '/mesos', credentials: null },
    },
  ];
  for (const { name, url, expected } of accepted) {
    it(`reads ${name}`, () => assert.deepEqual(parseZk(url), { kind: 'zookeeper', ...expected }));
  }

  it('reads the forms without an election', () => {
    assert.deepEqual(parseZk('file:///etc/mesos/zk'), { kind: 'file', file: '/etc/mesos/zk' });
    assert.deepEqual(parseZk('master@10.0.0.1:5050'), { kind: 'master', master: { host: '10.0.0.1', port: 5050 } });
    assert.deepEqual(parseZk('[::1]:5050'), { kind: 'master', master: { host: '::1', port: 5050 } });
  });

  const refused = [
    '',
    'zk://',
    'zk://zk1:2181',
    'zk://zk1:2181/',
    'zk:///mesos',
    'zk://,/mesos',
    'zk://zk1:0/mesos',
    'zk://zk1:65536/mesos',
    'zk://zk1:port/mesos',
    'zk://::1/mesos',
    'zk://[zk1]:2181/mesos',
    'zk://[10.0.0.1]/mesos',
    'zk://[fe80::1%eth0]/mesos',
    'zk://10.0.0.256/mesos',
    'zk://zk1:/mesos',
    'zk://zk 1/mesos',
    'zk://zk1/me sos',
    'zk://user:pass/word@zk1/mesos',
    'zk://zk1/mesos//a',
    'zk://zk1/mesos/../a',
    'zk://zk1/me\u0000sos',
    'http://zk1/mesos',
    'file://relative',
    'zk1',
    'zk1:2181,zk2:2181',
    '10.0.0.256:5050',
    'mesos',
  ];
  for (const url of refused) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      assert.throws(
        () => requireZk(url),
        (error) => error instanceof MesosDnsError && error.code === 'ERR_CONFIG' && error.message.includes('"zk"'),
      );
    });
  }

  const leaky = [
    'zk://user:s3cret@zk1:2181',
    'zk://user:s3cret@zk1:99999/mesos',
    'zk://user:s3cret@/mesos',
    'zk://user:s3cret/mesos',
    'zk://user:a/s3cret@zk1/mesos',
    'zk://user:s3cret@zk1,zk2:x/mesos',
    'zk:/user:s3cret@zk1/mesos',
    'user:s3cret@zk1:2181/mesos',
    'zk://user:\ns3cret@zk1:0/mesos',
  ];
  for (const url of leaky) {
    it(`does not repeat the password of ${JSON.stringify(url)}`, () => {
      assert.throws(
        () => requireZk(url),
        (error) => error instanceof MesosDnsError && !error.message.includes('s3cret'),
      );
    });
  }
});

describe('redactZk', () => {
  it('hides the user and the password and keeps the rest', () => {
    assert.equal(redactZk('zk://user:p@ss@zk1:2181,[::1]:2181/mesos'), 'zk://***@zk1:2181,[::1]:2181/mesos');
    assert.equal(redactZk('zk://zk1:2181,zk2/mesos'), 'zk://zk1:2181,zk2/mesos');
    assert.equal(redactZk(''), '');
  });
});
