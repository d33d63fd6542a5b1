// Which updates wait, for how long, and what is published meanwhile.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClusterGuard } from '../../src/guard/cluster-guard.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { MesosState } from '../../src/state/model.ts';
import { recordedLog } from '../support/log.ts';
import { agent, framework, state, task } from '../support/model.ts';

const MINUTE_MS = 60_000;

function setUp(config: Partial<{ agentReregisterSeconds: number; holdSeconds: number; holdLossPercent: number }> = {}) {
  const clock = { now: 0 };
  const { log, lines } = recordedLog();
  const metrics = createMetrics();
  const guard = new ClusterGuard({
    config: { agentReregisterSeconds: 600, holdSeconds: 600, holdLossPercent: 50, ...config },
    logger: log,
    metrics,
    now: () => clock.now,
  });
  const value = async (name: 'zoneHeld' | 'updatesHeld' | 'retainedAgents' | 'retainedTasks') =>
    (await metrics[name].get()).values[0]?.value ?? 0;
  return { guard, clock, lines, value };
}

const loss = (before: number, removed: number) => ({
  before,
  removed,
  endedTasks: 3,
  lostTasks: 4,
  lostAgents: 2,
});
const agentIds = ({ agents }: MesosState) => agents.map(({ id }) => id);
const GOOD = state({ agents: [agent('S1'), agent('S2')], frameworks: [framework('F', task('a', 'S1'))] });
const EMPTY = state({ leader: { host: '10.0.0.2', port: '5050' } });

describe('a state without any known agent', () => {
  it('leaves the cluster as it was, under the new leader, for ten minutes', async () => {
    const { guard, clock, lines, value } = setUp();
    const held = guard.admit(EMPTY, GOOD);
    assert.deepEqual([agentIds(held), held.frameworks, held.leader.host], [['S1', 'S2'], GOOD.frameworks, '10.0.0.2']);
    assert.equal(guard.holdsLoss(loss(1000, 0)), false);
    assert.deepEqual([await value('zoneHeld'), await value('updatesHeld')], [1, 1]);
    assert.match(guard.hold?.reason ?? '', /none of the 2 known agents/);
    clock.now = 10 * MINUTE_MS - 1;
    assert.deepEqual(agentIds(guard.admit(EMPTY, GOOD)), ['S1', 'S2']);
    guard.holdsLoss(loss(1000, 0));
    assert.equal(guard.hold?.endsInMs, 1);
    clock.now = 10 * MINUTE_MS;
    assert.deepEqual(agentIds(guard.admit(EMPTY, GOOD)), []);
    assert.equal(guard.holdsLoss(loss(1000, 990)), false);
    assert.deepEqual([guard.hold, await value('zoneHeld')], [null, 0]);
    assert.equal(lines.filter((line) => line.includes('held back')).length, 1);
  });

  it('is forgotten when agents are back', async () => {
    const { guard, clock, value } = setUp();
    guard.admit(EMPTY, GOOD);
    guard.holdsLoss(loss(1000, 0));
    clock.now = 9 * MINUTE_MS;
    assert.deepEqual(agentIds(guard.admit(state({ agents: [agent('S2')] }), GOOD)), ['S2']);
    assert.equal(guard.holdsLoss(loss(1000, 30)), false);
    assert.deepEqual([guard.hold, await value('zoneHeld')], [null, 0]);
    clock.now = 11 * MINUTE_MS;
    assert.deepEqual(agentIds(guard.admit(EMPTY, GOOD)), ['S1', 'S2'], 'a new hold has a time of its own');
  });

  it('is published at once where the operator says so, and that counts once', () => {
    const { guard } = setUp();
    guard.admit(EMPTY, GOOD);
    guard.release();
    assert.deepEqual(agentIds(guard.admit(EMPTY, GOOD)), []);
    assert.equal(guard.holdsLoss(loss(1000, 1000)), false);
    guard.holdsLoss(loss(1000, 0));
    assert.deepEqual(agentIds(guard.admit(EMPTY, GOOD)), ['S1', 'S2']);
  });

  it('is published at once with holdSeconds 0, and where no agent was known', () => {
    const off = setUp({ holdSeconds: 0 }).guard;
    assert.deepEqual(agentIds(off.admit(EMPTY, GOOD)), []);
    const young = setUp().guard;
    young.admit(EMPTY, null);
    assert.deepEqual(agentIds(young.admit(EMPTY, EMPTY)), []);
  });
});

describe('an update that removes names', () => {
  const cases: readonly { readonly before: number; readonly removed: number; readonly held: boolean }[] = [
    { before: 1000, removed: 500, held: false },
    { before: 1000, removed: 501, held: true },
    { before: 150, removed: 99, held: false },
    { before: 150, removed: 100, held: true },
    { before: 100, removed: 100, held: true },
  ];
  for (const { before, removed, held } of cases) {
    it(`${held ? 'waits' : 'passes'} with ${removed} of ${before}`, () => {
      const { guard } = setUp();
      assert.equal(guard.holdsLoss(loss(before, removed)), held);
    });
  }

  it('waits for no longer than holdSeconds, whatever the reasons in between', () => {
    const { guard, clock } = setUp({ holdSeconds: 60 });
    assert.equal(guard.holdsLoss(loss(1000, 900)), true);
    clock.now = 30_000;
    guard.admit(EMPTY, GOOD);
    clock.now = 60_000;
    assert.equal(guard.holdsLoss(loss(1000, 900)), false);
  });
});

describe('agents that the master expects back', () => {
  const expecting = state({ recoveredAgentIds: ['S1', 'S2'] });

  it('are not lost, while they are waited for', () => {
    const { guard } = setUp();
    assert.equal(guard.admit(expecting, GOOD), expecting);
    assert.equal(guard.hold, null);
  });

  it('are lost where nobody is waited for', () => {
    const { guard } = setUp({ agentReregisterSeconds: 0 });
    assert.deepEqual(agentIds(guard.admit(expecting, GOOD)), ['S1', 'S2']);
    assert.match(guard.hold?.reason ?? '', /none of the 2 known agents/);
  });

  it('are told of in the log once, and when none is left', async () => {
    const { guard, lines, value } = setUp();
    for (const [agents, tasks] of [
      [2, 7],
      [1, 3],
      [0, 0],
    ] as const) {
      guard.noteAwaited(agents, tasks);
      assert.deepEqual([await value('retainedAgents'), await value('retainedTasks')], [agents, tasks]);
    }
    assert.equal(lines.filter((line) => line.includes('expects agents back')).length, 1);
    assert.equal(lines.filter((line) => line.includes('no agent is waited for')).length, 1);
  });
});
