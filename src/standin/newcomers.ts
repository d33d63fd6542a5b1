// What newcomers to the cluster bring along, and what is assumed of them where they say nothing.

import type { Agent, AttributeValue, Framework, Task } from './model.ts';

export interface NewAgent {
  readonly ip: string;
  readonly ip6?: string;
  /** Default: the address. */
  readonly hostname?: string;
  /** Default 5051. */
  readonly port?: number;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly cpus?: number;
  readonly memMb?: number;
  /** Default 31000–32000. */
  readonly portRange?: readonly [number, number];
}

export interface NewFramework {
  readonly name: string;
  readonly pid?: string;
  readonly hostname?: string;
  readonly webuiUrl?: string;
  readonly principal?: string;
  readonly role?: string;
  /** Default: PARTITION_AWARE and TASK_KILLING_STATE, as Marathon declares. */
  readonly capabilities?: readonly string[];
  /** Seconds (default one week, as Marathon's). */
  readonly failoverTimeout?: number;
}

export type NewTask = Omit<Task, 'state' | 'statuses' | 'role' | 'executorId'> &
  Partial<Pick<Task, 'role' | 'executorId'>>;

export function agentFrom(spec: NewAgent, id: string, registeredTime: number): Agent {
  return {
    id,
    hostname: spec.hostname ?? spec.ip,
    ip: spec.ip,
    ...(spec.ip6 === undefined ? {} : { ip6: spec.ip6 }),
    port: spec.port ?? 5051,
    attributes: spec.attributes ?? {},
    cpus: spec.cpus ?? 16,
    memMb: spec.memMb ?? 65536,
    diskMb: 100_000,
    portRange: spec.portRange ?? [31000, 32000],
    registeredTime,
    active: true,
    deactivated: false,
    reachable: true,
  };
}

export function frameworkFrom(spec: NewFramework, id: string, registeredTime: number): Framework {
  return {
    id,
    name: spec.name,
    ...(spec.pid === undefined ? {} : { pid: spec.pid }),
    hostname: spec.hostname ?? '',
    webuiUrl: spec.webuiUrl ?? '',
    ...(spec.principal === undefined ? {} : { principal: spec.principal }),
    role: spec.role ?? '*',
    user: 'root',
    capabilities: spec.capabilities ?? ['PARTITION_AWARE', 'TASK_KILLING_STATE'],
    failoverTimeout: spec.failoverTimeout ?? 604_800,
    active: true,
    connected: true,
    registeredTime,
    unregisteredTime: 0,
  };
}

/** An accepted task: staging, without any status. @param role the framework's, for tasks that name none. */
export function taskFrom(spec: NewTask, role: string): Task {
  return { executorId: '', role, ...spec, state: 'TASK_STAGING', statuses: [] };
}
