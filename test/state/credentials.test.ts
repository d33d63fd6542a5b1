// Credentials and certificates towards masters that speak TLS themselves.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import type { ServerOptions } from 'node:https';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { AuthOptions } from '../../src/standin/auth.ts';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { createStateClient, type StateClient, type StateClientOptions } from '../../src/state/client.ts';
import { Authority, type Credentials } from '../support/certificates.ts';
import { type IdentityService, startIdentityService } from '../support/identity-service.ts';
import { temporaryFile } from '../support/program.ts';
import { fakeMaster } from './fake-master.ts';

const SECRET = 'hunter2-s3cret';
const UID = 'mesos-dns';

let authority: Authority;
let stranger: Authority;
let server: Credentials;
before(async () => {
  [authority, stranger] = await Promise.all([Authority.create('the masters'), Authority.create('somebody else')]);
  server = await authority.issue('master');
});

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

async function master(options: { readonly auth?: AuthOptions; readonly tls?: ServerOptions }): Promise<StandinMaster> {
  const { cluster } = demoCluster();
  const started = new StandinMaster(cluster, { tls: { cert: server.cert, key: server.key }, ...options });
  await started.start();
  open.push({ close: () => started.stop() });
  started.view.lead(cluster.startTime);
  started.view.recover(true);
  return started;
}

function client(config: Partial<StateClientOptions['config']>, metrics = createMetrics()): StateClient {
  const created = createStateClient({ config: { mesosHTTPSOn: true, stateTimeoutSeconds: 5, ...config }, metrics });
  open.push(created);
  return created;
}

async function frameworksSeen(asking: StateClient, { identity }: StandinMaster): Promise<number> {
  const asked = { host: identity.ip, port: identity.port };
  const { bytes } = await asking.fetch(asked, { known: [asked], signal: new AbortController().signal });
  return (JSON.parse(Buffer.from(bytes).toString()) as { frameworks: unknown[] }).frameworks.length;
}

/** The message of a fetch that fails. */
async function failure(asking: StateClient, asked: StandinMaster): Promise<string> {
  try {
    await frameworksSeen(asking, asked);
  } catch (error) {
    return messageOf(error);
  }
  throw new Error('the fetch succeeded');
}

describe('HTTPS towards the masters', () => {
  it('takes a certificate of the authority in caCertFile', async () => {
    assert.ok((await frameworksSeen(client({ caCertFile: authority.file }), await master({}))) > 0);
  });

  it('refuses a certificate of another authority, before anything is asked', async () => {
    const asked = await master({});
    assert.match(
      await failure(client({ caCertFile: stranger.file }), asked),
      /not signed by an authority of caCertFile/,
    );
    assert.equal(asked.requests.size, 0);
  });

  it('refuses a certificate for another host', async () => {
    const { cert, key } = await authority.issue('elsewhere', 'IP:192.0.2.1,DNS:master.example');
    const asked = await master({ tls: { cert, key } });
    assert.match(await failure(client({ caCertFile: authority.file }), asked), /127\.0\.0\.1/);
  });

  it('takes any certificate without caCertFile, as the original does', async () => {
    assert.ok((await frameworksSeen(client({}), await master({}))) > 0);
  });

  it('shows the client certificate where a master asks for one', async () => {
    const asked = await master({
      tls: { cert: server.cert, key: server.key, ca: authority.text, requestCert: true, rejectUnauthorized: true },
    });
    const { certFile, keyFile } = await authority.issue('mesos-dns');
    assert.ok((await frameworksSeen(client({ caCertFile: authority.file, certFile, keyFile }), asked)) > 0);
    assert.match(await failure(client({ caCertFile: authority.file }), asked), /client certificate|connection closed/);
    const unknown = await stranger.issue('mesos-dns');
    const { certFile: otherCert, keyFile: otherKey } = unknown;
    await failure(client({ caCertFile: authority.file, certFile: otherCert, keyFile: otherKey }), asked);
  });

  it('goes over to changed certificates by itself, and keeps the old ones while the new ones cannot be used', async () => {
    const asked = await master({});
    const caCertFile = temporaryFile(authority.text, 'ca.pem');
    const metrics = createMetrics();
    const asking = client({ caCertFile }, metrics);
    assert.ok((await frameworksSeen(asking, asked)) > 0);
    writeFileSync(caCertFile, 'half a file');
    assert.ok((await frameworksSeen(asking, asked)) > 0);
    copyFileSync(stranger.file, caCertFile);
    assert.match(await failure(asking, asked), /not signed by an authority/);
    copyFileSync(authority.file, caCertFile);
    assert.ok((await frameworksSeen(asking, asked)) > 0);
    const { values } = await metrics.certificateReloads.get();
    assert.equal(values[0]?.value, 2);
  });
});

describe('a principal and its secret', () => {
  const basic = { mesosAuthentication: 'basic', mesosCredentials: { principal: 'dns', secret: SECRET } } as const;
  const auth: AuthOptions = { readonly: true, readwrite: true, credentials: { dns: SECRET } };

  it('are shown as Basic', async () => {
    assert.ok((await frameworksSeen(client({ ...basic, caCertFile: authority.file }), await master({ auth }))) > 0);
  });

  it('that are wrong are refused, and not in the message', async () => {
    const asked = await master({ auth: { ...auth, credentials: { dns: 'another' } } });
    const message = await failure(client({ ...basic, caCertFile: authority.file }), asked);
    assert.match(message, /401/);
    assert.ok(!message.includes(SECRET) && !message.includes(Buffer.from(`dns:${SECRET}`).toString('base64')), message);
    assert.equal(asked.requests.get('/master/state'), 1);
  });

  it('are taken from the file anew where the old ones are refused', async () => {
    const asked = await master({ auth: { ...auth, credentials: { dns: 'newer' } } });
    const mesosSecretFile = temporaryFile('newer\n', 'secret');
    assert.ok((await frameworksSeen(client({ ...basic, mesosSecretFile }), asked)) > 0);
    assert.equal(asked.requests.get('/master/state'), 2);
  });

  it('stay out of messages where an error page repeats the request', async () => {
    const echoing = await fakeMaster((request, response) =>
      response.writeHead(502).end(`cannot handle ${request.headers.authorization}`),
    );
    open.push(echoing);
    const asking = client({ ...basic, mesosHTTPSOn: false });
    await assert.rejects(
      asking.fetch(echoing.master, { known: [], signal: new AbortController().signal }),
      ({ message }: Error) => {
        assert.match(message, /cannot handle Basic \*\*\*\*/);
        return !message.includes(Buffer.from(`dns:${SECRET}`).toString('base64'));
      },
    );
  });
});

describe('an account of the identity service', () => {
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  let service: IdentityService;
  let iamConfigFile: string;
  before(async () => {
    service = await startIdentityService(
      { cert: server.cert, key: server.key },
      { uid: UID, publicKey: keys.publicKey },
    );
    iamConfigFile = temporaryFile({ uid: UID, private_key: keys.privateKey, login_endpoint: service.loginEndpoint });
  });
  after(() => service.close());

  const auth: AuthOptions = { readonly: true, readwrite: true, tokens: (token) => service.accepts(token) };
  const asking = (metrics = createMetrics(), file = iamConfigFile) =>
    client({ mesosAuthentication: 'iam', iamConfigFile: file, caCertFile: authority.file }, metrics);

  it('buys a token, once for many requests', async () => {
    const asked = await master({ auth });
    const before = service.tokens.length;
    const iam = asking();
    for (let i = 0; i < 3; i += 1) assert.ok((await frameworksSeen(iam, asked)) > 0);
    assert.equal(service.tokens.length - before, 1);
  });

  it('buys the next one before the last one expires', async () => {
    const asked = await master({ auth });
    service.lifeSeconds = 4;
    const before = service.tokens.length;
    const iam = asking();
    await frameworksSeen(iam, asked);
    await sleep(3800);
    await frameworksSeen(iam, asked);
    service.lifeSeconds = 600;
    assert.equal(service.tokens.length - before, 2);
    assert.equal(asked.requests.get('/master/state'), 2);
  });

  it('buys another one where a master refuses it, once', async () => {
    const asked = await master({ auth });
    const metrics = createMetrics();
    const iam = asking(metrics);
    await frameworksSeen(iam, asked);
    service.withdraw(service.tokens.at(-1) ?? '');
    assert.ok((await frameworksSeen(iam, asked)) > 0);
    assert.equal(asked.requests.get('/master/state'), 3);

    asked.setAuth({ ...auth, tokens: () => false });
    assert.match(await failure(iam, asked), /401/);
    assert.equal(asked.requests.get('/master/state'), 5);
    assert.equal((await metrics.logins.get()).values[0]?.value, 3);
  });

  it('says what is wrong with a login without repeating what is secret', async () => {
    const asked = await master({ auth });
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const file = temporaryFile({ uid: UID, private_key: privateKey, login_endpoint: service.loginEndpoint });
    const message = await failure(asking(createMetrics(), file), asked);
    assert.match(message, /no token of the identity service: the login is answered 401/);
    assert.equal(service.refusals.at(-1), 'bad signature');
    assert.ok(!message.includes('eyJ'), message);
    writeFileSync(file, `{"private_key": "${SECRET}`);
    const broken = await failure(asking(createMetrics(), file), asked);
    assert.match(broken, /cannot be read or is not JSON/);
    assert.ok(!broken.includes(SECRET));
  });

  it('logs in only where the identity service has a certificate of the authority', async () => {
    const asked = await master({ auth });
    const before = service.tokens.length;
    const message = await failure(
      client({ mesosAuthentication: 'iam', iamConfigFile, caCertFile: stranger.file }),
      asked,
    );
    assert.match(message, /identity service: its certificate is not signed/);
    assert.equal(service.tokens.length, before);
  });
});
