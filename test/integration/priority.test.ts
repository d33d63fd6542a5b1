// The thread that answers keeps its priority; everything else in the program gives way to it.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { it } from 'node:test';
import { largeCluster } from '../../src/standin/large.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { startProgram } from '../support/program.ts';

it('lets the thread that answers go before those that load the state', async () => {
  const program = await startProgram({ masters: ['127.0.0.1:9'] });
  try {
    const values = readdirSync(`/proc/${program.pid}/task`).map((thread) => getPriority(Number(thread)));
    const own = getPriority();
    assert.ok(values.includes(own), `the answering thread has ${own}: ${values}`);
    assert.equal(getPriority(program.pid), Math.min(19, own + 10), 'the main thread has given way');
    assert.ok(values.filter((value) => value > own).length > values.length / 2, `helpers too: ${values}`);
  } finally {
    await program.stop();
  }
});

it('lets the main thread take its priority back for events, where that is allowed', async () => {
  const { cluster } = largeCluster({ agents: 2, tasks: 20 });
  const master = new StandinMaster(cluster, { events: {} });
  await master.start();
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  const program = await startProgram({ masters: [master.endpoint], refreshSeconds: 600, externalOn: false });
  try {
    await program.waitForLine(/over its event stream/);
    await program.loaded();
    const [frameworkId = ''] = cluster.frameworks.keys();
    const [agentId = ''] = cluster.agents.keys();
    const before = await program.serial();
    cluster.launchTask({ id: 'probe.x', name: 'probe', frameworkId, agentId, cpus: 0.1, memMb: 32, ports: [31999] });
    cluster.updateTask(frameworkId, 'probe.x', 'TASK_RUNNING', {
      containerId: 'probe',
      networks: [{ addresses: ['10.200.0.1'] }],
    });
    await program.waitUntil(async () => (await program.serial()) !== before, 'a new zone');
    const own = getPriority();
    assert.equal(getPriority(program.pid), mayRaise() ? own : Math.min(19, own + 10));
  } finally {
    await program.stop();
    await master.stop();
  }
});

/** Whether a process of this user may take back a priority that it has given up. Where not, this one stays lower by one. */
function mayRaise(): boolean {
  const own = getPriority();
  setPriority(own + 1);
  try {
    setPriority(own);
    return true;
  } catch {
    return false;
  }
}
