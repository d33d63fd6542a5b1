// Registers stand-in masters in a real ZooKeeper, as Mesos masters do: one ephemeral sequential node each, holding
// its MasterInfo (`src/master/contender/zookeeper.cpp`).

import type { Socket } from 'node:net';
import zookeeper from 'node-zookeeper-client';
import type { Ensemble } from './ensemble.ts';
import type { StandinMaster } from './master.ts';
import { type MasterIdentity, masterPid } from './state-document.ts';

export interface RegistrationOptions {
  /** `host:port,host:port`, IPv4 or names. */
  readonly servers: string;
  /** The election path, `/mesos`. Made if it is missing. */
  readonly path: string;
  /** Milliseconds (default 4000; masters ask for 10000). */
  readonly sessionTimeoutMs?: number;
  /** JSON (default; 0.24 and later) or protobuf (0.17–0.23). */
  readonly format?: 'json' | 'protobuf';
}

/** One master's node. */
export interface Registration {
  /** Full path of the node. */
  readonly znode: string;
  /** Whether the session has a connection at present. */
  isConnected(): boolean;
  /** Closes the session: the node goes at once if there is a connection, else when the session expires. */
  close(): Promise<void>;
  /** Drops the connection without a word: the node goes when the session expires. */
  crash(): void;
}

/** MasterInfo as JSON (`json.info_…`). */
export function masterInfo(master: MasterIdentity, version: string): Readonly<Record<string, unknown>> {
  return {
    address: { hostname: master.hostname, ip: master.ip, port: master.port },
    capabilities: [{ type: 'AGENT_UPDATE' }, { type: 'AGENT_DRAINING' }, { type: 'QUOTA_V2' }],
    hostname: master.hostname,
    id: master.id,
    ip: littleEndianAddress(master.ip),
    pid: masterPid(master),
    port: master.port,
    version,
  };
}

/** MasterInfo as protobuf with the fields that 0.17–0.23 wrote (`info_…`): id 1, ip 2, port 3, pid 4, hostname 5. */
export function masterInfoProtobuf(master: MasterIdentity): Buffer {
  const string = (field: number, value: string): readonly number[] => {
    const bytes = Buffer.from(value);
    return [(field << 3) | 2, ...varint(bytes.length), ...bytes];
  };
  const number = (field: number, value: number): readonly number[] => [field << 3, ...varint(value)];
  return Buffer.from([
    ...string(1, master.id),
    ...number(2, littleEndianAddress(master.ip)),
    ...number(3, master.port),
    ...string(4, masterPid(master)),
    ...string(5, master.hostname),
  ]);
}

const SILENCE_MS = 2000;

/** Registers one master. Rejects when ZooKeeper cannot be reached within the session time-out. */
export async function registerMaster(master: StandinMaster, options: RegistrationOptions): Promise<Registration> {
  const sessionTimeout = options.sessionTimeoutMs ?? 4000;
  const client = zookeeper.createClient(options.servers, { sessionTimeout, spinDelay: 100 });
  try {
    await connect(client, sessionTimeout);
    // As masters do with their replicated log; it takes a sequence number of its own.
    await call<string>((done) => client.mkdirp(`${options.path}/log_replicas`, done));
    const { label, data } = contents(master, options.format ?? 'json');
    const mode = zookeeper.CreateMode.EPHEMERAL_SEQUENTIAL;
    const znode = await call<string>((done) => client.create(`${options.path}/${label}`, data, mode, done));
    const isConnected = () => client.getState() === zookeeper.State.SYNC_CONNECTED;
    const unstick = keepReconnecting(client, isConnected);
    return {
      znode,
      isConnected,
      close: () => close(client).finally(unstick),
      crash: () => {
        unstick();
        abandon(client);
      },
    };
  } catch (error) {
    abandon(client);
    throw error;
  }
}

/** Keeps the nodes of an ensemble's masters in step with its contenders, so that its leader has the lowest sequence. */
export class EnsembleRegistration {
  readonly #options: RegistrationOptions;
  readonly #registrations = new Map<StandinMaster, Registration>();
  readonly #unsubscribe: () => void;
  #queue: Promise<void> = Promise.resolve();
  #failure: unknown = null;

  /** Registers the present contenders in their order and follows every change. Await `settled` before relying on it. */
  constructor(ensemble: Ensemble, options: RegistrationOptions) {
    this.#options = options;
    for (const master of ensemble.contenders) this.#enqueue(() => this.#join(master));
    this.#unsubscribe = ensemble.onMembership((change) => {
      this.#enqueue(() =>
        change.kind === 'joined' ? this.#join(change.master) : this.#leave(change.master, change.crashed),
      );
    });
  }

  /** Full path of a master's node. */
  znodeOf(master: StandinMaster): string | undefined {
    return this.#registrations.get(master)?.znode;
  }

  /** Resolves when ZooKeeper holds what the ensemble has done so far; rejects if something of it failed. */
  async settled(): Promise<void> {
    await this.#queue;
    if (this.#failure !== null) throw this.#failure;
  }

  /** Whether every master's session has a connection at present: after an outage they come back by themselves. */
  get isConnected(): boolean {
    return [...this.#registrations.values()].every((registration) => registration.isConnected());
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#queue;
    await Promise.all([...this.#registrations.values()].map((registration) => registration.close()));
    this.#registrations.clear();
  }

  #enqueue(step: () => Promise<void>): void {
    this.#queue = this.#queue.then(step).catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  async #join(master: StandinMaster): Promise<void> {
    this.#registrations.set(master, await registerMaster(master, this.#options));
  }

  async #leave(master: StandinMaster, crashed: boolean): Promise<void> {
    const registration = this.#registrations.get(master);
    this.#registrations.delete(master);
    if (crashed) registration?.crash();
    else await registration?.close();
  }
}

/** A master's node: the label in front of its number, and what it holds. */
export function contents(master: StandinMaster, format: 'json' | 'protobuf'): { label: string; data: Buffer } {
  if (format === 'protobuf') return { label: 'info_', data: masterInfoProtobuf(master.identity) };
  const info = masterInfo(master.identity, master.features.version);
  return { label: 'json.info_', data: Buffer.from(JSON.stringify(info)) };
}

/** An IPv4 address as Mesos stores it: the first octet is the lowest byte (127.0.0.1 is 16777343). */
function littleEndianAddress(ip: string): number {
  return ip.split('.').reduceRight((sum, octet) => sum * 256 + Number(octet), 0);
}

function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

export type Client = ReturnType<typeof zookeeper.createClient>;

/** The parts of the library's inside that an abrupt end needs; it offers no other way to die without a goodbye. */
interface Inside {
  readonly connectionManager: {
    state: number;
    readonly socket?: Socket;
    readonly connectTimeoutHandler?: NodeJS.Timeout;
    onSocketData(): void;
    onSocketConnected(): void;
    removeAllListeners(): void;
  };
}

async function connect(client: Client, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ZooKeeper session within ${timeoutMs} ms`)), timeoutMs);
    client.once('connected', () => {
      clearTimeout(timer);
      resolve();
    });
    client.connect();
  });
}

/**
 * The library waits for ever for a server that takes the connection and says nothing, as one that is starting may:
 * a connection without a session is given up after a while, and the library tries the next one.
 *
 * @returns ends it
 */
export function keepReconnecting(client: Client, isConnected: () => boolean): () => void {
  let silentSince: number | null = null;
  const timer = setInterval(() => {
    if (isConnected()) silentSince = null;
    else if (silentSince === null) silentSince = performance.now();
    else if (performance.now() - silentSince > SILENCE_MS) {
      silentSince = null;
      (client as unknown as Inside).connectionManager.socket?.destroy();
    }
  }, SILENCE_MS / 4).unref();
  return () => clearInterval(timer);
}

async function close(client: Client): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      abandon(client);
      resolve();
    }, 1000);
    client.once('disconnected', () => {
      clearTimeout(timer);
      resolve();
    });
    client.close();
  });
}

/** Drops the connection without a word. */
export function abandon(client: Client): void {
  const { connectionManager } = client as unknown as Inside;
  client.removeAllListeners();
  connectionManager.removeAllListeners();
  connectionManager.state = -1; // closing: it does not connect again
  connectionManager.onSocketData = () => undefined;
  connectionManager.onSocketConnected = () => connectionManager.socket?.destroy();
  clearTimeout(connectionManager.connectTimeoutHandler);
  connectionManager.socket?.destroy();
}

/** One call of the library as a promise. */
export async function call<T>(
  run: (done: (error: Error | zookeeper.Exception | null, result: T) => void) => void,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    run((error, result) => (error === null || error === undefined ? resolve(result) : reject(error)));
  });
}
