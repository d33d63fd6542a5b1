// A stand-in master in a process of its own, whose tasks end and begin as fast as its event stream is read.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { largeCluster } from '../../src/standin/large.ts';
import { StandinMaster } from '../../src/standin/master.ts';

export interface ChurnOrder {
  /** Tasks that end or begin. */
  readonly changes: number;
  /** An application that begins when all of that is done. */
  readonly mark: string;
}

/** Sent when an order is done; and at first, with the master's endpoint. */
export interface ChurnReport {
  readonly endpoint: string;
  readonly doneCount: number;
}

const TASKS = Number(process.argv[2] ?? 5000);
const BACKLOG_MAX_BYTES = 1 << 20;
/** Every so many applications that begin anew there is one of another name than ever before. */
const NEW_NAME_EVERY = 5;
const NEW_NAMES_AT_ONCE = 100;

const { cluster, scheduler } = largeCluster({ agents: Math.ceil(TASKS / 20), tasks: TASKS });
const master = new StandinMaster(cluster, { events: {} });
await master.start();
master.view.lead(cluster.startTime);
master.view.recover(true);

const apps = scheduler.apps.map(({ name }) => name);
const newcomers: string[] = [];
let turn = 0;
let doneCount = 0;
cluster.onChange(({ kind }) => {
  if (kind === 'task-added' || kind === 'task-completed') doneCount += 1;
});

process.on('disconnect', () => process.exit(0));
process.on('message', (order: ChurnOrder) => void follow(order));
tell();

function tell(): void {
  process.send?.({ endpoint: master.endpoint, doneCount } satisfies ChurnReport);
}

async function follow({ changes, mark }: ChurnOrder): Promise<void> {
  const until = doneCount + changes;
  while (doneCount < until) {
    step();
    if ((master.operatorApi?.backlogBytes ?? 0) > BACKLOG_MAX_BYTES) await nextTurn();
    // So that the requests of others are answered.
    else if (turn % 100 === 0) await nextTurn();
  }
  scheduler.launch({ name: mark, instances: 1 });
  tell();
}

/** Every instance of an application is replaced; or a new one takes the place of the oldest new one. */
function step(): void {
  turn += 1;
  if (turn % NEW_NAME_EVERY !== 0) {
    scheduler.restart(apps[turn % apps.length] ?? '');
    return;
  }
  const name = `job-${turn}.batch`;
  scheduler.launch({ name, instances: 5, ports: [{ name: 'http' }], discovery: {} });
  newcomers.push(name);
  if (newcomers.length > NEW_NAMES_AT_ONCE) scheduler.destroy(newcomers.shift() ?? '');
}
