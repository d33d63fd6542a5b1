// The program keeps a good zone: over failovers in which agents come back one by one, and over a master that
// knows nothing.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { Ensemble, type FailoverPace } from '../../src/standin/ensemble.ts';
import { Probe } from '../support/probe.ts';
import { type Program, startProgram } from '../support/program.ts';

/** Names of the cluster of the demonstration whose tasks run throughout. */
const NAMES = ['nginx.marathon.mesos', 'node-0.cassandra.prod.mesos', 'search.marathon.mesos', 'slave.mesos'];

async function startCluster(t: TestContext, pace: Partial<FailoverPace>): Promise<Ensemble> {
  const ensemble = new Ensemble(demoCluster().cluster, { pace });
  await ensemble.start();
  t.after(() => ensemble.stop());
  return ensemble;
}

async function start(t: TestContext, keys: Readonly<Record<string, unknown>>): Promise<Program> {
  const program = await startProgram({ stateTimeoutSeconds: 5, ...keys }, { untilLoaded: true });
  t.after(() => program.stop());
  return program;
}

async function addresses(program: Program, name: string): Promise<readonly string[]> {
  const { answers } = await program.ask(name);
  return answers.flatMap((answer) => (answer.type === 'A' ? [answer.data] : [])).sort();
}

describe('during a failover', { concurrency: 2 }, () => {
  it('keeps every task while its agent comes back, and nothing longer', async (t) => {
    const ensemble = await startCluster(t, { electionMs: 200, recoveryMs: 1500, agentMs: 1200, frameworkMs: 500 });
    const program = await start(t, { masters: ensemble.endpoints });
    const questions = NAMES.map((name) => ({ name }));
    const probe = await Probe.start({ port: program.dnsPort, questions, perSecond: 100 });
    await ensemble.kill(0);
    await program.waitForLine(/stays published meanwhile/);
    await program.waitForLine(/no agent is waited for any more/);
    await sleep(1500);
    const { asked } = await probe.stop();
    assert.ok(asked.length > 100);
    const wrong = asked.filter(({ answer }) => answer === null || !/^\d+\.\d+\.\d+\.\d+( |$)/.test(answer));
    assert.deepEqual(wrong, []);
    assert.equal(await program.metric('mesos_dns_retained_agents'), 0);
  });
});

describe('a state without any known agent', () => {
  it('does not empty the zone, and is published on SIGUSR1', async (t) => {
    const ensemble = await startCluster(t, {});
    const program = await start(t, { masters: ensemble.endpoints });
    const before = await addresses(program, 'slave.mesos');
    assert.equal(before.length, 3);
    for (const id of [...ensemble.cluster.agents.keys()]) ensemble.cluster.removeAgent(id, 'shut-down');
    await program.waitForLine(/held back for up to 600 s: .*none of the 3 known agents/);
    assert.deepEqual(await addresses(program, 'slave.mesos'), before);
    assert.equal(await program.metric('mesos_dns_zone_held'), 1);
    program.kill('SIGUSR1');
    await program.waitUntil(async () => (await addresses(program, 'slave.mesos')).length === 0, 'the emptied zone');
    assert.equal(await program.metric('mesos_dns_zone_held'), 0);
    assert.equal(await program.metric('mesos_dns_updates_released_total'), 1);
  });

  it('is shown by /ready, and published by the HTTP API without waiting for the next poll', async (t) => {
    const ensemble = await startCluster(t, {});
    const program = await start(t, { masters: ensemble.endpoints, refreshSeconds: 2 });
    for (const id of [...ensemble.cluster.agents.keys()]) ensemble.cluster.removeAgent(id, 'shut-down');
    await program.waitForLine(/held back for up to 600 s: /);
    const ready = await fetch(`http://127.0.0.1:${program.httpPort}/ready`);
    const { held } = (await ready.json()) as { held: { reason: string; endsInSeconds: number } };
    assert.equal(ready.status, 200);
    assert.match(held.reason, /none of the 3 known agents/);
    assert.ok(held.endsInSeconds > 500 && held.endsInSeconds <= 600);
    const released = await fetch(`http://127.0.0.1:${program.httpPort}/v2/release`, { method: 'POST' });
    assert.deepEqual(await released.json(), { released: held.reason });
    await program.waitUntil(async () => (await addresses(program, 'slave.mesos')).length === 0, 'the emptied zone');
    await program.waitForLine(/is published whatever it removes, as ordered/);
    const after = (await (await fetch(`http://127.0.0.1:${program.httpPort}/ready`)).json()) as { held: unknown };
    assert.equal(after.held, null);
  });
});
