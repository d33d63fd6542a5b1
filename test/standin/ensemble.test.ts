import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { demoCluster } from '../../src/standin/demo-cluster.ts';
import { Ensemble, type FailoverPace } from '../../src/standin/ensemble.ts';
import { type Json, ManualClock, objectsAt } from './support.ts';

const running: Ensemble[] = [];
after(async () => {
  await Promise.all(running.map((ensemble) => ensemble.stop()));
});

async function ensembleOf(pace: Partial<FailoverPace> = {}) {
  const clock = new ManualClock();
  const demo = demoCluster({ clock });
  const ensemble = new Ensemble(demo.cluster, { pace, clock });
  running.push(ensemble);
  await ensemble.start();
  return { clock, ensemble, demo };
}

async function ask(ensemble: Ensemble, n: number): Promise<Response> {
  return await fetch(`http://${ensemble.endpoints[n]}/master/state`, { redirect: 'manual' });
}

/** Agents, recovered agents and tasks that a leading master shows. */
async function counts(ensemble: Ensemble, n: number): Promise<readonly number[]> {
  const state = (await (await ask(ensemble, n)).json()) as Json;
  return ['slaves', 'recovered_slaves', 'frameworks.tasks'].map((path) => objectsAt(state, path).length);
}

const locations = async (ensemble: Ensemble, ...numbers: readonly number[]): Promise<unknown> =>
  await Promise.all(numbers.map(async (n) => (await ask(ensemble, n)).headers.get('location')));

describe('an ensemble', () => {
  it('has distinct masters, of which the first leads and the others point to it', async () => {
    const { ensemble, demo } = await ensembleOf();
    assert.equal(new Set(ensemble.endpoints).size, 3);
    assert.deepEqual(await counts(ensemble, 0), [3, 0, demo.cluster.taskCount]);
    const there = `//${ensemble.endpoints[0]}/master/state`;
    assert.deepEqual(await locations(ensemble, 1, 2), [there, there]);
  });

  it('lets the next master lead when the leader is killed, and the killed one follow when it is back', async () => {
    const { ensemble, demo } = await ensembleOf();
    await ensemble.kill(0);
    await assert.rejects(ask(ensemble, 0));
    assert.equal(ensemble.leader, ensemble.masters[1]);
    assert.deepEqual(await counts(ensemble, 1), [3, 0, demo.cluster.taskCount]);
    await ensemble.restart(0);
    const there = `//${ensemble.endpoints[1]}/master/state`;
    assert.deepEqual(await locations(ensemble, 0, 2), [there, there]);
  });

  it('makes any master lead on demand, the deposed one starting anew behind it', async () => {
    const { ensemble } = await ensembleOf();
    const before = ensemble.masters[0]?.identity.id;
    await ensemble.elect(2);
    assert.equal(ensemble.leader, ensemble.masters[2]);
    assert.deepEqual(
      ensemble.contenders.map((master) => ensemble.masters.indexOf(master)),
      [2, 0, 1],
    );
    assert.notEqual(ensemble.masters[0]?.identity.id, before);
    assert.deepEqual(await locations(ensemble, 0), [`//${ensemble.endpoints[2]}/master/state`]);
  });

  it('answers 503 everywhere while nobody leads', async () => {
    const { ensemble } = await ensembleOf();
    await ensemble.depose();
    const statuses = await Promise.all([0, 1, 2].map(async (n) => (await ask(ensemble, n)).status));
    assert.deepEqual(statuses, [503, 503, 503]);
    ensemble.reelect();
    assert.equal(ensemble.leader, ensemble.masters[1]);
  });

  it('tells who joins and who leaves, and how', async () => {
    const { ensemble } = await ensembleOf();
    const seen: string[] = [];
    ensemble.onMembership((change) => {
      const how = change.kind === 'joined' ? 'joined' : change.crashed ? 'crashed' : 'left';
      seen.push(`${ensemble.masters.indexOf(change.master)} ${how}`);
    });
    await ensemble.kill(0);
    await ensemble.restart(0);
    await ensemble.elect(2);
    assert.deepEqual(seen, ['0 crashed', '0 joined', '1 left', '1 joined']);
  });
});

describe('a failover at the pace of a real cluster', () => {
  it('names the dead leader until the election, is empty until recovery, and fills agent by agent', async () => {
    const { clock, ensemble, demo } = await ensembleOf({
      electionMs: 10_000,
      recoveryMs: 200,
      agentMs: 1000,
      frameworkMs: 500,
    });
    await ensemble.kill(0);
    assert.deepEqual(await locations(ensemble, 1), [`//${ensemble.endpoints[0]}/master/state`]);
    clock.advance(10_000);
    assert.deepEqual(await counts(ensemble, 1), [0, 0, 0]);
    clock.advance(200);
    assert.deepEqual(await counts(ensemble, 1), [0, 3, 0]);
    clock.advance(1000);
    const [agents, recovered, tasks] = await counts(ensemble, 1);
    assert.deepEqual([agents, recovered], [1, 2]);
    assert.ok(tasks !== undefined && tasks > 0 && tasks < demo.cluster.taskCount);
    clock.advance(2000);
    assert.deepEqual(await counts(ensemble, 1), [3, 0, demo.cluster.taskCount]);
    const active = async (): Promise<number> => {
      const state = (await (await ask(ensemble, 1)).json()) as Json;
      return objectsAt(state, 'frameworks').filter((framework) => framework['active'] === true).length;
    };
    assert.equal(await active(), 0);
    clock.advance(1500);
    assert.equal(await active(), 3);
  });

  it('lets a test bring agents back by hand', async () => {
    const { clock, ensemble, demo } = await ensembleOf({ recoveryMs: 1, agentMs: 1e9 });
    await ensemble.kill(0);
    clock.advance(1);
    ensemble.returnAgent([...demo.cluster.agents.keys()][1] ?? '');
    assert.deepEqual((await counts(ensemble, 1)).slice(0, 2), [1, 2]);
  });
});
