// What one master knows of the cluster: nothing while it follows or recovers, and after a failover only those agents
// and frameworks that have come back to it.

import type { Cluster } from './cluster.ts';
import type { Agent, Framework } from './model.ts';

export type MasterPhase =
  /** Another one leads, or nobody. */
  | 'following'
  /** Elected, registry not read yet: lists are empty, and so are the recovered ones. */
  | 'recovering'
  /** Elected and ready; agents and frameworks may still be on their way. */
  | 'recovered';

export class MasterView {
  /** Moves with every change of the view. */
  generation = 0;
  /** Unix time, seconds; 0 while following. */
  electedTime = 0;
  #phase: MasterPhase = 'following';
  readonly #cluster: Cluster;
  readonly #awaitedAgents = new Set<string>();
  readonly #awaitedFrameworks = new Set<string>();
  readonly #listeners = new Set<(id: string, kind: 'agent' | 'framework') => void>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  get phase(): MasterPhase {
    return this.#phase;
  }

  /** Agents of the registry that have not registered again. */
  get recoveredAgents(): readonly Agent[] {
    if (this.#phase !== 'recovered') return [];
    return [...this.#awaitedAgents].flatMap((id) => this.#cluster.agents.get(id) ?? []);
  }

  knowsAgent(agent: Agent): boolean {
    return this.#phase === 'recovered' && !this.#awaitedAgents.has(agent.id);
  }

  /** True until the framework's scheduler has subscribed to this master again. */
  awaitsFramework(framework: Framework): boolean {
    return this.#awaitedFrameworks.has(framework.id);
  }

  follow(): void {
    this.#change('following');
    this.electedTime = 0;
  }

  /** Elected: knows nothing yet. @param electedTime Unix time, seconds; the cluster's start for its first leader. */
  lead(electedTime: number): void {
    this.#change('recovering');
    this.electedTime = electedTime;
  }

  /** The registry has been read. With `everybodyBack`, as if all agents and frameworks had returned already. */
  recover(everybodyBack: boolean): void {
    this.#change('recovered');
    if (everybodyBack) return;
    for (const agent of this.#cluster.agents.values()) {
      if (agent.reachable) this.#awaitedAgents.add(agent.id);
    }
    for (const id of this.#cluster.frameworks.keys()) this.#awaitedFrameworks.add(id);
  }

  /** Calls `listener` after an awaited agent or framework has come back. */
  onReturn(listener: (id: string, kind: 'agent' | 'framework') => void): void {
    this.#listeners.add(listener);
  }

  /** An agent registers again. False if it was not awaited. */
  agentBack(agentId: string): boolean {
    return this.#back(agentId, 'agent', this.#awaitedAgents);
  }

  frameworkBack(frameworkId: string): boolean {
    return this.#back(frameworkId, 'framework', this.#awaitedFrameworks);
  }

  #back(id: string, kind: 'agent' | 'framework', awaited: Set<string>): boolean {
    this.generation += 1;
    if (!awaited.delete(id)) return false;
    for (const listener of this.#listeners) listener(id, kind);
    return true;
  }

  #change(phase: MasterPhase): void {
    this.generation += 1;
    this.#phase = phase;
    this.#awaitedAgents.clear();
    this.#awaitedFrameworks.clear();
  }
}
