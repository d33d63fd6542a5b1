// A snapshot as text: lines of JSON, so that writing one never holds up the thread for long, and a checksum at the end.
//
//    {"format":"mesos-dns snapshot","version":3,"identity":{…},"serial":…}
//    {"cluster":{"version":…,"leader":…,"recoveredAgentIds":[…]},"masters":[…],"hosts":{…}}
//    {"agents":[…]}              as many as needed, in order
//    {"framework":{…}}           one for each framework, and behind it
//    {"shared":[…],"tasks":[…]}  its tasks, as many lines as needed; before them, values that no line before has had
//    {"sha256":"…"}              of all octets before this line

import { createHash } from 'node:crypto';
import { MesosDnsError, messageOf } from '../errors.ts';
import type { Agent, Framework, MesosState, Task } from '../state/model.ts';
import type { LineFile } from './line-file.ts';
import { SharedValues } from './shared-values.ts';
import { type ClusterSnapshot, differingKey, type SnapshotIdentity } from './snapshot.ts';
import { type Cell, cellsOf, tasksOf } from './task-cells.ts';

const FORMAT = 'mesos-dns snapshot';
const VERSION = 3;
/** Agents or tasks on a line: a millisecond's work. */
const PER_LINE = 500;

/** The lines of a snapshot, each with its line feed. */
export function* encodeSnapshot(snapshot: ClusterSnapshot, identity: SnapshotIdentity): Generator<string> {
  const hash = createHash('sha256');
  for (const value of valuesOf(snapshot, identity)) {
    const line = `${JSON.stringify(value)}\n`;
    hash.update(line);
    yield line;
  }
  yield `${JSON.stringify({ sha256: hash.digest('hex') })}\n`;
}

function* valuesOf(snapshot: ClusterSnapshot, identity: SnapshotIdentity): Generator<unknown> {
  const { state, masters, hosts, serial } = snapshot;
  const { agents, frameworks, ...cluster } = state;
  yield { format: FORMAT, version: VERSION, identity, serial };
  yield { cluster, masters, hosts };
  for (const some of runsOf(agents)) yield { agents: some };
  const shared = new SharedValues();
  for (const { tasks, ...framework } of frameworks) {
    yield { framework };
    for (const some of runsOf(tasks)) {
      const cells = cellsOf(some, shared);
      yield { shared: shared.takeFresh(), tasks: cells };
    }
  }
}

function* runsOf<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += PER_LINE) yield list.slice(at, at + PER_LINE);
}

/**
 * Reads a snapshot back.
 * @throws MesosDnsError ERR_SNAPSHOT with the reason, where it is damaged, of another version, or of another cluster.
 */
export function decodeSnapshot(file: LineFile, identity: SnapshotIdentity): ClusterSnapshot {
  const last = file.lastLine();
  const { sha256 } = (last === null ? {} : parseLine(last.text)) as { readonly sha256?: unknown };
  if (last === null || typeof sha256 !== 'string') throw refusal('is not a whole snapshot');
  const header = headerOf(file, last.at);
  const hash = createHash('sha256');
  for (const piece of file.pieces(last.at)) hash.update(piece);
  if (hash.digest('hex') !== sha256) throw refusal('is damaged: its checksum is another one');
  checkIdentity(header, identity);
  return assemble(header, file.lines(last.at));
}

/** The serial of a snapshot, of which nothing more is looked at. Throws as decodeSnapshot(), but for damages behind. */
export function serialIn(file: LineFile, identity: SnapshotIdentity): number {
  const header = headerOf(file, file.sizeBytes);
  checkIdentity(header, identity);
  return header.serial;
}

function headerOf(file: LineFile, end: number): Header {
  const header = parseLine(file.lines(end).next().value ?? '') as Partial<Header>;
  if (header.format !== FORMAT) throw refusal('is not a snapshot of this program');
  if (header.version !== VERSION) throw refusal(`has version ${header.version}, expected ${VERSION}`);
  return header as Header;
}

function checkIdentity({ identity }: Header, expected: SnapshotIdentity): void {
  const other = differingKey(identity ?? {}, expected);
  if (other !== null) throw refusal(`belongs to another configuration: "${other}" is another`);
}

interface Header {
  readonly format: string;
  readonly version: number;
  readonly identity: SnapshotIdentity;
  readonly serial: number;
}

type Line =
  | {
      readonly cluster: Omit<MesosState, 'agents' | 'frameworks'>;
      readonly masters: readonly string[];
      readonly hosts: ClusterSnapshot['hosts'];
    }
  | { readonly agents: readonly Agent[] }
  | { readonly framework: Omit<Framework, 'tasks'> }
  | { readonly shared: readonly unknown[]; readonly tasks: readonly Cell[] };

function parseLine(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch (error) {
    throw refusal(`is not a snapshot: ${messageOf(error)}`, error);
  }
}

/** The checksum vouches for the lines: they are what encodeSnapshot() wrote. */
function assemble({ serial }: Header, lines: Iterable<string>): ClusterSnapshot {
  let first: Extract<Line, { cluster: unknown }> | null = null;
  const agents: Agent[] = [];
  const shared: unknown[] = [];
  const frameworks: (Framework & { readonly tasks: Task[] })[] = [];
  for (const text of lines) {
    const line = parseLine(text) as Line | Header;
    if ('format' in line) continue;
    if ('cluster' in line) first = line;
    else if ('agents' in line) agents.push(...line.agents);
    else if ('framework' in line) frameworks.push({ ...line.framework, tasks: [] });
    else {
      shared.push(...line.shared);
      frameworks.at(-1)?.tasks.push(...tasksOf(line.tasks, shared));
    }
  }
  if (first === null) throw refusal('is not a whole snapshot');
  return {
    state: { ...first.cluster, agents, frameworks },
    masters: first.masters,
    hosts: first.hosts,
    serial,
  };
}

function refusal(reason: string, cause?: unknown): MesosDnsError {
  return new MesosDnsError('ERR_SNAPSHOT', reason.replace(/\s+/g, ' ').slice(0, 300), { cause });
}
