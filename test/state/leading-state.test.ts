import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MesosDnsError } from '../../src/errors.ts';
import { formatEndpoint, type Master, type MasterSet } from '../../src/leader/leader.ts';
import type { StateClient } from '../../src/state/client.ts';
import { readLeadingState } from '../../src/state/leading-state.ts';

const A: Master = { host: '10.0.0.1', port: 5050 };
const B: Master = { host: '10.0.0.2', port: 5050 };
const C: Master = { host: '10.0.0.3', port: 5050 };

interface State {
  readonly leader: { readonly host: string; readonly port: string };
}

/** A cluster in which each endpoint's document names a leader (`host:port`), is broken (`'broken'`) or is not there. */
class Cluster {
  readonly asked: string[] = [];
  readonly #documents: Readonly<Record<string, string>>;

  constructor(documents: Readonly<Record<string, string>>) {
    this.#documents = documents;
  }

  readonly client: Pick<StateClient, 'fetch'> = {
    fetch: async (master) => {
      const endpoint = formatEndpoint(master);
      this.asked.push(endpoint);
      const text = this.#documents[endpoint];
      if (text === undefined) throw new MesosDnsError('ERR_STATE_FETCH', `master ${endpoint}: connection refused`);
      return { bytes: Buffer.from(text), master, addresses: [master.host] };
    },
  };

  async read(masters: MasterSet) {
    return await readLeadingState<State>(masters, {
      client: this.client,
      parse,
      signal: new AbortController().signal,
    });
  }
}

function parse(document: Uint8Array) {
  const text = Buffer.from(document).toString();
  const split = text.lastIndexOf(':');
  if (split < 0) throw new MesosDnsError('ERR_STATE_DOCUMENT', 'it is not JSON');
  return { state: { leader: { host: text.slice(0, split), port: text.slice(split + 1) } }, warnings: [] };
}

function set(leader: Master | null, ...masters: Master[]): MasterSet {
  return { leader, masters, source: 'zookeeper' };
}

describe('readLeadingState', () => {
  it('asks the known leader and nobody else', async () => {
    const cluster = new Cluster({ '10.0.0.2:5050': '10.0.0.2:5050' });
    const { found, failures } = await cluster.read(set(B, B, A, C));
    assert.deepEqual(found?.document.master, B);
    assert.deepEqual(failures, []);
    assert.deepEqual(cluster.asked, ['10.0.0.2:5050']);
  });

  it('asks the others in order when the leader fails', async () => {
    const cluster = new Cluster({ '10.0.0.3:5050': '10.0.0.3:5050' });
    const { found, failures } = await cluster.read(set(B, B, A, C));
    assert.deepEqual(found?.document.master, C);
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['ERR_STATE_FETCH', 'ERR_STATE_FETCH'],
    );
    assert.deepEqual(cluster.asked, ['10.0.0.2:5050', '10.0.0.1:5050', '10.0.0.3:5050']);
  });

  it('asks the list in order when no leader is known', async () => {
    const cluster = new Cluster({ '10.0.0.1:5050': '10.0.0.1:5050' });
    await cluster.read(set(null, C, A));
    assert.deepEqual(cluster.asked, ['10.0.0.3:5050', '10.0.0.1:5050']);
  });

  it('asks the leader that a document names, at the port of the first', async () => {
    const cluster = new Cluster({ '10.0.0.1:8080': '10.0.0.2:5050', '10.0.0.2:8080': '10.0.0.2:8080' });
    const { found } = await cluster.read(set(null, { ...A, port: 8080 }));
    assert.deepEqual(found?.document.master, { ...B, port: 8080 });
    assert.deepEqual(cluster.asked, ['10.0.0.1:8080', '10.0.0.2:8080']);
  });

  it('asks the named leader at its own port when nobody listens at that of the first', async () => {
    const cluster = new Cluster({ '10.0.0.1:8080': '10.0.0.2:5050', '10.0.0.2:5050': '10.0.0.2:5050' });
    const { found } = await cluster.read(set(null, { ...A, port: 8080 }));
    assert.deepEqual(found?.document.master, B);
  });

  it('compares addresses, not their spelling', async () => {
    const cluster = new Cluster({ '10.0.0.1:5050': '::ffff:10.0.0.1:5050' });
    const { found } = await cluster.read(set(null, A));
    assert.deepEqual(found?.document.master, A);
    assert.deepEqual(cluster.asked, ['10.0.0.1:5050']);
  });

  it('tells masters on one machine apart by their ports', async () => {
    const cluster = new Cluster({ '10.0.0.1:5051': '10.0.0.1:5052', '10.0.0.1:5052': '10.0.0.1:5052' });
    const { found } = await cluster.read(set(null, { ...A, port: 5051 }));
    assert.equal(found?.document.master.port, 5052);
  });

  it('takes the document of a forwarded port when the port that it names is out of reach', async () => {
    const cluster = new Cluster({ '10.0.0.1:15050': '10.0.0.1:5050' });
    const { found, failures } = await cluster.read(set(null, { ...A, port: 15050 }));
    assert.equal(found?.document.master.port, 15050);
    assert.deepEqual(failures, []);
  });

  it('compares only addresses where the named port is no number', async () => {
    const cluster = new Cluster({ '10.0.0.1:5050': '10.0.0.2:', '10.0.0.2:5050': '10.0.0.2:mesos' });
    const { found } = await cluster.read(set(null, A));
    assert.deepEqual(found?.document.master, B);
  });

  it('prefers a master that surely leads to such a document', async () => {
    const cluster = new Cluster({ '10.0.0.1:15050': '10.0.0.1:5050', '10.0.0.2:5050': '10.0.0.2:5050' });
    const { found } = await cluster.read(set(null, { ...A, port: 15050 }, B));
    assert.deepEqual(found?.document.master, B);
  });

  it('never takes the document of a master that names another one which cannot be asked', async () => {
    const cluster = new Cluster({ '10.0.0.1:5050': '10.0.0.2:5050' });
    const { found, failures } = await cluster.read(set(null, A));
    assert.equal(found, null);
    assert.match(
      failures[0]?.message ?? '',
      /^master 10\.0\.0\.1:5050 names 10\.0\.0\.2:5050 as the leader: .*refused$/,
    );
  });

  it('goes on with the next master when two name each other', async () => {
    const cluster = new Cluster({
      '10.0.0.1:5050': '10.0.0.2:5050',
      '10.0.0.2:5050': '10.0.0.1:5050',
      '10.0.0.3:5050': '10.0.0.3:5050',
    });
    const { found, failures } = await cluster.read(set(null, A, C));
    assert.deepEqual(found?.document.master, C);
    assert.match(failures[0]?.message ?? '', /do not agree/);
  });

  it('ends a chain of documents that each name the next', async () => {
    const cluster = new Cluster(
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`10.0.1.${i}:5050`, `10.0.1.${i + 1}:5050`])),
    );
    const { found } = await cluster.read(set(null, { host: '10.0.1.0', port: 5050 }));
    assert.equal(found, null);
    assert.ok(cluster.asked.length <= 5, cluster.asked.join(' '));
  });

  it('reports a refused document with the name of its master and asks the next', async () => {
    const cluster = new Cluster({ '10.0.0.1:5050': 'broken', '10.0.0.3:5050': '10.0.0.3:5050' });
    const { found, failures } = await cluster.read(set(A, A, C));
    assert.deepEqual(found?.document.master, C);
    assert.equal(failures[0]?.code, 'ERR_STATE_DOCUMENT');
    assert.equal(failures[0]?.message, 'the state of master 10.0.0.1:5050 is refused: it is not JSON');
  });
});
