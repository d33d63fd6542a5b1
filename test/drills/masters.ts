// Three masters, each a process on its own machine, and all that can happen to them.

import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CENTRE, Machine } from './machines.ts';
import type { FromMaster, MasterSetup, ToMaster } from './master-process.ts';
import type { Change } from './truth.ts';

const PROCESS = fileURLToPath(new URL('./master-process.js', import.meta.url));
const PORT = 5050;
/** A service manager starts a master that has ended again, after so long. */
const RESTART_MS = 1000;

export interface MastersOptions extends Pick<MasterSetup, 'path' | 'sessionTimeoutMs' | 'pace'> {
  /** Of ZooKeeper, at the centre. */
  readonly zookeeperPort: number;
}

export class Masters {
  readonly #options: MastersOptions;
  readonly #masters: Master[] = [];
  readonly #changes: Change[] = [];
  readonly #events = new EventEmitter();
  /** By task id: when the master that led told of its end, Unix time in milliseconds. */
  readonly reportedAtMs = new Map<string, number>();
  #leader: Master | null = null;
  #hasRecovered = false;

  private constructor(options: MastersOptions) {
    this.#options = options;
  }

  static async start(options: MastersOptions): Promise<Masters> {
    const masters = new Masters(options);
    for (const number of [1, 2, 3]) {
      const machine = await Machine.create(number);
      masters.#masters.push(new Master(machine, (master, message) => masters.#hear(master, message)));
    }
    for (const master of masters.#masters) masters.#run(master);
    return masters;
  }

  get leader(): Master {
    if (this.#leader === null) throw new Error('no master has been elected yet');
    return this.#leader;
  }

  /** Something happens in the cluster. */
  apply(change: Change): void {
    this.#changes.push(change);
    for (const master of this.#masters) master.send({ kind: 'change', change });
  }

  /** Waits until another master than this one leads and everything has come back to it. */
  async untilRecovered(without: Master | null, limitMs: number): Promise<void> {
    await this.#until(
      `recovered leader within ${limitMs} ms`,
      () => this.#leader !== null && this.#leader !== without && this.#hasRecovered,
      limitMs,
    );
  }

  /** Waits until every master takes part in the election. */
  async untilAllJoined(limitMs: number): Promise<void> {
    await this.#until(
      `three candidates within ${limitMs} ms`,
      () => this.#masters.every(({ hasJoined }) => hasJoined),
      limitMs,
    );
  }

  /** Waits until a leading master has told of the ends of these tasks. */
  async untilReported(taskIds: readonly string[], limitMs: number): Promise<void> {
    await this.#until(
      `report of ${taskIds.length} ends within ${limitMs} ms`,
      () => taskIds.every((id) => this.reportedAtMs.has(id)),
      limitMs,
    );
  }

  async stop(): Promise<void> {
    for (const master of this.#masters) await master.stop();
  }

  #run(master: Master): void {
    const { zookeeperPort, path, sessionTimeoutMs, pace } = this.#options;
    const { host } = master;
    const setup = { host, port: PORT, servers: `${CENTRE}:${zookeeperPort}`, path, sessionTimeoutMs, pace };
    master.run({ kind: 'start', setup, changes: this.#changes });
    void master.ended.then(async () => {
      await sleep(RESTART_MS);
      if (!master.isStopped) this.#run(master);
    });
  }

  #hear(master: Master, message: FromMaster): void {
    if (message.kind === 'elected') {
      this.#leader = master;
      this.#hasRecovered = false;
    }
    // One that was frozen may say, a moment before it ends, what counts no more.
    const isLeader = master === this.#leader;
    if (message.kind === 'recovered' && isLeader) this.#hasRecovered = true;
    if (message.kind === 'reported' && isLeader && !this.reportedAtMs.has(message.taskId)) {
      this.reportedAtMs.set(message.taskId, message.atMs);
    }
    this.#events.emit('heard');
  }

  async #until(what: string, holds: () => boolean, limitMs: number): Promise<void> {
    const limit = AbortSignal.timeout(limitMs);
    while (!holds()) {
      await once(this.#events, 'heard', { signal: limit }).catch(() => {
        throw new Error(`no ${what}`);
      });
    }
  }
}

/** One master and its machine. */
export class Master {
  readonly #machine: Machine;
  readonly #hear: (master: Master, message: FromMaster) => void;
  #process: ChildProcess | null = null;
  ended: Promise<unknown> = Promise.resolve();
  hasJoined = false;
  isStopped = false;
  /** What has happened since its cable was pulled; null: it is not. */
  #unheard: ToMaster[] | null = null;

  get host(): string {
    return this.#machine.host;
  }

  constructor(machine: Machine, hear: (master: Master, message: FromMaster) => void) {
    this.#machine = machine;
    this.#hear = hear;
  }

  run(start: ToMaster): void {
    // It is told everything now.
    if (this.#unheard !== null) this.#unheard = [];
    const [command = '', ...args] = [...this.#machine.enter, process.execPath, PROCESS];
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process = child;
    this.hasJoined = false;
    child.on('message', (message: FromMaster) => {
      if (message.kind === 'joined') this.hasJoined = true;
      this.#hear(this, message);
    });
    this.ended = once(child, 'exit').then(() => {
      this.hasJoined = false;
    });
    child.send(start);
  }

  /** One that has just ended hears of nothing: it is told everything when it starts. */
  send(message: ToMaster): void {
    if (this.#unheard !== null) this.#unheard.push(message);
    else if (this.#process?.connected === true) this.#process.send(message, () => undefined);
  }

  /** Pulls its cable: it reaches nobody, and hears neither from agents nor from ZooKeeper. */
  async cut(): Promise<void> {
    this.#unheard = [];
    await this.#machine.cut();
  }

  async mend(): Promise<void> {
    await this.#machine.mend();
    const unheard = this.#unheard ?? [];
    this.#unheard = null;
    for (const message of unheard) this.send(message);
  }

  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  /** It finds that its session is over, and ends. */
  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.kill();
    await this.ended;
    await this.#machine.remove();
  }
}
