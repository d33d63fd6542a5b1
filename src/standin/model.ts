// The nouns of the stand-in cluster: agents, frameworks, tasks, their statuses, and the changes that happen to them.
// Everything is immutable: a change makes a new value, so that whatever was rendered of the old one can be cached.

export type TaskState =
  | 'TASK_STAGING'
  | 'TASK_STARTING'
  | 'TASK_RUNNING'
  | 'TASK_KILLING'
  | 'TASK_FINISHED'
  | 'TASK_FAILED'
  | 'TASK_KILLED'
  | 'TASK_ERROR'
  | 'TASK_LOST'
  | 'TASK_DROPPED'
  | 'TASK_GONE'
  | 'TASK_GONE_BY_OPERATOR'
  | 'TASK_UNREACHABLE';

const TERMINAL: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
]);

export function isTerminal(state: TaskState): boolean {
  return TERMINAL.has(state);
}

export interface Label {
  readonly key: string;
  readonly value?: string;
}

/** One network of a container, as in `container_status.network_infos[]`. */
export interface NetworkInfo {
  /** Absent for the host's own network. */
  readonly name?: string;
  /** IP literals; CNI's IPv6 addresses keep their prefix length (`fd00::1/64`). */
  readonly addresses: readonly string[];
  readonly labels?: readonly Label[];
  /** Ports of the agent that lead into the container. */
  readonly portMappings?: readonly PortMapping[];
}

export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
}

export interface TaskStatus {
  readonly state: TaskState;
  /** Unix time, seconds, with a fraction. */
  readonly timestamp: number;
  readonly containerId?: string;
  /** Absent in updates that the master makes itself (lost, unreachable). */
  readonly networks?: readonly NetworkInfo[];
  readonly healthy?: boolean;
  readonly labels?: readonly Label[];
}

export interface DiscoveryPort {
  readonly number: number;
  readonly name?: string;
  /** `tcp`, `udp`, or whatever a framework wrote. */
  readonly protocol?: string;
  readonly labels?: readonly Label[];
}

export interface Discovery {
  readonly visibility: 'FRAMEWORK' | 'CLUSTER' | 'EXTERNAL';
  readonly name?: string;
  readonly ports?: readonly DiscoveryPort[];
  readonly labels?: readonly Label[];
}

export interface Task {
  /** Unique within its framework only. */
  readonly id: string;
  readonly name: string;
  readonly frameworkId: string;
  readonly agentId: string;
  /** Empty for the command executor. */
  readonly executorId: string;
  readonly role: string;
  readonly cpus: number;
  readonly memMb: number;
  /** Host ports, ascending. */
  readonly ports: readonly number[];
  readonly labels?: readonly Label[];
  readonly discovery?: Discovery;
  /** The names of the container networks that it asked for; absent for host networking. */
  readonly containerNetworks?: readonly string[];
  /** The latest state that the agent knows; can be ahead of the last status. */
  readonly state: TaskState;
  readonly statuses: readonly TaskStatus[];
}

export type AttributeValue = string | number;

export interface Agent {
  /** `<id of the master that admitted it>-S<n>`. */
  readonly id: string;
  readonly hostname: string;
  /** IPv4 literal: what its pid names. */
  readonly ip: string;
  /** IPv6 literal that it adds to the statuses of tasks on the host network. */
  readonly ip6?: string;
  readonly port: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly cpus: number;
  readonly memMb: number;
  readonly diskMb: number;
  /** The host ports that it offers, inclusive. */
  readonly portRange: readonly [number, number];
  /** Unix time, seconds. */
  readonly registeredTime: number;
  readonly reregisteredTime?: number;
  /** False while disconnected (its process is restarting). */
  readonly active: boolean;
  /** Switched off by the operator; its tasks go on. */
  readonly deactivated: boolean;
  /** False once the master has marked it unreachable: it leaves `slaves`, its tasks become unreachable. */
  readonly reachable: boolean;
}

export interface Framework {
  readonly id: string;
  readonly name: string;
  /** `scheduler-<uuid>@ip:port` for libmesos drivers; absent for the HTTP API. */
  readonly pid?: string;
  readonly hostname: string;
  readonly webuiUrl: string;
  readonly principal?: string;
  readonly role: string;
  readonly user: string;
  readonly capabilities: readonly string[];
  /** Seconds. */
  readonly failoverTimeout: number;
  readonly active: boolean;
  readonly connected: boolean;
  /** Unix time, seconds. */
  readonly registeredTime: number;
  readonly reregisteredTime?: number;
  /** 0 until it is gone. */
  readonly unregisteredTime: number;
}

/** How an agent left: an orderly shut-down, lost contact, or the operator's word that it is gone. */
export type AgentLoss = 'shut-down' | 'unreachable' | 'gone';

/** What happened to the cluster, in the order in which it happened. A v1 event stream can be derived from it. */
export type ClusterChange =
  | { readonly kind: 'agent-added'; readonly agent: Agent }
  | { readonly kind: 'agent-updated'; readonly agent: Agent }
  /** It was unreachable before; its tasks' changes come first. */
  | { readonly kind: 'agent-returned'; readonly agent: Agent }
  /** Its tasks' changes come first. */
  | { readonly kind: 'agent-left'; readonly agent: Agent; readonly loss: AgentLoss }
  | { readonly kind: 'framework-added'; readonly framework: Framework }
  | { readonly kind: 'framework-updated'; readonly framework: Framework }
  | { readonly kind: 'framework-removed'; readonly framework: Framework }
  | { readonly kind: 'task-added'; readonly task: Task }
  /** A task of an agent that was unreachable runs again: the same id, with the statuses that it has. */
  | { readonly kind: 'task-returned'; readonly task: Task }
  /** `repeated` when the status only replaced one of the same state (no event tells of that). */
  | { readonly kind: 'task-updated'; readonly task: Task; readonly status: TaskStatus; readonly repeated: boolean }
  /** A terminal task was acknowledged and moved to the completed ones (no event tells of that). */
  | { readonly kind: 'task-completed'; readonly task: Task };
