// Whoever follows the event stream and whoever polls have the same records: random histories of a stand-in cluster, which its
// masters tell in both ways.

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Config } from '../../src/config/config.ts';
import { RecordIndex } from '../../src/records/record-index.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import { Cluster } from '../../src/standin/cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import type { AgentLoss, Framework, NetworkInfo, Task, TaskState } from '../../src/standin/model.ts';
import { StateDocument } from '../../src/standin/state-document.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import type { MesosState } from '../../src/state/model.ts';
import { parseState } from '../../src/state/parse.ts';
import { EventParser } from '../../src/state/parse-event.ts';
import { RecordDecoder } from '../../src/state/record-io.ts';
import { historyAddresses, sorted, whole } from '../support/histories.ts';
import { deriveInput } from '../support/states.ts';

const CONFIGS: readonly Partial<Config>[] = [
  {},
  { healthAware: true, reverseDNSOn: true },
  { healthAware: true, IPSources: ['autoip', 'host'] },
  { IPSources: ['docker', 'autoip', 'netinfo'], slaveNamedPorts: true },
];
const SURROUNDINGS = {
  hostAddresses: historyAddresses,
  masters: ['10.0.0.1:5050'],
  nameServerAddresses: [],
  warn: () => undefined,
};
const SEED = Number(process.env['HISTORY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const NAMES = ['web', 'web.shop', 'Web', 'db'];
const FRAMEWORK_NAMES = ['marathon', 'kafka.prod', 'marathon'];
/** After an agent is back, its tasks may take so long to be told; see LiveCluster. */
const SETTLED_MS = 1100;
const MAX_RECORD_BYTES = 1 << 20;

/** What happens next, and to which of those that it can happen to. */
const aStep = fc.record({
  kind: fc.constantFrom(
    ...(['add agent', 'lose agent', 'return agent', 'add framework', 'update framework', 'remove framework'] as const),
    ...(['launch', 'launch', 'launch', 'run', 'run', 'run', 'health', 'health', 'health', 'end', 'starting'] as const),
    ...(['complete', 'fail over', 'agent back', 'agent back', 'agent back', 'framework back', 'reconcile'] as const),
  ),
  which: fc.nat(1000),
  how: fc.nat(1000),
  isCompared: fc.boolean(),
});

type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never;

/** A cluster, its leading master, who follows that master's stream, and who polls it. */
class World {
  #nowMs = 1_700_000_000_000;
  readonly cluster = new Cluster({
    clock: { now: () => this.#nowMs, after: () => () => undefined },
  });
  readonly streaming = new LiveCluster({ now: () => this.#nowMs });
  readonly polling = new LiveCluster({ now: () => this.#nowMs });
  /** Agents have gone of which no event tells. */
  hasSilentLoss = false;
  #master: StandinMaster;
  #masterCount = 0;
  #parser = new EventParser();
  #taskCount = 0;

  constructor() {
    this.#master = this.#elect(true);
    this.#poll();
  }

  #elect(isFirst: boolean): StandinMaster {
    this.#masterCount += 1;
    const master = new StandinMaster(this.cluster, { port: 5050 + this.#masterCount, events: {} });
    master.view.lead(this.#nowMs / 1000);
    master.view.recover(isFirst);
    this.#master = master;
    const reader = new RecordDecoder(MAX_RECORD_BYTES);
    const response = {
      writeHead: () => undefined,
      on: () => undefined,
      end: () => undefined,
      write: (text: string) => reader.push(Buffer.from(text), (record) => this.#hear(record)),
    };
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      on: (event: string, listener: (piece?: Buffer) => void) => {
        if (event === 'data') listener(Buffer.from('{"type":"SUBSCRIBE"}'));
        if (event === 'end') listener();
      },
    };
    master.operatorApi?.handle(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    this.hasSilentLoss = false;
    return master;
  }

  #hear(record: Uint8Array): void {
    const { event, warnings } = this.#parser.parse(record);
    assert.deepEqual(warnings, []);
    if (event.kind !== 'subscribed') {
      this.streaming.apply(event);
      return;
    }
    const { leader, version } = this.document();
    this.streaming.takeSnapshot(event.snapshot, (state) => this.streaming.take({ ...state, leader, version }));
  }

  /** What the leader's `/state` says. */
  document(): MesosState {
    const { view, identity, features } = this.#master;
    const text = new StateDocument(this.cluster, features).state(view, identity, identity);
    const { state, warnings } = parseState(text);
    assert.deepEqual(warnings, []);
    return state;
  }

  #poll(): void {
    this.polling.take(this.document());
  }

  /** Lets time pass, and both take what there is. */
  settle(): void {
    this.#nowMs += SETTLED_MS;
    this.streaming.expire();
    this.#poll();
    this.polling.expire();
  }

  do({ kind, which, how }: Step): void {
    this.#nowMs += 10;
    const { cluster } = this;
    const { view } = this.#master;
    const pick = <T>(list: Iterable<T>): T | undefined => {
      const all = [...list];
      return all[which % Math.max(1, all.length)];
    };
    const agents = [...cluster.agents.values()];
    const known = agents.filter((agent) => agent.reachable && view.knowsAgent(agent));
    const knownIds = new Set(known.map(({ id }) => id));
    const frameworks = [...cluster.frameworks.values()];
    const subscribed = frameworks.filter(
      ({ framework, tasks }) =>
        !view.awaitsFramework(framework) && [...tasks.values()].every(({ agentId }) => knownIds.has(agentId)),
    );
    // The stand-in forgets a framework that it knows of tasks alone with the last of them, as Mesos does not.
    const isEverybodyBack = frameworks.every(({ framework }) => !view.awaitsFramework(framework));
    const tasks = frameworks.flatMap((entry) => [...entry.tasks.values()]);
    const live = tasks.filter(({ state }) => !['TASK_KILLED', 'TASK_FAILED', 'TASK_FINISHED'].includes(state));
    switch (kind) {
      case 'add agent':
        if (agents.length < 5) cluster.addAgent({ ip: `10.1.0.${1 + (how % 9)}` });
        return;
      case 'lose agent': {
        const loss = (['shut-down', 'unreachable', 'gone'] as const satisfies readonly AgentLoss[])[how % 3] ?? 'gone';
        const agent = isEverybodyBack ? pick(known) : undefined;
        if (agent === undefined) return;
        cluster.removeAgent(agent.id, loss);
        if (loss !== 'shut-down') this.hasSilentLoss = true;
        return;
      }
      case 'return agent': {
        const agent = pick(agents.filter(({ reachable }) => !reachable));
        if (agent !== undefined) cluster.returnAgent(agent.id);
        return;
      }
      case 'add framework':
        if (frameworks.length >= 4) return;
        cluster.addFramework({ name: FRAMEWORK_NAMES[how % FRAMEWORK_NAMES.length] ?? '', hostname: '10.0.0.9' });
        return;
      case 'update framework': {
        const hostname = ['', '10.0.0.9', 'resolves.example'][how % 3] ?? '';
        const entry = pick(subscribed);
        if (entry !== undefined) cluster.updateFramework(entry.framework.id, { hostname });
        return;
      }
      case 'remove framework': {
        const entry = how % 3 === 0 ? pick(subscribed) : undefined;
        if (entry !== undefined) cluster.removeFramework(entry.framework.id);
        return;
      }
      case 'launch':
        this.#launch(pick(subscribed)?.framework, known[how % Math.max(1, known.length)]?.id, how);
        return;
      case 'starting':
      case 'run':
      case 'health':
      case 'end':
        this.#update(pick(live), kind, how);
        return;
      case 'complete': {
        const task = isEverybodyBack ? pick(tasks.filter((each) => !live.includes(each))) : undefined;
        if (task !== undefined) cluster.completeTask(task.frameworkId, task.id);
        return;
      }
      case 'fail over':
        // Of what the one that polls has not seen by now, the next leader cannot tell it yet.
        this.settle();
        this.#master.operatorApi?.evictAll();
        this.#master.view.follow();
        this.#elect(false);
        // The one that polls has seen this leader too, while agents were awaited.
        this.#poll();
        return;
      case 'agent back': {
        const agent = pick(view.recoveredAgents);
        if (agent !== undefined) view.agentBack(agent.id);
        return;
      }
      case 'framework back': {
        const entry = pick(frameworks.filter(({ framework }) => view.awaitsFramework(framework)));
        if (entry !== undefined) view.frameworkBack(entry.framework.id);
        // Else one that comes and goes between two polls is one that may still come.
        this.#poll();
        return;
      }
      case 'reconcile':
        this.streaming.take(this.document());
        this.hasSilentLoss = false;
        return;
      default:
        kind satisfies never;
    }
  }

  #launch(framework: Framework | undefined, agentId: string | undefined, how: number): void {
    if (framework === undefined || agentId === undefined || this.cluster.taskCount >= 12) return;
    const name = NAMES[how % NAMES.length] ?? '';
    this.#taskCount += 1;
    this.cluster.launchTask({
      id: `${name}.${this.#taskCount}`,
      name,
      frameworkId: framework.id,
      agentId,
      cpus: 0.1,
      memMb: 32,
      ports: how % 2 === 0 ? [31_000 + (how % 5)] : [],
      ...(how % 3 === 0
        ? { discovery: { visibility: 'FRAMEWORK', name, ports: [{ number: 80, name: 'http', protocol: 'tcp' }] } }
        : {}),
    });
  }

  #update(task: Task | undefined, kind: 'starting' | 'run' | 'health' | 'end', how: number): void {
    if (task === undefined) return;
    const networks: readonly NetworkInfo[] = [
      {
        addresses: [`10.9.0.${how % 7}`, ...(how % 4 === 0 ? [`fd00::${how % 7}`] : [])],
        ...(how % 3 === 0 ? { portMappings: [{ hostPort: 31_000, containerPort: 80 }] } : {}),
      },
    ];
    const ends: readonly TaskState[] = ['TASK_KILLED', 'TASK_FAILED', 'TASK_FINISHED'];
    const { frameworkId, id } = task;
    // A status of the same state is told by events only where it comes from a health check.
    const isTold = kind === 'health' || task.statuses.at(-1)?.state !== 'TASK_RUNNING';
    if (kind === 'starting' && task.statuses.length === 0) this.cluster.updateTask(frameworkId, id, 'TASK_STARTING');
    if (kind === 'end') this.cluster.updateTask(frameworkId, id, ends[how % 3] ?? 'TASK_KILLED');
    if (kind === 'health')
      this.cluster.updateTask(frameworkId, id, 'TASK_RUNNING', { networks, healthy: how % 2 === 0 });
    if (kind === 'run' && isTold) this.cluster.updateTask(frameworkId, id, 'TASK_RUNNING', { networks });
  }
}

/** Without the records of agents themselves. */
function withoutAgents(records: RecordSet): RecordSet {
  const rest = <V>(map: ReadonlyMap<string, V>) =>
    new Map([...map].filter(([name]) => name !== 'slave.mesos.' && name !== '_slave._tcp.mesos.'));
  return { ...records, as: rest(records.as), srvs: rest(records.srvs) };
}

describe('following a stream and polling', () => {
  for (const config of CONFIGS) {
    it(`give the same records after any history: ${JSON.stringify(config)}`, (t) => {
      t.diagnostic(`seed ${SEED} (HISTORY_SEED repeats it)`);
      fc.assert(
        fc.property(fc.array(aStep, { minLength: 10, maxLength: 80 }), (steps) => {
          const world = new World();
          const { streaming } = world;
          streaming.takeChanges();
          const index = new RecordIndex(deriveInput(streaming.toState(), config).config, streaming, SURROUNDINGS);
          for (const step of steps) {
            world.do(step);
            if (!step.isCompared) continue;
            world.settle();
            index.update(streaming, streaming.takeChanges(), SURROUNDINGS);
            index.takeChanges();
            const polled = whole(world.polling.toState(), config);
            const view = world.hasSilentLoss ? withoutAgents : (records: RecordSet) => records;
            assert.deepEqual(sorted(view(index.records)), sorted(view(polled)), `after ${step.kind}`);
          }
          // What no event tells of, the comparison with the whole state does.
          streaming.take(world.document());
          world.settle();
          index.update(streaming, streaming.takeChanges(), SURROUNDINGS);
          index.takeChanges();
          assert.deepEqual(sorted(index.records), sorted(whole(world.polling.toState(), config)));
        }),
        { numRuns: 150, seed: SEED },
      );
    });
  }
});
