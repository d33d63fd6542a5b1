// Nothing that the real program serves, logs, keeps or complains of holds a secret of its configuration.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AuthOptions } from '../../src/standin/auth.ts';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { Authority, type Credentials } from '../support/certificates.ts';
import { type IdentityService, startIdentityService } from '../support/identity-service.ts';
import { freePort } from '../support/ports.ts';
import { type Program, runProgram, startProgram, temporaryFile } from '../support/program.ts';

const SECRET = 'hunter2-s3cret';
const PASSWORD = 'p4ss@w0rd';
const COOKIE_SECRET = '00112233445566778899aabbccddeeff';
const FORMATS = ['text', 'journal', 'json'];
const NGINX = 'nginx.marathon.mesos';

describe('secrets', () => {
  let authority: Authority;
  let client: Credentials;
  let master: StandinMaster;
  let service: IdentityService;
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });

  before(async () => {
    authority = await Authority.create('the masters');
    const { cert, key } = await authority.issue('master');
    client = await authority.issue('mesos-dns');
    service = await startIdentityService({ cert, key }, { uid: 'mesos-dns', publicKey: keys.publicKey });
    const { cluster } = demoCluster();
    master = new StandinMaster(cluster, { tls: { cert, key, ca: authority.text, requestCert: true } });
    await master.start();
    master.view.lead(cluster.startTime);
    master.view.recover(true);
  });
  after(async () => {
    await master?.stop();
    await service?.close();
  });

  const common = () => ({
    masters: [master.endpoint],
    // Nobody listens there.
    zk: `zk://dns:${PASSWORD}@127.0.0.1:1/mesos`,
    mesosHTTPSOn: true,
    caCertFile: authority.file,
    certFile: client.certFile,
    keyFile: client.keyFile,
    cookieSecrets: [COOKIE_SECRET],
  });
  const auth: AuthOptions = { readonly: true, readwrite: true };

  const basic = () => ({
    ...common(),
    mesosAuthentication: 'basic',
    mesosCredentials: { principal: 'dns' },
    mesosSecretFrom: 'env:MESOS_SECRET',
  });
  const environment = { MESOS_SECRET: SECRET };

  for (const logFormat of FORMATS) {
    it(`of a principal stay inside, whether the masters accept them or not, in a log of the form ${logFormat}`, async () => {
      master.setAuth({ ...auth, credentials: { dns: 'another' } });
      const stateDirectory = mkdtempSync(join(tmpdir(), 'mesos-dns-secrets-'));
      const program = await startProgram(
        { ...basic(), logFormat, queryLogSample: 1, stateDirectory },
        { args: ['-v=2'], environment },
      );
      try {
        await program.waitForLine(/answered 401/);
        assertSilent(program, await everythingServed(program));
        master.setAuth({ ...auth, credentials: { dns: SECRET } });
        await program.loaded();
        await queryLogged(program);
        await reloadGood(program);
        for (const bad of Object.values(badFiles(program.config))) await reloadBad(program, bad);
        assertSilent(program, await everythingServed(program));
      } finally {
        await program.stop();
      }
      const kept = readdirSync(stateDirectory).map((file) => readFileSync(join(stateDirectory, file), 'latin1'));
      assert.ok(kept.some((text) => text.includes('nginx')));
      assertSilent(program, kept);
      rmSync(stateDirectory, { recursive: true });
    });
  }

  it('stay inside when a file is checked, and when the program does not start with it', async () => {
    const good = await runProgram(['-check-config', `-config=${temporaryFile(basic())}`], { environment });
    assert.match(good.stdout, /the configuration is usable/);
    assertUnseen([good.stdout, good.stderr]);
    const ends = Object.values(badFiles(basic())).map(({ text, says }, i) => ({
      // Each way with every other file: both read it alike.
      args: [i % 2 === 0 ? '-check-config' : '-v=2', `-config=${temporaryFile(text)}`],
      says,
    }));
    for (const { args, says } of ends) {
      const { code, stdout, stderr } = await runProgram(args, { environment });
      assert.equal(code, 1);
      assert.match(stderr, says);
      assertUnseen([stdout, stderr]);
    }
  });

  it('stay inside when a port is taken, and when no master is found', async () => {
    // That of the master over TCP.
    const port = Number(/\d+$/.exec(master.endpoint)?.[0]);
    const { masters: _, ...lonely } = basic();
    const taken = { ...basic(), dnsOn: false, httpListener: '127.0.0.1', httpPort: port };
    const failures = FORMATS.flatMap((logFormat) => [
      { keys: async () => ({ ...taken, logFormat }), says: /another program uses|EADDRINUSE/ },
      { keys: async () => ({ ...lonely, logFormat, ...(await onlyDns()) }), says: /no leading master for 1 s/ },
    ]);
    await Promise.all(
      failures.map(async ({ keys, says }) => {
        const { code, stdout, stderr } = await runProgram(['-v=2', `-config=${temporaryFile(await keys())}`], {
          environment,
        });
        assert.equal(code, 1, stderr);
        assert.match(stderr, says);
        assertUnseen([stdout, stderr]);
      }),
    );
  });

  it('of an account of the identity service stay inside, and so do its tokens', async () => {
    master.setAuth({ ...auth, tokens: () => false });
    const program = await startProgram(
      {
        ...common(),
        mesosAuthentication: 'iam',
        iamConfigFile: temporaryFile({
          uid: 'mesos-dns',
          private_key: keys.privateKey,
          login_endpoint: service.loginEndpoint,
        }),
      },
      { args: ['-v=2'] },
    );
    try {
      await program.waitForLine(/answered 401/);
      master.setAuth({ ...auth, tokens: (token) => token !== service.tokens[0] && service.accepts(token) });
      await program.loaded();
      assertSilent(program, await everythingServed(program));
    } finally {
      await program.stop();
    }
    assert.ok(service.tokens.length > 1);
  });

  /** Every answer of every path, with and without what it asks for, headers included. */
  async function everythingServed(program: Program): Promise<readonly string[]> {
    const { paths } = (await (await program.get('/v2/openapi.json')).json()) as { paths: object };
    assert.ok(Object.keys(paths).length > 15);
    const asked = Object.keys(paths).flatMap((path) => [
      path.replaceAll(/\{[a-z]+\}/g, 'nginx.marathon.mesos'),
      `${path.replaceAll(/\{[a-z]+\}/g, 'x')}?name=nginx.marathon.mesos&search=n&service=_nginx._tcp.marathon.mesos`,
    ]);
    const texts: string[] = [];
    for (const path of [...asked, '/v2/explain?task=nginx', '/v2/nothing', '/v1/hosts/%zz']) {
      const answer = await program.get(path);
      const reader = answer.body?.getReader();
      let text = JSON.stringify([...answer.headers]);
      for (;;) {
        const read = await reader?.read();
        if (read === undefined || read.done) break;
        text += Buffer.from(read.value).toString();
        // That one never ends.
        if (path.startsWith('/v2/events')) break;
      }
      await reader?.cancel();
      texts.push(text);
    }
    return texts;
  }

  /** Asks until the log has a line about it: of many questions at once it leaves some out. */
  async function queryLogged(program: Program): Promise<void> {
    await program.waitUntil(async () => {
      await program.ask(NGINX);
      return program.linesMatching(/sampled/).some((line) => line.includes(`${NGINX}.`));
    }, 'a line about a query');
  }

  /** The secret moves into the file. */
  async function reloadGood(program: Program): Promise<void> {
    const mesosCredentials = { principal: 'dns', secret: SECRET };
    await reload(
      program,
      { ...program.config, mesosCredentials, mesosSecretFrom: '' },
      /reload: changed .*mesosSecretFrom/,
    );
  }

  async function reloadBad(program: Program, { text, says }: BadFile): Promise<void> {
    const from = program.lines.length;
    await reload(program, text, says);
    await program.waitForLine(/the configuration stays as it was/, { from });
  }

  async function reload(program: Program, values: object | string, says: RegExp): Promise<void> {
    const from = program.lines.length;
    writeFileSync(program.file, typeof values === 'string' ? values : JSON.stringify(values));
    program.kill('SIGHUP');
    await program.waitForLine(says, { from });
  }

  interface BadFile {
    readonly text: string;
    readonly says: RegExp;
  }

  /** Files that are refused, each with a secret near to what is wrong, or where it does not belong. */
  function badFiles(values: Readonly<Record<string, unknown>>): Readonly<Record<string, BadFile>> {
    const mesosCredentials = { principal: 'dns', secret: SECRET };
    const open = { ...values, mesosCredentials, mesosSecretFrom: '' };
    const text = JSON.stringify(open);
    const file = (keys: object) => JSON.stringify({ ...open, ...keys });
    const zk = `zk://dns:${PASSWORD}@127.0.0.1`;
    return {
      noComma: { text: text.replace(`"${SECRET}"`, `"${SECRET}" "x"`), says: /not JSON in line 1.*comma/ },
      openString: { text: text.replace(`"${SECRET}"`, `"${SECRET}`), says: /not JSON in line 1/ },
      cut: { text: text.slice(0, text.indexOf(SECRET) + SECRET.length), says: /does not end in its line/ },
      credentialsText: { text: file({ mesosCredentials: `dns:${SECRET}` }), says: /mesosCredentials: .* got a string/ },
      credentialsList: { text: file({ mesosCredentials: ['dns', SECRET] }), says: /mesosCredentials: .* got a list/ },
      secretList: {
        text: file({ mesosCredentials: { ...mesosCredentials, secret: [SECRET] } }),
        says: /mesosCredentials\.secret: .* got a list/,
      },
      twoSecrets: { text: file({ mesosSecretFrom: 'env:MESOS_SECRET' }), says: /expected one secret/ },
      secretAsPath: {
        text: file({ mesosCredentials: { principal: 'dns' }, mesosSecretFrom: SECRET }),
        says: /mesosSecretFrom: .* may be the secret itself/,
      },
      keyAsPath: { text: file({ keyFile: client.key }), says: /keyFile: .* belongs into that file/ },
      accountAsPath: {
        text: file({ iamConfigFile: JSON.stringify({ private_key: keys.privateKey }) }),
        says: /iamConfigFile: .* belongs into that file/,
      },
      keyAsCertificate: { text: file({ certFile: client.keyFile }), says: /certFile: .* begins with a certificate/ },
      accountNotJson: {
        text: file({ iamConfigFile: temporaryFile(`{"private_key": ${JSON.stringify(keys.privateKey)}, x`) }),
        says: /iamConfigFile: .* not JSON/,
      },
      zkWithoutPath: { text: file({ zk }), says: /zk: .* its path is missing/ },
      zkList: { text: file({ zk: [`${zk}/mesos`] }), says: /zk: .* got a list/ },
      zkAsMaster: { text: file({ masters: [`${zk}/mesos`] }), says: /masters: .*\*\*\*@/ },
      cookieTooLong: {
        text: file({ cookieSecrets: [`${COOKIE_SECRET}0`] }),
        says: /cookieSecrets\[0\]: .*33 characters/,
      },
      cookieText: { text: file({ cookieSecrets: COOKIE_SECRET }), says: /cookieSecrets: .* got a string/ },
    };
  }

  function assertSilent(program: Program, texts: readonly string[]): void {
    assertUnseen([...texts, program.log]);
  }

  function assertUnseen(texts: readonly string[]): void {
    const keyLines = [keys.privateKey, client.key].flatMap((pem) => pem.split('\n').filter((line) => line.length > 40));
    const secrets = [
      SECRET,
      PASSWORD,
      encodeURIComponent(PASSWORD),
      COOKIE_SECRET,
      Buffer.from(`dns:${SECRET}`).toString('base64').slice(0, 20),
      ...keyLines.map((line) => line.slice(0, 40)),
      ...service.tokens,
    ];
    for (const text of texts) {
      for (const secret of secrets) {
        assert.ok(
          !text.includes(secret),
          `${secret} in ${text.slice(Math.max(text.indexOf(secret) - 500, 0)).slice(0, 1000)}`,
        );
      }
    }
  }
});

/** On an address that no other test uses, for as long as a second without a leading master. */
async function onlyDns(): Promise<object> {
  const listener = '127.0.0.77';
  const port = await freePort(listener);
  return { httpOn: false, listener, port, resolvers: ['127.0.0.1:9'], zkDetectionTimeout: 1 };
}
