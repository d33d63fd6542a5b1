// Random histories of a small cluster, as events; few names, ids and addresses, so that they meet often.

import fc from 'fast-check';
import type { Config } from '../../src/config/config.ts';
import { deriveRecords } from '../../src/records/derive.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import type { MasterEvent } from '../../src/state/events.ts';
import type { MesosState, Task } from '../../src/state/model.ts';
import { agentModel, deriveInput, frameworkModel, runningStatus, stateOf, taskModel } from './states.ts';

const FRAMEWORKS = ['f0', 'f1', 'f2'];
const FRAMEWORK_NAMES = ['marathon', 'Marathon', 'kafka.prod', ''];
const AGENTS = ['c0-S0', 'c0-S1', 'c1-s1'];
const TASK_IDS = ['t0', 't1', 't2', 't3', 't4', 't5'];
const TASK_NAMES = ['web', 'web.shop', 'web-shop', 'Web', 'slave', '', '_web._tcp', 'web-apj5z-s1'];
const STATES = ['TASK_STAGING', 'TASK_RUNNING', 'TASK_RUNNING', 'TASK_RUNNING', 'TASK_KILLED', 'TASK_UNREACHABLE'];
const ADDRESSES = ['10.0.0.1', '10.0.0.2', 'fd00::1', 'nonsense'];

const status = fc
  .record({
    state: fc.constantFrom('TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING'),
    timestamp: fc.integer({ min: 0, max: 3 }),
    networkAddresses: fc.array(fc.constantFrom(...ADDRESSES), { maxLength: 2 }),
    mapsPorts: fc.boolean(),
    healthy: fc.constantFrom(null, true, false),
    checkPassed: fc.constantFrom(null, null, true, false),
  })
  .map((details) => runningStatus(details));

const port = fc.record({
  number: fc.constantFrom('80', '443', '31000'),
  protocol: fc.constantFrom('tcp', 'udp', '', 'sctp', 'TCP'),
  name: fc.constantFrom('', 'http', 'web.http'),
});

export const aTask: fc.Arbitrary<Task> = fc
  .record({
    id: fc.constantFrom(...TASK_IDS),
    name: fc.constantFrom(...TASK_NAMES),
    agentId: fc.constantFrom(...AGENTS),
    state: fc.constantFrom(...STATES),
    ports: fc.array(
      fc.integer({ min: 31000, max: 31004 }).map((begin) => ({ begin, end: begin + 1 })),
      { maxLength: 2 },
    ),
    statuses: fc.array(status, { maxLength: 2 }),
    mapsPorts: fc.constantFrom(false, false, true),
    discovery: fc.option(fc.record({ name: fc.constantFrom(...TASK_NAMES), ports: fc.array(port, { maxLength: 3 }) }), {
      nil: null,
    }),
  })
  .map((details) => taskModel(details));

/** A cluster with all agents and frameworks, and most of its tasks running. */
export const aState: fc.Arbitrary<MesosState> = fc
  .tuple(...FRAMEWORKS.map(() => fc.tuple(fc.constantFrom(...FRAMEWORK_NAMES), fc.array(aTask, { maxLength: 5 }))))
  .map((frameworks) =>
    stateOf([], {
      agents: AGENTS.map((id, i) => agentModel({ id, pidHost: `10.1.0.${1 + (i % 2)}` })),
      frameworks: frameworks.map(([name, tasks], i) => frameworkModel({ id: FRAMEWORKS[i] ?? '', name, tasks })),
    }),
  );

const taskAdded = fc
  .record({ frameworkId: fc.constantFrom(...FRAMEWORKS), task: aTask })
  .map((added): MasterEvent => ({ kind: 'task-added', ...added }));

const taskUpdated = fc
  .record({
    frameworkId: fc.constantFrom(...FRAMEWORKS),
    taskId: fc.constantFrom(...TASK_IDS),
    state: fc.constantFrom(...STATES),
    status: fc.option(status, { nil: null }),
    reason: fc.constantFrom('', 'REASON_AGENT_REMOVED'),
  })
  .map((updated): MasterEvent => ({ kind: 'task-updated', ...updated }));

const framework = fc
  .record({
    id: fc.constantFrom(...FRAMEWORKS),
    name: fc.constantFrom(...FRAMEWORK_NAMES),
    hostname: fc.constantFrom('', '10.0.0.9', 'resolves.example'),
    active: fc.boolean(),
  })
  .map((news): MasterEvent => ({ kind: 'framework', framework: news }));

const agentAdded = fc
  .record({ id: fc.constantFrom(...AGENTS), pidHost: fc.constantFrom('10.1.0.1', '10.1.0.2', 'lost.example') })
  .map((details): MasterEvent => ({ kind: 'agent-added', agent: agentModel(details) }));

/** Events in any order, about elements that are known or not. */
export const anEvent: fc.Arbitrary<MasterEvent> = fc.oneof(
  { weight: 6, arbitrary: taskAdded },
  { weight: 6, arbitrary: taskUpdated },
  { weight: 2, arbitrary: framework },
  { weight: 2, arbitrary: agentAdded },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...FRAMEWORKS)
      .map((frameworkId) => ({ kind: 'framework-removed', frameworkId }) as const),
  },
  { weight: 1, arbitrary: fc.constantFrom(...AGENTS).map((agentId) => ({ kind: 'agent-removed', agentId }) as const) },
);

/** The addresses of the histories' host names. */
export function historyAddresses(host: string): readonly string[] {
  return host === 'resolves.example' ? ['10.7.0.1', 'fd00::7'] : [];
}

/** What the pure derivation makes of a cluster. */
export function whole(state: MesosState, config: Partial<Config>): RecordSet {
  return deriveRecords(deriveInput(state, config, { hostAddresses: historyAddresses, masters: ['10.0.0.1:5050'] }));
}

/** A record set without regard to order. */
export function sorted(records: RecordSet): unknown {
  const lists = (map: ReadonlyMap<string, readonly string[]>) =>
    [...map].map(([name, values]) => `${name} ${[...values].sort().join(' ')}`).sort();
  return {
    as: lists(records.as),
    aaaas: lists(records.aaaas),
    srvs: lists(records.srvs),
    aliases: lists(records.aliases),
    ptrs: [...records.ptrs].map(([name, target]) => `${name} ${target}`).sort(),
  };
}

/** A record set as it is now, whatever is changed later. */
export function copyOf(records: RecordSet): RecordSet {
  return {
    as: new Map(records.as),
    aaaas: new Map(records.aaaas),
    srvs: new Map(records.srvs),
    ptrs: new Map(records.ptrs),
    aliases: new Map(records.aliases),
  };
}
