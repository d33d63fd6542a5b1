// Captures of a running Mesos, replayed with their timing.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { RecordSet } from '../../src/records/record-set.ts';
import { parseState } from '../../src/state/parse.ts';
import { EventParser } from '../../src/state/parse-event.ts';
import { sorted, whole } from '../support/histories.ts';
import {
  capture,
  document,
  elections,
  linesOf,
  Replay,
  type ReplayOptions,
  type StreamTrack,
  streamTrack,
} from './replay.ts';

const VERSION = '1.12.0';
/** Until what an event tells is in force. */
const PUBLISHED_S = 0.05;

let replay: Replay | null = null;
afterEach(async () => {
  await replay?.close();
  replay = null;
});

async function play(options: Omit<ReplayOptions, 'version'>): Promise<Replay> {
  replay = await Replay.start({ ...options, version: VERSION });
  return replay;
}

/** Names that hang on tasks, not on agents, schedulers and masters. */
function taskNames(names: ReadonlySet<string>): string[] {
  return [...names].filter((name) => !/^(_framework|_slave|_leader|leader|master|slave|ns1)/.test(name));
}

function wallClock(name: string): number {
  const [first] = linesOf<{ readonly wallclock_start?: number }>(`${name}.timeline.jsonl`);
  return first?.wallclock_start ?? Number.NaN;
}

/** Fails at the first moment at which a name is gone that was there before. */
function keeping(running: Replay): () => void {
  const before = taskNames(running.names);
  assert.ok(before.length >= 20, `${before.length} names`);
  return () => {
    const { names } = running;
    const gone = before.filter((name) => !names.has(name));
    assert.deepEqual(gone, [], `at ${running.nowS} s`);
  };
}

describe('a replay of captures', () => {
  for (const [folder, old, next, steps] of [
    ['failover-1-kill9', '127.0.0.1:5050', '127.0.0.3:5050', { recovered: 11.802, agents: 18.945, framework: 19.108 }],
    ['failover-3-stopcont', '127.0.0.2:5050', '127.0.0.1:5050', { recovered: 12.9, agents: 15.145, framework: 15.2 }],
  ] as const) {
    it(`keeps every name over ${folder}`, async () => {
      const path = `failover/${folder}`;
      const startedS = wallClock(`${path}/new-leader-subscribe`) - wallClock(`${path}/old-leader-subscribe`);
      const early = capture(`${path}/new-leader-state-early.json`);
      // As soon as it leads it knows nothing, not even whom to expect.
      const empty = Buffer.from(JSON.stringify({ ...JSON.parse(early.toString()), recovered_slaves: [] }));
      const elected = elections(path);
      const electedS = elected[1]?.atS ?? 0;
      assert.deepEqual(
        elected
          .slice(0, 2)
          .map(({ masters }) => masters.leader?.host)
          .join(),
        `${hostOf(old)},${hostOf(next)}`,
      );
      const running = await play({
        streams: [
          streamTrack(old, `${path}/old-leader-subscribe`, 0),
          streamTrack(next, `${path}/new-leader-subscribe`, startedS),
        ],
        elections: elected,
        state: (endpoint, atS) => {
          if (endpoint !== next || atS < electedS) return null;
          if (atS < steps.recovered) return empty;
          if (atS < steps.agents) return early;
          const moment = atS < steps.framework ? 'agents-back' : 'framework-back';
          return document(`${path}/new-leader-state-${moment}.json`);
        },
      });
      await running.until(1.5);
      assert.equal(running.follower.status.source, 'stream');
      const keeps = keeping(running);
      await running.until(26, keeps);
      assert.equal(running.follower.status.master, next);
      assert.equal(running.cluster.awaitedAgentCount, 0);
      running.follower.refresh();
      await running.until(27, keeps);
    });
  }

  it('keeps every name over an outage of ZooKeeper that ends with another leader', async () => {
    const path = 'failover/zk-outage';
    const running = await play({
      streams: [streamTrack('127.0.0.1:5050', `${path}/leader-subscribe`, 0)],
      elections: elections(path),
      state: () => null,
    });
    await running.until(1.5);
    await running.until(40, keeping(running));
    assert.equal(running.follower.status.source, 'nothing');
  });

  it('keeps the names of tasks that run, and no others, as agents fall silent, come back, are drained and marked gone', async () => {
    const name = 'agent-lifecycle/subscribe-json';
    const track = streamTrack('127.0.0.1:5050', name, 0);
    const told = (atS: number) => (atS > 1.2 && atS < 5.4 ? 'state-0-running' : 'state-8-agent1-gone');
    const running = await play({
      streams: [track],
      elections: [{ atS: 0, masters: alone() }],
      state: (_, atS) => (atS < 5.4 || atS > 34 ? document(`agent-lifecycle/${told(atS)}.json`) : null),
    });
    let checks = 0;
    await running.until(36, () => {
      const atS = running.nowS;
      // Ten times a second; a moment after the last event, and not within a group of them.
      if (
        atS < 2 ||
        Math.round(atS * 100) % 10 !== 0 ||
        track.records.some((record) => Math.abs(record.atS - atS) < PUBLISHED_S)
      )
        return;
      const { names } = running;
      for (const framework of ['aware', 'unaware']) {
        const expected = runningAddresses(track, framework, atS);
        const found = running.zone.served?.records.as.get(`svc.${framework}.mesos.`) ?? [];
        assert.deepEqual([...found].sort(), expected, `svc.${framework} at ${atS} s`);
        assert.equal(names.has(`_svc._tcp.${framework}.mesos.`), expected.length > 0, `SRV at ${atS} s`);
        checks += 1;
      }
    });
    assert.ok(checks > 300);
  });

  it('has at every quiet moment of churn the task records of that moment, and all of them when it has read the state', async () => {
    const snapshots = linesOf<{ n: number; t: number; records_before: number; quiet: boolean }>(
      'churn-1/snapshots.jsonl',
    );
    const file = (n: number) => document(`churn-1/state-${String(n).padStart(2, '0')}.json`);
    // Open before its first record comes.
    const track = { ...streamTrack('127.0.0.1:5050', 'churn-1/subscribe-json', 0), fromS: Number.NEGATIVE_INFINITY };
    let moment = -1;
    const running = await play({
      streams: [track],
      elections: [{ atS: 0, masters: alone() }],
      state: () => (moment < 0 ? null : file(moment)),
    });
    let compared = 0;
    for (const { n, records_before: count, quiet } of snapshots) {
      const lastS = track.records[count - 1]?.atS ?? 0;
      const nextS = track.records[count]?.atS ?? Number.POSITIVE_INFINITY;
      await running.until(lastS + PUBLISHED_S);
      if (!quiet) continue;
      const { state } = parseState(file(n));
      const expected = whole(state, {});
      const own = taskNames(new Set([...expected.as.keys(), ...expected.srvs.keys()]));
      const frameworks = new Set(state.frameworks.map((each) => each.name));
      const { records } = running.zone.served ?? assert.fail('no zone');
      for (const each of own) {
        if (frameworks.has(each.replace(/\.mesos\.$/, ''))) continue;
        assert.deepEqual(values(records.as.get(each)), values(expected.as.get(each)), `${each} at snapshot ${n}`);
        assert.deepEqual(values(records.srvs.get(each)), values(expected.srvs.get(each)), `${each} at snapshot ${n}`);
      }
      moment = n;
      running.follower.refresh();
      await running.until(Math.min(running.nowS + 0.3, nextS - 0.01));
      const reconciled = running.zone.served?.records ?? assert.fail('no zone');
      assert.deepEqual(withoutMasters(reconciled), withoutMasters(expected), `reconciled at snapshot ${n}`);
      compared += 1;
    }
    assert.equal(compared, 14);
  });
});

function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.indexOf(':'));
}

function alone() {
  const master = { host: '127.0.0.1', port: 5050 };
  return { leader: master, masters: [master], source: 'zookeeper' as const };
}

/** The capture has no znodes: who the masters are is not told. */
function withoutMasters(records: RecordSet): unknown {
  const lists = Object.entries(sorted(records) as Readonly<Record<string, unknown>>).map(([type, lines]) => [
    type,
    Array.isArray(lines) ? lines.filter((line) => !/^_?(master|leader)\d*\./.test(String(line))) : lines,
  ]);
  return Object.fromEntries(lists);
}

function values(list: readonly string[] | undefined): string[] {
  return [...(list ?? [])].sort();
}

/** By the stream itself: the addresses of tasks of a framework whose last word was TASK_RUNNING. */
function runningAddresses({ records }: StreamTrack, framework: string, atS: number): string[] {
  const parser = new EventParser();
  const ids = new Map<string, string>();
  const tasks = new Map<string, readonly string[]>();
  for (const { atS: toldS, bytes } of records) {
    if (toldS > atS) break;
    const { event } = parser.parse(bytes);
    if (event.kind === 'framework') ids.set(event.framework.id, event.framework.name);
    if (event.kind === 'task-added' && ids.get(event.frameworkId) === framework) {
      tasks.delete(event.task.id);
      if (event.task.state === 'TASK_RUNNING')
        tasks.set(event.task.id, event.task.statuses.at(-1)?.networkAddresses ?? []);
    }
    if (event.kind === 'task-updated' && ids.get(event.frameworkId) === framework) {
      tasks.delete(event.taskId);
      if (event.state === 'TASK_RUNNING') tasks.set(event.taskId, event.status?.networkAddresses ?? []);
    }
  }
  return [...new Set([...tasks.values()].flat())].sort();
}
