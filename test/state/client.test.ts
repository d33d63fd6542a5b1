import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MesosDnsError } from '../../src/errors.ts';
import { formatEndpoint, type Master } from '../../src/leader/leader.ts';
import { createStateClient, type StateClient, type StateClientOptions } from '../../src/state/client.ts';
import { nextHop } from '../../src/state/redirect.ts';
import { deadMaster, type FakeMaster, fakeMaster, rawMaster } from './fake-master.ts';

const DOCUMENT = JSON.stringify({ leader: 'master@127.0.0.1:5050', slaves: [], frameworks: [], note: 'ünïcode' });

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

function client(options: Partial<StateClientOptions> = {}): StateClient {
  const created = createStateClient({ config: { mesosHTTPSOn: false, stateTimeoutSeconds: 10 }, ...options });
  open.push(created);
  return created;
}

/** Registers a server to be closed after the test. */
async function serve(master: Promise<FakeMaster>): Promise<FakeMaster> {
  const server = await master;
  open.push(server);
  return server;
}

async function get(from: StateClient, master: Master, known: readonly Master[] = [master]) {
  return await from.fetch(master, { known, signal: new AbortController().signal });
}

function textOf({ bytes }: { readonly bytes: Uint8Array }): string {
  return Buffer.from(bytes).toString();
}

/** Asserts a failed fetch whose message is one line, names the master and matches. */
async function assertFails(fetch: Promise<unknown>, master: Master, pattern: RegExp): Promise<void> {
  await assert.rejects(fetch, (error) => {
    assert.ok(error instanceof MesosDnsError);
    assert.equal(error.code, 'ERR_STATE_FETCH');
    assert.match(error.message, pattern);
    assert.ok(error.message.includes(formatEndpoint(master)), error.message);
    assert.ok(!error.message.includes('\n'), error.message);
    return true;
  });
}

describe('fetching the state', () => {
  it('asks for /master/state as Mesos-DNS, taking gzip', async () => {
    const server = await serve(fakeMaster((_, response) => response.end(DOCUMENT)));
    const document = await get(client(), server.master);
    assert.equal(textOf(document), DOCUMENT);
    assert.deepEqual(document.master, server.master);
    assert.deepEqual(document.addresses, ['127.0.0.1']);
    assert.deepEqual(server.paths, ['/master/state']);
    assert.equal(server.headers[0]?.['user-agent'], 'Mesos-DNS');
    assert.equal(server.headers[0]?.['accept-encoding'], 'gzip');
  });

  it('unpacks gzip', async () => {
    const server = await serve(
      fakeMaster((_, response) => response.setHeader('Content-Encoding', 'gzip').end(gzipSync(DOCUMENT))),
    );
    const document = await get(client(), server.master);
    assert.equal(textOf(document), DOCUMENT);
  });

  it('hands the octets over as they came, a byte order mark and what is not UTF-8 included', async () => {
    const server = await serve(
      fakeMaster((_, response) => {
        response.write(Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff, 0xc3]));
        setTimeout(() => response.end(Buffer.from([0xbc, 0x62])), 20);
      }),
    );
    assert.deepEqual([...(await get(client(), server.master)).bytes], [0xef, 0xbb, 0xbf, 0x61, 0xff, 0xc3, 0xbc, 0x62]);
  });

  it('falls back to /master/state.json and remembers per master what worked', async () => {
    const old = await serve(
      fakeMaster((request, response) => {
        if (request.url !== '/master/state.json') response.statusCode = 404;
        response.end(DOCUMENT);
      }),
    );
    const recent = await serve(fakeMaster((_, response) => response.end(DOCUMENT)));
    const asking = client();
    await get(asking, old.master);
    await get(asking, old.master);
    await get(asking, recent.master);
    assert.deepEqual(old.paths, ['/master/state', '/master/state.json', '/master/state.json']);
    assert.deepEqual(recent.paths, ['/master/state']);
  });

  it('returns to /master/state when the master has been upgraded', async () => {
    let existing = '/master/state.json';
    const server = await serve(
      fakeMaster((request, response) => {
        if (request.url !== existing) response.statusCode = 404;
        response.end(DOCUMENT);
      }),
    );
    const asking = client();
    await get(asking, server.master);
    existing = '/master/state';
    assert.equal(textOf(await get(asking, server.master)), DOCUMENT);
  });

  it('uses one connection for request after request', async () => {
    const server = await serve(fakeMaster((_, response) => response.end(DOCUMENT)));
    const asking = client();
    for (let i = 0; i < 5; i += 1) await get(asking, server.master);
    assert.equal(server.connections(), 1);
  });

  it('asks again when the master has closed the idle connection', async () => {
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(DOCUMENT)}\r\n\r\n${DOCUMENT}`;
    // Each connection answers once and is cut when the next request arrives, as when both sides act at the same time.
    const server = await serve(
      rawMaster((socket) => {
        socket.write(answer);
        socket.once('data', () => socket.destroy());
      }),
    );
    const asking = client();
    await get(asking, server.master);
    assert.equal(textOf(await get(asking, server.master)), DOCUMENT);
    assert.equal(server.connections(), 2);
  });

  it('asks a master at an IPv6 address', async () => {
    const server = await serve(fakeMaster((_, response) => response.end(DOCUMENT), { host: '::1' }));
    const document = await get(client(), server.master);
    assert.deepEqual(document.addresses, ['::1']);
  });

  it('asks a master known by host name and tells its addresses', async () => {
    const server = await serve(fakeMaster((_, response) => response.end(DOCUMENT)));
    const document = await get(client(), { host: 'localhost', port: server.master.port });
    assert.ok(document.addresses.includes('127.0.0.1'), document.addresses.join(' '));
  });
});

describe('following redirects', () => {
  const NAMELESS = 'master-1.lab.invalid';

  async function leaderAnd(location: (leader: Master) => string) {
    const leader = await serve(fakeMaster((_, response) => response.end(DOCUMENT), { hostname: NAMELESS }));
    const other = await serve(
      fakeMaster((_, response) => response.writeHead(307, { Location: location(leader.master) }).end()),
    );
    return { leader, other, known: [other.master, leader.master] };
  }

  const forms: readonly { readonly name: string; readonly location: (leader: Master) => string }[] = [
    { name: 'without a scheme', location: ({ host, port }) => `//${host}:${port}/master/state` },
    { name: 'absolute', location: ({ host, port }) => `http://${host}:${port}/master/state` },
    { name: 'to a host name of the election', location: ({ port }) => `//${NAMELESS}:${port}/master/state` },
    { name: 'in capitals', location: ({ port }) => `HTTP://${NAMELESS.toUpperCase()}:${port}/master/state` },
    { name: 'to a host name that the system resolves', location: ({ port }) => `//localhost:${port}/master/state` },
  ];
  for (const { name, location } of forms) {
    it(`follows one ${name}`, async () => {
      const { leader, other, known } = await leaderAnd(location);
      const document = await get(client(), other.master, known);
      assert.equal(textOf(document), DOCUMENT);
      assert.equal(document.master.port, leader.master.port);
      assert.ok(document.addresses.includes('127.0.0.1'));
      assert.deepEqual(leader.paths, ['/master/state']);
    });
  }

  it('follows one to a path of the same master', async () => {
    const server = await serve(
      fakeMaster((request, response) => {
        if (request.url === '/master/state') response.writeHead(302, { Location: '/other?x=1' }).end();
        else response.end(DOCUMENT);
      }),
    );
    await get(client(), server.master);
    assert.deepEqual(server.paths, ['/master/state', '/other?x=1']);
  });

  it('tries the older path too when the leader behind the redirect lacks the newer one', async () => {
    const leader = await serve(
      fakeMaster((request, response) => {
        if (request.url !== '/master/state.json') response.statusCode = 404;
        response.end(DOCUMENT);
      }),
    );
    const { host, port } = leader.master;
    const other = await serve(
      fakeMaster((request, response) => response.writeHead(307, { Location: `//${host}:${port}${request.url}` }).end()),
    );
    assert.equal(textOf(await get(client(), other.master)), DOCUMENT);
  });

  it('says so when the host name of a redirect is unknown and does not resolve', async () => {
    const { other } = await leaderAnd(({ port }) => `//${NAMELESS}:${port}/master/state`);
    await assertFails(get(client(), other.master), other.master, /redirected to master-1\.lab\.invalid:\d+: .*resolve/);
  });

  const refused: readonly { readonly name: string; readonly location: string }[] = [
    { name: 'to itself', location: '/master/state' },
    { name: 'that cannot be parsed', location: 'http://[:::' },
    { name: 'to another protocol', location: 'ftp://127.0.0.1/state' },
  ];
  for (const { name, location } of refused) {
    it(`refuses one ${name}`, async () => {
      const server = await serve(fakeMaster((_, response) => response.writeHead(307, { Location: location }).end()));
      await assertFails(get(client(), server.master), server.master, /redirects/);
    });
  }

  it('gives up after a number of redirects', async () => {
    const server = await serve(
      fakeMaster((request, response) => response.writeHead(307, { Location: `${request.url}x` }).end()),
    );
    await assertFails(get(client(), server.master), server.master, /redirects more than 5 times/);
    assert.equal(server.paths.length, 6);
  });

  it('gives up when two masters redirect to each other', async () => {
    const ports: number[] = [];
    const start = () =>
      serve(
        fakeMaster((request, response) => {
          const other = ports.find((port) => port !== request.socket.localPort);
          response.writeHead(307, { Location: `//127.0.0.1:${other}/master/state` }).end();
        }),
      );
    const [one, two] = [await start(), await start()];
    ports.push(one.master.port, two.master.port);
    await assertFails(get(client(), one.master), one.master, /circle/);
  });
});

describe('credentials', () => {
  const headers = async () => ({ authorization: 'Basic c2VjcmV0' });
  const authentication = { headers, refused: async () => false };

  it('go to the masters of the election, redirects included', async () => {
    const leader = await serve(fakeMaster((_, response) => response.end(DOCUMENT), { hostname: 'm1.invalid' }));
    const other = await serve(
      fakeMaster((_, response) =>
        response.writeHead(307, { Location: `//m1.invalid:${leader.master.port}/master/state` }).end(),
      ),
    );
    await get(client({ authentication }), other.master, [other.master, leader.master]);
    assert.equal(other.headers[0]?.authorization, 'Basic c2VjcmV0');
    assert.equal(leader.headers[0]?.authorization, 'Basic c2VjcmV0');
  });

  it('do not follow a redirect to a host outside the election', async () => {
    const stranger = await serve(fakeMaster((_, response) => response.end(DOCUMENT), { host: '127.0.0.2' }));
    const { host, port } = stranger.master;
    const other = await serve(
      fakeMaster((_, response) => response.writeHead(307, { Location: `//${host}:${port}/master/state` }).end()),
    );
    await get(client({ authentication }), other.master);
    assert.equal(other.headers[0]?.authorization, 'Basic c2VjcmV0');
    assert.equal(stranger.headers[0]?.authorization, undefined);
  });

  it('that cannot be had in time fail the fetch', async () => {
    const server = await serve(fakeMaster((_, response) => response.end(DOCUMENT)));
    const never = () => new Promise<Record<string, string>>(() => undefined);
    const asking = client({
      authentication: { headers: never, refused: async () => false },
      config: { mesosHTTPSOn: false, stateTimeoutSeconds: 0.1 },
    });
    await assertFails(get(asking, server.master), server.master, /within 0\.1 s/);
  });
});

describe('a master that does not serve', () => {
  const statuses: readonly { readonly status: number; readonly body: string; readonly says: RegExp }[] = [
    { status: 401, body: 'Unauthorized\n', says: /answered 401: Unauthorized$/ },
    { status: 403, body: '', says: /answered 403$/ },
    { status: 404, body: '404 Not Found.', says: /answered 404 to \/master\/state and \/master\/state\.json/ },
    { status: 500, body: 'a\nb', says: /answered 500: a b$/ },
    { status: 503, body: 'No leader elected', says: /answered 503: No leader elected$/ },
    { status: 204, body: '', says: /answered 204$/ },
    { status: 307, body: '', says: /answered 307$/ },
  ];
  for (const { status, body, says } of statuses) {
    it(`fails with its ${status}`, async () => {
      const server = await serve(fakeMaster((_, response) => response.writeHead(status).end(body)));
      await assertFails(get(client(), server.master), server.master, says);
    });
  }

  it('fails when nobody listens', async () => {
    const master = await deadMaster();
    await assertFails(get(client(), master), master, /connection refused$/);
  });

  it('fails when the host name does not resolve', async () => {
    const master = { host: 'nowhere.invalid', port: 5050 };
    await assertFails(get(client(), master), master, /resolve/);
  });

  const broken: readonly { readonly name: string; readonly bytes: string | Buffer; readonly says: RegExp }[] = [
    { name: 'a body shorter than its length', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{', says: /closed/ },
    {
      name: 'a chunked body without its end',
      bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n5\r\n"a',
      says: /closed/,
    },
    { name: 'headers only in part', bytes: 'HTTP/1.1 200 OK\r\nContent-Le', says: /closed|reset/ },
    { name: 'nothing', bytes: '', says: /closed|reset/ },
    { name: 'something else than HTTP', bytes: 'SSH-2.0-OpenSSH_9.2\r\n', says: /not an HTTP answer/ },
    {
      name: 'cut gzip',
      bytes: Buffer.concat([
        Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 30\r\n\r\n'),
        gzipSync(DOCUMENT).subarray(0, 30),
      ]),
      says: /packed answer is cut/,
    },
    {
      name: 'damaged gzip',
      bytes: 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nnot gzip at all',
      says: /packed answer is damaged/,
    },
    {
      name: 'another packing',
      bytes: 'HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}',
      says: /"br" was not asked for/,
    },
  ];
  for (const { name, bytes, says } of broken) {
    it(`fails when it sends ${name} and closes`, async () => {
      const server = await serve(rawMaster((socket) => socket.end(bytes)));
      await assertFails(get(client(), server.master), server.master, says);
    });
  }

  it('fails when the document is larger than the limit, by its length, by its content or unpacked', async () => {
    const large = 'x'.repeat(100_000);
    const sized = await serve(fakeMaster((_, response) => response.end(large)));
    const chunked = await serve(
      fakeMaster((_, response) => {
        response.write(large);
        response.end();
      }),
    );
    const packed = await serve(
      fakeMaster((_, response) => response.setHeader('Content-Encoding', 'gzip').end(gzipSync(large))),
    );
    const asking = client({ maxBodyBytes: 50_000 });
    for (const { master } of [sized, chunked, packed]) {
      await assertFails(get(asking, master), master, /larger than 50000 bytes/);
    }
  });

  it('fails after the deadline when it is silent or trickles', async () => {
    const silent = await serve(fakeMaster(() => undefined));
    const trickling = await serve(
      fakeMaster((_, response) => {
        const timer = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(timer));
      }),
    );
    const asking = client({ config: { mesosHTTPSOn: false, stateTimeoutSeconds: 0.2 } });
    for (const { master } of [silent, trickling]) {
      await assertFails(get(asking, master), master, /no complete answer within 0\.2 s/);
    }
  });

  it('ends at once when the fetch is aborted', async () => {
    const server = await serve(fakeMaster(() => undefined));
    const abort = new AbortController();
    const fetch = client().fetch(server.master, { known: [], signal: abort.signal });
    setTimeout(() => abort.abort(new Error('the leader has changed')), 30);
    await assertFails(fetch, server.master, /the leader has changed/);
  });
});

describe('mesosHTTPSOn', () => {
  it('asks with TLS', async () => {
    const firstBytes: (number | undefined)[] = [];
    const server = await serve(
      rawMaster((socket, request) => {
        firstBytes.push(request[0]);
        socket.destroy();
      }),
    );
    const asking = client({ config: { mesosHTTPSOn: true, stateTimeoutSeconds: 10 } });
    await assertFails(get(asking, server.master), server.master, /.+/);
    const TLS_HANDSHAKE = 22;
    assert.deepEqual(firstBytes, [TLS_HANDSHAKE]);
  });

  it('refuses a redirect from https to http', () => {
    const hop = { scheme: 'https', master: { host: '10.0.0.1', port: 5050 }, path: '/master/state' } as const;
    assert.throws(() => nextHop('http://10.0.0.2:5050/master/state', hop, []), /redirects from https/);
    assert.equal(nextHop('//10.0.0.2:5050/master/state', hop, []).scheme, 'https');
  });
});
