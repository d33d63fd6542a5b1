import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { MesosDnsError } from '../../src/errors.ts';
import { createHttpApi, type HttpApi } from '../../src/http/server.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { configWith, NO_CLUSTER } from './config-fixture.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

function create(changes: Partial<Config>): HttpApi {
  const api = createHttpApi({
    config: () => configWith(changes),
    zone: () => ({
      serial: 1,
      isStale: false,
      input: NO_CLUSTER,
      records: { as: new Map(), aaaas: new Map(), srvs: new Map(), ptrs: new Map(), aliases: new Map() },
      enumerate: function* endless() {
        for (;;) yield { text: 'x'.repeat(10_000) };
      },
    }),
    version: '1',
    metrics: createMetrics(),
    logger: silentLogger(),
  });
  open.push(api);
  return api;
}

describe('the HTTP server', () => {
  for (const { httpListener, url } of [
    { httpListener: '127.0.0.1', url: 'http://127.0.0.1' },
    { httpListener: '::1', url: 'http://[::1]' },
    { httpListener: '0.0.0.0', url: 'http://127.0.0.1' },
    { httpListener: 'localhost', url: 'http://localhost' },
  ]) {
    it(`listens on ${httpListener}`, async () => {
      const { port } = await create({ httpListener }).listen();
      assert.equal((await fetch(`${url}:${port}/v1/version`)).status, 200);
    });
  }

  const refused = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof MesosDnsError);
    assert.equal(error.code, 'ERR_LISTEN');
    assert.match(error.message, pattern);
    return true;
  };

  it('says which address is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    open.push(other);
    await once(other, 'listening');
    const address = other.address();
    assert.ok(typeof address === 'object' && address !== null);
    await assert.rejects(
      create({ httpPort: address.port }).listen(),
      refused(new RegExp(`127\\.0\\.0\\.1:${address.port} \\(httpListener, httpPort\\): another program`)),
    );
  });

  it('says when the address is not of this machine or does not resolve', async () => {
    await assert.rejects(create({ httpListener: '192.0.2.1' }).listen(), refused(/192\.0\.2\.1:0 .*no such address/));
    await assert.rejects(create({ httpListener: 'nowhere.invalid' }).listen(), refused(/does not resolve/));
  });

  it('closes at once with idle connections, and soon even with a reader that has stopped', async () => {
    const api = create({});
    const { port } = await api.listen();
    const idle = connect(port, '127.0.0.1');
    const stopped = connect(port, '127.0.0.1');
    for (const socket of [idle, stopped]) socket.on('error', () => undefined);
    await once(idle, 'connect');
    idle.write('GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(idle, 'data');
    stopped.write('GET /v1/enumerate HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(stopped, 'readable');

    const startedAtMs = performance.now();
    await api.close();
    const tookMs = performance.now() - startedAtMs;
    // A reader that has stopped would hold it up for ever.
    assert.ok(tookMs < 15_000, `${tookMs} ms`);
    for (const socket of [idle, stopped]) socket.destroy();
  });
});
