// The events of the v1 operator API that change what names are made of, in the model's terms.

import type { Agent, Framework, MesosState, Task, TaskStatus } from './model.ts';

/** A framework without its tasks, and without its pid, which the v1 API never tells. */
export type FrameworkNews = Omit<Framework, 'tasks' | 'pid'>;

/** The cluster as SUBSCRIBED shows it. */
export interface Snapshot extends Pick<MesosState, 'agents' | 'recoveredAgentIds'> {
  readonly frameworks: readonly FrameworkNews[];
  /** In any state; of frameworks that may follow later, too. */
  readonly tasks: readonly { readonly frameworkId: string; readonly task: Task }[];
}

export type MasterEvent =
  | { readonly kind: 'subscribed'; readonly snapshot: Snapshot; readonly heartbeatMs: number }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'task-added'; readonly frameworkId: string; readonly task: Task }
  | {
      readonly kind: 'task-updated';
      readonly frameworkId: string;
      readonly taskId: string;
      /** The latest state that the agent knows, which may be ahead of the status. */
      readonly state: string;
      readonly status: TaskStatus | null;
      /** `REASON_AGENT_REMOVED` and so on, '' where there is none. */
      readonly reason: string;
    }
  /** Added or updated. */
  | { readonly kind: 'framework'; readonly framework: FrameworkNews }
  | { readonly kind: 'framework-removed'; readonly frameworkId: string }
  | { readonly kind: 'agent-added'; readonly agent: Agent }
  | { readonly kind: 'agent-removed'; readonly agentId: string }
  /** Of no meaning to names, or unknown. */
  | { readonly kind: 'other' };
