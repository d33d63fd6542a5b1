// c-ares, the resolver that Node.js brings along.

import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { after, before, describe, it } from 'node:test';
import { EXPECTATIONS, type Lookup, NO_SUCH_NAME, seen } from './expectations.ts';
import { type ClientServer, startServer } from './server.ts';

type Found = Awaited<ReturnType<Resolver['resolveAny']>>[number] | string | { readonly [key: string]: unknown };

describe('c-ares', () => {
  let server: ClientServer;
  const resolver = new Resolver({ timeout: 3000, tries: 4 });

  const lookup: Lookup = async (name, type) => {
    try {
      const found: unknown = await resolver.resolve(name, type);
      return seen((Array.isArray(found) ? (found as Found[]) : [found as Found]).map(textOf));
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ENOTFOUND') return NO_SUCH_NAME;
      if (code === 'ENODATA') return seen([]);
      throw error;
    }
  };

  before(async () => {
    server = await startServer();
    resolver.setServers([`127.0.0.1:${server.port}`]);
  });
  after(() => server?.stop());

  for (const { what, name, type, check } of EXPECTATIONS) {
    it(`sees ${what}`, async () => {
      check(await lookup(name, type), server);
    });
  }

  it('finds the name of an address', async () => {
    assert.deepEqual(await resolver.reverse('9.0.0.3'), ['search.marathon.mesos']);
  });
});

/** The record data as master files write it. */
function textOf(found: Found): string {
  if (typeof found === 'string') return /^[\d.]+$|:/.test(found) ? found : `${found}.`;
  if ('address' in found) return String(found.address);
  if ('port' in found) return `${found['priority']} ${found['weight']} ${found['port']} ${found['name']}.`;
  const soa = found as Readonly<Record<string, unknown>>;
  const numbers = [soa['serial'], soa['refresh'], soa['retry'], soa['expire'], soa['minttl']];
  return `${soa['nsname']}. ${soa['hostmaster']}. ${numbers.join(' ')}`;
}
