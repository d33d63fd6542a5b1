// Leaders die, are cut off and freeze, one after the other, while a client asks for 500 names without a pause.

import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/standin/clock.ts';
import { DnsClient } from '../support/dns-client.ts';
import { startProgram } from '../support/program.ts';
import { TestZooKeeper } from '../support/zookeeper.ts';
import { atMost, type Finding, within } from './findings.ts';
import { CENTRE, setUpCentre } from './machines.ts';
import { type Master, Masters } from './masters.ts';
import { type DrillTask, dnsName, firstTasks, taskOf } from './truth.ts';
import { judge, type Life, Watch } from './watch.ts';

export interface FailoverOptions {
  readonly failovers: number;
  /** Of the masters in ZooKeeper, seconds. */
  readonly sessionSeconds: number;
  /** Queries per second. */
  readonly rate: number;
  readonly seed: number;
  /** Times may be so many times as long. */
  readonly slack: number;
}

const KINDS = ['kill', 'partition', 'freeze'] as const;
type Kind = (typeof KINDS)[number];

const PACE = { recoveryMs: 400, agentMs: 100, frameworkMs: 100 };
/** From a kill's report to the last answer with its address. */
const LINGER_MAX_MS = 2000;
const RECOVERY_LIMIT_MS = 60_000;
/** So long after the last change the watch goes on. */
const AFTERMATH_MS = 3000;

export async function failoverDrill(options: FailoverOptions): Promise<readonly Finding[]> {
  await setUpCentre();
  const zookeeper = await TestZooKeeper.start(CENTRE);
  const masters = await Masters.start({
    zookeeperPort: zookeeper.port,
    path: '/mesos',
    sessionTimeoutMs: options.sessionSeconds * 1000,
    pace: PACE,
  });
  try {
    await masters.untilRecovered(null, RECOVERY_LIMIT_MS);
    await masters.untilAllJoined(RECOVERY_LIMIT_MS);
    const program = await startProgram({ zk: zookeeper.url(), refreshSeconds: 60 }, { untilLoaded: true });
    try {
      await program.waitForLine(/over its event stream/);
      return await new Drill(masters, program.dnsPort, options).run();
    } catch (error) {
      console.error(program.log);
      throw error;
    } finally {
      await program.stop();
    }
  } finally {
    await masters.stop();
    await zookeeper.stop();
  }
}

class Drill {
  readonly #masters: Masters;
  readonly #port: number;
  readonly #options: FailoverOptions;
  readonly #random: () => number;
  readonly #lives = new Map<string, { task: DrillTask; isFirst: boolean; killedAtMs: number | null }>();
  readonly #tookMs: Record<Kind, number[]> = { kill: [], partition: [], freeze: [] };

  constructor(masters: Masters, port: number, options: FailoverOptions) {
    this.#masters = masters;
    this.#port = port;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    for (const task of firstTasks()) this.#lives.set(task.id, { task, isFirst: true, killedAtMs: null });
  }

  async run(): Promise<readonly Finding[]> {
    const names = [...new Set(firstTasks().map(dnsName))];
    const watch = await Watch.start({ port: this.#port, names, perSecond: this.#options.rate });
    for (let n = 0; n < this.#options.failovers; n += 1) await this.#failover(KINDS[n % KINDS.length] ?? 'kill');
    await this.#untilAllIsTold();
    await sleep(AFTERMATH_MS);
    const result = await watch.stop();
    const lives = [...this.#lives.values()].map(
      (life): Life => ({ ...life, reportedAtMs: this.#masters.reportedAtMs.get(life.task.id) ?? null }),
    );
    const { missing, lingered, unseen } = judge(result, lives);
    for (const line of missing.slice(0, 20)) console.error(line);
    for (const { task, ms } of lingered) {
      if (ms > LINGER_MAX_MS) console.error(`${task.id} was answered until ${ms} ms after the report of its end`);
    }
    const killed = lives.filter(({ killedAtMs }) => killedAtMs !== null);
    const told = killed.filter(({ reportedAtMs }) => reportedAtMs !== null);
    const times = KINDS.map((kind) => {
      const own = this.#tookMs[kind];
      return `${kind} ${own.length} (${own.length === 0 ? '–' : `${(Math.max(...own) / 1000).toFixed(1)} s at most`})`;
    });
    const { failovers, slack } = this.#options;
    return [
      {
        what: 'failovers, and until every agent was back',
        limit: `${failovers}`,
        measured: times.join(', '),
        holds: Object.values(this.#tookMs).flat().length === failovers,
      },
      { what: 'queries', limit: '', measured: result.askedCount.toLocaleString('en'), holds: result.askedCount > 0 },
      {
        what: 'queries that were asked again, after a second',
        limit: '',
        measured: `${result.resentCount}`,
        holds: true,
      },
      atMost('queries without an answer', result.lostCount, 0),
      atMost('answers without a task that ran (NXDOMAIN, empty, or one address less)', missing.length, 0),
      {
        what: 'killed tasks of which a leading master told',
        limit: `${killed.length}`,
        measured: `${told.length}`,
        holds: told.length === killed.length,
      },
      within(
        'last answer with a killed task, after the report',
        Math.max(0, ...lingered.map(({ ms }) => ms)),
        LINGER_MAX_MS,
        slack,
      ),
      atMost('tasks launched meanwhile that were never answered', unseen.length, 0),
    ];
  }

  async #failover(kind: Kind): Promise<void> {
    const { leader } = this.#masters;
    const limitMs = RECOVERY_LIMIT_MS;
    this.#change();
    await sleep(this.#random() * 500);
    const startedAtMs = performance.now();
    await strike(leader, kind);
    // Something happens while nobody leads, and something while agents come back.
    await sleep(500 + this.#random() * 1500);
    this.#change();
    await sleep(this.#options.sessionSeconds * 1000 * this.#random());
    this.#change();
    await this.#masters.untilRecovered(leader, limitMs);
    this.#tookMs[kind].push(performance.now() - startedAtMs);
    this.#change();
    await sleep(500);
    await relieve(leader, kind);
    await this.#masters.untilAllJoined(limitMs);
  }

  /** A machine that has other work takes its time; what is not told by then is a finding. */
  async #untilAllIsTold(): Promise<void> {
    const lives = [...this.#lives.values()];
    const killed = lives.filter(({ killedAtMs }) => killedAtMs !== null).map(({ task }) => task.id);
    await this.#masters.untilReported(killed, RECOVERY_LIMIT_MS).catch(() => undefined);
    const client = await DnsClient.open({ host: '127.0.0.1', port: this.#port });
    const giveUpAt = performance.now() + RECOVERY_LIMIT_MS;
    for (const { task } of lives.filter(({ isFirst }) => !isFirst)) {
      const isAnswered = async () => {
        const { answers } = await client.askUdp(dnsName(task), 'A');
        return answers.some((record) => record.type === 'A' && record.data === task.address);
      };
      while (!(await isAnswered()) && performance.now() < giveUpAt) await sleep(50);
    }
    client.close();
  }

  /** A task with a name of its own ends, one of several does, and another one begins. */
  #change(): void {
    this.#kill('job');
    this.#kill('app');
    const names = [...this.#lives.values()].filter(({ task }) => task.framework === 0).map(({ task }) => task.name);
    const task = taskOf(this.#pick(names), this.#lives.size);
    this.#lives.set(task.id, { task, isFirst: false, killedAtMs: null });
    this.#masters.apply({ kind: 'launch', task });
  }

  /** Only tasks that ran from the beginning: others may not have been answered yet. */
  #kill(prefix: string): void {
    const running = [...this.#lives.values()].filter(
      ({ task, isFirst, killedAtMs }) => isFirst && killedAtMs === null && task.name.startsWith(prefix),
    );
    const life = this.#pick(running);
    life.killedAtMs = Date.now();
    this.#masters.apply({ kind: 'kill', task: life.task });
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new Error('nothing to choose from');
    return item;
  }
}

async function strike(leader: Master, kind: Kind): Promise<void> {
  if (kind === 'kill') leader.kill();
  else if (kind === 'freeze') leader.freeze();
  else await leader.cut();
}

async function relieve(former: Master, kind: Kind): Promise<void> {
  if (kind === 'freeze') former.thaw();
  if (kind === 'partition') await former.mend();
}
