// Snapshots: what was written is what is read, and nothing else is taken for it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ClusterSnapshot } from '../../src/snapshot/snapshot.ts';
import { identityOf } from '../../src/snapshot/snapshot.ts';
import { SnapshotFile } from '../../src/snapshot/snapshot-file.ts';
import { parseState } from '../../src/state/parse.ts';
import { loadText } from '../config/support.ts';

const STATE = new URL('../../../test/fixtures/corpus/states/syn-rich-1.11.json', import.meta.url);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mesos-dns-snapshot-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function identity(file: object = {}) {
  const { config } = await loadText(JSON.stringify({ zk: 'zk://user:hidden@10.0.0.1:2181/mesos', ...file }));
  return identityOf(config);
}

function snapshot(): ClusterSnapshot {
  return {
    state: parseState(readFileSync(STATE)).state,
    masters: ['10.0.0.1:5050', '10.0.0.2:5050'],
    hosts: { 'agent1.example': ['10.0.0.7'] },
    serial: 1_795_000_000,
  };
}

describe('a snapshot', () => {
  it('is read back as it was written', async () => {
    const file = new SnapshotFile(directory, await identity());
    await file.write(snapshot());
    assert.deepEqual((await file.read())?.snapshot, snapshot());
  });

  it('is there as a whole or not at all: one file, and no password in it', async () => {
    const file = new SnapshotFile(directory, await identity());
    await file.write(snapshot());
    await file.write({ ...snapshot(), serial: 7 });
    assert.deepEqual(await readdir(directory), ['cluster.snapshot']);
    assert.equal((await file.read())?.snapshot.serial, 7);
    assert.doesNotMatch(await readFile(file.path, 'utf8'), /hidden/);
  });

  it('is none where nothing was written', async () => {
    assert.equal(await new SnapshotFile(directory, await identity()).read(), null);
  });

  it('of many tasks comes back whole', async () => {
    const { state, ...rest } = snapshot();
    const [framework] = state.frameworks;
    const [task] = framework?.tasks ?? [];
    assert.ok(framework && task);
    const tasks = Array.from({ length: 2345 }, (_, i) => ({ ...task, id: `${task.id}.${i}` }));
    const large = {
      ...rest,
      state: {
        ...state,
        frameworks: [
          { ...framework, tasks },
          { ...framework, tasks: [] },
        ],
      },
    };
    const file = new SnapshotFile(directory, await identity());
    await file.write(large);
    assert.deepEqual((await file.read())?.snapshot, large);
  });

  it('holds once what tasks share, and they share it again when it is read', async () => {
    const { state, ...rest } = snapshot();
    const [framework] = state.frameworks;
    const [task] = framework?.tasks ?? [];
    assert.ok(framework && task);
    const own = { ...task, id: 'other', name: '[]', ports: [], discovery: null };
    const same = { ...task, id: 'same', ports: [...task.ports], statuses: [...task.statuses] };
    const file = new SnapshotFile(directory, await identity());
    const tasks = [task, own, same];
    await file.write({ ...rest, state: { ...state, frameworks: [{ ...framework, tasks }] } });
    const read = (await file.read())?.snapshot.state.frameworks[0]?.tasks ?? [];
    assert.deepEqual(read, tasks);
    assert.equal(read[2]?.ports, read[0]?.ports);
    assert.equal(read[2]?.discovery, read[0]?.discovery);
  });

  it('with another password for ZooKeeper is the same cluster', async () => {
    await new SnapshotFile(directory, await identity()).write(snapshot());
    const other = await identity({ zk: 'zk://user:changed@10.0.0.1:2181/mesos' });
    assert.deepEqual((await new SnapshotFile(directory, other).read())?.snapshot, snapshot());
  });
});

describe('a snapshot is refused', () => {
  const foreign: readonly { readonly name: string; readonly file: object }[] = [
    { name: 'of another domain', file: { domain: 'dc1.example' } },
    { name: 'of other masters', file: { masters: ['10.9.9.9:5050'] } },
    { name: 'of another ZooKeeper', file: { zk: 'zk://10.0.0.9:2181/mesos' } },
    { name: 'of other IP sources', file: { IPSources: ['host'] } },
    { name: 'of another label rule', file: { enforceRFC952: true } },
  ];
  for (const { name, file } of foreign) {
    it(`${name}, and the key is named`, async () => {
      await new SnapshotFile(directory, await identity()).write(snapshot());
      const key = Object.keys(file)[0] ?? '';
      const reading = new SnapshotFile(directory, await identity(file)).read();
      await assert.rejects(reading, { code: 'ERR_SNAPSHOT', message: new RegExp(`"${key}" is another`) });
    });
  }

  const damages: readonly { readonly name: string; readonly damage: (whole: Buffer) => Buffer }[] = [
    { name: 'that is empty', damage: () => Buffer.alloc(0) },
    { name: 'that is cut', damage: (whole) => whole.subarray(0, whole.length >> 1) },
    { name: 'that is cut behind a line', damage: (whole) => whole.subarray(0, whole.indexOf('\n') + 1) },
    { name: 'without its last octet', damage: (whole) => whole.subarray(0, whole.length - 1) },
    {
      name: 'with one bit turned over',
      damage: (whole) => {
        const turned = Buffer.from(whole);
        const at = turned.indexOf('10.0.0.');
        turned[at] = (turned[at] ?? 0) ^ 1;
        return turned;
      },
    },
    { name: 'that is something else', damage: () => Buffer.from('{"a":1}\n{"b":2}\n') },
    { name: 'of zeros, as a crash may leave it', damage: (whole) => Buffer.alloc(whole.length) },
    {
      name: 'of a later version',
      damage: (whole) => Buffer.from(whole.toString().replace('"version":3', '"version":4')),
    },
  ];
  for (const { name, damage } of damages) {
    it(name, async () => {
      const file = new SnapshotFile(directory, await identity());
      await file.write(snapshot());
      await writeFile(file.path, damage(await readFile(file.path)));
      await assert.rejects(file.read(), { code: 'ERR_SNAPSHOT' });
    });
  }

  it('that is larger than allowed, on reading and on writing, and the one before stays', async () => {
    const file = new SnapshotFile(directory, await identity());
    await file.write(snapshot());
    const small = new SnapshotFile(directory, await identity(), 100);
    await assert.rejects(small.read(), { code: 'ERR_SNAPSHOT', message: /more than 100/ });
    assert.deepEqual((await file.read())?.snapshot, snapshot());
  });

  it('where the directory cannot be written, with the path in the message', async () => {
    const file = new SnapshotFile('/proc/none', await identity());
    await assert.rejects(file.write(snapshot()), { code: 'ERR_SNAPSHOT', message: /\/proc\/none/ });
  });
});
