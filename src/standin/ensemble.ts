// Several masters over one cluster, an election among them, and what happens when the leader dies.
//
// Contenders stand in a queue, as their sequence nodes do in ZooKeeper: the head leads; who loses the leadership exits,
// is started again and stands at the end. So the order of the queue and the order of real sequence nodes agree
// (registration.ts).

import { type Clock, systemClock } from './clock.ts';
import type { Cluster } from './cluster.ts';
import { type MasterOptions, StandinMaster } from './master.ts';
import { type RecoveryPace, startRecovery } from './recovery.ts';

/**
 * How long a failover takes. The delays are milliseconds; a real cluster needs ten seconds and more for each step.
 * By default everybody is back at once.
 */
export interface FailoverPace extends RecoveryPace {
  /** From the leader's death to the next one's election; meanwhile the others still name the dead
   * one (default 0; with masters registered in ZooKeeper: their session time-out). */
  readonly electionMs: number;
}

export interface EnsembleOptions {
  /** One per master (default: three on 127.0.0.1, ports chosen by the system). */
  readonly masters?: readonly MasterOptions[];
  readonly pace?: Partial<FailoverPace>;
  readonly clock?: Clock;
}

/** A master joins the election or leaves it: cleanly (its session closes at once) or by dying (its session expires). */
export type Membership =
  | { readonly kind: 'joined'; readonly master: StandinMaster }
  | { readonly kind: 'left'; readonly master: StandinMaster; readonly crashed: boolean };

const AT_ONCE: FailoverPace = { electionMs: 0, recoveryMs: 0, agentMs: null, frameworkMs: 0 };

export class Ensemble {
  readonly cluster: Cluster;
  readonly masters: readonly StandinMaster[];
  readonly #clock: Clock;
  readonly #pace: FailoverPace;
  readonly #listeners = new Set<(membership: Membership) => void>();
  /** Contenders in the order in which they joined. */
  #queue: StandinMaster[] = [];
  #leader: StandinMaster | null = null;
  #everLed = false;
  #cancelTimer: () => void = () => undefined;

  constructor(cluster: Cluster, options: EnsembleOptions = {}) {
    this.cluster = cluster;
    this.#clock = options.clock ?? systemClock;
    this.#pace = { ...AT_ONCE, ...options.pace };
    this.masters = (options.masters ?? [{}, {}, {}]).map((each) => new StandinMaster(cluster, each));
  }

  /** `host:port` of every master, running or not. */
  get endpoints(): readonly string[] {
    return this.masters.map((master) => master.endpoint);
  }

  get leader(): StandinMaster | null {
    return this.#leader;
  }

  /** Contenders, the leader first. */
  get contenders(): readonly StandinMaster[] {
    return this.#queue;
  }

  /** Calls `listener` after each change of the contenders, synchronously; the returned function ends that. */
  onMembership(listener: (membership: Membership) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts every master. The first one leads a cluster whose agents and frameworks are there already. */
  async start(): Promise<void> {
    for (const master of this.masters) {
      await master.start();
      this.#join(master);
    }
    this.#electHead();
  }

  async stop(): Promise<void> {
    this.#cancelTimer();
    this.#queue = [];
    this.#leader = null;
    await Promise.all(this.masters.map((master) => master.stop()));
  }

  /** Makes the n-th master lead: the ones before it in the queue exit, start again and stand at the end. */
  async elect(n: number): Promise<void> {
    const wanted = this.#master(n);
    if (!this.#queue.includes(wanted)) throw new Error(`master ${n} is not a contender`);
    while (this.#queue[0] !== wanted) {
      const [head] = this.#queue;
      if (head === undefined) return;
      await this.#remove(head, false);
      await head.start();
      this.#join(head);
    }
    if (this.#leader !== wanted) this.#electHead();
    else this.#announce();
  }

  /** Kills the n-th master: its sockets close. If it led, the next in the queue takes over after `electionMs`. */
  async kill(n: number): Promise<void> {
    const master = this.#master(n);
    const led = master === this.#leader;
    await this.#remove(master, true);
    if (!led) return;
    if (this.#pace.electionMs === 0) this.#electHead();
    else this.#cancelTimer = this.#clock.after(this.#pace.electionMs, () => this.#electHead());
  }

  /** Starts a killed master again, on its old address. It leads if nobody else is there. */
  async restart(n: number): Promise<void> {
    const master = this.#master(n);
    if (master.running) return;
    await master.start();
    this.#join(master);
    if (this.#queue.length === 1) this.#electHead();
    else this.#announce();
  }

  /** Nobody leads any more, as without ZooKeeper: the leader exits and starts again, everybody answers 503 (1.0+). */
  async depose(): Promise<void> {
    const leader = this.#leader;
    this.#cancelTimer();
    if (leader !== null) {
      await this.#remove(leader, false);
      await leader.start();
      this.#join(leader);
    }
    this.#leader = null;
    for (const master of this.masters) master.setLeader(null);
  }

  /** Elects the head of the queue, after `depose`. */
  reelect(): void {
    this.#electHead();
  }

  /** Lets an agent that the leader awaits come back now. */
  returnAgent(agentId: string): void {
    this.#leader?.view.agentBack(agentId);
  }

  returnFramework(frameworkId: string): void {
    this.#leader?.view.frameworkBack(frameworkId);
  }

  #master(n: number): StandinMaster {
    const master = this.masters[n];
    if (master === undefined) throw new Error(`there is no master ${n}`);
    return master;
  }

  #join(master: StandinMaster): void {
    this.#queue.push(master);
    master.setLeader(this.#leader?.identity ?? null);
    for (const listener of this.#listeners) listener({ kind: 'joined', master });
  }

  async #remove(master: StandinMaster, crashed: boolean): Promise<void> {
    this.#queue = this.#queue.filter((each) => each !== master);
    if (master === this.#leader) {
      this.#leader = null;
      this.#cancelTimer();
    }
    await master.stop();
    for (const listener of this.#listeners) listener({ kind: 'left', master, crashed });
  }

  #electHead(): void {
    const [head] = this.#queue;
    if (head === undefined || head === this.#leader) return;
    this.#cancelTimer();
    const first = !this.#everLed;
    this.#everLed = true;
    this.#leader = head;
    head.view.lead(first ? this.cluster.startTime : this.cluster.seconds());
    this.#announce();
    if (first) head.view.recover(true);
    else this.#cancelTimer = startRecovery(head, this.#pace, this.#clock);
  }

  #announce(): void {
    for (const master of this.masters) master.setLeader(this.#leader?.identity ?? null);
  }
}
