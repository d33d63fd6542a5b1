// The zone in force: keeps the records of the cluster up to date, and publishes them where they differ from the last ones.

import type { Config } from '../config/config.ts';
import { firstSerial, laterSerial } from '../dns/serial.ts';
import { messageOf } from '../errors.ts';
import { type ClusterGuard, underLeader } from '../guard/cluster-guard.ts';
import type { HostAddresses } from '../hosts/host-addresses.ts';
import { formatEndpoint, type MasterSet } from '../leader/leader.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { hostsToResolve } from '../records/addresses.ts';
import { nameServerAddresses, type Warn } from '../records/cluster.ts';
import type { DeriveInput } from '../records/derive.ts';
import { changesBetween, type RecordChanges } from '../records/record-changes.ts';
import { RecordIndex, type Surroundings } from '../records/record-index.ts';
import type { RecordSet } from '../records/record-set.ts';
import type { StoredImage } from '../snapshot/image-file.ts';
import { type ClusterSnapshot, contentOf } from '../snapshot/snapshot.ts';
import type { Arrival, ClusterChanges } from '../state/cluster-changes.ts';
import { LiveCluster } from '../state/live-cluster.ts';
import type { MesosState } from '../state/model.ts';
import { TablePublisher, type TablePublisherOptions } from './table-publisher.ts';

/** What is being served. */
export class ServedZone {
  /** The maps go on with the zone; the lists in them never change. */
  readonly records: RecordSet;
  readonly serial: number;
  /** It comes from a snapshot, and no master has confirmed it. */
  readonly isStale: boolean;
  /** What of the configuration stands in its table; see contentOf. */
  readonly content: string;
  readonly #input: () => DeriveInput;

  constructor(records: RecordSet, serial: number, isStale: boolean, content: string, input: () => DeriveInput) {
    this.records = records;
    this.serial = serial;
    this.isStale = isStale;
    this.content = content;
    this.#input = input;
  }

  /** What the records are derived from; put together when it is asked for. */
  get input(): DeriveInput {
    return this.#input();
  }
}

export interface ZoneOptions extends TablePublisherOptions {
  readonly hosts: Pick<HostAddresses, 'resolve' | 'lookup' | 'learn'>;
  readonly guard: Pick<ClusterGuard, 'admit' | 'holdsLoss' | 'noteAwaited'>;
  /** What to publish; by default a cluster of its own, for whole states alone. */
  readonly cluster?: LiveCluster;
  /** The masters as the leader room knows them. */
  readonly masters: () => MasterSet | null;
  /** Addresses of this machine's interfaces, IP literals. */
  readonly interfaceAddresses: () => readonly string[];
  readonly metrics: TablePublisherOptions['metrics'] &
    Pick<Metrics, 'propagation' | 'zonesPublished' | 'zonePublishedTimestamp' | 'zoneStale' | 'tasksGone'>;
  /** Unix time, milliseconds. */
  readonly now?: () => number;
  /** Told of every new zone, and every time that a master has confirmed the one in force. */
  readonly onServed?: (zone: ServedZone) => void;
}

interface PublishOptions {
  /** Nothing but tasks has changed since the last time. */
  readonly isOnlyTasks?: boolean;
  /** The cluster before a whole state was taken over, to which to go back where that takes away too much. */
  readonly mayHold?: MesosState | null;
}

/** The first zone waits so long for host names; later ones keep the addresses known before. */
const FIRST_RESOLUTION_MS = 2000;
/** From the end of one publication to the next, at least, and as a multiple of what one takes. */
const GAP_MS = 4;
const GAP_SHARE = 1;
/** A zone that does not fit will hardly do so at once. */
const REFUSED_PAUSE_MS = 10_000;

export class Zone {
  readonly #options: ZoneOptions;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #cluster: LiveCluster;
  readonly #tables: TablePublisher;
  #config: Config;
  /** The table in force was made for another configuration. */
  #isOutdated = false;
  #served: ServedZone | null = null;
  /** Null before the first zone, and after one that could not be published. */
  #index: RecordIndex | null = null;
  /** Of the index: how many of its steps the zone in force has taken. */
  #stepsServed = 0;
  /** A serial that was used before this start, beside those of a snapshot. */
  #usedSerial: number | null = null;
  /** What was taken from the cluster, and no zone in force has yet. */
  #unanswered = new Unanswered();
  /** A state that would have taken away too much. */
  #held: MesosState | null = null;
  #newest = 0;
  #timer: NodeJS.Timeout | null = null;
  #notBeforeMs = 0;
  #closed = false;
  /** Making a generation has failed halfway: what the table says is not known, and all of it is published next. */
  #isTableUnknown = false;
  #warned = new Set<string>();
  /** A master has told a state since the start. */
  #isConfirmed = false;
  /** Of a snapshot: the masters, until the leader room knows of any. */
  #rememberedMasters: readonly string[] = [];

  /** Resolves when there is a zone for the first time. */
  readonly first: Promise<void>;
  #onFirst = () => {};

  constructor(options: ZoneOptions) {
    this.first = new Promise((resolve) => {
      this.#onFirst = resolve;
    });
    this.#options = options;
    this.#log = options.logger;
    this.#cluster = options.cluster ?? new LiveCluster();
    this.#cluster.beforeMerge = () => this.#takeChanges();
    this.#now = options.now ?? Date.now;
    this.#config = options.config;
    this.#tables = new TablePublisher(options);
  }

  /** What of the configuration stands in a table that is made now. */
  get content(): string {
    return contentOf(this.#config);
  }

  /** Goes over to another configuration, at once. */
  configure(config: Config): void {
    this.#config = config;
    this.#tables.configure(config);
    this.#isOutdated = true;
    this.#index = null;
    if (this.#cluster.leader === null) this.open();
    else this.#publish({});
  }

  /** null until a first state was derived. */
  get served(): ServedZone | null {
    return this.#served;
  }

  /** Publishes a table that forwards foreign names and answers SERVFAIL for ours. Called before sockets open. */
  open(): void {
    const serial = firstSerial(null, this.#now() / 1000);
    this.#tables.publish({ records: null, serial, changes: null, isStale: false });
  }

  /** Serials up to this one may have been used before: the first zone has one behind it. */
  startAfter(serial: number): void {
    this.#usedSerial = serial;
  }

  /**
   * Serves what restore() will serve, until that is made.
   * @returns false where it does not fit
   */
  restoreImage(stored: StoredImage, serial: number): boolean {
    return this.#tables.publishImage(stored, serial);
  }

  /** Serves what was known before a restart, under the serial of then, until a master has been read. */
  restore({ state, masters, hosts, serial }: ClusterSnapshot): void {
    this.#rememberedMasters = masters;
    this.#options.hosts.learn(hosts);
    this.#cluster.take(state);
    this.#cluster.takeChanges();
    const index = this.#newIndex();
    const { records } = index;
    if (!this.#tables.publish({ records, serial, changes: null, isStale: true })) return;
    this.#index = index;
    this.#stepsServed = index.steps;
    this.#options.metrics.zoneStale.set(1);
    this.#served = new ServedZone(records, serial, true, this.content, () => this.#input());
    this.#onFirst();
    void this.#options.hosts.resolve(this.#hosts(), { waitMs: 0 });
  }

  /** Takes over a whole state that a master has told, and publishes it. Never rejects. */
  async update(told: MesosState): Promise<void> {
    const { guard, hosts } = this.#options;
    const cluster = this.#cluster;
    cluster.expire();
    const before = cluster.leader === null ? null : cluster.toState();
    cluster.take(guard.admit(told, before));
    this.#held = null;
    this.#isConfirmed = true;
    if (this.#served !== null) {
      void hosts.resolve(this.#hosts(), { waitMs: 0 });
      this.#publish({ mayHold: before });
      return;
    }
    this.#newest += 1;
    const newest = this.#newest;
    await hosts.resolve(this.#hosts(), { waitMs: FIRST_RESOLUTION_MS });
    // A newer one may have come meanwhile; its own call publishes it.
    if (this.#newest === newest) this.#publish({});
  }

  /**
   * The cluster has changed by events. The first change is published at once, those that follow closely together with
   * others a few milliseconds later.
   */
  changed(): void {
    // What is held back is not the newest any more; the next whole state is.
    this.#held = null;
    if (this.#served === null || this.#timer !== null || this.#closed) return;
    const waitMs = this.#notBeforeMs - performance.now();
    if (waitMs <= 0) {
      this.#publishChanges();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#publishChanges();
    }, waitMs);
  }

  /** Derives again what hangs on host names or masters, which have changed; and looks again at what is held back. */
  refresh(): void {
    const held = this.#held;
    if (held !== null) {
      const before = this.#cluster.toState();
      this.#cluster.take(held);
      this.#publish({ mayHold: before });
    } else if (this.#cluster.leader !== null) {
      this.#publish({});
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Takes changes over without publishing them, so that others do not come on top of them. */
  #takeChanges(): void {
    const index = this.#index;
    if (index === null || this.#served === null) return;
    const { isOnlyTasks } = this.#cluster.changes;
    if (!isOnlyTasks) void this.#options.hosts.resolve(this.#hosts(), { waitMs: 0 });
    try {
      this.#apply(index, isOnlyTasks);
    } catch (err) {
      this.#giveUp(err);
    }
  }

  #publishChanges(): void {
    const { isOnlyTasks } = this.#cluster.changes;
    if (!isOnlyTasks) void this.#options.hosts.resolve(this.#hosts(), { waitMs: 0 });
    const startedAtMs = performance.now();
    const isPublished = this.#publish({ isOnlyTasks });
    const endedAtMs = performance.now();
    const pauseMs = isPublished ? Math.max(GAP_MS, GAP_SHARE * (endedAtMs - startedAtMs)) : REFUSED_PAUSE_MS;
    this.#notBeforeMs = endedAtMs + pauseMs;
    if (!isPublished) this.changed();
  }

  /** @returns false where that failed and the zone before stays. */
  #publish(options: PublishOptions): boolean {
    try {
      return this.#bringUpToDate(options);
    } catch (err) {
      this.#giveUp(err);
      return false;
    }
  }

  #giveUp(reason: unknown): void {
    this.#index = null;
    this.#isTableUnknown = true;
    this.#log.error(`the zone could not be published; the one before stays: ${messageOf(reason)}`);
  }

  #bringUpToDate({ isOnlyTasks = false, mayHold = null }: PublishOptions): boolean {
    const { guard } = this.#options;
    const { awaitedAgentCount } = this.#cluster;
    guard.noteAwaited(awaitedAgentCount, awaitedAgentCount === 0 ? 0 : this.#cluster.awaitedTaskCount);
    const last = this.#served;
    const known = this.#index;
    const index = known ?? this.#newIndex();
    let changes: RecordChanges | null;
    let steps: number;
    let before = () => last?.records ?? null;
    if (known === null) {
      this.#unanswered.add(this.#cluster.takeChanges());
      changes = last === null || this.#isTableUnknown ? null : changesBetween(last.records, index.records);
      // It is only known whether anything differs.
      steps = Number(changes !== null);
    } else {
      const isHeld = mayHold !== null && this.#applyOrHold(known, mayHold);
      if (mayHold === null) this.#apply(known, isOnlyTasks);
      const taken = known.takeChanges();
      changes = taken;
      // There and back again is no change where the way there was not published; but the leader may be another one.
      steps = isHeld ? 0 : known.steps - this.#stepsServed;
      if (changes !== null) steps = Math.max(1, steps);
      if (taken !== null) before = taken.before;
    }
    const isStale = !this.#isConfirmed;
    const { content } = this;
    const isOtherContent = this.#isTableUnknown || content !== last?.content;
    if (isOtherContent) steps = Math.max(1, steps);
    if (last !== null && steps === 0 && last.isStale === isStale && !this.#isOutdated) {
      this.#index = index;
      this.#stepsServed = index.steps;
      this.#serve(new ServedZone(index.records, last.serial, isStale, last.content, () => this.#input()));
      this.#answer();
      return true;
    }
    const serial = last === null ? firstSerial(this.#usedSerial, this.#now() / 1000) : laterSerial(last.serial, steps);
    // The records are those of before once more, after others that were not published: only the serial differs.
    // Or a master has confirmed them, which stands in the table's header.
    const isSaidAnew = steps > 0 || last?.isStale === true;
    if (known !== null && changes === null && isSaidAnew && !isOtherContent) changes = NOTHING;
    // Settings stand in the table as a whole: none of it can be kept.
    if (this.#isTableUnknown || this.#isOutdated) changes = null;
    const { records } = index;
    if (!this.#tables.publish({ records, serial, changes, isStale })) {
      const kept = before();
      if (last !== null && kept !== null) {
        const { input } = last;
        this.#served = new ServedZone(kept, last.serial, last.isStale, last.content, () => input);
      }
      this.#index = null;
      return false;
    }
    this.#index = index;
    this.#stepsServed = index.steps;
    this.#isTableUnknown = false;
    this.#isOutdated = false;
    this.#countPublished(isStale);
    this.#serve(new ServedZone(records, serial, isStale, content, () => this.#input()));
    this.#answer();
    return true;
  }

  #newIndex(): RecordIndex {
    this.#tables.expect(this.#cluster.taskCount);
    const unknownHosts = new Set<string>();
    const index = new RecordIndex(
      this.#config,
      this.#cluster,
      this.#surroundings((line) => unknownHosts.add(line)),
    );
    this.#warnOfNew(unknownHosts);
    // After the table is in force: what only later changes need.
    setImmediate(() => index.settle());
    return index;
  }

  #apply(index: RecordIndex, isOnlyTasks: boolean): void {
    const changes = this.#cluster.takeChanges();
    this.#unanswered.add(changes);
    if (isOnlyTasks) {
      index.updateTasks(this.#cluster, changes);
      return;
    }
    const unknownHosts = new Set<string>();
    index.update(
      this.#cluster,
      changes,
      this.#surroundings((line) => unknownHosts.add(line)),
    );
    this.#warnOfNew(unknownHosts);
  }

  /** Goes back to the cluster of before where a state takes away too much. @returns whether it did */
  #applyOrHold(index: RecordIndex, before: MesosState): boolean {
    this.#apply(index, false);
    const { published, lost } = index.losses();
    this.#held = null;
    const { endedTasks, lostTasks, lostAgents } = this.#unanswered;
    const loss = { before: published, removed: lost, endedTasks, lostTasks, lostAgents };
    if (!this.#options.guard.holdsLoss(loss)) return false;
    this.#held = this.#cluster.toState();
    this.#unanswered.forgetLosses();
    this.#cluster.take(underLeader(before, this.#held));
    this.#apply(index, false);
    return true;
  }

  /** What was taken from the cluster is in force. */
  #answer(): void {
    const { arrivals, endedTasks, lostTasks, lostAgents } = this.#unanswered;
    this.#unanswered = new Unanswered();
    this.#measure(arrivals);
    const { tasksGone } = this.#options.metrics;
    tasksGone.inc({ how: 'ended' }, endedTasks);
    tasksGone.inc({ how: 'lost' }, lostTasks);
    if (lostTasks > 0) this.#log.info({ agents: lostAgents, tasks: lostTasks }, 'tasks are lost with their agents');
  }

  #input(): DeriveInput {
    return { state: this.#cluster.toState(), config: this.#config, ...this.#surroundings(() => undefined) };
  }

  #surroundings(warn: Warn): Surroundings {
    const { hosts } = this.#options;
    return {
      hostAddresses: (host) => hosts.lookup(host),
      masters: this.#knownMasters(),
      nameServerAddresses: nameServerAddresses(this.#config, this.#options.interfaceAddresses()),
      warn,
    };
  }

  #hosts(): string[] {
    const { agents, frameworks } = this.#cluster;
    const known = [...frameworks.values()].flatMap(({ info }) => (info === null ? [] : [info]));
    return hostsToResolve({ agents: [...agents.values()], frameworks: known }, this.#knownMasters());
  }

  /** How long news took to be answered. */
  #measure(arrivals: readonly Arrival[]): void {
    if (arrivals.length === 0) return;
    const { propagation } = this.#options.metrics;
    const nowMs = performance.now();
    const nowSeconds = this.#now() / 1000;
    for (const { receivedAtMs, happenedAt } of arrivals) {
      propagation.observe({ since: 'receipt' }, Math.max(0, nowMs - receivedAtMs) / 1000);
      if (happenedAt !== null) propagation.observe({ since: 'event' }, Math.max(0, nowSeconds - happenedAt));
    }
  }

  #serve(zone: ServedZone): void {
    this.#served = zone;
    this.#onFirst();
    if (!zone.isStale) this.#options.onServed?.(zone);
  }

  #countPublished(isStale: boolean): void {
    const { metrics } = this.#options;
    metrics.zonesPublished.inc();
    metrics.zonePublishedTimestamp.set(this.#now() / 1000);
    metrics.zoneStale.set(isStale ? 1 : 0);
  }

  #knownMasters(): string[] {
    const known = this.#options.masters();
    if (known === null && this.#rememberedMasters.length > 0) return [...this.#rememberedMasters];
    // The configured ones in the spelling of the file, which their records show.
    if (known === null || known.source === 'static') return [...this.#config.masters];
    return known.masters.map(formatEndpoint);
  }

  /** A host without an address is named once, and again after it had one. */
  #warnOfNew(lines: ReadonlySet<string>): void {
    for (const line of lines) if (!this.#warned.has(line)) this.#log.warn(line);
    this.#warned = new Set(lines);
  }
}

const NOTHING: RecordChanges = { names: new Set(), pointers: new Set() };

/** Enough for any publication that comes about. */
const MAX_ARRIVALS = 100_000;

/** What changes say of themselves, until they are answered. */
class Unanswered {
  readonly arrivals: Arrival[] = [];
  endedTasks = 0;
  lostTasks = 0;
  readonly #agents = new Set<string>();

  get lostAgents(): number {
    return this.#agents.size;
  }

  add({ arrivals, endedCount, lost }: ClusterChanges): void {
    // Where zones are refused again and again, they would be kept for ever.
    for (const arrival of arrivals) if (this.arrivals.length < MAX_ARRIVALS) this.arrivals.push(arrival);
    this.endedTasks += endedCount;
    for (const [agentId, count] of lost) {
      this.lostTasks += count;
      this.#agents.add(agentId);
    }
  }

  /** They do not come about. */
  forgetLosses(): void {
    this.endedTasks = 0;
    this.lostTasks = 0;
    this.#agents.clear();
  }
}
