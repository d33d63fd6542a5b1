// Whether two elements of the model say the same.

import type { Agent, Discovery, Endpoint, Framework, PortRange, Task, TaskStatus } from './model.ts';

export function sameAgent(one: Agent, other: Agent): boolean {
  return (
    one.id === other.id &&
    one.hostname === other.hostname &&
    one.active === other.active &&
    one.pidHost === other.pidHost &&
    one.pidPort === other.pidPort
  );
}

export function sameFramework(one: Omit<Framework, 'tasks'>, other: Omit<Framework, 'tasks'>): boolean {
  return (
    one.id === other.id &&
    one.name === other.name &&
    one.hostname === other.hostname &&
    one.active === other.active &&
    sameEndpoint(one.pid, other.pid)
  );
}

export function sameTask(one: Task, other: Task): boolean {
  return (
    one.id === other.id &&
    one.name === other.name &&
    one.agentId === other.agentId &&
    one.state === other.state &&
    one.mapsPorts === other.mapsPorts &&
    sameList(one.ports, other.ports, sameRange) &&
    sameList(one.statuses, other.statuses, sameStatus) &&
    sameDiscovery(one.discovery, other.discovery)
  );
}

function sameEndpoint(one: Endpoint | null, other: Endpoint | null): boolean {
  return one === other || (one !== null && one.host === other?.host && one.port === other.port);
}

function sameRange(one: PortRange, other: PortRange): boolean {
  return one.begin === other.begin && one.end === other.end;
}

function sameStatus(one: TaskStatus, other: TaskStatus): boolean {
  return (
    one.state === other.state &&
    one.timestamp === other.timestamp &&
    one.mapsPorts === other.mapsPorts &&
    one.healthy === other.healthy &&
    one.checkPassed === other.checkPassed &&
    sameList(one.networkAddresses, other.networkAddresses, Object.is) &&
    sameList(one.dockerAddresses, other.dockerAddresses, Object.is) &&
    sameList(one.mesosAddresses, other.mesosAddresses, Object.is)
  );
}

function sameDiscovery(one: Discovery | null, other: Discovery | null): boolean {
  if (one === other) return true;
  if (one === null || other === null) return false;
  return (
    one.name === other.name &&
    sameList(one.ports, other.ports, (a, b) => a.number === b.number && a.protocol === b.protocol && a.name === b.name)
  );
}

function sameList<T>(one: readonly T[], other: readonly T[], same: (a: T, b: T) => boolean): boolean {
  return one === other || (one.length === other.length && one.every((value, i) => same(value, other[i] as T)));
}
