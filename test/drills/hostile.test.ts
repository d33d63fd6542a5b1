// A master that is broken, or means harm: the program goes on answering, and its memory stays within bounds.

import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/standin/clock.ts';
import { Cluster } from '../../src/standin/cluster.ts';
import { StandinMaster } from '../../src/standin/master.ts';
import { Scheduler } from '../../src/standin/scheduler.ts';
import { type Program, startProgram } from '../support/program.ts';
import { INSPECTED, Inspected } from './inspected.ts';

/** What the heap may hold beside what it held before, bytes: while it lasts, and when the master tells of nothing of it. */
const COST_MAX = 400e6;
const LEFT_MAX = 10e6;
/** Whole states are read far more often. */
const RECONCILED_WITHIN_MS = 30_000;

let master: StandinMaster;
let scheduler: Scheduler;
let program: Program;
let inspected: Inspected;
let agentId = '';
let launchCount = 0;

before(async () => {
  const cluster = new Cluster();
  agentId = cluster.addAgent({ ip: '10.1.0.1' }).id;
  scheduler = new Scheduler(cluster, { name: 'marathon' });
  scheduler.launch({ name: 'web', instances: 1 });
  master = new StandinMaster(cluster, { events: {} });
  await master.start();
  master.view.lead(cluster.startTime);
  master.view.recover(true);
  // What is too much goes at once, with the next state: this is not about holding it back.
  const keys = { masters: [master.endpoint], refreshSeconds: 1, holdSeconds: 0 };
  program = await startProgram(keys, { untilLoaded: true, environment: INSPECTED });
  inspected = await Inspected.attach(program.log);
  await program.waitForLine(/over its event stream/);
});

after(async () => {
  inspected?.close();
  await program?.stop();
  await master?.stop();
});

/** An event in the framing of the stream. */
function framed(event: object | Buffer): Buffer {
  const body = Buffer.isBuffer(event) ? event : Buffer.from(JSON.stringify(event));
  return Buffer.concat([Buffer.from(`${body.length}\n`), body]);
}

async function send(...pieces: readonly (Buffer | string)[]): Promise<void> {
  for (const [i, piece] of pieces.entries()) {
    master.operatorApi?.inject(piece);
    if (i % 100 === 99) while ((master.operatorApi?.backlogBytes ?? 0) > 1 << 20) await sleep(1);
  }
}

function taskAdded(id: string, name: string, framework: string, state = 'TASK_RUNNING'): object {
  const task = {
    name,
    task_id: { value: id },
    framework_id: { value: framework },
    agent_id: { value: agentId },
    state,
    resources: [],
    statuses: [
      { state, timestamp: 1, container_status: { network_infos: [{ ip_addresses: [{ ip_address: '10.66.0.1' }] }] } },
    ],
    discovery: { visibility: 'CLUSTER', name },
  };
  return { type: 'TASK_ADDED', task_added: { task } };
}

function taskUpdated(id: string, framework: string, state: string): object {
  const status = { task_id: { value: id }, state, timestamp: 2 };
  return { type: 'TASK_UPDATED', task_updated: { framework_id: { value: framework }, status, state } };
}

function frameworkAdded(id: string, name: string): object {
  return {
    type: 'FRAMEWORK_ADDED',
    framework_added: { framework: { framework_info: { id: { value: id }, name }, active: true } },
  };
}

/** Breaks the stream off, and waits for another. */
async function cut(): Promise<void> {
  const { operatorApi } = master;
  const count = operatorApi?.streamCount ?? 0;
  operatorApi?.cutAll();
  await program.waitUntil(() => (operatorApi?.streamCount ?? 0) > count, 'other stream', RECONCILED_WITHIN_MS);
}

/** What has been running is answered, and a change that comes now is, too. */
async function isWell(): Promise<void> {
  assert.deepEqual((await program.ask('web.marathon.mesos')).answers.length, 1);
  launchCount += 1;
  const name = `well-${launchCount}`;
  scheduler.launch({ name, instances: 1 });
  const isAnswered = async () => (await program.ask(`${name}.marathon.mesos`)).answers.length === 1;
  await program.waitUntil(isAnswered, `answer for ${name}`, 2 * RECONCILED_WITHIN_MS);
}

/** Does something that costs memory, and has it forgotten: another stream begins with the cluster as it is. */
async function passes(t: TestContext, what: () => Promise<void>): Promise<void> {
  const before = await inspected.usedHeap();
  await what();
  await isWell();
  const cost = (await inspected.usedHeap()) - before;
  await cut();
  await isWell();
  const left = (await inspected.usedHeap()) - before;
  t.diagnostic(`${(cost / 1e6).toFixed(1)} MB meanwhile, ${(left / 1e6).toFixed(1)} MB afterwards`);
  assert.ok(cost < COST_MAX);
  assert.ok(left < LEFT_MAX);
}

describe('a hostile or broken master', () => {
  for (const [name, pieces] of [
    ['half a record, and then the end', ['1000\n{"type":"TASK_ADDED","task_added":']],
    ['a record of a gigabyte', ['1073741824\n', '{"type":"TASK_ADDED"', Buffer.alloc(1 << 20, 0x20)]],
    ['a length without an end', [Buffer.alloc(1 << 16, 0x39)]],
    ['octets of chance', [Buffer.from(Array.from({ length: 65_536 }, byChance()))]],
  ] as const) {
    it(`may send ${name}`, async () => {
      await send(...pieces);
      await cut();
      await isWell();
    });
  }

  it('may send names that are not UTF-8', async () => {
    const event = JSON.stringify(taskAdded('not-utf8', '@@@@', scheduler.framework.id));
    for (const bytes of [
      [0xff, 0xfe, 0xfd, 0xfc],
      [0xc0, 0x80, 0xed, 0xa0],
      [0xf8, 0x88, 0x80, 0x80],
    ]) {
      const broken = Buffer.from(event);
      for (let at = broken.indexOf('@@@@'); at >= 0; at = broken.indexOf('@@@@')) broken.set(bytes, at);
      await send(framed(broken));
      await isWell();
    }
  });

  it('may repeat events and send them in any order', async () => {
    const { id } = scheduler.framework;
    const random = byChance();
    const [web] = scheduler.tasks('web');
    const events: Buffer[] = [];
    for (let n = 0; n < 500; n += 1) {
      for (const state of ['TASK_STAGING', 'TASK_RUNNING', 'TASK_KILLED', 'TASK_FINISHED', 'TASK_UNREACHABLE']) {
        events.push(framed(taskAdded(`odd-${n}`, `odd-${n}`, id, state)), framed(taskUpdated(`odd-${n}`, id, state)));
      }
      events.push(framed({ type: 'AGENT_REMOVED', agent_removed: { agent_id: { value: `no-${n}` } } }));
      events.push(
        framed({ type: 'FRAMEWORK_REMOVED', framework_removed: { framework_info: { id: { value: `no-${n}` } } } }),
      );
      events.push(framed(taskUpdated(web?.id ?? '', id, 'TASK_RUNNING')));
    }
    const shuffled = [...events, ...events].sort(() => random() - 128);
    await send(...shuffled);
    await isWell();
    // What no state tells of is gone when the next one has been read.
    const isClean = async () =>
      (await Promise.all([0, 7, 77, 499].map((n) => program.ask(`odd-${n}.marathon.mesos`)))).every(
        ({ rcode }) => rcode === 3,
      );
    await program.waitUntil(isClean, 'end of tasks that no state tells of', RECONCILED_WITHIN_MS);
  });

  it('may have 10,000 frameworks', async (t) => {
    await passes(t, async () => {
      const events = Array.from({ length: 10_000 }, (_, n) => framed(frameworkAdded(`many-${n}`, `many-${n}`)));
      await send(...events);
      await program.waitUntil(
        async () => (await program.metric('mesos_dns_stream_events_total')) > 10_000,
        'all of the events',
      );
    });
  });

  it('may have names of 10 kB, for tasks, frameworks and agents', async (t) => {
    await passes(t, async () => {
      const events = Array.from({ length: 500 }, (_, n) => {
        const name = `${n}-${'long.'.repeat(2000)}`;
        return [
          framed(frameworkAdded(`long-${n}`, name)),
          framed(taskAdded(`long-${n}`, name, scheduler.framework.id)),
          framed(taskAdded(name, name, `long-${n}`)),
        ];
      });
      await send(...events.flat());
      await isWell();
    });
  });

  it('may tell of tasks of ever new frameworks that nobody knows', async (t) => {
    await passes(t, async () => {
      const events: Buffer[] = [];
      for (let n = 0; n < 50_000; n += 1) {
        events.push(
          framed(taskAdded(`orphan-${n}`, 'orphan', `nobody-${n}`, n % 2 === 0 ? 'TASK_FINISHED' : 'TASK_LOST')),
        );
      }
      await send(...events);
      await isWell();
    });
  });
});

/** Octets. */
function byChance(): () => number {
  const random = seededRandom(11);
  return () => Math.floor(random() * 256);
}
