// unbound as the recursive resolver of a site that has the domain delegated to this server, in the two ways it knows.

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
  stub: (_, port) => readmeExample('text unbound.conf').replaceAll('127.0.0.1', `127.0.0.1@${port}`),
  forward: (name, port) => `forward-zone:\n  name: "${name}"\n  forward-addr: 127.0.0.1@${port}`,
};

const configuration = (kind: string, port: number, ownPort: number, directory: string) => `
server:
  directory: "${directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: ${HOST}
  port: ${ownPort}
  num-threads: 1
  do-not-query-localhost: no
  qname-minimisation: yes
  qname-minimisation-strict: yes
  harden-below-nxdomain: yes
  aggressive-nsec: yes
  use-caps-for-id: yes
  local-zone: "9.in-addr.arpa." nodefault
remote-control:
  control-enable: no
${ZONES[kind]?.('mesos', port)}
${ZONES['forward']?.('9.in-addr.arpa', port)}
`;

describe('unbound', () => {
  let server: ClientServer;

  before(async () => {
    await requirePackages('unbound', 'bind9-dnsutils');
    server = await startServer();
  });
  after(() => server?.stop());

  for (const kind of Object.keys(ZONES)) {
    describe(`with a ${kind} zone, minimised names without exception, and mixed cases`, () => {
      let resolver: ResolverProcess;

      before(async () => {
        const port = await freePort(HOST);
        resolver = await ResolverProcess.start({
          program: 'unbound',
          args: (file) => ['-d', '-c', file],
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
