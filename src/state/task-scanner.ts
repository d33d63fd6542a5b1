// Reads tasks straight from the octets of a document, without objects in between, where they say what nearly all tasks say
// in the usual way. All others are left to TaskReader, which would make the same of these: what is read here has nothing
// odd about it.

import { quoteLongPortNumbers } from './document-text.ts';
import type { JsonObject } from './fields.ts';
import type { JsonScanner } from './json-scanner.ts';
import type { ElementScanner } from './lazy-document.ts';
import type { Discovery, KnownTask, PortRange, Task, TaskStatus } from './model.ts';
import { OctetMemo } from './octet-memo.ts';
import { Oddities } from './oddities.ts';
import { hasHostPort, mapsPorts, TaskReader } from './parse-task.ts';
import {
  Members,
  numberAt,
  OPENING_BRACE,
  OPENING_BRACKET,
  QUOTE,
  type ReadAt,
  readUsualList,
  readUsualObject,
  skipUsualString,
  UNUSUAL,
} from './usual-json.ts';

const NONE: readonly never[] = [];
const CLOSING_BRACKET = 0x5d;
const LOWER_F = 0x66;
const LOWER_T = 0x74;

interface KnownDiscovery {
  readonly discovery: Discovery;
  readonly mapsPorts: boolean;
}

export class TaskScanner implements ElementScanner<Task> {
  /** The task that was read last. */
  element: Task = EMPTY;

  private readonly scanner: JsonScanner;
  private readonly knownTask: KnownTask | null;
  /** null: not known so far, or odd. */
  private frameworkId: string | null = null;
  /** What it notes is not said: TaskReader comes upon it again. */
  private readonly odd = new Oddities();
  private readonly reader = new TaskReader(this.odd);
  private readonly names: OctetMemo<string>;
  private readonly agentIds: OctetMemo<string>;
  private readonly states: OctetMemo<string>;
  /** Lists of one address, as most are. */
  private readonly addresses: OctetMemo<readonly string[]>;
  /** null: odd, here and below. */
  private readonly portRanges: OctetMemo<readonly PortRange[] | null>;
  private readonly discoveries: OctetMemo<KnownDiscovery | null>;
  /** Whether a ContainerInfo maps ports. */
  private readonly containers: OctetMemo<boolean>;

  // Of the task being read; null: absent so far.
  private id: string | null = null;
  private name: string | null = null;
  private agentId: string | null = null;
  private state: string | null = null;
  private ports: readonly PortRange[] = NONE;
  /** As many of them as are counted, the others of tasks before: lists that grow take more memory than they need. */
  private readonly statuses: TaskStatus[] = [];
  private statusCount = 0;
  private discovery: KnownDiscovery | null = null;
  private containerMapsPorts = false;

  // Of the status being read.
  private statusState: string | null = null;
  private timestamp = 0;
  private healthy: boolean | null = null;
  private networkAddresses: readonly string[] = NONE;
  private networksMapPorts = false;

  // Of the network being read. An address is the offsets of its quotes, 0 where there is none.
  private isListed = false;
  private addressStart = 0;
  private addressEnd = 0;

  constructor(scanner: JsonScanner, knownTask: KnownTask | null = null) {
    this.scanner = scanner;
    this.knownTask = knownTask;
    const { bytes } = scanner;
    const text = (start: number, end: number) => scanner.textOf(start, end);
    const json = (start: number, end: number) => JSON.parse(text(start, end)) as JsonObject;
    this.names = new OctetMemo(bytes, text);
    this.agentIds = new OctetMemo(bytes, text);
    this.states = new OctetMemo(bytes, text);
    this.addresses = new OctetMemo(bytes, (start, end) => [text(start, end)]);
    this.portRanges = new OctetMemo(bytes, (start, end) => {
      const ranges = this.reader.readPorts({ ports: text(start, end) });
      return this.odd.discard() ? null : ranges;
    });
    this.discoveries = new OctetMemo(bytes, (start, end) => {
      const object = JSON.parse(quoteLongPortNumbers(text(start, end))) as JsonObject;
      const discovery = this.reader.readDiscovery(object);
      return this.odd.discard() ? null : { discovery, mapsPorts: hasHostPort(object) };
    });
    this.containers = new OctetMemo(bytes, (start, end) => mapsPorts(json(start, end)));
  }

  begin({ id }: JsonObject): void {
    this.frameworkId = typeof id === 'string' ? id : null;
  }

  read(start: number): number {
    this.forget();
    const end = readUsualObject(this.scanner, start, this.taskMembers);
    const { id, name, agentId, state, ports, statusCount, discovery } = this;
    if (end < 0 || id === null || name === null || agentId === null || state === null) return UNUSUAL;
    const task: Task = {
      id,
      name,
      agentId,
      state,
      ports,
      statuses: statusCount === 0 ? NONE : this.statuses.slice(0, statusCount),
      mapsPorts: this.containerMapsPorts || discovery?.mapsPorts === true,
      discovery: discovery === null ? null : discovery.discovery,
    };
    const { frameworkId, knownTask } = this;
    this.element = frameworkId === null || knownTask === null ? task : knownTask(frameworkId, task);
    return end;
  }

  private forget(): void {
    this.id = null;
    this.name = null;
    this.agentId = null;
    this.state = null;
    this.ports = NONE;
    this.statusCount = 0;
    this.discovery = null;
    this.containerMapsPorts = false;
  }

  private readonly readId: ReadAt = (at) => {
    const end = skipUsualString(this.scanner, at);
    if (end >= 0) this.id = this.scanner.textOf(at + 1, end - 1);
    return end;
  };

  private readonly readName: ReadAt = (at) => {
    const end = skipUsualString(this.scanner, at);
    if (end >= 0) this.name = this.names.get(at + 1, end - 1);
    return end;
  };

  private readonly readAgentId: ReadAt = (at) => {
    const end = skipUsualString(this.scanner, at);
    if (end >= 0) this.agentId = this.agentIds.get(at + 1, end - 1);
    return end;
  };

  private readonly readState: ReadAt = (at) => {
    const end = skipUsualString(this.scanner, at);
    if (end >= 0) this.state = this.states.get(at + 1, end - 1);
    return end;
  };

  private readonly readFrameworkId: ReadAt = (at) =>
    this.scanner.bytes[at] === QUOTE ? this.scanner.skipString(at) : UNUSUAL;

  private readonly readPorts: ReadAt = (at) => {
    const end = skipUsualString(this.scanner, at);
    if (end < 0) return UNUSUAL;
    const ranges = this.portRanges.get(at + 1, end - 1);
    if (ranges === null) return UNUSUAL;
    this.ports = ranges;
    return end;
  };

  private readonly resourceMembers = new Members({ ports: this.readPorts });
  private readonly readResources: ReadAt = (at) => readUsualObject(this.scanner, at, this.resourceMembers);

  private readonly readDiscovery: ReadAt = (at) => {
    if (this.scanner.bytes[at] !== OPENING_BRACE) return UNUSUAL;
    const end = this.scanner.skipValue(at);
    this.discovery = this.discoveries.get(at, end);
    return this.discovery === null ? UNUSUAL : end;
  };

  private readonly readContainer: ReadAt = (at) => {
    if (this.scanner.bytes[at] !== OPENING_BRACE) return UNUSUAL;
    const end = this.scanner.skipValue(at);
    this.containerMapsPorts = this.containers.get(at, end);
    return end;
  };

  // --- statuses ---

  private readonly readStatus: ReadAt = (at) => {
    this.statusState = null;
    this.timestamp = 0;
    this.healthy = null;
    this.networkAddresses = NONE;
    this.networksMapPorts = false;
    const end = readUsualObject(this.scanner, at, this.statusMembers);
    if (end < 0 || this.statusState === null) return UNUSUAL;
    this.statuses[this.statusCount++] = {
      state: this.statusState,
      timestamp: this.timestamp,
      networkAddresses: this.networkAddresses,
      dockerAddresses: NONE,
      mesosAddresses: NONE,
      mapsPorts: this.networksMapPorts,
      healthy: this.healthy,
      checkPassed: null,
    };
    return end;
  };

  private readonly readStatuses: ReadAt = (at) => readUsualList(this.scanner, at, this.readStatus);

  private readonly readStatusState: ReadAt = (at) => {
    const end = skipUsualString(this.scanner, at);
    if (end >= 0) this.statusState = this.states.get(at + 1, end - 1);
    return end;
  };

  private readonly readTimestamp: ReadAt = (at) => {
    const octet = this.scanner.bytes[at] ?? 0;
    if (octet < 0x30 || octet > 0x39) return UNUSUAL;
    const end = this.scanner.skipNumber(at);
    this.timestamp = numberAt(this.scanner, at, end);
    return Number.isFinite(this.timestamp) ? end : UNUSUAL;
  };

  private readonly readHealthy: ReadAt = (at) => {
    const octet = this.scanner.bytes[at];
    if (octet !== LOWER_T && octet !== LOWER_F) return UNUSUAL;
    this.healthy = octet === LOWER_T;
    return this.scanner.skipValue(at);
  };

  /** Of masters of old, labels may hold the addresses; a list without any says nothing. */
  private readonly readLabels: ReadAt = (at) => {
    const { scanner } = this;
    if (scanner.bytes[at] !== OPENING_BRACKET) return UNUSUAL;
    const end = scanner.skipSpace(at + 1);
    return scanner.bytes[end] === CLOSING_BRACKET ? end + 1 : UNUSUAL;
  };

  private readonly unusual: ReadAt = () => UNUSUAL;

  // --- the networks of a status ---

  private readonly readAddressText: ReadAt = (at) => {
    const end = skipUsualString(this.scanner, at);
    this.addressStart = at + 1;
    this.addressEnd = end - 1;
    return end;
  };

  private readonly addressMembers = new Members({ ip_address: this.readAddressText });

  private readonly readAddress: ReadAt = (at) => {
    this.isListed = true;
    this.addressStart = 0;
    const end = readUsualObject(this.scanner, at, this.addressMembers);
    if (end >= 0) this.addAddress();
    return end;
  };

  private readonly readAddresses: ReadAt = (at) =>
    // One that the network itself has does not count beside a list.
    this.addressStart === 0 ? readUsualList(this.scanner, at, this.readAddress) : UNUSUAL;

  private readonly readOwnAddress: ReadAt = (at) => (this.isListed ? UNUSUAL : this.readAddressText(at));

  private readonly readPortMappings: ReadAt = (at) => {
    const { bytes } = this.scanner;
    const isFilled = bytes[at] === OPENING_BRACKET && bytes[this.scanner.skipSpace(at + 1)] !== CLOSING_BRACKET;
    if (isFilled) this.networksMapPorts = true;
    return this.scanner.skipValue(at);
  };

  private readonly networkMembers = new Members({
    ip_addresses: this.readAddresses,
    ip_address: this.readOwnAddress,
    port_mappings: this.readPortMappings,
  });

  private readonly readNetwork: ReadAt = (at) => {
    this.isListed = false;
    this.addressStart = 0;
    const end = readUsualObject(this.scanner, at, this.networkMembers);
    if (end >= 0 && !this.isListed) this.addAddress();
    return end;
  };

  private readonly readNetworks: ReadAt = (at) => readUsualList(this.scanner, at, this.readNetwork);

  private addAddress(): void {
    const { addressStart: start, addressEnd: end, networkAddresses: known } = this;
    if (start === 0 || start === end) return;
    this.networkAddresses =
      known.length === 0 ? this.addresses.get(start, end) : [...known, this.scanner.textOf(start, end)];
  }

  private readonly containerStatusMembers = new Members({ network_infos: this.readNetworks });
  private readonly readContainerStatus: ReadAt = (at) => readUsualObject(this.scanner, at, this.containerStatusMembers);

  private readonly statusMembers = new Members({
    state: this.readStatusState,
    timestamp: this.readTimestamp,
    container_status: this.readContainerStatus,
    labels: this.readLabels,
    healthy: this.readHealthy,
    check_status: this.unusual,
  });

  private readonly taskMembers = new Members({
    id: this.readId,
    name: this.readName,
    slave_id: this.readAgentId,
    state: this.readState,
    framework_id: this.readFrameworkId,
    resources: this.readResources,
    statuses: this.readStatuses,
    discovery: this.readDiscovery,
    container: this.readContainer,
  });
}

const EMPTY: Task = {
  id: '',
  name: '',
  agentId: '',
  state: '',
  ports: NONE,
  statuses: NONE,
  mapsPorts: false,
  discovery: null,
};
