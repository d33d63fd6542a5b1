// The API v2, over a zone derived from a small cluster.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { afterEach, describe, it } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import type { PublishedZone } from '../../src/http/published-zone.ts';
import { createHttpApi, type HttpApi, type HttpApiOptions } from '../../src/http/server.ts';
import { ZoneFeed } from '../../src/http/zone-feed.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { type DeriveInput, deriveRecords } from '../../src/records/derive.ts';
import type { Agent, Framework, Task } from '../../src/state/model.ts';
import { configWith } from './config-fixture.ts';

const AGENTS: readonly Agent[] = [
  { id: 'x-S1', hostname: 'agent-1', active: true, pidHost: '10.0.0.1', pidPort: '5051' },
  { id: 'x-S2', hostname: 'agent-2', active: true, pidHost: 'nowhere.example', pidPort: '5051' },
];

function task(id: string, changes: Partial<Task> = {}): Task {
  return {
    id,
    name: 'web',
    agentId: 'x-S1',
    state: 'TASK_RUNNING',
    ports: [{ begin: 31_000, end: 31_000 }],
    statuses: [
      {
        state: 'TASK_RUNNING',
        timestamp: 1_600_000_000.5,
        networkAddresses: ['172.16.0.1'],
        dockerAddresses: [],
        mesosAddresses: [],
        mapsPorts: false,
        healthy: null,
        checkPassed: null,
      },
    ],
    mapsPorts: false,
    discovery: null,
    ...changes,
  };
}

const API = {
  name: 'api.dev',
  ports: [
    { number: '31005', protocol: 'tcp', name: 'http' },
    { number: '31006', protocol: 'udp', name: '' },
  ],
};

const MARATHON: Framework = {
  id: 'F1',
  name: 'marathon',
  pid: { host: '10.0.0.9', port: '15101' },
  hostname: '',
  active: true,
  tasks: [
    task('web.1'),
    task('web.2', { statuses: [] }),
    task('web.3', { state: 'TASK_STAGING' }),
    task('web.4', { agentId: 'x-S9' }),
    task('lost.1', { name: 'lost', agentId: 'x-S2', statuses: [] }),
    task('cron.1', { name: 'cron.dev' }),
    task('api.1', { name: 'api.dev', discovery: API }),
  ],
};

const INPUT: DeriveInput = {
  state: {
    version: '1.11.0',
    leader: { host: '10.0.0.5', port: '5050' },
    agents: AGENTS,
    recoveredAgentIds: [],
    frameworks: [MARATHON],
  },
  config: configWith(),
  hostAddresses: () => [],
  masters: ['10.0.0.5:5050'],
  nameServerAddresses: ['10.0.0.53'],
};

function zone(serial = 7): PublishedZone {
  return { records: deriveRecords(INPUT), serial, isStale: false, input: INPUT, enumerate: () => ({}) };
}

let api: HttpApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

function create(options: Partial<HttpApiOptions> = {}, changes: Partial<Config> = {}): HttpApi {
  api = createHttpApi({
    config: () => configWith(changes),
    zone: () => zone(),
    version: '1.2.3',
    metrics: createMetrics(),
    logger: silentLogger(),
    ...options,
  });
  return api;
}

async function get(url: string, { app } = create(), headers: Readonly<Record<string, string>> = {}) {
  return await app.inject({ method: 'GET', url, headers });
}

describe('/health and /ready', () => {
  it('say that the process serves, and whether it may be asked', async () => {
    assert.equal((await get('/health')).body, 'OK');
    assert.deepEqual((await get('/ready')).json(), { ready: true, reasons: [], held: null });
    const reasonsNotReady = () => ['stopping'];
    const response = await get('/ready', create({ reasonsNotReady }));
    assert.equal(response.statusCode, 503);
    assert.deepEqual(response.json(), { ready: false, reasons: ['stopping'], held: null });
    assert.equal((await get('/health', create({ reasonsNotReady }))).statusCode, 200);
  });

  it('show what is held back, which is no reason not to ask', async () => {
    const serving = create({ hold: () => ({ reason: 'an update would remove 900 of 1000 names', endsInMs: 59_001 }) });
    const held = { reason: 'an update would remove 900 of 1000 names', endsInSeconds: 60 };
    const response = await get('/ready', serving);
    assert.deepEqual([response.statusCode, response.json()], [200, { ready: true, reasons: [], held }]);
    assert.deepEqual((await get('/v2/status', serving)).json().held, held);
  });
});

describe('POST /v2/release', () => {
  const post = async (options: Parameters<typeof create>[0], request: object = {}) => {
    const response = await create(options).app.inject({ method: 'POST', url: '/v2/release', ...request });
    return [response.statusCode, response.json()];
  };

  it('publishes what is held back, and says what that was', async () => {
    let count = 0;
    const release = () => {
      count += 1;
    };
    assert.deepEqual(await post({ release }), [200, { released: null }]);
    const hold = () => ({ reason: 'no agent is known', endsInMs: 1 });
    assert.deepEqual(await post({ release, hold }), [200, { released: 'no agent is known' }]);
    assert.equal(count, 2);
  });

  it('is for this machine, and not for web pages that are open on it', async () => {
    const release = () => assert.fail('released');
    assert.equal((await post({ release }, { remoteAddress: '10.0.0.7' }))[0], 403);
    assert.equal((await post({ release }, { headers: { origin: 'http://127.0.0.1:8123' } }))[0], 403);
    assert.equal((await get('/v2/release', create({ release }))).statusCode, 404);
  });
});

describe('/v2/records', () => {
  it('shows the records of a name, or 404', async () => {
    assert.deepEqual((await get('/v2/records/WEB.marathon.mesos')).json(), {
      name: 'web.marathon.mesos.',
      serial: 7,
      records: [
        { type: 'A', ttl: 60, value: '172.16.0.1' },
        { type: 'A', ttl: 60, value: '10.0.0.1' },
      ],
    });
    const missing = await get('/v2/records/nobody.marathon.mesos');
    assert.equal(missing.statusCode, 404);
  });

  it('shows what a dotted alias answers with', async () => {
    const { records } = (await get('/v2/records/cron.dev.marathon.mesos')).json();
    assert.deepEqual(records, [{ type: 'A', ttl: 60, value: '172.16.0.1' }]);
  });

  it('answers 304 to the tag of the same content, also under a newer serial, and 200 once it differs', async () => {
    const first = await get('/v2/records/web.marathon.mesos');
    const known = { 'if-none-match': String(first.headers['etag']) };
    const same = await get('/v2/records/web.marathon.mesos', create({ zone: () => zone(8) }), known);
    assert.equal(same.statusCode, 304);
    assert.equal(same.body, '');
    const strong = { 'if-none-match': `"other", ${known['if-none-match'].replace('W/', '')}` };
    assert.equal((await get('/v2/records/web.marathon.mesos', create(), strong)).statusCode, 304);
    const other = { ...zone(9), records: { ...zone().records, as: new Map([['web.marathon.mesos.', ['10.9.9.9']]]) } };
    assert.equal((await get('/v2/records/web.marathon.mesos', create({ zone: () => other }), known)).statusCode, 200);
  });

  it('finds names by a part of them, page by page', async () => {
    const found: string[] = [];
    let cursor: string | null = '0';
    let pages = 0;
    while (cursor !== null) {
      const page: { names: { name: string }[]; next: string | null } = (
        await get(`/v2/records?search=WEB&limit=3&cursor=${cursor}`)
      ).json();
      assert.ok(page.names.length <= 3);
      found.push(...page.names.map(({ name }) => name));
      cursor = page.next;
      pages += 1;
    }
    const { as, srvs } = zone().records;
    const expected = [...as.keys(), ...srvs.keys()].filter((name) => name.includes('web'));
    assert.deepEqual(found.sort(), expected.sort());
    assert.ok(pages > 2);
  });

  it('refuses parameters that are none, and lists nothing with enumerationOn false', async () => {
    for (const query of ['limit=0', 'limit=5000', 'limit=x', 'cursor=-1', 'search=a&search=b']) {
      assert.equal((await get(`/v2/records?${query}`)).statusCode, 400, query);
    }
    for (const path of ['/v2/records', '/v2/explain?name=web.marathon.mesos']) {
      assert.equal((await get(path, create({}, { enumerationOn: false }))).statusCode, 404, path);
    }
  });
});

describe('/v2/services and /v2/http_sd', () => {
  it('show ports with their names, protocol, task and framework', async () => {
    const { instances, protocol } = (await get('/v2/services/_api-dev._tcp.marathon.mesos')).json();
    assert.equal(protocol, 'tcp');
    assert.equal(instances.length, 1);
    const [{ target, ...instance }] = instances;
    assert.match(target, /^api-dev-[a-z0-9]{5}-s1\.marathon\.mesos\.$/);
    assert.deepEqual(instance, {
      port: 31_005,
      portName: 'http',
      addresses: ['172.16.0.1'],
      task: { id: 'api.1', name: 'api.dev' },
      framework: { id: 'F1', name: 'marathon' },
      agent: 'x-S1',
    });
    assert.equal((await get('/v2/services/web.marathon.mesos')).statusCode, 404);
  });

  it('give Prometheus its targets', async () => {
    const response = await get('/v2/http_sd?service=_http._api-dev._tcp.marathon.mesos&service=_none._tcp.mesos');
    assert.match(String(response.headers['content-type']), /^application\/json/);
    const [group, ...others] = response.json();
    assert.deepEqual(others, []);
    assert.deepEqual(group.targets, ['172.16.0.1:31005']);
    assert.equal(group.labels.__meta_mesos_task_id, 'api.1');
    assert.ok(Object.values(group.labels).every((value) => typeof value === 'string'));
    assert.equal((await get('/v2/http_sd')).statusCode, 400);
  });
});

describe('/v2/explain', () => {
  it('tells which task, agent, status and source made each record of a name, and why others are missing', async () => {
    const { tasks, more } = (await get('/v2/explain?name=web.marathon.mesos')).json();
    assert.equal(more, false);
    assert.deepEqual(
      tasks.map(({ id, ipSource, records, reason }: Record<string, unknown>) => ({ id, ipSource, records, reason })),
      [
        {
          id: 'web.1',
          ipSource: 'netinfo',
          records: [{ name: 'web.marathon.mesos.', type: 'A', value: '172.16.0.1' }],
          reason: null,
        },
        {
          id: 'web.2',
          ipSource: 'host',
          records: [{ name: 'web.marathon.mesos.', type: 'A', value: '10.0.0.1' }],
          reason: null,
        },
        {
          id: 'web.3',
          ipSource: 'netinfo',
          records: [],
          reason: 'its state is TASK_STAGING, and only TASK_RUNNING is published',
        },
        { id: 'web.4', ipSource: null, records: [], reason: 'its agent is not registered with the master' },
      ],
    );
    assert.deepEqual(tasks[0].status, { state: 'TASK_RUNNING', timestamp: 1_600_000_000.5 });
    assert.deepEqual(tasks[0].framework, { id: 'F1', name: 'marathon' });
    assert.deepEqual(tasks[0].agent, { id: 'x-S1', hostname: 'agent-1', active: true });
  });

  it('explains every name of the zone with exactly the records that it has', async () => {
    const { as, aaaas, srvs } = zone().records;
    const serving = create();
    for (const map of [as, aaaas, srvs]) {
      for (const name of map.keys()) {
        const { cluster, tasks } = (await get(`/v2/explain?name=${name}`, serving)).json();
        const explained = [...cluster, ...tasks.flatMap(({ records }: { records: object[] }) => records)] as {
          value: string;
        }[];
        const expected = [as, aaaas, srvs].flatMap((each) => each.get(name) ?? []);
        assert.deepEqual([...new Set(explained.map(({ value }) => value))].sort(), [...expected].sort(), name);
      }
    }
  });

  it('follows dotted aliases, and knows tasks by id and name', async () => {
    const alias = (await get('/v2/explain?name=cron.dev.marathon.mesos')).json();
    assert.deepEqual(alias.aliasOf, ['cron-dev.marathon.mesos.']);
    assert.equal(alias.tasks[0].id, 'cron.1');
    const byId = (await get('/v2/explain?task=lost.1')).json();
    assert.match(byId.tasks[0].reason, /agent has no address/);
    assert.equal((await get('/v2/explain?task=web')).json().tasks.length, 4);
    assert.deepEqual((await get('/v2/explain?task=none')).json().tasks, []);
    assert.deepEqual((await get('/v2/explain?name=none.marathon.mesos')).json().tasks, []);
    assert.equal((await get('/v2/explain')).statusCode, 400);
  });
});

describe('/v2/events', () => {
  it('sends the serial and the names of every change, and ends when the server closes', async () => {
    const feed = new ZoneFeed();
    const serving = create({ feed });
    const { port } = await serving.listen();
    const request = httpGet({ port, host: '127.0.0.1', path: '/v2/events' });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.match(String(response.headers['content-type']), /^text\/event-stream/);
    response.setEncoding('utf8');
    let text = '';
    response.on('data', (chunk: string) => {
      text += chunk;
    });
    await once(response, 'data');
    assert.match(text, /event: hello\ndata: \{"serial":7\}\n\n/);
    feed.publish(8, new Set(['web.marathon.mesos.']));
    feed.publish(9, null);
    feed.publish(10, new Set(Array.from({ length: 1500 }, (_, i) => `n${i}.mesos.`)));
    while (!text.includes('"serial":10') || !text.endsWith('\n\n')) await once(response, 'data');
    assert.match(text, /event: zone\nid: 8\ndata: \{"serial":8,"names":\["web\.marathon\.mesos\."\],"more":0\}\n\n/);
    assert.match(text, /data: \{"serial":9,"names":null,"more":0\}/);
    assert.match(text, /"more":500\}/);
    await serving.close();
    await once(response, 'close');
  });

  it('has room for a limited number of listeners', () => {
    const feed = new ZoneFeed();
    const streams = Array.from({ length: 101 }, () => feed.listen(1));
    assert.equal(streams.at(-1), null);
    for (const stream of streams) stream?.destroy();
  });
});

describe('/v2/openapi.json', () => {
  it('describes every path that is served, with its parameters, and no other', async () => {
    const serving = create();
    const { paths } = (await get('/v2/openapi.json', serving)).json() as {
      paths: Record<string, Record<string, { parameters: { name: string; in: string }[]; responses: object }>>;
    };
    const served = new Set(serving.routes.map((path) => path.replaceAll(/:([a-z]+)/g, '{$1}')));
    assert.deepEqual(Object.keys(paths).sort(), [...served].sort());
    for (const [path, operations] of Object.entries(paths)) {
      const [operation] = Object.values(operations);
      const inPath = operation?.parameters.filter((each) => each.in === 'path').map(({ name }) => name);
      assert.deepEqual(
        inPath,
        [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name),
        path,
      );
    }
  });

  it('says of every path which status it answers with', async () => {
    const serving = create({ feed: new ZoneFeed(), zone: () => null });
    const { paths } = (await get('/v2/openapi.json', serving)).json() as {
      paths: Record<string, Record<string, { responses: Record<string, object> }>>;
    };
    for (const [path, operations] of Object.entries(paths)) {
      if (path === '/v2/events') continue;
      for (const [method, { responses }] of Object.entries(operations)) {
        const url = path.replaceAll(/\{[a-z]+\}/g, 'x');
        const { statusCode } = await serving.app.inject({ method: method as 'GET' | 'POST' | 'DELETE', url });
        assert.ok(String(statusCode) in responses, `${method} ${path} answers ${statusCode}`);
      }
    }
  });
});

describe('the page', () => {
  it('comes with a strict policy, and loads nothing from elsewhere', async () => {
    const serving = create();
    for (const path of ['/', '/page.js', '/page.css']) {
      const response = await get(path, serving);
      assert.equal(response.statusCode, 200, path);
      const policy = String(response.headers['content-security-policy']);
      assert.match(policy, /default-src 'none'/);
      assert.doesNotMatch(policy, /unsafe|\*|http/);
      assert.doesNotMatch(response.body, /https?:\/\/|innerHTML|onclick=/, path);
    }
  });
});
