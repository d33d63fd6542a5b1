// Which serials may have been used, over restarts of every kind.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { isAfter, laterSerial } from '../../src/dns/serial.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { resumedSerial, SERIAL_FILE_NAME, SerialKeeper } from '../../src/snapshot/serial-keeper.ts';
import { recordedLog } from '../support/log.ts';

async function setUp(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'serials-'));
  t.after(() => rm(directory, { recursive: true }));
  const { log, lines } = recordedLog();
  const metrics = createMetrics();
  const start = (domain = 'mesos', at = directory) => new SerialKeeper({ directory: at, domain, logger: log, metrics });
  return { directory, start, lines, metrics };
}

describe('the serials used before', () => {
  it('are none at first', async (t) => {
    const { start, lines } = await setUp(t);
    assert.equal(await start().lastUsed(), null);
    assert.deepEqual(lines, []);
  });

  it('end with the last one after a stop in good order', async (t) => {
    const { start } = await setUp(t);
    const keeper = start();
    await keeper.use(100);
    await keeper.use(250);
    await keeper.close();
    const last = await start().lastUsed();
    assert.deepEqual([last, resumedSerial(250, last)], [250, 250]);
  });

  it('end behind all that were used where the process was killed', async (t) => {
    const { start } = await setUp(t);
    const keeper = start();
    let serial = 2 ** 32 - 50_000;
    for (let i = 0; i < 20; i++) {
      serial = laterSerial(serial, 20_000);
      await keeper.use(serial);
      const last = (await start().lastUsed()) ?? assert.fail();
      assert.ok(isAfter(last, serial));
      assert.ok(isAfter(resumedSerial(serial, last), last), 'what a snapshot holds may be older than what was served');
    }
  });

  it('are written seldom', async (t) => {
    const { directory, start } = await setUp(t);
    const keeper = start();
    await keeper.use(1000);
    const text = await readFile(join(directory, SERIAL_FILE_NAME), 'utf8');
    for (let serial = 1001; serial < 3000; serial++) await keeper.use(serial);
    assert.equal(await readFile(join(directory, SERIAL_FILE_NAME), 'utf8'), text);
  });

  it('of another domain do not count, nor does a file that says something else', async (t) => {
    const { directory, start, lines } = await setUp(t);
    await start().use(77);
    assert.equal(await start('other.example').lastUsed(), null);
    assert.deepEqual(lines, []);
    for (const text of ['', '{}', 'null', '{"format":"mesos-dns serial","domain":"mesos","upTo":-1}']) {
      await writeFile(join(directory, SERIAL_FILE_NAME), text);
      assert.equal(await start().lastUsed(), null, text);
    }
    assert.equal(lines.length, 4);
  });

  it('that cannot be written are told of, and counted', async (t) => {
    const { directory, start, lines, metrics } = await setUp(t);
    await start('mesos', join(directory, 'no', 'such')).use(5);
    assert.match(lines.join(), /cluster\.serial could not be written/);
    assert.equal((await metrics.snapshotFailures.get()).values[0]?.value, 1);
  });
});
