// Whatever is wrong with a configuration, its passwords appear in no message and no warning.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { messageOf } from '../../src/errors.ts';
import { loadText, type World } from './support.ts';

/** Secrets are made of a mark that occurs nowhere else, with characters around it that confuse parsers. */
const MARK = 'hunter2';
const odd = fc.string({
  unit: fc.constantFrom('@', ':', '/', ',', '"', '\\', ' ', '\n', '[', ']', '%', 'x', '7', 'ü'),
  maxLength: 6,
});
const secret = fc.tuple(odd, odd).map(([before, after]) => before + MARK + after);

async function everythingSaid(text: string, world: World = {}): Promise<string> {
  try {
    return (await loadText(text, world)).warnings.join('\n');
  } catch (error) {
    return messageOf(error);
  }
}

async function keepsSecrets(text: string, world?: World): Promise<void> {
  const said = await everythingSaid(text, world);
  assert.ok(!said.includes(MARK), said);
}

describe('secrets', () => {
  it('of ZooKeeper stay unseen, whatever the URL is like', async () => {
    const end = fc.constantFrom(
      '@h1:2181/mesos',
      '@h1:2181,h2/a/b',
      '@h1',
      '@h1:x/mesos',
      '@/mesos',
      '@h 1/mesos',
      '@h1//',
    );
    const start = fc.constantFrom('zk://user:', 'ZK://user:', 'user:', 'http://user:', ' zk://user:', 'zk:/user:');
    await fc.assert(
      fc.asyncProperty(start, secret, end, async (scheme, password, rest) => {
        const zk = scheme + password + rest;
        await keepsSecrets(JSON.stringify({ zk }));
        await keepsSecrets(JSON.stringify({ zk: [zk], ttl: 'x' }));
        await keepsSecrets(JSON.stringify({ masters: [zk], resolvers: [zk], listener: zk }));
        await keepsSecrets(JSON.stringify({ zk: 'file:///zk' }), { files: { '/zk': zk } });
      }),
      { numRuns: 200 },
    );
  });

  it('of the credentials stay unseen, wherever they stand', async () => {
    await fc.assert(
      fc.asyncProperty(secret, async (password) => {
        const shapes = [
          { mesosCredentials: { principal: 'p', secret: password } },
          { mesosCredentials: { principal: 'p', secret: [password] } },
          { mesosCredentials: { principal: 'p', password } },
          { mesosCredentials: `p:${password}` },
          { mesosCredentials: [password] },
          { mesosAuthentication: 'basic', mesosCredentials: { secret: password } },
          { secret: password, mesosCredential: { secret: password } },
        ];
        for (const shape of shapes) await keepsSecrets(JSON.stringify({ masters: ['10.0.0.1:5050'], ...shape }));
      }),
      { numRuns: 100 },
    );
  });

  it('come from files, the environment or credentials of systemd', async () => {
    const world: World = {
      files: { '/run/credentials/mesos-dns/mesos': `${MARK}\n`, '/etc/secret': MARK },
      environment: {
        CREDENTIALS_DIRECTORY: '/run/credentials/mesos-dns',
        MESOS_SECRET: MARK,
        ZK: `zk://u:${MARK}@h/mesos`,
      },
    };
    for (const [from, file] of [
      ['credential:mesos', '/run/credentials/mesos-dns/mesos'],
      ['/etc/secret', '/etc/secret'],
      ['env:MESOS_SECRET', ''],
    ]) {
      const text = JSON.stringify({
        zk: 'env:ZK',
        mesosAuthentication: 'basic',
        mesosCredentials: { principal: 'dns' },
        mesosSecretFrom: from,
      });
      const { config, warnings } = await loadText(text, world);
      assert.deepEqual(config.mesosCredentials, { principal: 'dns', secret: MARK });
      assert.equal(config.mesosSecretFile, file);
      assert.equal(config.zk, `zk://u:${MARK}@h/mesos`);
      assert.deepEqual(warnings, []);
    }
  });

  it('that are missing where they are said to be refuse the file', async () => {
    for (const from of ['credential:none', '/none', 'env:NONE']) {
      const text = JSON.stringify({
        masters: ['10.0.0.1:5050'],
        mesosAuthentication: 'basic',
        mesosCredentials: { principal: 'dns' },
        mesosSecretFrom: from,
      });
      assert.match(await everythingSaid(text), /mesosSecretFrom: expected a/, from);
    }
  });

  it('stay unseen where they stand in the place of the path of their file', async () => {
    const pem = `-----BEGIN PRIVATE KEY-----\n${MARK}\n-----END PRIVATE KEY-----\n`;
    for (const [key, value] of [
      ['mesosSecretFrom', MARK],
      ['mesosSecretFrom', `a/${MARK}`],
      ['keyFile', pem],
      ['keyFile', pem.replaceAll('\n', ' ')],
      ['iamConfigFile', JSON.stringify({ private_key: pem })],
    ] as const) {
      const said = await everythingSaid(JSON.stringify({ masters: ['10.0.0.1:5050'], [key]: value }));
      assert.match(said, new RegExp(`${key}: expected a file that can be read, got (?:what|a text)`));
      assert.ok(!said.includes(MARK), said);
    }
  });

  it('stay unseen in a file that is not JSON', async () => {
    const text = JSON.stringify(
      { zk: `zk://u:${MARK}@h/mesos`, mesosCredentials: { principal: 'p', secret: MARK } },
      null,
      1,
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length), fc.constantFrom('', '"', '\\', '\n', ',', '}', "'"), async (at, junk) => {
        await keepsSecrets(text.slice(0, at) + junk + text.slice(at + 1));
      }),
      { numRuns: 300 },
    );
  });

  it('of an IAM account stay unseen', async () => {
    await fc.assert(
      fc.asyncProperty(secret, async (key) => {
        const account = { uid: key, private_key: key, login_endpoint: `https://${key}` };
        for (const text of [JSON.stringify(account), JSON.stringify(account).slice(0, -3), JSON.stringify([key])]) {
          const config = { masters: ['10.0.0.1:5050'], mesosAuthentication: 'iam', iamConfigFile: '/iam' };
          await keepsSecrets(JSON.stringify(config), { files: { '/iam': text } });
        }
      }),
      { numRuns: 100 },
    );
  });
});
