// The key `zkDetectionTimeout` of the running program: who writes it wants the process to end without a leader, and who
// does not write it wants it to live.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVFAIL } from '../support/dns-client.ts';
import { freePort } from '../support/ports.ts';
import { type Program, runProgram, startProgram, temporaryFile } from '../support/program.ts';
import { silentServer } from '../support/tcp.ts';

/** What Mesos-DNS waits for by default before it ends. */
const ORIGINAL_TIMEOUT_MS = 30_000;

/** Starts the program and stops it with the test. */
async function start(test: TestContext, keys: Readonly<Record<string, unknown>>): Promise<Program> {
  const program = await startProgram(keys);
  test.after(() => program.stop());
  return program;
}

describe('without a leader', { concurrency: true }, () => {
  it('the program lives on where the file says nothing of zkDetectionTimeout, longer than the original', async (test) => {
    const program = await start(test, { zk: `zk://127.0.0.1:${await freePort()}/mesos` });
    await sleep(ORIGINAL_TIMEOUT_MS + 1000);
    assert.equal((await program.ask('nginx.marathon.mesos')).rcode, SERVFAIL);
    assert.equal((await program.stop()).code, 0);
  });

  it('the program ends with exit code 1 and one line when zkDetectionTimeout has passed', async (test) => {
    const silent = await silentServer();
    test.after(() => silent.close());
    const zk = `zk://127.0.0.1:${await freePort()},127.0.0.1:${silent.port}/mesos`;
    const started = performance.now();
    // A busy machine takes its time, and the program may end before it has served anything.
    const [port, httpPort] = [await freePort(), await freePort()];
    const own = { listener: '127.0.0.1', port, httpListener: '127.0.0.1', httpPort };
    const file = temporaryFile({ ...own, zk, zkDetectionTimeout: 2 });
    const { code, stdout, stderr } = await runProgram([`-config=${file}`]);
    const tookMs = performance.now() - started;
    assert.equal(code, 1);
    assert.ok(tookMs >= 2000, `${tookMs} ms`);
    assert.equal(stdout, '');
    // But for those about a machine that stood still.
    const lines = stderr
      .trimEnd()
      .split('\n')
      .filter((line) => !/the process stood still/.test(line));
    assert.match(lines.at(-1) ?? '', /FATAL: no leading master for 2 s \(zkDetectionTimeout\)$/);
    assert.equal(lines.filter((line) => line.includes('FATAL')).length, 1);
  });

  it('a zkDetectionTimeout of 0 means for ever', async (test) => {
    const program = await start(test, { zk: `zk://127.0.0.1:${await freePort()}/mesos`, zkDetectionTimeout: 0 });
    await sleep(1500);
    assert.equal((await program.ask('nginx.marathon.mesos')).rcode, SERVFAIL);
    assert.equal((await program.stop()).code, 0);
  });
});
