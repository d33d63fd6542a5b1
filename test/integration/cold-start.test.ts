// A restart without any master: what was known is served from the snapshot. How soon, test/drills says.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import packet from 'dns-packet';
import { Cluster } from '../../src/standin/cluster.ts';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { Ensemble } from '../../src/standin/ensemble.ts';
import { Scheduler } from '../../src/standin/scheduler.ts';
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
    assert.deepEqual(await readdir(stateDirectory), ['cluster.serial', 'cluster.snapshot']);

    await ensemble.stop();
    const second = await start(t, keys);
    assert.deepEqual(await addresses(second, 'app-7.marathon.mesos'), expected);
    assert.equal(await second.serial(), serial);
    assert.deepEqual(await extendedErrors(second, 'app-7.marathon.mesos'), [3]);
    assert.equal(await second.metric('mesos_dns_zone_stale'), 1);

    await ensemble.start();
    await second.waitUntil(async () => (await second.metric('mesos_dns_zone_stale')) === 0, 'a fresh zone');
    assert.deepEqual(await extendedErrors(second, 'app-7.marathon.mesos'), []);
    assert.equal(await second.serial(), serial);
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

/** The info codes of the extended errors (RFC 8914) in an answer. */
async function extendedErrors(program: Program, name: string): Promise<readonly number[]> {
  const { bytes } = await program.ask(name);
  const opt = (packet.decode(bytes).additionals ?? []).find(({ type }) => type === 'OPT');
  const options = (opt as { readonly options?: readonly { readonly code: number; readonly data: Buffer }[] }).options;
  return (options ?? []).filter(({ code }) => code === 15).map(({ data }) => data.readUInt16BE(0));
}
