// From a record of the v1 event stream to an event. Elements are brought into the shape that they have in `/state` and read
// by the same code, so that both sources give the same model and the same distrust meets both.

import { MesosDnsError, messageOf } from '../errors.ts';
import { quoteLongPortNumbers, wellFormedDocument } from './document-text.ts';
import type { FrameworkNews, MasterEvent, Snapshot } from './events.ts';
import { isObject, type JsonObject } from './fields.ts';
import { LazyList, readEventLazily } from './lazy-document.ts';
import type { Agent, KnownTask, Task } from './model.ts';
import { expectedOnly, StateReader } from './parse.ts';

export interface ParsedEvent {
  readonly event: MasterEvent;
  /** One line for each odd element. */
  readonly warnings: readonly string[];
  readonly oddElementCount: number;
}

/** From this size on, a record is read without making objects of all of it. */
const LARGE_BYTES = 256 * 1024;
/** A reader keeps one of equal values, for as many events; then a new one begins, so that what is gone is forgotten. */
const EVENTS_PER_READER = 5000;
const DEFAULT_HEARTBEAT_SECONDS = 15;
const MAX_HEARTBEAT_SECONDS = 3600;

export class EventParser {
  readonly #knownTask: KnownTask | null;
  #reader = new StateReader();
  #left = EVENTS_PER_READER;

  /** @param knownTask for the tasks of a snapshot */
  constructor(knownTask: KnownTask | null = null) {
    this.#knownTask = knownTask;
  }

  /** Throws ERR_STREAM where the record is not a JSON object. An event that cannot be used is `other`, with a warning. */
  parse(record: Uint8Array): ParsedEvent {
    if (record.length === 0) return { event: { kind: 'other' }, warnings: [], oddElementCount: 0 };
    if (this.#left === 0 || this.#reader.odd.count > 0) {
      this.#reader = new StateReader();
      this.#left = EVENTS_PER_READER;
    }
    this.#left -= 1;
    const event = this.#read(parseRecord(record));
    // What a snapshot says is kept by the snapshot.
    if (event.kind === 'subscribed') this.#left = 0;
    const { odd } = this.#reader;
    return odd.count === 0
      ? { event, warnings: [], oddElementCount: 0 }
      : { event, warnings: odd.warnings(), oddElementCount: odd.count };
  }

  #read(record: JsonObject): MasterEvent {
    switch (record['type']) {
      case 'SUBSCRIBED': {
        const subscribed = objectAt(record, 'subscribed');
        return {
          kind: 'subscribed',
          snapshot: this.#snapshot(objectAt(subscribed, 'get_state')),
          heartbeatMs: heartbeatMs(subscribed['heartbeat_interval_seconds']),
        };
      }
      case 'HEARTBEAT':
        return { kind: 'heartbeat' };
      case 'TASK_ADDED': {
        const placed = this.#task(objectAt(record, 'task_added')['task']);
        return placed === null ? { kind: 'other' } : { kind: 'task-added', ...placed };
      }
      case 'TASK_UPDATED':
        return this.#taskUpdate(objectAt(record, 'task_updated'));
      case 'FRAMEWORK_ADDED':
        return this.#frameworkNews(objectAt(record, 'framework_added')['framework']);
      case 'FRAMEWORK_UPDATED':
        return this.#frameworkNews(objectAt(record, 'framework_updated')['framework']);
      case 'FRAMEWORK_REMOVED':
        return {
          kind: 'framework-removed',
          frameworkId: idOf(objectAt(objectAt(record, 'framework_removed'), 'framework_info')['id']),
        };
      case 'AGENT_ADDED': {
        const agent = this.#agent(objectAt(record, 'agent_added')['agent'], 1);
        return agent === null ? { kind: 'other' } : { kind: 'agent-added', agent };
      }
      case 'AGENT_REMOVED':
        return { kind: 'agent-removed', agentId: idOf(objectAt(record, 'agent_removed')['agent_id']) };
      default:
        return { kind: 'other' };
    }
  }

  #snapshot(state: JsonObject): Snapshot {
    const tasks: { frameworkId: string; task: Task }[] = [];
    for (const value of listAt(objectAt(state, 'get_tasks'), 'tasks')) {
      const placed = this.#task(value);
      if (placed === null) continue;
      const { frameworkId, task } = placed;
      tasks.push(this.#knownTask === null ? placed : { frameworkId, task: this.#knownTask(frameworkId, task) });
    }
    const frameworks: FrameworkNews[] = [];
    for (const value of listAt(objectAt(state, 'get_frameworks'), 'frameworks')) {
      const news = this.#framework(value, frameworks.length + 1);
      if (news !== null) frameworks.push(news);
    }
    const known = objectAt(state, 'get_agents');
    const agents: Agent[] = [];
    for (const value of listAt(known, 'agents')) {
      const agent = this.#agent(value, agents.length + 1);
      if (agent !== null) agents.push(agent);
    }
    const recoveredAgentIds: string[] = [];
    for (const value of listAt(known, 'recovered_agents')) {
      const id = isObject(value) ? idOf(value['id']) : '';
      if (id !== '') recoveredAgentIds.push(id);
    }
    return { agents, recoveredAgentIds: expectedOnly(recoveredAgentIds, agents), frameworks, tasks };
  }

  #task(value: unknown): { readonly frameworkId: string; readonly task: Task } | null {
    const { odd, tasks } = this.#reader;
    const object = isObject(value) ? value : {};
    if (!isObject(value)) odd.note('is not an object');
    const task = isObject(value) ? tasks.readTask(stateTask(value)) : null;
    const frameworkId = idOf(object['framework_id']);
    odd.endElement(() => `task ${JSON.stringify(idOf(object['task_id'])).slice(0, 100)}`);
    return task === null ? null : { frameworkId, task };
  }

  #taskUpdate(update: JsonObject): MasterEvent {
    const { odd, tasks } = this.#reader;
    const status = objectAt(update, 'status');
    const taskId = idOf(status['task_id']);
    const { state } = update;
    const [read = null] = tasks.readStatuses([stateStatus(status)]);
    odd.endElement(() => `an update of task ${JSON.stringify(taskId).slice(0, 100)}`);
    if (typeof state !== 'string') return { kind: 'other' };
    const reason = typeof status['reason'] === 'string' ? status['reason'] : '';
    return { kind: 'task-updated', frameworkId: idOf(update['framework_id']), taskId, state, status: read, reason };
  }

  #frameworkNews(value: unknown): MasterEvent {
    const framework = this.#framework(value, 1);
    return framework === null ? { kind: 'other' } : { kind: 'framework', framework };
  }

  #framework(value: unknown, number: number): FrameworkNews | null {
    const info = objectAt(isObject(value) ? value : {}, 'framework_info');
    const flags = isObject(value) ? { active: value['active'] } : {};
    const { id, name, hostname } = info;
    const framework = this.#reader.readFramework({ id: idOf(id), name, hostname, ...flags }, number);
    return framework === null
      ? null
      : { id: framework.id, name: framework.name, hostname: framework.hostname, active: framework.active };
  }

  #agent(value: unknown, number: number): Agent | null {
    if (!isObject(value)) return this.#reader.readAgent(value, number);
    const info = objectAt(value, 'agent_info');
    const { pid, active } = value;
    return this.#reader.readAgent({ id: idOf(info['id']), hostname: info['hostname'], pid, active }, number);
  }
}

function parseRecord(bytes: Uint8Array): JsonObject {
  let value: unknown;
  try {
    const wellFormed = wellFormedDocument(bytes);
    value =
      wellFormed.length >= LARGE_BYTES
        ? readEventLazily(wellFormed)
        : JSON.parse(quoteLongPortNumbers(new TextDecoder().decode(wellFormed)));
  } catch (error) {
    throw new MesosDnsError('ERR_STREAM', `the event stream has a record that is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (!isObject(value)) throw new MesosDnsError('ERR_STREAM', 'the event stream has a record that is not an object');
  return value;
}

/** A v1 task as `/state` shows it. */
function stateTask(task: JsonObject): JsonObject {
  return {
    id: idOf(task['task_id']),
    name: task['name'],
    slave_id: idOf(task['agent_id']),
    state: task['state'],
    resources: { ports: portsText(listAt(task, 'resources')) },
    statuses: [...listAt(task, 'statuses')].map((status) => (isObject(status) ? stateStatus(status) : status)),
    container: task['container'],
    discovery: task['discovery'],
  };
}

function stateStatus(status: JsonObject): JsonObject {
  const { labels } = status;
  return { ...status, labels: isObject(labels) ? labels['labels'] : labels };
}

/** All `ports` resources as `/state` prints them: united, coalesced, ascending; '' without any. */
function portsText(resources: Iterable<unknown>): string {
  const ranges: [number, number][] = [];
  for (const resource of resources) {
    if (!isObject(resource) || resource['name'] !== 'ports' || resource['revocable'] !== undefined) continue;
    for (const range of listAt(objectAt(resource, 'ranges'), 'range')) {
      const { begin, end } = isObject(range) ? range : {};
      if (Number.isSafeInteger(begin) && Number.isSafeInteger(end)) ranges.push([Number(begin), Number(end)]);
    }
  }
  if (ranges.length === 0) return '';
  ranges.sort(([one], [other]) => one - other);
  const united: [number, number][] = [];
  for (const [begin, end] of ranges) {
    const last = united.at(-1);
    if (last !== undefined && begin <= last[1] + 1) last[1] = Math.max(last[1], end);
    else united.push([begin, end]);
  }
  return `[${united.map(([begin, end]) => `${begin}-${end}`).join(', ')}]`;
}

/** The text of an id message, '' where there is none. */
function idOf(value: unknown): string {
  const text = isObject(value) ? value['value'] : undefined;
  return typeof text === 'string' ? text : '';
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

function listAt(object: JsonObject, key: string): Iterable<unknown> {
  const value = object[key];
  return Array.isArray(value) || value instanceof LazyList ? value : [];
}

function heartbeatMs(seconds: unknown): number {
  const usable = typeof seconds === 'number' && seconds > 0 && seconds <= MAX_HEARTBEAT_SECONDS;
  return (usable ? seconds : DEFAULT_HEARTBEAT_SECONDS) * 1000;
}
