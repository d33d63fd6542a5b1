import assert from 'node:assert/strict';
import { get, type IncomingHttpHeaders, request } from 'node:http';
import { after, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import type { Fault } from '../../src/standin/faults.ts';
import { type MasterOptions, StandinMaster } from '../../src/standin/master.ts';
import { MIDDLE, OLD } from '../../src/standin/mesos-version.ts';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const started: StandinMaster[] = [];
after(async () => {
  await Promise.all(started.map((master) => master.stop()));
});

async function master(options: MasterOptions = {}, role: 'leads' | 'follows' = 'leads'): Promise<StandinMaster> {
  const { cluster } = demoCluster();
  const made = new StandinMaster(cluster, options);
  started.push(made);
  await made.start();
  if (role === 'leads') {
    made.view.lead(cluster.startTime);
    made.view.recover(true);
  }
  return made;
}

async function ask(
  of: StandinMaster,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Reply> {
  return await new Promise<Reply>((resolve, reject) => {
    const asked = request(`http://${of.endpoint}${path}`, { headers, method, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

const parse = (reply: Reply): Record<string, unknown> => JSON.parse(reply.body.toString()) as Record<string, unknown>;
const leader = { id: 'l', ip: '127.0.0.9', port: 5050, hostname: 'master-9.example', startTime: 1 };
const basic = (pair: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
});

describe('the endpoints of a leading master', () => {
  it('serve the state under both paths, with its exact length', async () => {
    const leading = await master();
    for (const path of ['/state', '/master/state', '/state?x=1']) {
      const reply = await ask(leading, path);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['content-type'], 'application/json');
      assert.equal(reply.headers['content-length'], String(reply.body.length));
      assert.equal(parse(reply)['leader'], `master@${leading.endpoint}`);
    }
  });

  it('serve agents, frameworks, version and health', async () => {
    const leading = await master();
    assert.deepEqual(Object.keys(parse(await ask(leading, '/slaves'))), ['slaves', 'recovered_slaves']);
    assert.deepEqual(Object.keys(parse(await ask(leading, '/frameworks'))), [
      'frameworks',
      'completed_frameworks',
      'unregistered_frameworks',
    ]);
    assert.equal(parse(await ask(leading, '/version'))['version'], leading.features.version);
    const health = await ask(leading, '/health');
    assert.deepEqual([health.status, health.body.length], [200, 0]);
  });

  it('answer 404 to unknown paths and, from 1.8 on, to the .json ones', async () => {
    const leading = await master();
    for (const path of ['/nosuch', '/state.json', '/master/state.json', '/redirect/state']) {
      const reply = await ask(leading, path);
      assert.equal(reply.status, 404);
      assert.equal(reply.body.toString(), '404 Not Found.');
    }
  });

  it('answer the .json paths up to 1.7, and only those before 0.25', async () => {
    assert.equal((await ask(await master({ version: MIDDLE }), '/master/state.json')).status, 200);
    const ancient = await master({ version: '0.24.1' });
    assert.equal((await ask(ancient, '/state.json')).status, 200);
    assert.equal((await ask(ancient, '/state')).status, 404);
  });

  it('compress from 1024 bytes on, when asked to', async () => {
    const leading = await master();
    const zipped = await ask(leading, '/state', { 'accept-encoding': 'gzip, deflate' });
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.deepEqual(gunzipSync(zipped.body), (await ask(leading, '/state')).body);
    assert.equal(
      (await ask(leading, '/version', { 'accept-encoding': 'gzip' })).headers['content-encoding'],
      undefined,
    );
  });

  it('show a change of the cluster in the next answer', async () => {
    const leading = await master();
    const before = (await ask(leading, '/state')).body;
    assert.deepEqual((await ask(leading, '/state')).body, before);
    const [agent] = leading.cluster.agents.values();
    leading.cluster.updateAgent(agent?.id ?? '', { active: false });
    assert.notDeepEqual((await ask(leading, '/state')).body, before);
  });

  it('have no operator API: absent before 1.0, refused later', async () => {
    assert.equal((await ask(await master({ version: OLD }), '/api/v1', {}, 'POST')).status, 404);
    assert.equal((await ask(await master(), '/api/v1', {}, 'POST')).status, 501);
  });

  it('refuse the operator API until they have recovered', async () => {
    const leading = await master({ events: {} });
    leading.view.lead(1);
    const early = await ask(leading, '/api/v1', {}, 'POST');
    assert.deepEqual([early.status, early.body.toString()], [503, 'Master has not finished recovery']);
  });
});

describe('a master that does not lead', () => {
  it('redirects to the leader by host name, always below /master, with the query', async () => {
    const following = await master({}, 'follows');
    following.setLeader(leader);
    for (const [path, target] of [
      ['/state', '/master/state'],
      ['/master/state?x=1', '/master/state?x=1'],
      ['/slaves', '/master/slaves'],
      ['/redirect', ''],
      ['/master/redirect', ''],
    ] as const) {
      const reply = await ask(following, path);
      assert.equal(reply.status, 307);
      assert.equal(reply.headers.location, `//master-9.example:5050${target}`);
      assert.equal(reply.body.length, 0);
    }
  });

  it('answers 503 while nobody leads', async () => {
    const following = await master({}, 'follows');
    const reply = await ask(following, '/master/state');
    assert.deepEqual([reply.status, reply.body.toString()], [503, 'No leader elected']);
    assert.equal((await ask(following, '/health')).status, 200);
  });

  it('answers before 1.0 with empty lists and the true leader', async () => {
    const following = await master({ version: OLD }, 'follows');
    following.setLeader(leader);
    const state = parse(await ask(following, '/master/state.json'));
    assert.equal(state['leader'], 'master@127.0.0.9:5050');
    assert.deepEqual([state['slaves'], state['frameworks']], [[], []]);
  });

  it('loses the query in 1.0.0', async () => {
    const following = await master({ version: '1.0.0' }, 'follows');
    following.setLeader(leader);
    assert.equal((await ask(following, '/state?x=1')).headers.location, '//master-9.example:5050/master/state');
  });
});

describe('authentication', () => {
  const auth = {
    readonly: true,
    readwrite: true,
    credentials: { dns: 'secret', blind: 'eyes' },
    restricted: ['blind'],
    tokens: (token: string) => token === 'abc',
  };

  it('names the realm of the endpoint in its refusal', async () => {
    const guarded = await master({ auth });
    for (const [path, method, realm] of [
      ['/state', 'GET', 'mesos-master-readonly'],
      ['/api/v1', 'POST', 'mesos-master-readwrite'],
    ] as const) {
      for (const headers of [{}, basic('dns:wrong'), { authorization: 'basic ZG5zOnNlY3JldA==' }]) {
        const reply = await ask(guarded, path, headers, method);
        assert.equal(reply.status, 401);
        assert.equal(reply.headers['www-authenticate'], `Basic realm="${realm}"`);
        assert.equal(reply.body.toString(), '401 Unauthorized.');
      }
    }
  });

  it('lets the right credentials and tokens in, and everybody where it guards nothing', async () => {
    const guarded = await master({ auth });
    assert.equal((await ask(guarded, '/state', basic('dns:secret'))).status, 200);
    assert.equal((await ask(guarded, '/state', { authorization: 'token=abc' })).status, 200);
    for (const path of ['/version', '/health']) assert.equal((await ask(guarded, path)).status, 200);
    guarded.setAuth({ ...auth, readonly: false });
    assert.equal((await ask(guarded, '/state')).status, 200);
    assert.equal((await ask(guarded, '/api/v1', {}, 'POST')).status, 401);
  });

  it('shows a restricted principal empty lists instead of a refusal', async () => {
    const guarded = await master({ auth });
    const reply = await ask(guarded, '/state', basic('blind:eyes'));
    assert.equal(reply.status, 200);
    assert.deepEqual(parse(reply)['frameworks'], []);
  });
});

describe('faults', () => {
  const outcome = async (fault: Fault): Promise<string> => {
    const broken = await master();
    broken.setFault(fault);
    try {
      const reply = await ask(broken, '/master/state');
      return `${reply.status} ${reply.body.toString().slice(0, 20)}`;
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  };

  it('spoil the answer as asked', async () => {
    assert.equal(await outcome({ kind: 'status', status: 500, text: 'no' }), '500 no');
    assert.equal(await outcome({ kind: 'not-json' }), '200 <html>hello</html>');
    assert.match(await outcome({ kind: 'wrong-shape' }), /^200 {"slaves":"none"/);
    assert.equal(await outcome({ kind: 'body', body: '[1]', status: 203 }), '203 [1]');
    assert.equal(await outcome({ kind: 'truncated' }), 'ECONNRESET');
    assert.equal(await outcome({ kind: 'reset' }), 'ECONNRESET');
    assert.equal(await outcome({ kind: 'reset', within: 'body' }), 'ECONNRESET');
    assert.match(await outcome({ kind: 'slow', delayMs: 20, pieceDelayMs: 1 }), /^200 {"version"/);
  });

  it('last for as many requests as asked', async () => {
    const broken = await master();
    broken.setFault({ kind: 'status', status: 500 }, 2);
    const statuses = [];
    for (let number = 0; number < 3; number += 1) statuses.push((await ask(broken, '/state')).status);
    assert.deepEqual(statuses, [500, 500, 200]);
  });

  it('can leave a request without any answer', async () => {
    const broken = await master();
    broken.setFault({ kind: 'hang' });
    await assert.rejects(fetch(`http://${broken.endpoint}/state`, { signal: AbortSignal.timeout(100) }), {
      name: 'TimeoutError',
    });
  });
});

it('closes every connection when it stops, and comes back on its port as another run', async () => {
  const stopping = await master();
  const { endpoint, identity } = stopping;
  const closed = new Promise<void>((resolve) => {
    get(`http://${endpoint}/state`, { headers: { connection: 'keep-alive' } }, (response) => {
      response.resume();
      response.socket.once('close', () => resolve());
      response.on('end', () => void stopping.stop());
    }).on('error', () => undefined);
  });
  await closed;
  await assert.rejects(ask(stopping, '/state'), { code: 'ECONNREFUSED' });
  await stopping.start();
  assert.equal(stopping.endpoint, endpoint);
  assert.notEqual(stopping.identity.id, identity.id);
  assert.equal((await ask(stopping, '/state')).status, 503);
});
