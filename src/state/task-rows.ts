// Makes tasks of the rows that the reader of JSON leaves of those that say what nearly all tasks say in the usual way. All
// others are left to TaskReader, which would make the same of these: what is read here has nothing odd about it.

import {
  ELEMENTS_TASKS,
  HEALTH_UNKNOWN,
  HEALTHY,
  MEMO_ADDRESSES,
  MEMO_AGENTS,
  MEMO_CONTAINERS,
  MEMO_DISCOVERIES,
  MEMO_NAMES,
  MEMO_PORTS,
  MEMO_STATES,
  STATUS_ADDRESSES,
  STATUS_DIGITS_END,
  STATUS_DIGITS_START,
  STATUS_HEAD,
  STATUS_HEALTHY,
  STATUS_MAPS_PORTS,
  STATUS_STATE,
  STATUS_TIMESTAMP,
  TASK_AGENT,
  TASK_CONTAINER,
  TASK_DISCOVERY,
  TASK_HEAD,
  TASK_ID_END,
  TASK_ID_START,
  TASK_NAME,
  TASK_PORTS,
  TASK_STATE,
  TASK_STATUSES,
} from '../../assembly/shared/rows.ts';
import { quoteLongPortNumbers } from './document-text.ts';
import type { JsonObject } from './fields.ts';
import type { JsonMemory } from './json-memory.ts';
import type { ElementReader } from './lazy-document.ts';
import type { Discovery, KnownTask, PortRange, Task, TaskStatus } from './model.ts';
import { Oddities } from './oddities.ts';
import { hasHostPort, mapsPorts, TaskReader } from './parse-task.ts';

const NONE: readonly never[] = [];

interface KnownDiscovery {
  readonly discovery: Discovery;
  readonly mapsPorts: boolean;
}

export class TaskRows implements ElementReader<Task> {
  readonly what = ELEMENTS_TASKS;

  private readonly memory: JsonMemory;
  private readonly knownTask: KnownTask | null;
  /** null: not known so far, or odd. */
  private frameworkId: string | null = null;
  /** What it notes is not said: TaskReader comes upon it again. */
  private readonly odd = new Oddities();
  private readonly reader = new TaskReader(this.odd);
  private readonly names: Memo<string>;
  private readonly agentIds: Memo<string>;
  private readonly states: Memo<string>;
  /** Lists of one address, as most are. */
  private readonly addresses: Memo<readonly string[]>;
  /** null: odd, here and below. */
  private readonly portRanges: Memo<readonly PortRange[] | null>;
  private readonly discoveries: Memo<KnownDiscovery | null>;
  /** Whether a ContainerInfo maps ports. */
  private readonly containers: Memo<boolean>;
  /** Behind the status that was read last. */
  private at = 0;

  constructor(memory: JsonMemory, knownTask: KnownTask | null = null) {
    this.memory = memory;
    this.knownTask = knownTask;
    this.names = new Memo(memory, MEMO_NAMES, (text) => text);
    this.agentIds = new Memo(memory, MEMO_AGENTS, (text) => text);
    this.states = new Memo(memory, MEMO_STATES, (text) => text);
    this.addresses = new Memo(memory, MEMO_ADDRESSES, (text) => [text]);
    this.portRanges = new Memo(memory, MEMO_PORTS, (text) => {
      const ranges = this.reader.readPorts({ ports: text });
      return this.odd.discard() ? null : ranges;
    });
    this.discoveries = new Memo(memory, MEMO_DISCOVERIES, (text) => {
      const object = JSON.parse(quoteLongPortNumbers(text)) as JsonObject;
      const discovery = this.reader.readDiscovery(object);
      return this.odd.discard() ? null : { discovery, mapsPorts: hasHostPort(object) };
    });
    this.containers = new Memo(memory, MEMO_CONTAINERS, (text) => mapsPorts(JSON.parse(text) as JsonObject));
  }

  begin({ id }: JsonObject): void {
    this.frameworkId = typeof id === 'string' ? id : null;
  }

  read(row: number): Task | null {
    const { memory } = this;
    const portsEntry = this.word(row + TASK_PORTS);
    const discoveryEntry = this.word(row + TASK_DISCOVERY);
    const containerEntry = this.word(row + TASK_CONTAINER);
    const ports = portsEntry === 0 ? NONE : this.portRanges.get(portsEntry);
    const discovery = discoveryEntry === 0 ? null : this.discoveries.get(discoveryEntry);
    if (ports === null || (discovery === null && discoveryEntry !== 0)) return null;
    const statuses = this.readStatuses(row);
    if (statuses === null) return null;
    const task: Task = {
      id: memory.textOf(this.word(row + TASK_ID_START), this.word(row + TASK_ID_END)),
      name: this.names.get(this.word(row + TASK_NAME)),
      agentId: this.agentIds.get(this.word(row + TASK_AGENT)),
      state: this.states.get(this.word(row + TASK_STATE)),
      ports,
      statuses,
      mapsPorts: (containerEntry !== 0 && this.containers.get(containerEntry)) || discovery?.mapsPorts === true,
      discovery: discovery === null ? null : discovery.discovery,
    };
    const { frameworkId, knownTask } = this;
    return frameworkId === null || knownTask === null ? task : knownTask(frameworkId, task);
  }

  /** @returns null where one is odd */
  private readStatuses(row: number): readonly TaskStatus[] | null {
    const count = this.word(row + TASK_STATUSES);
    if (count === 0) return NONE;
    this.at = row + TASK_HEAD;
    const first = this.readStatus();
    if (first === null) return null;
    if (count === 1) return [first];
    const statuses = [first];
    for (let i = 1; i < count; i++) {
      const status = this.readStatus();
      if (status === null) return null;
      statuses.push(status);
    }
    // A list that grew takes more memory than it needs.
    return statuses.slice();
  }

  private readStatus(): TaskStatus | null {
    const { at } = this;
    const timestamp = this.readTimestamp(at);
    if (!Number.isFinite(timestamp)) return null;
    const healthy = this.word(at + STATUS_HEALTHY);
    const addressCount = this.word(at + STATUS_ADDRESSES);
    this.at = at + STATUS_HEAD + 4 * (addressCount + (addressCount & 1));
    return {
      state: this.states.get(this.word(at + STATUS_STATE)),
      timestamp,
      networkAddresses: addressCount === 0 ? NONE : this.readAddresses(at + STATUS_HEAD, addressCount),
      dockerAddresses: NONE,
      mesosAddresses: NONE,
      mapsPorts: this.word(at + STATUS_MAPS_PORTS) !== 0,
      healthy: healthy === HEALTH_UNKNOWN ? null : healthy === HEALTHY,
      checkPassed: null,
    };
  }

  private readTimestamp(at: number): number {
    const timestamp = this.memory.doubles[(at + STATUS_TIMESTAMP) >> 3] ?? 0;
    if (!Number.isNaN(timestamp)) return timestamp;
    return Number(this.memory.textOf(this.word(at + STATUS_DIGITS_START), this.word(at + STATUS_DIGITS_END)));
  }

  private readAddresses(at: number, count: number): readonly string[] {
    const first = this.addresses.get(this.word(at));
    if (count === 1) return first;
    return Array.from({ length: count }, (_, i) => this.addresses.get(this.word(at + 4 * i))[0] ?? '');
  }

  private word(address: number): number {
    return this.memory.words[address >> 2] ?? 0;
  }
}

/** What was made of the entries of a memo. */
class Memo<T> {
  private readonly memory: JsonMemory;
  private readonly number: number;
  private readonly make: (text: string) => T;
  private readonly values: T[] = [];

  constructor(memory: JsonMemory, number: number, make: (text: string) => T) {
    this.memory = memory;
    this.number = number;
    this.make = make;
  }

  /** @param entry counted from 1; those of lower number, which may be of elements that were left, are made as well */
  get(entry: number): T {
    const { values } = this;
    while (values.length < entry) values.push(this.make(this.memory.entryText(this.number, values.length + 1)));
    return values[entry - 1] as T;
  }
}
