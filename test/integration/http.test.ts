// The HTTP API of the real program, field by field, before and after a first state; and that no secret leaves it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { type Program, startProgram } from '../support/program.ts';

const SECRET = 'hunter2-s3cret';
const PASSWORD = 'p4ss@w0rd';
const PRIVATE_PATHS = ['/v1/version', '/v1/config', '/v1/axfr', '/v1/enumerate', '/metrics', '/v1/nothing'];

type Json = Record<string, unknown>;

describe('the HTTP API', () => {
  const { cluster } = demoCluster();
  const master = new StandinMaster(cluster);
  let program: Program;

  before(async () => {
    await master.start();
    master.setFault({ kind: 'status', status: 503 });
    master.view.lead(cluster.startTime);
    master.view.recover(true);
    program = await startProgram({
      masters: [master.endpoint],
      // Nobody listens there; the static list is used until it answers.
      zk: `zk://dns:${PASSWORD}@127.0.0.1:1,127.0.0.1:2/mesos`,
      mesosAuthentication: 'basic',
      mesosCredentials: { principal: 'dns', secret: SECRET },
      zoneResolvers: { weave: ['172.17.0.1'] },
      resolvers: ['127.0.0.1:9', '192.0.2.53'],
      email: 'root@ns1.mesos',
      timeout: 3,
    });
  });

  after(async () => {
    await master.stop();
    await program.stop();
  });

  it('answers 503 with Retry-After where it has no state yet, and the rest as ever', async () => {
    for (const path of ['/v1/hosts/nginx.marathon.mesos', '/v1/services/_x._tcp.mesos', '/v1/enumerate', '/v1/axfr']) {
      const answer = await program.get(path);
      assert.equal(answer.status, 503, path);
      assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/, path);
    }
    assert.equal((await program.get('/v1/version')).status, 200);
    assert.equal((await program.get('/v1/config')).status, 200);
    assert.equal((await program.get('/v1/hosts/x/ports')).status, 501);
    await assertNoSecrets(program);
    master.setFault(null);
    await program.loaded();
  });

  it('shows the version', async () => {
    const version = (await json(program, '/v1/version')) as Json;
    assert.deepEqual(Object.keys(version), ['Service', 'URL', 'Version']);
    assert.equal(version['Service'], 'Mesos-DNS');
    assert.match(String(version['URL']), /^https:\/\/\S+$/);
    assert.match(String(version['Version']), /^\d+\.\d+\.\d+/);
  });

  it('shows the configuration under the names of the original, secrets masked', async () => {
    const config = (await json(program, '/v1/config')) as Json;
    const { Zk, MesosCredentials, SOASerial, ...others } = config;
    assert.deepEqual(others, {
      RefreshSeconds: 1,
      Port: program.dnsPort,
      Timeout: 3,
      StateTimeoutSeconds: 300,
      ZkDetectionTimeout: 30,
      HttpPort: program.httpPort,
      TTL: 60,
      SRVRecordDefaultWeight: 1,
      SOARefresh: 60,
      SOARetry: 600,
      SOAExpire: 86_400,
      SOAMinttl: 60,
      SOAMname: 'ns1.mesos.',
      SOARname: 'root.ns1.mesos.',
      Masters: [master.endpoint],
      ZoneResolvers: { weave: ['172.17.0.1'] },
      Resolvers: ['127.0.0.1:9', '192.0.2.53'],
      IPSources: ['netinfo', 'mesos', 'host'],
      Domain: 'mesos',
      File: program.file,
      Listener: '127.0.0.1',
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
      IAMConfigFile: '',
      MesosAuthentication: 'basic',
      // The fork's and ours.
      ReverseDnsOn: false,
      ResolvSubnetFirst: false,
      DottedNames: true,
      SlaveNamedPorts: false,
      HealthAware: false,
    });
    assert.match(String(Zk), /^zk:\/\/\*+@127\.0\.0\.1:1,127\.0\.0\.1:2\/mesos$/);
    const credentials = MesosCredentials as Json;
    assert.deepEqual(Object.keys(credentials), ['Principal', 'Secret']);
    assert.equal(credentials['Principal'], 'dns');
    assert.match(String(credentials['Secret']), /^\*+$/);
    assert.equal(SOASerial, await program.serial());
  });

  it('lists the addresses of a host', async () => {
    const ip = await addressOf('nginx.marathon.mesos');
    const expected = [{ host: 'nginx.marathon.mesos.', ip }];
    for (const spelling of ['nginx.marathon.mesos', 'nginx.marathon.mesos.', 'NGINX.*.Marathon.mesos']) {
      assert.deepEqual(await json(program, `/v1/hosts/${spelling}`), expected, spelling);
    }
    assert.deepEqual(await json(program, '/v1/hosts/nobody.mesos'), [{ host: '', ip: '' }]);
    const ports = await program.get('/v1/hosts/nginx.marathon.mesos/ports');
    assert.equal(ports.status, 501);
  });

  it('lists the instances of a service, as DNS has them', async () => {
    const asked = '_myapp-dev._tcp.marathon.mesos';
    const { answers } = await program.ask(asked, 'SRV');
    const services = (await json(program, `/v1/services/${asked}.`)) as Json[];
    const found = services.map((each) => {
      assert.deepEqual(Object.keys(each), ['service', 'host', 'ip', 'port']);
      assert.equal(each['service'], `${asked}.`);
      assert.match(String(each['ip']), /^10\.0\.0\.1[123]$/);
      return `${each['host']}:${each['port']}`;
    });
    const inDns = answers.map((each) => (each.type === 'SRV' ? `${each.data.target}.:${each.data.port}` : ''));
    assert.equal(inDns.length, 2);
    assert.deepEqual(found.sort(), inDns.sort());
    assert.deepEqual(await json(program, '/v1/services/_none._tcp.mesos'), [
      { service: '', host: '', ip: '', port: '' },
    ]);
  });

  it('lists all tasks with their records', async () => {
    const { frameworks, ...others } = (await json(program, '/v1/enumerate')) as { frameworks: Json[] };
    assert.deepEqual(others, {});
    assert.ok(frameworks.some((framework) => framework['name'] === 'marathon'));
    for (const framework of frameworks) {
      assert.deepEqual(Object.keys(framework).sort(), ['name', 'tasks']);
      for (const task of framework['tasks'] as Json[]) {
        assert.deepEqual(Object.keys(task).sort(), ['id', 'name', 'records']);
        for (const record of (task['records'] ?? []) as Json[]) {
          assert.deepEqual(Object.keys(record).sort(), ['host', 'name', 'rtype']);
          assert.match(String(record['rtype']), /^(A|AAAA|SRV)$/);
        }
      }
    }
  });

  it('lists all records', async () => {
    const { Records, Serial, ...others } = (await json(program, '/v1/axfr')) as Json;
    assert.deepEqual(others, {
      TTL: 60,
      RefreshSeconds: 1,
      Mname: 'ns1.mesos.',
      Rname: 'root.ns1.mesos.',
      Domain: 'mesos',
    });
    assert.equal(Serial, await program.serial());
    const records = Records as Record<string, Record<string, string[]>>;
    assert.deepEqual(Object.keys(records), ['As', 'AAAAs', 'SRVs']);
    assert.deepEqual(records['As']?.['nginx.marathon.mesos.'], [await addressOf('nginx.marathon.mesos')]);
    assert.deepEqual(records['SRVs']?.['_leader._tcp.mesos.'], [`leader.mesos.:${master.identity.port}`]);
  });

  it('gives no secret away, in answers or in the log', async () => {
    await assertNoSecrets(program);
    assert.match(program.log, /zoo|leader/i);
  });

  it('serves no lists where enumerationOn is false', async () => {
    const closed = await startProgram(
      { masters: [master.endpoint], enumerationOn: false, externalOn: false },
      { untilLoaded: true },
    );
    try {
      for (const path of ['/v1/enumerate', '/v1/axfr']) assert.equal((await closed.get(path)).status, 404, path);
      assert.equal((await closed.get('/v1/hosts/leader.mesos')).status, 200);
    } finally {
      await closed.stop();
    }
  });

  async function addressOf(name: string): Promise<string> {
    const [answer] = (await program.ask(name)).answers;
    return answer?.type === 'A' ? answer.data : '';
  }
});

async function json(program: Program, path: string): Promise<unknown> {
  const answer = await program.get(path);
  assert.equal(answer.status, 200, path);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  return await answer.json();
}

async function assertNoSecrets(program: Program): Promise<void> {
  const texts = await Promise.all(PRIVATE_PATHS.map(async (path) => (await program.get(path)).text()));
  for (const text of [...texts, program.log]) {
    for (const secret of [SECRET, PASSWORD, encodeURIComponent(PASSWORD)]) assert.ok(!text.includes(secret), text);
  }
}
