// Agents that a new leader expects back, and what each was known to run before: it is kept until the agent has told of its
// tasks, or too much time has passed.

/** An agent that is expected back. */
interface Awaited {
  /** When it is given up, or what it has not told of: milliseconds of the clock. */
  untilMs: number;
  /** It is back, and what it does not tell of in a moment has ended. */
  isBack: boolean;
  /** Framework key to task keys. */
  readonly tasks: Map<string, Set<string>>;
}

/** After an agent is back, its tasks of frameworks that the leader did not know come right behind it. */
const SETTLE_MS = 1000;

export class AwaitedAgents {
  readonly #agents = new Map<string, Awaited>();
  readonly #recoveryMs: () => number;
  readonly #now: () => number;

  /** @param recoveryMs how long one is awaited. @param now a clock that never goes back. Milliseconds, both */
  constructor(recoveryMs: () => number, now: () => number) {
    this.#recoveryMs = recoveryMs;
    this.#now = now;
  }

  get size(): number {
    return this.#agents.size;
  }

  /** Tasks that are kept for them. */
  get taskCount(): number {
    let count = 0;
    for (const { tasks } of this.#agents.values()) for (const keys of tasks.values()) count += keys.size;
    return count;
  }

  /** When the next one is given up, or its tasks; null where none is awaited. */
  get nextExpiryMs(): number | null {
    let next: number | null = null;
    for (const { untilMs } of this.#agents.values()) next = Math.min(next ?? untilMs, untilMs);
    return next;
  }

  /** It is awaited, and not back. */
  isAway(agentId: string): boolean {
    return this.#agents.get(agentId)?.isBack === false;
  }

  /** Whether what is known of an agent would outlast a state of a leader that expects it back. */
  mayAwait(agentId: string): boolean {
    const awaited = this.#agents.get(agentId);
    return awaited === undefined || awaited.isBack ? this.#recoveryMs() > 0 : awaited.untilMs > this.#now();
  }

  /** Awaits an agent, from now on where it was not. */
  expect(agentId: string): Awaited {
    let awaited = this.#agents.get(agentId);
    // One that came back to a leader which is gone is awaited anew.
    if (awaited === undefined || awaited.isBack) {
      awaited = { untilMs: this.#now() + this.#recoveryMs(), isBack: false, tasks: new Map() };
      this.#agents.set(agentId, awaited);
    }
    return awaited;
  }

  /** Keeps a task until its agent has told of it. */
  keep(frameworkKey: string, taskKey: string, agentId: string): void {
    const { tasks } = this.expect(agentId);
    const keys = tasks.get(frameworkKey);
    if (keys === undefined) tasks.set(frameworkKey, new Set([taskKey]));
    else keys.add(taskKey);
  }

  /** The new leader has heard of the task. */
  unkeep(frameworkKey: string, taskKey: string, agentId: string): void {
    if (this.#agents.size > 0) this.#agents.get(agentId)?.tasks.get(frameworkKey)?.delete(taskKey);
  }

  /** A whole state says who is awaited: keeps the times of these, and nothing else. */
  retain(isAwaited: (agentId: string) => boolean): void {
    for (const [agentId, { tasks }] of this.#agents) {
      if (isAwaited(agentId)) tasks.clear();
      else this.#agents.delete(agentId);
    }
  }

  /** The agent is back: what it does not tell of now has ended. @returns whether it was awaited */
  settle(agentId: string): boolean {
    const awaited = this.#agents.get(agentId);
    if (awaited === undefined) return false;
    awaited.isBack = true;
    awaited.untilMs = Math.min(awaited.untilMs, this.#now() + SETTLE_MS);
    return true;
  }

  /** It is gone for good. */
  drop(agentId: string): void {
    this.#agents.delete(agentId);
  }

  /** Those whose time is over, by id; they are awaited no longer. */
  takeDue(): readonly (readonly [string, Awaited])[] {
    const now = this.#now();
    const due = [...this.#agents].filter(([, { untilMs }]) => untilMs <= now);
    for (const [agentId] of due) this.#agents.delete(agentId);
    return due;
  }
}
