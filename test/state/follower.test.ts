// Following stand-in masters, over their event streams and without.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Cluster } from '../../src/standin/cluster.ts';
import { Ensemble } from '../../src/standin/ensemble.ts';
import { MIDDLE } from '../../src/standin/mesos-version.ts';
import { Scheduler } from '../../src/standin/scheduler.ts';
import { type Following, following } from '../support/following.ts';

/** For how long requests are counted; an hour of the default refreshSeconds is a minute here. */
const TRAFFIC_SECONDS = Number(process.env['TRAFFIC_SECONDS'] ?? 11);

const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

async function setUp(options: ConstructorParameters<typeof Ensemble>[1] = { masters: [{ events: {} }] }) {
  const cluster = new Cluster();
  for (const ip of ['10.1.0.1', '10.1.0.2', '10.1.0.3']) cluster.addAgent({ ip });
  const pid = 'scheduler-1@10.9.0.1:15101';
  const scheduler = new Scheduler(cluster, { name: 'marathon', pid });
  scheduler.launch({ name: 'web', instances: 3, ports: [{ name: 'http' }], discovery: {} });
  const ensemble = new Ensemble(cluster, options);
  await ensemble.start();
  closing.push(() => ensemble.stop());
  return { cluster, scheduler, ensemble };
}

function followed(...args: Parameters<typeof following>): Following {
  const started = following(...args);
  closing.push(() => started.close());
  return started;
}

/** Ids of the running tasks, in order. */
function running({ cluster }: Following): string[] {
  return cluster
    .toState()
    .frameworks.flatMap(({ tasks }) => tasks)
    .filter(({ state }) => state === 'TASK_RUNNING')
    .map(({ id }) => id)
    .sort();
}

function runningIn(scheduler: Scheduler): string[] {
  return scheduler
    .tasks('web')
    .filter(({ state }) => state === 'TASK_RUNNING')
    .map(({ id }) => id)
    .sort();
}

const isLive = (started: Following) => () => started.follower.status.source === 'stream';
const hasTasks = (started: Following, scheduler: Scheduler) => () =>
  running(started).join() === runningIn(scheduler).join();

describe('the follower', () => {
  it('subscribes to the leader, and hears of changes at once', async () => {
    const { scheduler, ensemble } = await setUp();
    const started = followed(ensemble.endpoints);
    await started.until('the stream', isLive(started));
    assert.deepEqual(running(started), runningIn(scheduler));
    scheduler.scale('web', 5);
    await started.until('five tasks', () => running(started).length === 5);
    scheduler.scale('web', 1);
    await started.until('one task', hasTasks(started, scheduler));
    assert.equal(ensemble.masters[0]?.requests.get('/master/state'), 1);
  });

  it('subscribes to a configured master that is announced after the start', async () => {
    const { scheduler, ensemble } = await setUp();
    const started = followed([]);
    started.name(...ensemble.endpoints);
    await started.until('the stream', isLive(started));
    assert.deepEqual(running(started), runningIn(scheduler));
  });

  it('knows where schedulers are, of new frameworks too', async () => {
    const { cluster, ensemble } = await setUp();
    const started = followed(ensemble.endpoints);
    await started.until('the stream', isLive(started));
    const pidOf = (name: string) => started.cluster.toState().frameworks.find((each) => each.name === name)?.pid;
    assert.deepEqual(pidOf('marathon'), { host: '10.9.0.1', port: '15101' });
    cluster.addFramework({ name: 'chronos', pid: 'scheduler-2@10.9.0.2:4711' });
    await started.until('the pid of a new framework', () => pidOf('chronos')?.host === '10.9.0.2');
    assert.equal(ensemble.masters[0]?.requests.get('/master/frameworks'), 1);
    cluster.addFramework({ name: 'http' });
    await started.until(
      'a framework without pid',
      () => pidOf('http') === null && started.cluster.pidsWanted.size === 0,
    );
  });

  it('reads streams that are cut into single octets', async () => {
    const { scheduler, ensemble } = await setUp({ masters: [{ events: { pieceBytes: 1 } }] });
    const started = followed(ensemble.endpoints);
    await started.until('the stream', isLive(started));
    scheduler.scale('web', 4);
    await started.until('four tasks', () => running(started).length === 4);
  });

  for (const [name, options] of [
    ['is too old', { version: MIDDLE, events: {} }],
    ['has no operator API', {}],
    ['wants other credentials for it', { events: {}, auth: { readonly: false, readwrite: true } }],
  ] as const) {
    it(`polls a master that ${name}`, async () => {
      const { scheduler, ensemble } = await setUp({ masters: [options] });
      const started = followed(ensemble.endpoints, { refreshSeconds: 1 });
      await started.until('tasks', () => running(started).length === 3);
      scheduler.scale('web', 4);
      await started.until('four tasks', () => running(started).length === 4);
      assert.equal(started.follower.status.source, 'poll');
      // It cannot, or not to us: that does not change from one second to the next.
      await started.until('a line about it', () => started.lines.some((line) => line.includes('polling instead')));
    });
  }

  it('polls when it is told to, and asks for no stream', async () => {
    const { scheduler, ensemble } = await setUp();
    const started = followed(ensemble.endpoints, { follow: 'poll', refreshSeconds: 1 });
    await started.until('tasks', hasTasks(started, scheduler));
    scheduler.scale('web', 4);
    await started.until('four tasks', () => running(started).length === 4);
    assert.equal(ensemble.masters[0]?.operatorApi?.streamCount, 0);
  });

  it('goes by the stream alone when it is told to', async () => {
    const { scheduler, ensemble } = await setUp();
    const started = followed(ensemble.endpoints, { follow: 'stream' });
    await started.until('the stream', isLive(started));
    assert.deepEqual(running(started), runningIn(scheduler));
    assert.equal(ensemble.masters[0]?.requests.get('/master/state'), undefined);
  });

  it('gives a stream up on which not even heartbeats come, and subscribes anew', async () => {
    const { scheduler, ensemble } = await setUp({ masters: [{ events: { heartbeatMs: 100 } }] });
    const [master] = ensemble.masters;
    const started = followed(ensemble.endpoints);
    await started.until('the stream', isLive(started));
    assert.ok(master?.operatorApi);
    master.operatorApi.frozen = true;
    scheduler.scale('web', 5);
    await started.until('the end of the stream', () => !isLive(started)());
    master.operatorApi.frozen = false;
    await started.until('five tasks', () => running(started).length === 5);
    await started.until('another stream', isLive(started));
    assert.ok(started.lines.some((line) => /nothing came over the event stream/.test(line)));
  });

  it('polls after the master has closed its stream, instead of pushing others out', async () => {
    const { scheduler, ensemble } = await setUp();
    const started = followed(ensemble.endpoints, { refreshSeconds: 1 });
    await started.until('the stream', isLive(started));
    ensemble.masters[0]?.operatorApi?.evictAll();
    await started.until('polling', () => started.follower.status.source === 'poll');
    scheduler.scale('web', 5);
    await started.until('five tasks', () => running(started).length === 5);
    assert.equal(ensemble.masters[0]?.operatorApi?.streamCount, 1);
  });

  for (const [name, bytes] of [
    ['a length that is no number', 'hello\n'],
    ['a record that is not JSON', '5\nhello'],
    ['a record that is no object', '2\n[]'],
    ['a record of a gigabyte', '1073741824\n{'],
  ] as const) {
    it(`subscribes anew after ${name}`, async () => {
      const { scheduler, ensemble } = await setUp();
      const started = followed(ensemble.endpoints);
      await started.until('the stream', isLive(started));
      ensemble.masters[0]?.operatorApi?.inject(bytes);
      await started.until('another stream', () => ensemble.masters[0]?.operatorApi?.streamCount === 2);
      await started.until('the stream', isLive(started));
      scheduler.scale('web', 4);
      await started.until('four tasks', () => running(started).length === 4);
    });
  }

  for (const [name, event] of [
    ['an unknown event', { type: 'WEATHER_CHANGED', weather: 'rain' }],
    ['an event without content', { type: 'TASK_ADDED' }],
    ['a task that is a number', { type: 'TASK_ADDED', task_added: { task: 5 } }],
    ['a task without a name', { type: 'TASK_ADDED', task_added: { task: { task_id: { value: 'x' }, name: {} } } }],
    ['an update of an unknown task', { type: 'TASK_UPDATED', task_updated: { state: 'TASK_RUNNING', status: {} } }],
    ['the removal of an unknown agent', { type: 'AGENT_REMOVED', agent_removed: { agent_id: { value: 'no' } } }],
  ] as const) {
    it(`lives with ${name}`, async () => {
      const { scheduler, ensemble } = await setUp();
      const started = followed(ensemble.endpoints);
      await started.until('the stream', isLive(started));
      const text = JSON.stringify(event);
      ensemble.masters[0]?.operatorApi?.inject(`${text.length}\n${text}`);
      scheduler.scale('web', 4);
      await started.until('four tasks', () => running(started).length === 4);
      assert.equal(ensemble.masters[0]?.operatorApi?.streamCount, 1);
    });
  }

  it('follows the next leader, and keeps tasks of agents that it expects back', async () => {
    const { scheduler, ensemble } = await setUp({
      masters: [{ events: {} }, { events: {} }, { events: {} }],
      pace: { electionMs: 50, recoveryMs: 100, agentMs: 100, frameworkMs: 50 },
    });
    const started = followed(ensemble.endpoints);
    await started.until('the stream', isLive(started));
    const before = runningIn(scheduler);
    const seen = new Set<string>();
    const watch = setInterval(() => seen.add(running(started).join()), 1);
    for (const n of [0, 1, 2]) {
      await ensemble.kill(n);
      await started.until('the end of the stream', () => !isLive(started)());
      const [head] = ensemble.contenders;
      started.lead(head?.endpoint ?? '', ...ensemble.endpoints);
      await ensemble.restart(n);
      await started.until('the next stream', isLive(started));
      await started.until('all agents', () => ensemble.leader?.view.recoveredAgents.length === 0);
    }
    // The follower hears of the last agents after their master does, and gives each a moment to tell of its tasks.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await started.until('the end of waiting for agents', () => started.cluster.awaitedAgentCount === 0);
    clearInterval(watch);
    assert.deepEqual([...seen], [before.join()]);
    scheduler.scale('web', 1);
    await started.until('one task', hasTasks(started, scheduler));
  });

  it('drops what an agent does not tell of when it is back, and agents that do not come back in time', async () => {
    const { scheduler, ensemble } = await setUp({
      masters: [{ events: {} }, { events: {} }],
      pace: { electionMs: 10, recoveryMs: 10, agentMs: 3_600_000 },
    });
    const started = followed(ensemble.endpoints, { agentReregisterSeconds: 3 });
    await started.until('the stream', isLive(started));
    const [killed, lost] = scheduler.tasks('web');
    await ensemble.kill(0);
    await started.until('the end of the stream', () => !isLive(started)());
    scheduler.kill(killed?.id ?? '');
    started.lead(ensemble.endpoints[1] ?? '');
    await started.until('the next stream', isLive(started));
    assert.equal(running(started).length, 3);
    for (const agent of ensemble.leader?.view.recoveredAgents ?? []) {
      if (agent.id !== lost?.agentId) ensemble.returnAgent(agent.id);
    }
    // Two, or one already where this process stood still until the lost agent's time was over, too.
    await started.until('two tasks', () => running(started).length <= 2);
    assert.ok(!running(started).includes(killed?.id ?? ''));
    await started.until('one task', () => running(started).length === 1);
    assert.ok(!running(started).includes(lost?.id ?? ''));
  });

  it('asks the master for one stream and at most one state in five times refreshSeconds', async (t) => {
    const [followedOne, polledOne] = await Promise.all([setUp(), setUp()]);
    const count = async ({ ensemble }: Awaited<ReturnType<typeof setUp>>, follow: 'auto' | 'poll') => {
      const started = followed(ensemble.endpoints, { follow, refreshSeconds: 1 });
      await started.until('tasks', () => running(started).length === 3);
      const startedAt = performance.now();
      await new Promise((resolve) => setTimeout(resolve, TRAFFIC_SECONDS * 1000));
      const seconds = (performance.now() - startedAt) / 1000;
      const [master] = ensemble.masters;
      const requests = Object.fromEntries(master?.requests ?? []);
      return { states: requests['/master/state'] ?? 0, streams: master?.operatorApi?.streamCount, requests, seconds };
    };
    const [stream, poll] = await Promise.all([count(followedOne, 'auto'), count(polledOne, 'poll')]);
    t.diagnostic(`following: ${JSON.stringify(stream.requests)}, polling: ${JSON.stringify(poll.requests)}`);
    assert.deepEqual([stream.streams, poll.streams], [1, 0]);
    // The first state, with which both begin, comes on top.
    assert.ok(stream.states <= 1 + stream.seconds / 5, `${stream.states} states in ${stream.seconds} s`);
    assert.ok(stream.states > 1 && poll.states > 2 * stream.states, `${poll.states} states polled`);
  });

  it('compares with the whole state now and then, for what no event tells of', async () => {
    const { cluster, ensemble } = await setUp();
    const started = followed(ensemble.endpoints, { refreshSeconds: 1 });
    await started.until('the stream', isLive(started));
    const [agent] = cluster.agents.values();
    cluster.updateAgent(agent?.id ?? '', { ip: '10.1.0.77' });
    const hosts = () => started.cluster.toState().agents.map(({ pidHost }) => pidHost);
    assert.ok(!hosts().includes('10.1.0.77'));
    await started.until('the new address', () => hosts().includes('10.1.0.77'));
    assert.equal(ensemble.masters[0]?.requests.get('/master/state'), 2);
  });
});
