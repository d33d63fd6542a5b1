import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { candidatesOf, electionOf } from '../../src/leader/election.ts';
import { formatEndpoint } from '../../src/leader/leader.ts';
import { type DecodedMaster, decodeMaster } from '../../src/leader/master-info.ts';

function names(...children: string[]): string[] {
  return candidatesOf(children).map(({ name }) => name);
}

function at(host: string, port = 5050): DecodedMaster {
  return { kind: 'master', master: { host, port } };
}

describe('candidatesOf', () => {
  it('orders by number over all labels', () => {
    assert.deepEqual(names('json.info_0000000010', 'info_0000000009', 'json.info_0000000002', '0000000003'), [
      'json.info_0000000002',
      '0000000003',
      'info_0000000009',
      'json.info_0000000010',
    ]);
  });

  it('compares numbers and not texts, past ten digits and below zero', () => {
    assert.deepEqual(names('json.info_2147483647', 'json.info_99', 'json.info_-2147483648'), [
      'json.info_-2147483648',
      'json.info_99',
      'json.info_2147483647',
    ]);
  });

  it('tells the format by the label', () => {
    const formats = candidatesOf(['json.info_1', 'info_2', '3']).map(({ format }) => format);
    assert.deepEqual(formats, ['json', 'protobuf', 'pid']);
  });

  it('leaves out the replicated log and every other child', () => {
    assert.deepEqual(
      names(
        'log_replicas',
        'json.info_',
        'json.info',
        'other_0000000001',
        '_0000000001',
        'json.info_1x',
        'json.info_2147483648',
        'info_0x1',
        'toString_1',
        '',
      ),
      [],
    );
  });
});

describe('electionOf', () => {
  const candidates = candidatesOf(['json.info_5', 'json.info_6', 'json.info_7']);

  it('names the first candidate and lists the others by sequence', () => {
    const election = electionOf(candidates, [at('10.0.0.3'), at('10.0.0.1'), at('10.0.0.2')]);
    assert.deepEqual(election.leader, { nodeName: 'json.info_5', master: { host: '10.0.0.3', port: 5050 } });
    assert.deepEqual(election.masters.map(formatEndpoint), ['10.0.0.3:5050', '10.0.0.1:5050', '10.0.0.2:5050']);
  });

  it('lists a master with two nodes once', () => {
    const election = electionOf(candidates, [at('10.0.0.3'), at('10.0.0.1'), at('10.0.0.3')]);
    assert.deepEqual(election.masters.map(formatEndpoint), ['10.0.0.3:5050', '10.0.0.1:5050']);
  });

  it('keeps two masters of one machine apart by their ports', () => {
    const election = electionOf(candidates, [at('10.0.0.3', 5050), at('10.0.0.3', 5051), at('10.0.0.3', 5050)]);
    assert.equal(election.masters.length, 2);
  });

  it('knows no leader where the first candidate cannot be read, but the other masters', () => {
    const election = electionOf(candidates, [{ kind: 'odd', reason: 'no address' }, at('10.0.0.1'), at('10.0.0.2')]);
    assert.equal(election.leader, null);
    assert.equal(election.masters.length, 2);
    assert.deepEqual(election.odd, [{ nodeName: 'json.info_5', reason: 'no address' }]);
  });

  it('is empty without candidates', () => {
    assert.deepEqual(electionOf([], []), { leader: null, masters: [], odd: [] });
  });
});

describe('elections captured from real masters', () => {
  const folder = 'test/fixtures/zookeeper';
  const expected: Readonly<Record<string, readonly string[]>> = {
    '00-empty.json': [],
    '01-one-master.json': ['127.0.0.1'],
    '10-three-masters.json': ['127.0.0.1', '127.0.0.3', '127.0.0.2'],
    '21-kill9-just-after.json': ['127.0.0.1', '127.0.0.3', '127.0.0.2'],
    '21-kill9-new-leader.json': ['127.0.0.3', '127.0.0.2'],
    '21-kill9-rejoined.json': ['127.0.0.3', '127.0.0.2', '127.0.0.1'],
    '30-after-zk-restart.json': ['127.0.0.3', '127.0.0.2'],
    '42-acl-with-credentials.json': ['127.0.0.1'],
  };

  for (const file of readdirSync(folder)) {
    it(`names the leader and the masters of ${file}`, () => {
      const nodes = JSON.parse(readFileSync(join(folder, file), 'utf8')) as readonly CapturedNode[];
      const root = nodes[0];
      assert.ok(root);
      const candidates = candidatesOf(root.children_as_returned);
      const decoded = candidates.map(({ name, format }) => {
        const node = nodes.find(({ path }) => path === `${root.path}/${name}`);
        return decodeMaster(format, Buffer.from(node?.data ?? ''));
      });
      const election = electionOf(candidates, decoded);
      assert.deepEqual(
        election.masters.map(({ host }) => host),
        expected[file],
      );
      assert.equal(election.leader?.master.host, expected[file]?.[0]);
      assert.deepEqual(election.odd, []);
    });
  }
});

interface CapturedNode {
  readonly path: string;
  readonly data?: string;
  readonly children_as_returned: readonly string[];
}
