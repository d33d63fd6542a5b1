// The v1 operator API of a stand-in master: the calls that a follower makes, and the event stream with Mesos's own gaps.
// Which change becomes which event, and which becomes none, follows Mesos (master.cpp, framework.cpp, protobuf_utils.cpp).

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, json, plain, send } from './faults.ts';
import type { StandinMaster } from './master.ts';
import type { ClusterChange, Framework, Task } from './model.ts';
import { V1Writer } from './v1-writer.ts';

export interface EventStreamOptions {
  /** From one HEARTBEAT to the next, whatever else is sent (default 15,000). */
  readonly heartbeatMs?: number;
  /** `--max_operator_event_stream_subscribers`: one more closes the oldest stream (default 1000). */
  readonly maxSubscribers?: number;
  /** Cuts what is sent into pieces of so many octets; 0 (default): one record, one piece. */
  readonly pieceBytes?: number;
}

/** A follower's stream. */
interface Subscriber {
  readonly response: ServerResponse;
  readonly heartbeat: NodeJS.Timeout;
}

const BODY_MAX_BYTES = 65_536;
const HEALTH_REASON = 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED';

/** Serves `POST /api/v1` of one master. */
export class OperatorApiService {
  readonly #master: StandinMaster;
  readonly #writer: V1Writer;
  readonly #options: Required<EventStreamOptions>;
  readonly #subscribers = new Set<Subscriber>();
  /** Frameworks that this leader has told its subscribers of. */
  readonly #announced = new Set<string>();
  /** Tasks on an agent that is coming back, of frameworks that have not been announced. */
  readonly #unannounced: Task[] = [];
  /** Streams opened since the master was made. */
  streamCount = 0;
  /** Stands still without closing anything: no event, no heartbeat. */
  frozen = false;

  constructor(master: StandinMaster, options: EventStreamOptions = {}) {
    this.#master = master;
    this.#options = { heartbeatMs: 15_000, maxSubscribers: 1000, pieceBytes: 0, ...options };
    this.#writer = new V1Writer(master.features);
    master.cluster.onChange((change) => this.#onChange(change));
    master.view.onReturn((id, kind) => (kind === 'agent' ? this.#agentBack(id) : this.#frameworkBack(id)));
  }

  /** Gives back the memory of what was written. */
  forget(): void {
    this.#writer.tasks.forget();
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  /** What the slowest of the streams has not taken yet, bytes. */
  get backlogBytes(): number {
    return Math.max(0, ...[...this.#subscribers].map(({ response }) => response.writableLength));
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const refusal = refuse(request);
    if (refusal !== null) {
      request.resume();
      send(response, refusal);
      return;
    }
    const pieces: Buffer[] = [];
    let size = 0;
    request.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size <= BODY_MAX_BYTES) pieces.push(piece);
    });
    request.on('end', () => this.#call(Buffer.concat(pieces).toString(), response));
  }

  /** Closes every stream with the last chunk, as Mesos closes the oldest one over its limit. */
  evictAll(): void {
    for (const subscriber of this.#subscribers) this.#end(subscriber);
  }

  /** Breaks every stream off, as a killed master does. */
  cutAll(): void {
    for (const { response } of this.#subscribers) response.destroy();
  }

  /** Sends octets that are no event, or only a part of one, on every stream. */
  inject(bytes: string | Uint8Array): void {
    for (const { response } of this.#subscribers) response.write(bytes);
  }

  #call(body: string, response: ServerResponse): void {
    let type: unknown;
    try {
      type = (JSON.parse(body) as { type?: unknown }).type;
    } catch {
      send(response, plain(400, 'Failed to parse body into JSON'));
      return;
    }
    if (type === 'SUBSCRIBE') this.#subscribe(response);
    else send(response, this.#answer(type));
  }

  #answer(type: unknown): Answer {
    const { identity, features, view } = this.#master;
    switch (type) {
      case 'GET_VERSION':
        return json(`{"type":"GET_VERSION","get_version":{"version_info":{"version":"${features.version}"}}}`);
      case 'GET_HEALTH':
        return json('{"type":"GET_HEALTH","get_health":{"healthy":true}}');
      case 'GET_MASTER': {
        const { id, ip, port, hostname } = identity;
        const info = {
          id,
          port,
          pid: `master@${ip}:${port}`,
          hostname,
          version: features.version,
          address: { hostname, ip, port },
        };
        return json(
          `{"type":"GET_MASTER","get_master":{"master_info":${JSON.stringify(info)},"elected_time":${view.electedTime}}}`,
        );
      }
      case 'GET_STATE':
        return json(`{"type":"GET_STATE","get_state":${this.#state()}}`);
      case 'GET_AGENTS':
        return json(`{"type":"GET_AGENTS","get_agents":${this.#agents()}}`);
      case 'GET_FRAMEWORKS':
        return json(`{"type":"GET_FRAMEWORKS","get_frameworks":${this.#frameworks()}}`);
      case 'GET_TASKS':
        return json(`{"type":"GET_TASKS","get_tasks":${this.#tasks()}}`);
      default:
        return plain(400, "Failed to validate master::Call: Expecting 'type' to be present");
    }
  }

  #subscribe(response: ServerResponse): void {
    if (this.#subscribers.size >= this.#options.maxSubscribers) {
      for (const oldest of this.#subscribers) {
        this.#end(oldest);
        break;
      }
    }
    this.streamCount += 1;
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const heartbeat = setInterval(() => this.#sendTo(subscriber, '{"type":"HEARTBEAT"}'), this.#options.heartbeatMs);
    heartbeat.unref();
    const subscriber: Subscriber = { response, heartbeat };
    response.on('close', () => this.#forget(subscriber));
    this.#subscribers.add(subscriber);
    for (const framework of this.#knownFrameworks()) this.#announced.add(framework.id);
    const seconds = this.#options.heartbeatMs / 1000;
    this.#sendTo(
      subscriber,
      `{"type":"SUBSCRIBED","subscribed":{"get_state":${this.#state()},"heartbeat_interval_seconds":${seconds}}}`,
    );
    this.#sendTo(subscriber, '{"type":"HEARTBEAT"}');
  }

  #end(subscriber: Subscriber): void {
    this.#forget(subscriber);
    subscriber.response.end();
  }

  #forget(subscriber: Subscriber): void {
    clearInterval(subscriber.heartbeat);
    this.#subscribers.delete(subscriber);
  }

  #send(event: string): void {
    for (const subscriber of this.#subscribers) this.#sendTo(subscriber, event);
  }

  #sendTo({ response }: Subscriber, event: string): void {
    if (this.frozen) return;
    const { pieceBytes } = this.#options;
    if (pieceBytes === 0) {
      response.write(`${Buffer.byteLength(event)}\n${event}`);
      return;
    }
    const record = Buffer.from(`${Buffer.byteLength(event)}\n${event}`);
    for (let at = 0; at < record.length; at += pieceBytes) response.write(record.subarray(at, at + pieceBytes));
  }

  #onChange(change: ClusterChange): void {
    if (this.#subscribers.size === 0 || this.#master.view.phase !== 'recovered') return;
    switch (change.kind) {
      case 'agent-added':
      case 'agent-returned':
        this.#send(`{"type":"AGENT_ADDED","agent_added":{"agent":${this.#writer.agent(change.agent)}}}`);
        for (const task of this.#unannounced.splice(0)) this.#addUnknown(task);
        return;
      case 'agent-left':
        // Of an agent that is unreachable or gone, only its tasks are told.
        if (change.loss !== 'shut-down') return;
        this.#send(`{"type":"AGENT_REMOVED","agent_removed":{"agent_id":{"value":"${change.agent.id}"}}}`);
        return;
      case 'framework-added':
        this.#announce(change.framework, false);
        return;
      case 'framework-updated':
        this.#sendFramework('UPDATED', change.framework, false);
        return;
      case 'framework-removed':
        this.#announced.delete(change.framework.id);
        this.#send(
          `{"type":"FRAMEWORK_REMOVED","framework_removed":{"framework_info":${this.#writer.frameworkInfo(change.framework)}}}`,
        );
        return;
      case 'task-returned':
        // Of a framework that this master has not heard of: it comes behind its agent.
        if (!this.#announced.has(change.task.frameworkId)) this.#unannounced.push(change.task);
        else this.#addTask(change.task);
        return;
      case 'task-added':
        this.#addTask(change.task);
        return;
      case 'task-updated':
        this.#updateTask(change);
        return;
      case 'agent-updated':
      case 'task-completed':
        return;
      default:
        change satisfies never;
    }
  }

  #updateTask({ task, status, repeated }: Extract<ClusterChange, { kind: 'task-updated' }>): void {
    if (this.#isAwaited(task)) return;
    // The same state again is told only of health checks.
    if (repeated && status.healthy === undefined) return;
    const written = this.#writer.status(task, status, repeated ? HEALTH_REASON : undefined);
    this.#send(
      `{"type":"TASK_UPDATED","task_updated":{"framework_id":{"value":"${task.frameworkId}"}` +
        `,"status":${written},"state":"${task.state}"}}`,
    );
  }

  #addTask(task: Task): void {
    this.#send(`{"type":"TASK_ADDED","task_added":{"task":${this.#writer.tasks.of(task)}}}`);
  }

  /** A task on an agent that is back, with its framework where it is the first one of that. */
  #addUnknown(task: Task): void {
    const framework = this.#master.cluster.frameworks.get(task.frameworkId)?.framework;
    if (framework === undefined) return;
    if (!this.#announced.has(framework.id)) this.#announce(framework, this.#master.view.awaitsFramework(framework));
    this.#addTask(task);
  }

  #announce(framework: Framework, recovered: boolean): void {
    this.#announced.add(framework.id);
    this.#sendFramework('ADDED', framework, recovered);
  }

  #sendFramework(what: 'ADDED' | 'UPDATED', framework: Framework, recovered: boolean): void {
    const written = this.#writer.framework(framework, recovered);
    this.#send(`{"type":"FRAMEWORK_${what}","framework_${what.toLowerCase()}":{"framework":${written}}}`);
  }

  /** An awaited agent registers: tasks of known frameworks first, then the agent, then frameworks that come to be known. */
  #agentBack(agentId: string): void {
    const agent = this.#master.cluster.agents.get(agentId);
    if (agent === undefined || this.#subscribers.size === 0) return;
    const unknown: Task[] = [];
    for (const { framework, tasks } of this.#master.cluster.frameworks.values()) {
      const returning = [...tasks.values()].filter((task) => task.agentId === agentId);
      if (!this.#announced.has(framework.id)) unknown.push(...returning);
      else for (const task of returning) this.#addTask(task);
    }
    this.#send(`{"type":"AGENT_ADDED","agent_added":{"agent":${this.#writer.agent(agent)}}}`);
    for (const task of unknown) this.#addUnknown(task);
  }

  #frameworkBack(frameworkId: string): void {
    const framework = this.#master.cluster.frameworks.get(frameworkId)?.framework;
    if (framework === undefined) return;
    if (this.#announced.has(frameworkId)) this.#sendFramework('UPDATED', framework, false);
    else this.#announce(framework, false);
  }

  #isAwaited(task: Task): boolean {
    const agent = this.#master.cluster.agents.get(task.agentId);
    return agent !== undefined && !this.#master.view.knowsAgent(agent);
  }

  #state(): string {
    return (
      `{"get_tasks":${this.#tasks()},"get_executors":{"executors":[]}` +
      `,"get_frameworks":${this.#frameworks()},"get_agents":${this.#agents()}}`
    );
  }

  #tasks(): string {
    const running: string[] = [];
    const unreachable: string[] = [];
    const completed: string[] = [];
    const awaited = new Set(this.#master.view.recoveredAgents.map((agent) => agent.id));
    for (const entry of this.#master.cluster.frameworks.values()) {
      for (const task of entry.tasks.values())
        if (!awaited.has(task.agentId)) running.push(this.#writer.tasks.of(task));
      for (const task of entry.unreachable.values()) unreachable.push(this.#writer.tasks.of(task));
      for (const task of entry.completed) completed.push(this.#writer.tasks.of(task));
    }
    return `{"tasks":[${running.join(',')}],"unreachable_tasks":[${unreachable.join(',')}],"completed_tasks":[${completed.join(',')}]}`;
  }

  #knownFrameworks(): readonly Framework[] {
    const { view, cluster } = this.#master;
    const awaited = new Set(view.recoveredAgents.map((agent) => agent.id));
    return [...cluster.frameworks.values()]
      .filter(
        ({ framework, tasks }) =>
          !view.awaitsFramework(framework) || [...tasks.values()].some((task) => !awaited.has(task.agentId)),
      )
      .map(({ framework }) => framework);
  }

  #frameworks(): string {
    const known = this.#knownFrameworks().map((framework) =>
      this.#writer.framework(framework, this.#master.view.awaitsFramework(framework)),
    );
    return `{"frameworks":[${known.join(',')}],"completed_frameworks":[]}`;
  }

  #agents(): string {
    const { view, cluster } = this.#master;
    const agents = [...cluster.agents.values()].filter((agent) => agent.reachable && view.knowsAgent(agent));
    const recovered = view.recoveredAgents.map((agent) => this.#writer.agentInfo(agent));
    return `{"agents":[${agents.map((agent) => this.#writer.agent(agent)).join(',')}],"recovered_agents":[${recovered.join(',')}]}`;
  }
}

/** What Mesos answers where the request is not one that it serves; null where it is. */
function refuse({ method, headers }: IncomingMessage): Answer | null {
  if (method !== 'POST') {
    return plain(405, `Expecting one of { 'POST' }, but received '${method}'`, { Allow: 'POST' });
  }
  const type = headers['content-type'];
  if (type === undefined) return plain(400, "Expecting 'Content-Type' to be present");
  if (type !== 'application/json') {
    return plain(415, "Expecting 'Content-Type' of application/json or application/x-protobuf or application/recordio");
  }
  const accept = headers['accept'];
  if (accept !== undefined && !/(^|[\s,])(\*\/\*|application\/(\*|json))/.test(accept)) {
    return plain(406, "Expecting 'Accept' to allow application/json or application/x-protobuf or application/recordio");
  }
  return null;
}
