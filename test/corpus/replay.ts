// Captures of a running Mesos, played to the real follower, guard and zone with the timing that they had, on a clock that
// stands still between two steps: streams, states and znodes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Engine } from '../../src/engine/engine.ts';
import { ClusterGuard } from '../../src/guard/cluster-guard.ts';
import { candidatesOf, electionOf } from '../../src/leader/election.ts';
import { formatEndpoint, type Master, type MasterSet } from '../../src/leader/leader.ts';
import { decodeMaster } from '../../src/leader/master-info.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { parsePid } from '../../src/state/endpoint.ts';
import type { EventStreamClient, StreamEnd } from '../../src/state/event-stream.ts';
import { Follower } from '../../src/state/follower.ts';
import { LiveCluster } from '../../src/state/live-cluster.ts';
import { parseState } from '../../src/state/parse.ts';
import { RecordDecoder } from '../../src/state/record-io.ts';
import { Zone } from '../../src/zone/zone.ts';
import { load } from '../config/support.ts';
import { recordedLog } from '../support/log.ts';

const CAPTURES = fileURLToPath(new URL('../../../test/fixtures/captures', import.meta.url));
const DOCUMENTS = fileURLToPath(new URL('../../../test/fixtures/corpus/real-mesos', import.meta.url));
const STEP_MS = 10;
/** The follower begins so long before the capture: without any state it asks for a stream after a while only. */
const LEAD_MS = 4000;

export function capture(path: string): Buffer {
  return readFileSync(join(CAPTURES, path));
}

/** A document that the corpus has, with the records that follow from it. */
export function document(path: string): Buffer {
  return readFileSync(join(DOCUMENTS, path));
}

export function linesOf<T>(path: string): T[] {
  return capture(path)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

export function recordsOf(path: string): Buffer[] {
  const records: Buffer[] = [];
  new RecordDecoder(1e9).push(capture(path), (record) => records.push(Buffer.from(record)));
  return records;
}

/** An event stream of one master. Times are those of the replay, seconds. */
export interface StreamTrack {
  readonly endpoint: string;
  /** Subscribing is possible from then on; before, the master says that it is not ready. */
  readonly fromS: number;
  readonly records: readonly { readonly atS: number; readonly bytes: Buffer }[];
  /** When the connection ended; null: it did not. */
  readonly endS: number | null;
}

/** @param name of a capture, without its endings @param fromS when it was asked for, in the time of the replay */
export function streamTrack(endpoint: string, name: string, fromS: number): StreamTrack {
  const bytes = recordsOf(`${name}.recordio`);
  const lines = linesOf<{ readonly t: number; readonly i?: number; readonly end?: string }>(`${name}.timeline.jsonl`);
  const records = lines.flatMap(({ t, i }) => {
    const record = i === undefined ? undefined : bytes[i];
    return record === undefined ? [] : [{ atS: fromS + t, bytes: record }];
  });
  const end = lines.find((line) => line.end === 'EOF');
  return { endpoint, fromS, records, endS: end === undefined ? null : fromS + end.t };
}

/** The masters as ZooKeeper named them, whenever that changed. */
export function elections(folder: string): readonly { readonly atS: number; readonly masters: MasterSet }[] {
  const lines = linesOf<{ readonly t: number; readonly what: string; readonly saved?: string }>(
    `${folder}/watch.timeline.jsonl`,
  );
  return lines.flatMap(({ t, what, saved }) => {
    if (what !== 'zk' || saved === undefined) return [];
    const nodes = JSON.parse(capture(`${folder}/${saved}`).toString()) as { path: string; data: string }[];
    const data = new Map(nodes.map((node) => [node.path.slice(node.path.lastIndexOf('/') + 1), node.data]));
    const candidates = candidatesOf([...data.keys()]);
    const decoded = candidates.map(({ name, format }) => decodeMaster(format, Buffer.from(data.get(name) ?? '')));
    const { leader, masters } = electionOf(candidates, decoded);
    return [{ atS: t, masters: { leader: leader?.master ?? null, masters, source: 'zookeeper' as const } }];
  });
}

export interface ReplayOptions {
  readonly streams: readonly StreamTrack[];
  /** In force at the beginning, and from each time on. */
  readonly elections: readonly { readonly atS: number; readonly masters: MasterSet }[];
  /** What `/state` of a master answers now; null: nothing, as where nobody listens. */
  readonly state: (endpoint: string, atS: number) => Buffer | null;
  readonly version: string;
}

export class Replay {
  readonly cluster: LiveCluster;
  readonly zone: Zone;
  readonly follower: Follower;
  readonly #options: ReplayOptions;
  readonly #listeners: ((masters: MasterSet) => void)[] = [];
  #masters: MasterSet | null = null;
  #nowMs = -LEAD_MS;

  static async start(options: ReplayOptions): Promise<Replay> {
    const { config } = await load({ zk: 'zk://127.0.0.1:2181/mesos', domain: 'mesos' });
    return new Replay(options, config, await Engine.create());
  }

  private constructor(options: ReplayOptions, config: Awaited<ReturnType<typeof load>>['config'], engine: Engine) {
    this.#options = options;
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    mock.method(performance, 'now', () => this.#nowMs + LEAD_MS);
    const { log } = recordedLog();
    const metrics = createMetrics();
    this.cluster = new LiveCluster({ recoveryMs: () => config.agentReregisterSeconds * 1000 });
    this.zone = new Zone({
      config,
      cluster: this.cluster,
      engine,
      hosts: { resolve: async () => undefined, lookup: () => [], learn: () => undefined },
      guard: new ClusterGuard({ config, logger: log, metrics }),
      masters: () => this.#masters,
      interfaceAddresses: () => [],
      logger: log,
      metrics,
    });
    this.zone.open();
    const masters = () => this.#masters;
    this.follower = new Follower({
      config,
      cluster: this.cluster,
      leader: {
        get current() {
          return masters();
        },
        onChange: (listener) => {
          this.#listeners.push(listener);
          return () => undefined;
        },
      },
      client: { fetch: (master) => this.#fetch(master) },
      stream: this.#streams(),
      parse: parseState,
      onState: (state) => void this.zone.update(state),
      onEvents: () => this.zone.changed(),
      logger: log,
      metrics,
      random: () => 0.5,
    });
    this.#elect();
    this.follower.start();
  }

  get nowS(): number {
    return this.#nowMs / 1000;
  }

  /** Names of A and SRV records in force. */
  get names(): ReadonlySet<string> {
    const records = this.zone.served?.records;
    return new Set([...(records?.as.keys() ?? []), ...(records?.srvs.keys() ?? [])]);
  }

  /** Lets time pass. @param look called after each step */
  async until(atS: number, look: () => void = () => undefined): Promise<void> {
    while (this.nowS < atS) {
      this.#nowMs += STEP_MS;
      this.#elect();
      mock.timers.tick(STEP_MS);
      for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
      look();
    }
  }

  async close(): Promise<void> {
    this.zone.close();
    const closed = this.follower.close();
    mock.timers.tick(1000);
    await closed;
    mock.timers.reset();
    mock.restoreAll();
  }

  #elect(): void {
    const election = this.#options.elections.findLast(({ atS }) => atS <= this.nowS) ?? this.#options.elections[0];
    if (election === undefined || election.masters === this.#masters) return;
    this.#masters = election.masters;
    for (const listener of this.#listeners) listener(election.masters);
  }

  async #fetch(master: Master) {
    const bytes = this.#options.state(formatEndpoint(master), this.nowS);
    if (bytes === null) throw refused();
    return { bytes, master, addresses: [master.host] };
  }

  #streams(): EventStreamClient {
    return {
      pids: async (master) => {
        // As `/frameworks` tells, which has what `/state` has.
        const bytes = this.#options.state(formatEndpoint(master), this.nowS);
        if (bytes === null) throw refused();
        const { frameworks } = JSON.parse(bytes.toString()) as { frameworks: { id: string; pid?: string }[] };
        return new Map(frameworks.map(({ id, pid }) => [id, pid === undefined ? null : parsePid(pid)]));
      },
      close: async () => undefined,
      follow: async (master, _known, handlers, signal) => {
        const endpoint = formatEndpoint(master);
        const track = this.#options.streams.find((each) => each.endpoint === endpoint);
        const isOver = track !== undefined && track.endS !== null && track.endS <= this.nowS;
        if (track === undefined || isOver || track.fromS > this.nowS) {
          return { kind: 'lost', reason: 'nobody is there', isAbsence: true };
        }
        handlers.opened({ version: this.#options.version, leader: { host: master.host, port: String(master.port) } });
        return await this.#play(track, handlers, signal);
      },
    };
  }

  #play(
    { records, endS }: StreamTrack,
    handlers: Parameters<EventStreamClient['follow']>[2],
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    return new Promise((resolve, reject) => {
      const at = (atS: number, what: () => void) => setTimeout(what, Math.max(0, atS - this.nowS) * 1000);
      const timers = records.map(({ atS, bytes }) =>
        at(atS, () => {
          handlers.record(bytes, performance.now());
          handlers.drained();
        }),
      );
      if (endS !== null) {
        timers.push(at(endS, () => resolve({ kind: 'lost', reason: 'the event stream is cut', isAbsence: false })));
      }
      signal.addEventListener('abort', () => {
        for (const timer of timers) clearTimeout(timer);
        reject(signal.reason);
      });
    });
  }
}

function refused(): Error {
  return Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
}
