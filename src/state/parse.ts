// From a master's `/state` document to the model. The only place that distrusts the document: what is odd in a single
// agent, framework or task costs that element (or a part of it) and one warning, never the others.

import { parseIp } from '../dns/ip-text.ts';
import { MesosDnsError, messageOf } from '../errors.ts';
import { WellFormedPieces } from './document-text.ts';
import { isPidPort, parsePid } from './endpoint.ts';
import { isObject, type JsonObject, readActive, readList, readText, typeName } from './fields.ts';
import type { DocumentReader } from './json-reader.ts';
import { LazyList, openLazily } from './lazy-document.ts';
import type { Agent, Endpoint, Framework, KnownTask, MesosState, Task } from './model.ts';
import { Oddities, quoted } from './oddities.ts';
import { TaskReader } from './parse-task.ts';
import { TaskRows } from './task-rows.ts';

export interface ParsedState {
  readonly state: MesosState;
  /** One line for each odd element, at most 20 and a last one that counts the rest. */
  readonly warnings: readonly string[];
  /** Agents, frameworks and tasks that were left out or read only in part. */
  readonly oddElementCount: number;
}

/**
 * Reads a `/state` document.
 *
 * @param document its octets, or text in which a byte order mark was kept.
 * @param knownTask for tasks that say nothing unusual, of frameworks whose id comes before them, as Mesos writes it.
 * @throws MesosDnsError ERR_STATE_DOCUMENT with a reason on one line, where the document as a whole is unusable: not JSON,
 *   not an object, agents or frameworks that are not lists, or no leader with an IP address and port.
 */
export function parseState(document: string | Uint8Array, knownTask: KnownTask | null = null): ParsedState {
  const bytes = typeof document === 'string' ? Buffer.from(document) : document;
  const arriving = new ArrivingState(knownTask);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) arriving.add(bytes.subarray(at, at + PIECE_BYTES));
  return arriving.end();
}

/** Octets of a document that is there as a whole that are read at a time. */
const PIECE_BYTES = 256 * 1024;

/** Reads a document in pieces of any size, of which nothing is kept but what the model is made of. See parseState(). */
export class ArrivingState {
  sizeBytes = 0;

  private readonly pieces = new WellFormedPieces();
  private readonly document: DocumentReader<unknown>;
  private isBlank = true;

  constructor(knownTask: KnownTask | null = null) {
    this.document = openLazily((memory) => new TaskRows(memory, knownTask));
  }

  add(piece: Uint8Array): void {
    this.sizeBytes += piece.length;
    this.isBlank &&= isBlank(piece);
    this.document.add(this.pieces.add(piece));
  }

  /** To be called once, behind the last piece. */
  end(): ParsedState {
    return new StateReader().read(this.readObject());
  }

  private readObject(): JsonObject {
    let value: unknown;
    try {
      this.document.add(this.pieces.end());
      value = this.document.end();
    } catch (error) {
      if (this.isBlank) throw refusal('is empty');
      throw refusal(`is not JSON: ${messageOf(error)}`, error);
    }
    if (!isObject(value)) throw refusal(`is ${typeName(value)}, not an object`);
    return value;
  }
}

/** Reads the elements of a state document, whatever they were taken from. */
export class StateReader {
  readonly odd = new Oddities();
  readonly tasks = new TaskReader(this.odd);

  read(document: JsonObject): ParsedState {
    const state = this.readState(document);
    return { state, warnings: this.odd.warnings(), oddElementCount: this.odd.count };
  }

  private readState(document: JsonObject): MesosState {
    const leader = readLeader(document['leader']);
    const agents: Agent[] = [];
    let number = 0;
    for (const value of wholeList(document, 'slaves')) {
      const agent = this.readAgent(value, ++number);
      if (agent !== null) agents.push(agent);
    }
    const frameworks: Framework[] = [];
    number = 0;
    for (const value of wholeList(document, 'frameworks')) {
      const framework = this.readFramework(value, ++number);
      if (framework !== null) frameworks.push(framework);
    }
    const version = document['version'];
    return {
      version: typeof version === 'string' ? version : '',
      leader,
      agents,
      recoveredAgentIds: expectedOnly(this.readRecoveredAgents(document), agents),
      frameworks,
    };
  }

  /** An agent without an address stays known, so that its tasks' own addresses are published. */
  readAgent(value: unknown, number: number): Agent | null {
    const agent = isObject(value) ? this.readAgentObject(value) : null;
    if (!isObject(value)) this.odd.note(`is ${typeName(value)}, not an object`);
    this.odd.endElement(() => `agent ${isObject(value) && value['id'] ? quoted(value['id']) : `number ${number}`}`);
    return agent;
  }

  private readAgentObject(value: JsonObject): Agent | null {
    const id = readText(value, 'id', this.odd);
    const hostname = readText(value, 'hostname', this.odd) ?? '';
    const pid = this.readPid(value['pid']);
    if (value['pid'] === undefined) this.odd.note('has no pid');
    if (id === null) return null;
    const pidPort = pid !== null && isPidPort(pid.port) ? pid.port : null;
    if (pid !== null && pidPort === null) this.odd.note(`pid ${quoted(value['pid'])} has no usable port`);
    return { id, hostname, active: readActive(value), pidHost: pid?.host ?? null, pidPort };
  }

  /**
   * Like the original, a framework that is null is one without name and tasks. One whose name cannot be read is left out:
   * there is nothing to publish its tasks under.
   */
  readFramework(value: unknown, number: number): Framework | null {
    const object = isObject(value) ? value : {};
    if (!isObject(value)) this.odd.note(`is ${typeName(value)}, not an object`);
    const id = readText(object, 'id', this.odd) ?? '';
    const name = readText(object, 'name', this.odd);
    let pid = this.readPid(object['pid']);
    if (pid !== null && !isPidPort(pid.port)) {
      this.odd.note(`pid ${quoted(object['pid'])} has no usable port`);
      pid = null;
    }
    const hostname = readText(object, 'hostname', this.odd) ?? '';
    const lazyTasks = object['tasks'];
    const list = lazyTasks instanceof LazyList ? (lazyTasks as LazyList<Task>) : readList(object, 'tasks', this.odd);
    const describe = () => `framework ${name || id ? quoted(name || id) : `number ${number}`}`;
    this.odd.endElement(describe);
    if (name === null) return null;
    const tasks = this.tasks.readAll(list, describe);
    return { id, name, pid, hostname, active: readActive(object), tasks };
  }

  private readPid(value: unknown): Endpoint | null {
    if (value === undefined) return null;
    const pid = typeof value === 'string' ? parsePid(value) : null;
    if (pid === null) this.odd.note(`pid ${quoted(value)} is not NAME@HOST:PORT`);
    return pid;
  }

  private readRecoveredAgents(document: JsonObject): string[] {
    const list = readList(document, 'recovered_slaves', this.odd);
    this.odd.endElement(() => 'the document');
    const ids: string[] = [];
    for (const [index, value] of list.entries()) {
      const id = isObject(value) ? value['id'] : undefined;
      if (typeof id === 'string') ids.push(id);
      else this.odd.note('has no id');
      this.odd.endElement(() => `recovered agent number ${index + 1}`);
    }
    return ids;
  }
}

/** A master that expects an agent back has none of that id. */
export function expectedOnly(recoveredIds: readonly string[], agents: readonly Agent[]): string[] {
  const registered = new Set(agents.map(({ id }) => id));
  return recoveredIds.filter((id) => !registered.has(id));
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((octet) => octet === 0x20 || (octet >= 0x09 && octet <= 0x0d));
}

function readLeader(value: unknown): Endpoint {
  if (value === undefined || value === null || value === '') throw refusal('names no leader');
  const leader = typeof value === 'string' ? parsePid(value) : null;
  if (leader === null || parseIp(leader.host) === null) {
    throw refusal(`names the leader ${quoted(value)} (expected master@IP:PORT)`);
  }
  return leader;
}

/** A list that is there but is no list makes the document one that would empty the zone. */
function wholeList(document: JsonObject, key: string): Iterable<unknown> {
  const value = document[key] ?? [];
  if (!Array.isArray(value) && !(value instanceof LazyList))
    throw refusal(`has ${key} that are ${typeName(value)}, not a list`);
  return value;
}

function refusal(reason: string, cause?: unknown): MesosDnsError {
  const line = `the state document ${reason}`.replace(/\s+/g, ' ').slice(0, 300);
  return new MesosDnsError('ERR_STATE_DOCUMENT', line, { cause });
}
