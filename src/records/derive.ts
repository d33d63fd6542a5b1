// From the state of a cluster to its records: what Mesos-DNS 0.7 derives, in its order, and what is ours behind its keys.
// Pure: host names are resolved before, and asked for through a function.

import type { Config } from '../config/config.ts';
import type { Framework, MesosState, Task } from '../state/model.ts';
import { AddressSets, type HostAddresses } from './addresses.ts';
import { addAgents, addFrameworks, addMasters, addNameServer, type Warn } from './cluster.ts';
import { isReserve, ReserveSink } from './health.ts';
import { domainFragment, RFC952, RFC1123 } from './labels.ts';
import type { RecordSet } from './record-set.ts';
import { NamesOfFramework } from './service-names.ts';
import { TaskRecords } from './task.ts';
import { type RecordSink, ZoneBuilder } from './zone-builder.ts';

/** The keys that records are made by. */
export type RecordConfig = Pick<
  Config,
  | 'domain'
  | 'SOAMname'
  | 'IPSources'
  | 'enforceRFC952'
  | 'reverseDNSOn'
  | 'dottedNames'
  | 'slaveNamedPorts'
  | 'healthAware'
>;

export interface DeriveInput {
  readonly state: MesosState;
  readonly config: RecordConfig;
  readonly hostAddresses: HostAddresses;
  /** Known masters as `host:port`, in the order in which they are numbered; the leader first if ZooKeeper named it. */
  readonly masters: readonly string[];
  /** See nameServerAddresses(). */
  readonly nameServerAddresses: readonly string[];
  /** Told of hosts without addresses, one line each. */
  readonly warn?: Warn;
}

/** Told of each framework before its tasks, and of each task before its records are added. */
export interface DeriveObserver {
  framework(framework: Framework): void;
  task(task: Task, framework: Framework): void;
}

export function deriveRecords(input: DeriveInput): RecordSet {
  const zone = new ZoneBuilder();
  deriveInto(input, zone, zone);
  return zone.finish();
}

/**
 * @param zone takes aliases and PTR records.
 * @param sink takes all other records: the zone, or something in front of it.
 */
export function deriveInto(input: DeriveInput, zone: ZoneBuilder, sink: RecordSink, observer?: DeriveObserver): void {
  const { state, config, hostAddresses } = input;
  const { domain } = config;
  const warn = input.warn ?? (() => undefined);
  const rule = config.enforceRFC952 ? RFC952 : RFC1123;

  addFrameworks(state, domain, rule, hostAddresses, sink, warn);
  const sets = new AddressSets(config.IPSources);
  const agents = addAgents(state, domain, rule, hostAddresses, sets, sink, warn);
  addNameServer(config.SOAMname, input.nameServerAddresses, sink);
  addMasters(state.leader, input.masters, domain, hostAddresses, sink, warn);

  const addPtr = config.reverseDNSOn ? zone.addPtr.bind(zone) : null;
  const addAlias = config.dottedNames ? zone.addAlias.bind(zone) : null;
  const taskRecords = new TaskRecords(sink, addPtr, config);
  const reserve: (() => void)[] = [];
  const reserveRecords = new TaskRecords(new ReserveSink(sink, zone.has.bind(zone)), addPtr, config);
  for (const framework of state.frameworks) {
    observer?.framework(framework);
    const names = new NamesOfFramework(domainFragment(framework.name, rule), domain, rule, addAlias);
    for (const task of framework.tasks) {
      const agent = agents.get(task.agentId);
      if (agent === undefined || task.state !== 'TASK_RUNNING') continue;
      const add = (records: TaskRecords) => {
        observer?.task(task, framework);
        records.add({ task, agent, addresses: sets.ofTask(task, agent.addresses) }, names);
      };
      if (isReserve(task, config)) reserve.push(() => add(reserveRecords));
      else add(taskRecords);
    }
  }
  // Last: only now is it known which names have nothing else.
  for (const add of reserve) add();
}
