// dig, host, nslookup, kdig, drill and delv, straight at the program.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { requirePackages } from '../support/debian.ts';
import { EXPECTATIONS } from './expectations.ts';
import { delv, dig, drill, host, kdig, nslookup, outputOf } from './lookup-tools.ts';
import { type ClientServer, startServer } from './server.ts';

describe('programs that look names up', () => {
  let server: ClientServer;
  const address = () => ({ host: '127.0.0.1', port: server.port });

  before(async () => {
    await requirePackages('bind9-dnsutils', 'bind9-host', 'knot-dnsutils', 'ldnsutils');
    server = await startServer();
  });
  after(() => server?.stop());

  for (const tool of [dig, kdig, drill, delv, host, nslookup]) {
    for (const { what, name, type, check } of EXPECTATIONS) {
      it(`${tool.name} sees ${what}`, async () => {
        check(await tool.lookup(address())(name, type), server);
      });
    }
  }

  for (const tool of [dig, kdig, drill]) {
    it(`${tool.name} finds the addresses of a service's targets in the same answer`, async () => {
      const output = await outputOf(tool.name, [
        `@127.0.0.1`,
        '-p',
        `${server.port}`,
        '_myapp.dev._tcp.marathon.mesos',
        'SRV',
      ]);
      const [, additional = ''] = /ADDITIONAL SECTION:\n((?:[^;\n].*\n)*)/.exec(output) ?? [];
      const found = additional.split('\n').flatMap((line) => line.match(/\S+$/)?.[0] ?? []);
      assert.deepEqual(found.sort(), ['10.0.0.12', '10.0.0.13']);
    });
  }

  it('dig takes the server cookie for good, and comes back with it', async () => {
    const output = await outputOf('dig', ['@127.0.0.1', '-p', `${server.port}`, '+cookie', 'nginx.marathon.mesos']);
    assert.match(output, /COOKIE: [0-9a-f]{48} \(good\)/);
    const [, cookie = ''] = /COOKIE: ([0-9a-f]+)/.exec(output) ?? [];
    const again = await outputOf('dig', [
      '@127.0.0.1',
      '-p',
      `${server.port}`,
      `+cookie=${cookie}`,
      'nginx.marathon.mesos',
    ]);
    assert.match(again, /status: NOERROR[\s\S]*COOKIE: [0-9a-f]{48} \(good\)/);
  });
});
