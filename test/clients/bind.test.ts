// BIND as the recursive resolver of a site that has the domain delegated to this server, in the three ways it knows.

import { after, before, describe, it } from 'node:test';
import { requirePackages } from '../support/debian.ts';
import { freePort } from '../support/ports.ts';
import { EXPECTATIONS } from './expectations.ts';
import { dig } from './lookup-tools.ts';
import { readmeExample } from './readme-example.ts';
import { ResolverProcess } from './resolver-process.ts';
import { type ClientServer, startServer } from './server.ts';

const HOST = '127.0.0.1';

const ZONES: Readonly<Record<string, (name: string, port: number) => string>> = {
  'static-stub': () => readmeExample('text named.conf'),
  stub: (name, port) => `zone "${name}" { type stub; primaries { 127.0.0.1 port ${port}; }; };`,
  forward: (name, port) => `zone "${name}" { type forward; forward only; forwarders { 127.0.0.1 port ${port}; }; };`,
};

/**
 * `port` is where BIND sends queries to, which static-stub zones cannot say. Cookies towards servers are on by default
 * (`send-cookie`). By default (`max-records-per-type`) BIND takes no RRset of more than 100 records.
 */
const configuration = (kind: string, port: number, ownPort: number, directory: string) => `
options {
  directory "${directory}";
  pid-file none;
  session-keyfile none;
  managed-keys-directory "${directory}";
  port ${port};
  listen-on port ${ownPort} { ${HOST}; };
  listen-on-v6 { none; };
  recursion yes;
  allow-query { any; };
  dnssec-validation no;
  qname-minimization strict;
  max-records-per-type 0;
  disable-empty-zone "9.in-addr.arpa";
};
controls {};
${ZONES[kind]?.('mesos', port)}
${ZONES['forward']?.('9.in-addr.arpa', port)}
`;

describe('BIND', () => {
  let server: ClientServer;

  before(async () => {
    await requirePackages('bind9', 'bind9-dnsutils');
    server = await startServer();
  });
  after(() => server?.stop());

  for (const kind of Object.keys(ZONES)) {
    describe(`with a ${kind} zone, and minimised names without exception`, () => {
      let resolver: ResolverProcess;

      before(async () => {
        const port = await freePort(HOST);
        resolver = await ResolverProcess.start({
          program: 'named',
          args: (file) => ['-g', '-n', '1', '-c', file],
          configuration: (directory) => configuration(kind, server.port, port, directory),
          server: { host: HOST, port },
        });
      });
      after(() => resolver?.stop());

      for (const { what, name, type, check } of EXPECTATIONS) {
        it(`sees ${what}`, async () => {
          check(await dig.lookup(resolver.server)(name, type), server);
        });
      }
    });
  }
});
