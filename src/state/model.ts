// The part of Mesos' state that names are made of. Nothing here depends on where it came from: a `/state` document, or
// later the v1 event stream, so the fields are Mesos' own and addresses are the texts that Mesos reported.

/** The cluster as one master sees it at one moment. */
export interface MesosState {
  /** The Mesos version that the master named, '' where it named none. */
  readonly version: string;
  readonly leader: Endpoint;
  /** Registered agents in the master's order. Where two have the same id, the later one is the one that tasks mean. */
  readonly agents: readonly Agent[];
  /** Agents that the master expects back after a failover (`recovered_slaves`, Mesos 1.2+); it knows no address of them. */
  readonly recoveredAgentIds: readonly string[];
  readonly frameworks: readonly Framework[];
}

/** The address part of a libprocess PID, `HOST:PORT`. */
export interface Endpoint {
  /** An IP literal without brackets, a host name, or ''. The leader's is always an IP literal, spelled as Mesos did. */
  readonly host: string;
  /** As spelled: digits, a service name, or '' where nothing follows the colon. */
  readonly port: string;
}

export interface Agent {
  readonly id: string;
  readonly hostname: string;
  /** False while disconnected, deactivated or drained; its tasks may still run. */
  readonly active: boolean;
  /** The host of the agent's `pid`; null where it has none that could be read. */
  readonly pidHost: string | null;
  /** The port of the agent's `pid`; null where it has none that could be read. */
  readonly pidPort: string | null;
}

export interface Framework {
  readonly id: string;
  readonly name: string;
  /** Where a libmesos scheduler listens; null for schedulers that use the HTTP API. */
  readonly pid: Endpoint | null;
  /** As the scheduler declared it; may be ''. */
  readonly hostname: string;
  readonly active: boolean;
  /** In the master's order, in every state (`tasks` holds terminal ones until they are acknowledged). */
  readonly tasks: readonly Task[];
}

/**
 * Gives the object that is kept of a task where one that says the same was read again, or else what was read: of a whole
 * state that is read again, little stays in memory then.
 */
export type KnownTask = (frameworkId: string, read: Task) => Task;

export interface Task {
  /** Unique within its framework only. */
  readonly id: string;
  readonly name: string;
  readonly agentId: string;
  /** `TASK_RUNNING` and so on. */
  readonly state: string;
  /** The `ports` resource. */
  readonly ports: readonly PortRange[];
  readonly statuses: readonly TaskStatus[];
  /** Ports of the agent lead to its container: by its ContainerInfo, or by a discovery port of scope `host`. */
  readonly mapsPorts: boolean;
  /** Null where the scheduler gave no DiscoveryInfo. */
  readonly discovery: Discovery | null;
}

/** Both ends included. Mesos keeps them within 0–65535, but only a limit on the width is guaranteed here. */
export interface PortRange {
  readonly begin: number;
  readonly end: number;
}

export interface TaskStatus {
  readonly state: string;
  /** Seconds since 1970, with fraction; 0 where the status has none. */
  readonly timestamp: number;
  /** `container_status.network_infos[]`: all of `ip_addresses[].ip_address`, or the single `ip_address` of old masters. */
  readonly networkAddresses: readonly string[];
  /** Values of the label `Docker.NetworkSettings.IPAddress`. */
  readonly dockerAddresses: readonly string[];
  /** Values of the label `MesosContainerizer.NetworkSettings.IPAddress`. */
  readonly mesosAddresses: readonly string[];
  /** `container_status.network_infos[]` has port mappings. */
  readonly mapsPorts: boolean;
  /** What the task's health check found; null where it has none, or no result yet. */
  readonly healthy: boolean | null;
  /** Whether the task's general check passed, of `check_status`, which only the event stream tells; null as above. */
  readonly checkPassed: boolean | null;
}

export interface Discovery {
  /** '' where absent: then the task's own name counts, and no port below does. */
  readonly name: string;
  readonly ports: readonly DiscoveryPort[];
}

export interface DiscoveryPort {
  /** A decimal number of up to 64 bits as text: schedulers may say more than a port can be. '0' where absent. */
  readonly number: string;
  /** '' where absent. */
  readonly protocol: string;
  /** '' where absent. */
  readonly name: string;
}
