import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import type { PublishedZone } from '../../src/http/published-zone.ts';
import { createHttpApi, type HttpApi } from '../../src/http/server.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { configWith, NO_CLUSTER, SECRET } from './config-fixture.ts';

const ENUMERATION = { frameworks: [{ tasks: [{ name: 'web', id: 'web.1', records: null }], name: 'marathon' }] };

const ZONE: PublishedZone = {
  serial: 4_294_967_295,
  records: {
    as: new Map([
      ['web.marathon.mesos.', ['10.0.0.1', '10.0.0.2']],
      ['web-abcde-s1.marathon.mesos.', ['10.0.0.1', '10.0.0.9']],
      ['Web.marathon.mesos.', ['10.0.0.1']],
      ['sch\u00f6n web.marathon.mesos.', ['10.0.0.1']],
    ]),
    aaaas: new Map([
      ['web.marathon.mesos.', ['fd00::1']],
      ['web-abcde-s1.marathon.mesos.', ['fd00::1']],
    ]),
    srvs: new Map([
      ['_web._tcp.marathon.mesos.', ['web-abcde-s1.marathon.mesos.:31000', 'gone.marathon.mesos.:31001']],
      ['_lost._tcp.marathon.mesos.', ['gone.marathon.mesos.:31001']],
    ]),
    ptrs: new Map([['1.0.0.10.in-addr.arpa.', 'web.marathon.mesos.']]),
    aliases: new Map([['web.dev.marathon.mesos.', ['web.marathon.mesos.']]]),
  },
  isStale: false,
  input: NO_CLUSTER,
  enumerate: () => ENUMERATION,
};

let api: HttpApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

function create(changes: Partial<Config> = {}, zone: PublishedZone | null = ZONE): HttpApi {
  api = createHttpApi({
    config: () => configWith(changes),
    zone: () => zone,
    version: '1.2.3',
    metrics: createMetrics(),
    logger: silentLogger(),
  });
  return api;
}

async function get(url: string, { app } = create(), method: 'GET' | 'HEAD' | 'POST' = 'GET') {
  return await app.inject({ method, url });
}

describe('/v1/version', () => {
  it('names the service and the version', async () => {
    const response = await get('/v1/version');
    assert.equal(response.statusCode, 200);
    assert.match(String(response.headers['content-type']), /^application\/json/);
    const { URL: url, ...rest } = response.json();
    assert.deepEqual(rest, { Service: 'Mesos-DNS', Version: '1.2.3' });
    assert.equal(typeof url, 'string');
  });

  it('is served before there is a zone, as is the configuration', async () => {
    const app = create({}, null);
    assert.equal((await get('/v1/version', app)).statusCode, 200);
    assert.equal((await get('/v1/config', app)).json().SOASerial, 0);
  });
});

describe('/v1/config', () => {
  it('lists every field under its name in Mesos-DNS, with its type', async () => {
    const config = (await get('/v1/config', create({ file: '/etc/mesos-dns/config.json' }))).json();
    assert.deepEqual(config, {
      RefreshSeconds: 60,
      Port: 53,
      Timeout: 5,
      StateTimeoutSeconds: 300,
      ZkDetectionTimeout: 30,
      HttpPort: 0,
      TTL: 60,
      SRVRecordDefaultWeight: 1,
      SOASerial: 4_294_967_295,
      SOARefresh: 60,
      SOARetry: 600,
      SOAExpire: 86400,
      SOAMinttl: 60,
      SOAMname: 'ns1.mesos.',
      SOARname: 'root.ns1.mesos.',
      Masters: ['10.0.0.1:5050'],
      ZoneResolvers: {},
      Resolvers: ['8.8.8.8'],
      IPSources: ['netinfo', 'mesos', 'host'],
      Zk: 'zk://****@10.0.0.1:2181,10.0.0.2:2181/mesos',
      Domain: 'mesos',
      File: '/etc/mesos-dns/config.json',
      Listener: '0.0.0.0',
      HTTPListener: '127.0.0.1',
      RecurseOn: true,
      DnsOn: true,
      HttpOn: true,
      ExternalOn: true,
      EnforceRFC952: false,
      SetTruncateBit: true,
      EnumerationOn: true,
      MesosHTTPSOn: false,
      CACertFile: '',
      CertFile: '',
      KeyFile: '',
      MesosCredentials: { Principal: 'dns', Secret: '****' },
      IAMConfigFile: '',
      MesosAuthentication: 'basic',
      ReverseDnsOn: false,
      ResolvSubnetFirst: false,
      DottedNames: true,
      SlaveNamedPorts: false,
      HealthAware: false,
    });
  });

  it('writes lists and maps as Go does', async () => {
    const config = (
      await get(
        '/v1/config',
        create({
          masters: [],
          listener: ['10.0.0.1', '::1'],
          resolvers: ['[2001:db8::53]:53', '10.0.0.53:5353'],
          zoneResolvers: { consul: ['127.0.0.1:8600', '10.0.0.2:53'] },
        }),
      )
    ).json();
    assert.equal(config.Masters, null);
    assert.equal(config.Listener, '10.0.0.1,::1');
    assert.deepEqual(config.Resolvers, ['2001:db8::53', '10.0.0.53:5353']);
    assert.deepEqual(config.ZoneResolvers, { consul: ['127.0.0.1:8600', '10.0.0.2'] });
  });

  it('shows what holds no secret as it is', async () => {
    const config = (
      await get(
        '/v1/config',
        create({ zk: 'zk://10.0.0.1:2181/mesos', mesosCredentials: { principal: '', secret: '' } }),
      )
    ).json();
    assert.equal(config.Zk, 'zk://10.0.0.1:2181/mesos');
    assert.deepEqual(config.MesosCredentials, { Principal: '', Secret: '' });
  });
});

describe('secrets', () => {
  it('stand in no answer', async () => {
    const zks = [`zk://u:${SECRET}@h:2181/m`, `ZK://${SECRET}@h/m`, `zk://u:a@b@${SECRET}@h:2181/m`];
    const paths = [
      '/v1/config',
      '/v1/version',
      '/v1/enumerate',
      '/v1/axfr',
      '/v1/hosts/x',
      '/metrics',
      '/',
      '/v1/nothing',
    ];
    const cookieSecrets = ['e5e973e5a6b2a43f48e7dc849e37bfcf'];
    for (const zk of zks) {
      const app = create({ zk, cookieSecrets });
      for (const path of paths) {
        const { body } = await get(path, app);
        assert.ok(!body.includes('hunter2'), `${zk} in ${path}`);
        assert.ok(!body.includes('e5e973e5'), `a cookie secret in ${path}`);
      }
    }
  });
});

describe('/v1/hosts/{host}', () => {
  it('lists A, then AAAA', async () => {
    assert.deepEqual((await get('/v1/hosts/web.marathon.mesos.')).json(), [
      { host: 'web.marathon.mesos.', ip: '10.0.0.1' },
      { host: 'web.marathon.mesos.', ip: '10.0.0.2' },
      { host: 'web.marathon.mesos.', ip: 'fd00::1' },
    ]);
  });

  const spellings = [
    'web.marathon.mesos',
    'WEB.Marathon.Mesos',
    'web.*.marathon.mesos',
    'web.marathon.mesos.*',
    'web%2Emarathon%2emesos',
    'web.marathon.mesos/',
    'web.marathon.mesos?x=1',
  ];
  for (const spelling of spellings) {
    it(`understands ${spelling}`, async () => {
      const [first] = (await get(`/v1/hosts/${spelling}`)).json();
      assert.deepEqual(first, { host: 'web.marathon.mesos.', ip: '10.0.0.1' });
    });
  }

  it('decodes what is percent-encoded', async () => {
    const [first] = (await get(`/v1/hosts/${encodeURIComponent('sch\u00f6n web.marathon.mesos')}`)).json();
    assert.equal(first.host, 'sch\u00f6n web.marathon.mesos.');
  });

  const unknown = ['nobody.mesos', '.*', '%00', '_web._tcp.marathon.mesos', 'web.dev.marathon.mesos', 'x'.repeat(1500)];
  for (const host of unknown) {
    it(`answers ${host.slice(0, 30)} with one empty entry and 200`, async () => {
      const response = await get(`/v1/hosts/${host}`);
      assert.equal(response.statusCode, 200);
      assert.deepEqual(response.json(), [{ host: '', ip: '' }]);
    });
  }

  it('finds no raw name with capitals, since the request is lower-cased', async () => {
    const app = create({}, { ...ZONE, records: { ...ZONE.records, as: new Map([['Web.mesos.', ['10.0.0.1']]]) } });
    assert.deepEqual((await get('/v1/hosts/Web.mesos', app)).json(), [{ host: '', ip: '' }]);
  });

  it('refuses broken percent-encoding', async () => {
    assert.equal((await get('/v1/hosts/%zz')).statusCode, 400);
  });

  it('has no list of ports', async () => {
    assert.equal((await get('/v1/hosts/web.marathon.mesos/ports')).statusCode, 501);
  });
});

describe('/v1/services/{service}', () => {
  it('gives one entry per family that a target has, under the name as asked, the port as text', async () => {
    assert.deepEqual((await get('/v1/services/_Web._tcp.marathon.mesos')).json(), [
      { service: '_Web._tcp.marathon.mesos', host: 'web-abcde-s1.marathon.mesos.', ip: '10.0.0.1', port: '31000' },
      { service: '_Web._tcp.marathon.mesos', host: 'web-abcde-s1.marathon.mesos.', ip: 'fd00::1', port: '31000' },
    ]);
  });

  for (const service of ['_nobody._tcp.mesos', '_lost._tcp.marathon.mesos']) {
    it(`answers ${service} with one empty entry`, async () => {
      assert.deepEqual((await get(`/v1/services/${service}`)).json(), [{ service: '', host: '', ip: '', port: '' }]);
    });
  }
});

describe('/v1/axfr and /v1/enumerate', () => {
  it('list the zone as Mesos-DNS does, without aliases and PTR records', async () => {
    const response = await get('/v1/axfr');
    assert.match(String(response.headers['content-type']), /^application\/json/);
    assert.deepEqual(response.json(), {
      TTL: 60,
      Serial: 4_294_967_295,
      RefreshSeconds: 60,
      Mname: 'ns1.mesos.',
      Rname: 'root.ns1.mesos.',
      Domain: 'mesos',
      Records: {
        As: Object.fromEntries(ZONE.records.as),
        AAAAs: Object.fromEntries(ZONE.records.aaaas),
        SRVs: Object.fromEntries(ZONE.records.srvs),
      },
    });
    assert.deepEqual((await get('/v1/enumerate')).json(), ENUMERATION);
  });

  it('are served only with enumerationOn', async () => {
    const app = create({ enumerationOn: false });
    for (const path of ['/v1/axfr', '/v1/enumerate']) assert.equal((await get(path, app)).statusCode, 404);
  });

  it('show one zone from beginning to end, whatever is published meanwhile', async () => {
    const names = (count: number, ip: string) =>
      new Map(Array.from({ length: count }, (_, i) => [`task-${i}.mesos.`, [ip]] as const));
    let zone: PublishedZone = { ...ZONE, records: { ...ZONE.records, as: names(50_000, '10.0.0.1') } };
    api = createHttpApi({
      config: () => configWith(),
      zone: () => zone,
      version: '1',
      metrics: createMetrics(),
      logger: silentLogger(),
    });
    const { port } = await api.listen();
    const response = await fetch(`http://127.0.0.1:${port}/v1/axfr`);
    zone = { ...ZONE, records: { ...ZONE.records, as: names(1, '10.9.9.9') } };
    const { Records } = (await response.json()) as { Records: { As: Record<string, string[]> } };
    assert.equal(Object.keys(Records.As).length, 50_000);
    assert.ok(Object.values(Records.As).every(([ip]) => ip === '10.0.0.1'));
  });
});

describe('without a zone', () => {
  for (const path of ['/v1/hosts/x', '/v1/services/x', '/v1/enumerate', '/v1/axfr']) {
    it(`${path} answers 503 and when to ask again`, async () => {
      const response = await get(path, create({}, null));
      assert.equal(response.statusCode, 503);
      assert.ok(Number(response.headers['retry-after']) > 0);
      assert.equal(typeof response.json().error, 'string');
    });
  }
});

describe('other requests', () => {
  it('get 404 as JSON', async () => {
    for (const path of ['/v3', '/v1', '/v2/version', '/v1/hosts', '/v1/hosts/', '/v1/hosts/a/b']) {
      const response = await get(path);
      assert.equal(response.statusCode, 404, path);
      assert.equal(typeof response.json().error, 'string');
    }
  });

  it('get 405 for methods that write', async () => {
    const response = await get('/v1/config', create(), 'POST');
    assert.equal(response.statusCode, 405);
    assert.equal(response.headers['allow'], 'GET, HEAD');
  });

  it('answer HEAD without a body, large documents included', async () => {
    let made = 0;
    const zone = {
      ...ZONE,
      enumerate: () => {
        made += 1;
        return ENUMERATION;
      },
    };
    for (const path of ['/v1/version', '/v1/enumerate']) {
      const response = await get(path, create({}, zone), 'HEAD');
      assert.equal(response.statusCode, 200);
      assert.equal(response.body, '');
    }
    assert.equal(made, 0);
  });

  it('never show what went wrong inside', async () => {
    const zone: PublishedZone = {
      ...ZONE,
      enumerate: () => {
        throw new Error(`cannot read ${SECRET}`);
      },
    };
    const response = await get('/v1/enumerate', create({}, zone));
    assert.equal(response.statusCode, 500);
    assert.deepEqual(response.json(), { error: 'internal error' });
  });

  it('see no hint at what serves them', async () => {
    const { headers } = await get('/v1/version');
    for (const name of ['x-powered-by', 'server']) assert.equal(headers[name], undefined);
  });
});

describe('/metrics', () => {
  it('serves the metrics as Prometheus text', async () => {
    const response = await get('/metrics');
    assert.match(String(response.headers['content-type']), /^text\/plain/);
    assert.match(response.body, /^mesos_dns_zone_names 0$/m);
  });
});
