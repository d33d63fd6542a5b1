// The real program stopped and continued, and without file descriptors: it serves on or again, and its metrics tell of it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { requirePackages } from '../support/debian.ts';
import { DnsClient, NOERROR } from '../support/dns-client.ts';
import { type Program, startProgram } from '../support/program.ts';

const run = promisify(execFile);
const NAME = 'nginx.marathon.mesos';

async function serving(t: TestContext): Promise<Program> {
  const { cluster } = demoCluster();
  const master = new StandinMaster(cluster);
  await master.start();
  t.after(() => master.stop());
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  const program = await startProgram({ masters: [master.endpoint] }, { untilLoaded: true });
  t.after(() => program.stop());
  return program;
}

describe('the real program', () => {
  it('counts a stop and the time that it took, and answers what came meanwhile', async (t) => {
    const program = await serving(t);
    assert.equal((await program.ask(NAME)).rcode, NOERROR);
    // The machine of the test itself may have stood still.
    const before = await program.metric('mesos_dns_process_pauses_total');
    const from = program.lines.length;
    program.kill('SIGSTOP');
    const waiting = program.ask(NAME, 'A', { tries: 1, timeoutMs: 30_000 });
    await sleep(2000);
    program.kill('SIGCONT');
    assert.equal((await waiting).rcode, NOERROR);
    await program.waitForLine(/the process stood still for \d\.\d s/, { from });
    assert.ok((await program.metric('mesos_dns_process_pauses_total')) > before);
    assert.ok((await program.metric('mesos_dns_process_paused_seconds_total')) >= 1);
  });

  it('counts a lack of file descriptors, answers over UDP meanwhile, and everything afterwards', async (t) => {
    await requirePackages('util-linux');
    const program = await serving(t);
    const limit = async (soft: string) => void (await run('prlimit', [`--pid=${program.pid}`, `--nofile=${soft}:`]));
    const { stdout } = await run('prlimit', [`--pid=${program.pid}`, '--nofile', '--noheadings', '--output=SOFT']);
    const highest = Math.max(...readdirSync(`/proc/${program.pid}/fd`).map(Number));
    await limit(String(highest + 1));
    const sockets: Socket[] = [];
    const open = () => {
      const socket = connect(program.httpPort, '127.0.0.1');
      socket.on('error', () => undefined);
      sockets.push(socket);
    };
    // What is free below the highest one is taken by these; some may be closed again where the machine stands still.
    for (let n = 0; n <= highest; n += 1) open();
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    const isToldOf = () => {
      open();
      return program.linesMatching(/no file descriptor is left/).length > 0;
    };
    await program.waitUntil(isToldOf, 'line about file descriptors');
    assert.equal((await program.ask(NAME)).rcode, NOERROR);
    for (const socket of sockets) socket.destroy();
    await limit(stdout.trim());
    await program.waitForLine(/there are file descriptors again/);
    assert.ok((await program.metric('mesos_dns_descriptor_shortages_total')) >= 1);
    const client = await DnsClient.open({ host: '127.0.0.1', port: program.dnsPort });
    t.after(() => client.close());
    assert.equal((await client.askTcp(NAME, 'A')).rcode, NOERROR);
  });
});
