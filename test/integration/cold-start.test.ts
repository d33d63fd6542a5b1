// A restart without any master: what was known is served from the snapshot. How soon, test/drills says.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import packet from 'dns-packet';
import { Cluster } from '../../src/standin/cluster.ts';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { Ensemble } from '../../src/standin/ensemble.ts';
import { Scheduler } from '../../src/standin/scheduler.ts';
import { SERVFAIL } from '../support/dns-client.ts';
import { type Program, startProgram } from '../support/program.ts';

async function startEnsemble(t: TestContext, cluster: Cluster): Promise<Ensemble> {
  const ensemble = new Ensemble(cluster);
  await ensemble.start();
  t.after(() => ensemble.stop());
  return ensemble;
}

async function start(t: TestContext, keys: Readonly<Record<string, unknown>>): Promise<Program> {
  const program = await startProgram({ stateTimeoutSeconds: 5, ...keys }, { untilLoaded: true });
  t.after(() => program.stop());
  return program;
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mesos-dns-state-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function addresses(program: Program, name: string): Promise<readonly string[]> {
  const { answers } = await program.ask(name);
  return answers.flatMap((answer) => (answer.type === 'A' ? [answer.data] : [])).sort();
}

function largerCluster(): Cluster {
  const cluster = new Cluster();
  for (let i = 0; i < 50; i += 1) cluster.addAgent({ ip: `10.1.0.${i + 1}`, hostname: `agent-${i}.example` });
  const marathon = new Scheduler(cluster, { name: 'marathon', hostname: '10.0.0.5' });
  for (let app = 0; app < 500; app += 1) marathon.launch({ name: `app-${app}`, instances: 10, ports: [{}] });
  return cluster;
}

describe('a restart without any master', () => {
  it('serves the last cluster as stale, and is fresh when the masters are back', async (t) => {
    const stateDirectory = await temporaryDirectory(t);
    const ensemble = await startEnsemble(t, largerCluster());
    const keys = { masters: ensemble.endpoints, stateDirectory };
    const first = await start(t, keys);
    const [serial, expected] = [await first.serial(), await addresses(first, 'app-7.marathon.mesos')];
    assert.ok(expected.length > 0);
    await first.stop();
    assert.deepEqual(await readdir(stateDirectory), ['cluster.image', 'cluster.serial', 'cluster.snapshot']);

    await ensemble.stop();
    const second = await start(t, keys);
    assert.deepEqual(await addresses(second, 'app-7.marathon.mesos'), expected);
    assert.equal(await second.serial(), serial);
    assert.deepEqual(await extendedErrors(second, 'app-7.marathon.mesos'), [3]);
    assert.equal(await second.metric('mesos_dns_zone_stale'), 1);
    assert.match(second.log, /cluster\.image is served while the snapshot is read/);

    await ensemble.start();
    await second.waitUntil(async () => (await second.metric('mesos_dns_zone_stale')) === 0, 'a fresh zone');
    assert.deepEqual(await extendedErrors(second, 'app-7.marathon.mesos'), []);
    assert.equal(await second.serial(), serial);
  });

  it('serves the snapshot without its image where that is damaged, or what stands in it is configured otherwise', async (t) => {
    const stateDirectory = await temporaryDirectory(t);
    const ensemble = await startEnsemble(t, demoCluster().cluster);
    const keys = { masters: ensemble.endpoints, stateDirectory };
    const first = await start(t, keys);
    const expected = await addresses(first, 'nginx.marathon.mesos');
    await first.stop();
    await ensemble.stop();

    const other = await start(t, { ...keys, ttl: 17 });
    assert.deepEqual(await addresses(other, 'nginx.marathon.mesos'), expected);
    const [answer] = (await other.ask('nginx.marathon.mesos')).answers;
    assert.equal((answer as { readonly ttl?: number } | undefined)?.ttl, 17);
    assert.doesNotMatch(other.log, /cluster\.image is served/);
    await other.stop();

    const file = join(stateDirectory, 'cluster.image');
    const octets = await readFile(file);
    octets[octets.length - 40] = (octets[octets.length - 40] ?? 0) ^ 1;
    await writeFile(file, octets);
    const second = await start(t, keys);
    assert.deepEqual(await addresses(second, 'nginx.marathon.mesos'), expected);
    assert.match(second.log, /cluster\.image could not be read: it is damaged.*; the zone is made from the snapshot/);
    assert.equal(await second.metric('mesos_dns_snapshot_failures_total'), 1);
  });

  it('serves the image of a snapshot no longer where the snapshot turns out to be damaged', async (t) => {
    const stateDirectory = await temporaryDirectory(t);
    const ensemble = await startEnsemble(t, demoCluster().cluster);
    const keys = { masters: ensemble.endpoints, stateDirectory };
    const first = await start(t, keys);
    await first.stop();
    await ensemble.stop();
    const file = join(stateDirectory, 'cluster.snapshot');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"tasks"', '"tasky"'));
    const second = await startProgram(keys);
    t.after(() => second.stop());
    await second.waitUntil(() => second.log.includes('is damaged'), 'a complaint');
    await second.waitUntil(() => second.log.includes('HTTP on'), 'the start to be over');
    assert.equal((await second.ask('nginx.marathon.mesos')).rcode, SERVFAIL);
  });

  it('stops answering within seconds of a stop where the disk hangs', async (t) => {
    const stateDirectory = await temporaryDirectory(t);
    const ensemble = await startEnsemble(t, demoCluster().cluster);
    const program = await start(t, { masters: ensemble.endpoints, stateDirectory });
    await program.serial();
    // To open a pipe takes until somebody reads it.
    const pipe = join(stateDirectory, 'cluster.image.new');
    execFileSync('mkfifo', [pipe]);
    const stopped = program.stop();
    await program.waitForLine(/what is kept of the zone could not be written within 5 s/);
    await program.waitUntil(async () => !(await answers(program)), 'the sockets to be closed');
    const reader = createReadStream(pipe).resume();
    await once(reader, 'close');
    assert.equal((await stopped).code, 0);
    assert.match(program.log, /cluster\.image could not be written/);
  });

  it('starts without the last cluster where its file is damaged, and says so', async (t) => {
    const stateDirectory = await temporaryDirectory(t);
    await writeFile(join(stateDirectory, 'cluster.snapshot'), '{"format":"mesos-dns snapshot"');
    const ensemble = await startEnsemble(t, demoCluster().cluster);
    const program = await start(t, { masters: ensemble.endpoints, stateDirectory });
    assert.match(program.log, /snapshot is not served: .*cluster\.snapshot is not a whole snapshot/);
    assert.equal((await addresses(program, 'nginx.marathon.mesos')).length, 1);
  });
});

async function answers(program: Program): Promise<boolean> {
  try {
    await program.ask('nginx.marathon.mesos', 'A', { timeoutMs: 250, tries: 1 });
    return true;
  } catch {
    return false;
  }
}

/** The info codes of the extended errors (RFC 8914) in an answer. */
async function extendedErrors(program: Program, name: string): Promise<readonly number[]> {
  const { bytes } = await program.ask(name);
  const opt = (packet.decode(bytes).additionals ?? []).find(({ type }) => type === 'OPT');
  const options = (opt as { readonly options?: readonly { readonly code: number; readonly data: Buffer }[] }).options;
  return (options ?? []).filter(({ code }) => code === 15).map(({ data }) => data.readUInt16BE(0));
}
