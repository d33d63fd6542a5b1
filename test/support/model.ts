// Small states, agents, frameworks and tasks of the model, for tests that need no document.

import type { Agent, Framework, MesosState, Task } from '../../src/state/model.ts';

export function agent(id: string): Agent {
  return { id, hostname: id, active: true, pidHost: '10.0.0.9', pidPort: '5051' };
}

export function task(id: string, agentId: string, state = 'TASK_RUNNING'): Task {
  return { id, name: id, agentId, state, ports: [], statuses: [], mapsPorts: false, discovery: null };
}

export function framework(id: string, ...tasks: readonly Task[]): Framework {
  return { id, name: id, pid: { host: '10.0.0.5', port: '1' }, hostname: 'h', active: true, tasks };
}

export function state(parts: Partial<MesosState>): MesosState {
  return {
    version: '1.11.0',
    leader: { host: '10.0.0.1', port: '5050' },
    agents: [],
    recoveredAgentIds: [],
    frameworks: [],
    ...parts,
  };
}
