import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MesosDnsError } from '../../src/errors.ts';
import { createLeaderDetector } from '../../src/leader/detector.ts';
import type { MasterSet } from '../../src/leader/leader.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { recordedLog } from '../support/log.ts';

function create(zk: string, masters: readonly string[], log = silentLogger()) {
  return createLeaderDetector({ zk, masters }, { log, metrics: createMetrics() });
}

function refuses(zk: string, masters: readonly string[]): MesosDnsError {
  let thrown: unknown;
  try {
    create(zk, masters);
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof MesosDnsError);
  assert.equal(thrown.code, 'ERR_CONFIG');
  return thrown;
}

describe('createLeaderDetector with a static list', () => {
  it('announces the masters in order and knows no leader', async () => {
    const detector = create('', ['10.0.0.2:5050', '[fd00:0::3]:5050', 'm4.example:5050', '10.0.0.2:5050']);
    assert.equal(detector.current, null);
    const sets: MasterSet[] = [];
    detector.onChange((set) => sets.push(set));
    detector.start();
    assert.deepEqual(sets, [
      {
        leader: null,
        masters: [
          { host: '10.0.0.2', port: 5050 },
          { host: 'fd00::3', port: 5050 },
          { host: 'm4.example', port: 5050 },
        ],
        source: 'static',
      },
    ]);
    assert.equal(detector.current, sets[0]);
    await detector.close();
  });

  it('asks the master that the key "zk" names first', () => {
    const detector = create('master@10.0.0.3:5050', ['10.0.0.2:5050', '10.0.0.3:5050']);
    detector.start();
    assert.deepEqual(
      detector.current?.masters.map(({ host }) => host),
      ['10.0.0.3', '10.0.0.2'],
    );
  });

  it('tells every listener, also where one throws', () => {
    const { log, lines } = recordedLog();
    const detector = create('', ['10.0.0.2:5050'], log);
    let told = 0;
    detector.onChange(() => {
      throw new Error('listener');
    });
    detector.onChange(() => {
      told += 1;
    });
    detector.start();
    assert.equal(told, 1);
    assert.ok(lines.some((line) => line.includes('listener')));
  });
});

describe('createLeaderDetector', () => {
  it('refuses a configuration that names no master', () => {
    refuses('', []);
    refuses('zk://', []);
    refuses('', ['m1']);
    refuses('zk://zk1/mesos', ['m1:0']);
  });

  it('refuses a file that is missing, empty or names another file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mesos-dns-detector-'));
    try {
      const file = join(folder, 'zk');
      refuses(`file://${file}`, []);
      writeFileSync(file, '');
      refuses(`file://${file}`, []);
      writeFileSync(file, `file://${file}`);
      refuses(`file://${file}`, []);
      writeFileSync(file, 'zk://user:s3cret@zk1');
      assert.ok(!refuses(`file://${file}`, []).message.includes('s3cret'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
