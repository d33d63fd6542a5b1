// Small models of a cluster, and their records as lines that read like a zone file.

import type { Config } from '../../src/config/config.ts';
import { type DeriveInput, deriveRecords } from '../../src/records/derive.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import type { Agent, Discovery, Framework, MesosState, Task, TaskStatus } from '../../src/state/model.ts';

export function agentModel(agent: Partial<Agent> = {}): Agent {
  return { id: 'c0-S1', hostname: 'agent-1', active: true, pidHost: '10.1.0.1', pidPort: '5051', ...agent };
}

export function taskModel(task: Partial<Task> = {}): Task {
  const defaults = { id: 'web.1', name: 'web', agentId: 'c0-S1', state: 'TASK_RUNNING', discovery: null };
  return { ...defaults, ports: [], statuses: [], mapsPorts: false, ...task };
}

export function runningStatus(status: Partial<TaskStatus> = {}): TaskStatus {
  const addresses = { networkAddresses: [], dockerAddresses: [], mesosAddresses: [] };
  const findings = { mapsPorts: false, healthy: null, checkPassed: null };
  return { state: 'TASK_RUNNING', timestamp: 1, ...addresses, ...findings, ...status };
}

export function discoveryModel(name: string, ports: readonly Partial<Discovery['ports'][number]>[] = []): Discovery {
  return { name, ports: ports.map((port) => ({ number: '80', protocol: 'tcp', name: '', ...port })) };
}

export function frameworkModel(framework: Partial<Framework> = {}): Framework {
  return { id: 'c0-0000', name: 'marathon', pid: null, hostname: '', active: true, tasks: [], ...framework };
}

/** One framework `marathon` without an address of its own, on one agent. */
export function stateOf(tasks: readonly Task[], state: Partial<MesosState> = {}): MesosState {
  return {
    version: '1.11.0',
    leader: { host: '10.0.0.1', port: '5050' },
    agents: [agentModel()],
    recoveredAgentIds: [],
    frameworks: [frameworkModel({ tasks })],
    ...state,
  };
}

export function deriveInput(
  state: MesosState,
  config: Partial<Config> = {},
  input: Partial<DeriveInput> = {},
): DeriveInput {
  return {
    state,
    config: {
      domain: 'mesos',
      SOAMname: 'ns1.mesos',
      IPSources: ['netinfo', 'mesos', 'host'],
      enforceRFC952: false,
      reverseDNSOn: false,
      dottedNames: true,
      slaveNamedPorts: false,
      healthAware: false,
      ...config,
    },
    hostAddresses: () => [],
    masters: [],
    nameServerAddresses: [],
    ...input,
  };
}

export function derived(state: MesosState, config: Partial<Config> = {}, input: Partial<DeriveInput> = {}): RecordSet {
  return deriveRecords(deriveInput(state, config, input));
}

/** `A name value` lines in order of name, without the cluster's own records (leader, master, slave). */
export function recordLines(records: RecordSet): string[] {
  return allRecordLines(records).filter(
    (line) => !/ (leader|master\d*|slave|_leader\._\w+|_slave\._tcp)\.mesos\. /.test(line),
  );
}

export function allRecordLines(records: RecordSet): string[] {
  const maps = [
    ['A', records.as],
    ['AAAA', records.aaaas],
    ['SRV', records.srvs],
  ] as const;
  return maps
    .flatMap(([type, map]) => [...map].flatMap(([name, values]) => values.map((value) => `${type} ${name} ${value}`)))
    .sort();
}
