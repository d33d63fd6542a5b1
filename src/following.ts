// Following the masters under one configuration: what state the leader tells, and when to give up. A reload makes another
// one and ends this; who leads is found out beside it, so that a session with ZooKeeper outlives what does not concern it.

import type { Config } from './config/config.ts';
import { MesosDnsError } from './errors.ts';
import type { LeaderDetector } from './leader/leader.ts';
import { type Logger, roomLogger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import { createStateClient, type StateClient } from './state/client.ts';
import { createEventStreamClient, type EventStreamClient } from './state/event-stream.ts';
import { Follower } from './state/follower.ts';
import type { LiveCluster } from './state/live-cluster.ts';
import type { MesosState } from './state/model.ts';
import { ArrivingState, parseState } from './state/parse.ts';
import type { MainPriority } from './workers/main-priority.ts';

export interface FollowingOptions {
  readonly config: Config;
  /** Started after this, or before. */
  readonly detector: LeaderDetector;
  /** Kept up to date by events; one for the life of the program. */
  readonly cluster: LiveCluster;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly onState: (state: MesosState) => void;
  /** The cluster has changed by events. */
  readonly onEvents: () => void;
  /** The masters or the leader have changed. */
  readonly onMasters: () => void;
  /** What is read of a master is made use of only then. Default: at once. */
  readonly until?: () => Promise<void>;
  /** Is told when whole states are read. */
  readonly priority?: Pick<MainPriority, 'giveWay' | 'givingWay'>;
  /** The program must end by itself. */
  readonly onFailure: (reason: MesosDnsError) => void;
}

export interface Following {
  /** Called again, it does nothing. */
  start(): void;
  /** Asks for the state again, soon. */
  refresh(): void;
  /** Nothing is reported afterwards. */
  close(): Promise<void>;
}

export function createFollowing({
  config,
  detector,
  cluster,
  logger,
  metrics,
  onState,
  onEvents,
  onMasters,
  until,
  priority,
  onFailure,
}: FollowingOptions): Following {
  const log = roomLogger(logger, 'state');
  const client = createStateClient({ config, metrics, logger: log });
  const stream = createEventStreamClient({ config, access: client });
  let started = false;
  let closed = false;
  const follower = new Follower({
    config,
    cluster,
    leader: detector,
    client: givingWay(until === undefined ? client : fetchingUntil(client, until), priority),
    stream: givingWayAtFirst(stream, priority),
    parse: Object.assign((document: Uint8Array) => parseState(document, cluster.knownTask), {
      arriving: () => new ArrivingState(cluster.knownTask),
    }),
    onState: (state) => {
      if (!closed) onState(state);
    },
    onEvents: () => {
      if (!closed) onEvents();
    },
    logger: log,
    metrics,
  });
  let deadline: { cancel(): void } = { cancel: () => undefined };
  let leave = () => {};
  return {
    start() {
      if (started) return;
      started = true;
      deadline = watchForLeader(config, detector, onFailure);
      // A master that joins or leaves changes masterN.D, though the leader is the same.
      leave = detector.onChange(onMasters);
      follower.start();
    },
    refresh: () => follower.refresh(),
    async close() {
      closed = true;
      leave();
      deadline.cancel();
      await follower.close();
      await Promise.all([client.close(), stream.close()]);
    },
  };
}

/** A client whose documents come no sooner than a promise says. */
function fetchingUntil(client: Pick<StateClient, 'fetch'>, until: () => Promise<void>): Pick<StateClient, 'fetch'> {
  return {
    async fetch(master, options) {
      const document = await client.fetch(master, options);
      await until();
      return document;
    },
  };
}

/** A client that lets others go first while a document is read. */
function givingWay(
  client: Pick<StateClient, 'fetch'>,
  priority: Pick<MainPriority, 'givingWay'> | undefined,
): Pick<StateClient, 'fetch'> {
  if (priority === undefined) return client;
  return { fetch: (master, options) => priority.givingWay(client.fetch(master, options)) };
}

/** A stream begins with the whole state. */
function givingWayAtFirst(
  stream: EventStreamClient,
  priority: Pick<MainPriority, 'giveWay'> | undefined,
): Pick<EventStreamClient, 'follow' | 'pids'> {
  return {
    follow: (...args) => {
      priority?.giveWay();
      return stream.follow(...args);
    },
    pids: (...args) => stream.pids(...args),
  };
}

/** The key `zkDetectionTimeout`, where it stands in the file and ZooKeeper is asked at all. */
function watchForLeader(
  config: Config,
  detector: LeaderDetector,
  onFailure: (reason: MesosDnsError) => void,
): { cancel(): void } {
  const seconds = config.zk === '' ? null : config.exitWithoutLeaderSeconds;
  if (seconds === null) return { cancel: () => undefined };
  let timer: NodeJS.Timeout | undefined;
  const start = () => {
    timer ??= setTimeout(
      () => onFailure(new MesosDnsError('ERR_LEADER', `no leading master for ${seconds} s (zkDetectionTimeout)`)),
      seconds * 1000,
    );
  };
  const leave = detector.onChange(({ leader }) => {
    if (leader === null) return start();
    clearTimeout(timer);
    timer = undefined;
  });
  if ((detector.current?.leader ?? null) === null) start();
  return {
    cancel() {
      leave();
      clearTimeout(timer);
    },
  };
}
