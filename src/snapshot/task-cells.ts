// Tasks in a snapshot: cells behind one another, so that reading them makes few objects that are not kept.
//
//    id, name#, agentId#, state#, ports#, mapsPorts#, discovery#, number of statuses, and for each: timestamp, the rest#
//
// `#`: the number of a shared value; of mapsPorts, 0 or 1.

import type { Discovery, PortRange, Task, TaskStatus } from '../state/model.ts';
import type { SharedValues } from './shared-values.ts';

export type Cell = string | number;

type StatusRest = Omit<TaskStatus, 'timestamp'>;

export function cellsOf(tasks: readonly Task[], shared: SharedValues): Cell[] {
  const cells: Cell[] = [];
  for (const { id, name, agentId, state, ports, mapsPorts, discovery, statuses } of tasks) {
    cells.push(id, shared.text(name), shared.text(agentId), shared.text(state), shared.object(ports));
    cells.push(Number(mapsPorts), shared.object(discovery), statuses.length);
    for (const { timestamp, ...rest } of statuses) cells.push(timestamp, shared.passing(rest));
  }
  return cells;
}

/** The tasks of cells that cellsOf() made, with the values that it numbered. */
export function tasksOf(cells: readonly Cell[], shared: readonly unknown[]): Task[] {
  const tasks: Task[] = [];
  let at = 0;
  const next = () => cells[at++];
  const nextShared = () => shared[cells[at++] as number];
  while (at < cells.length) {
    const id = next() as string;
    const name = nextShared() as string;
    const agentId = nextShared() as string;
    const state = nextShared() as string;
    const ports = nextShared() as readonly PortRange[];
    const mapsPorts = next() === 1;
    const discovery = nextShared() as Discovery | null;
    const statuses: TaskStatus[] = new Array(next() as number);
    for (let i = 0; i < statuses.length; i++) {
      const timestamp = next() as number;
      statuses[i] = statusOf(timestamp, nextShared() as StatusRest);
    }
    // In the order in which a document's are made: to the engine below, all tasks have one shape.
    tasks.push({ id, name, agentId, state, ports, statuses, mapsPorts, discovery });
  }
  return tasks;
}

function statusOf(timestamp: number, rest: StatusRest): TaskStatus {
  const { state, networkAddresses, dockerAddresses, mesosAddresses, mapsPorts, healthy, checkPassed } = rest;
  return { state, timestamp, networkAddresses, dockerAddresses, mesosAddresses, mapsPorts, healthy, checkPassed };
}
