// A stand-in master that takes part in a real election by itself, as a Mesos master does: it leads while its node is the
// first, and must end when it no longer does, or when its session is over (src/master/main.cpp, src/master/contender).

import zookeeper from 'node-zookeeper-client';
import { systemClock } from './clock.ts';
import type { StandinMaster } from './master.ts';
import { type RecoveryPace, startRecovery } from './recovery.ts';
import { abandon, type Client, call, contents, keepReconnecting, type RegistrationOptions } from './registration.ts';
import type { MasterIdentity } from './state-document.ts';

export interface ContenderOptions extends Omit<RegistrationOptions, 'format'> {
  readonly pace: RecoveryPace;
  /** Its node is there. */
  readonly onJoined: () => void;
  readonly onElected: () => void;
  /** The process of a real master ends here. */
  readonly onLost: (reason: string) => void;
}

const LABEL = 'json.info_';

export class Contender {
  readonly #master: StandinMaster;
  readonly #options: ContenderOptions;
  readonly #client: Client;
  readonly #sessionTimeoutMs: number;
  readonly #stopReconnecting: () => void;
  /** The last part of the node's path; null until it is made. */
  #node: string | null = null;
  #isElected = false;
  #isOver = false;
  #stopRecovery: () => void = () => undefined;
  #silence: NodeJS.Timeout | null = null;
  /** One function: the library keeps a watch for each. */
  readonly #onWatch = (): void => this.#look();

  /** The master has started. Joins as soon as ZooKeeper can be reached. */
  constructor(master: StandinMaster, options: ContenderOptions) {
    this.#master = master;
    this.#options = options;
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? 4000;
    this.#client = zookeeper.createClient(options.servers, { sessionTimeout: this.#sessionTimeoutMs, spinDelay: 100 });
    this.#stopReconnecting = keepReconnecting(
      this.#client,
      () => this.#client.getState() === zookeeper.State.SYNC_CONNECTED,
    );
    this.#client.on('connected', () => this.#onConnected());
    this.#client.on('disconnected', () => this.#onDisconnected());
    this.#client.on('expired', () => this.#lose('the session has expired'));
    this.#client.connect();
  }

  get isElected(): boolean {
    return this.#isElected;
  }

  /** Drops the connection without a word; nothing is called back any more. */
  crash(): void {
    this.#isOver = true;
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#stopRecovery();
    this.#stopReconnecting();
    abandon(this.#client);
  }

  #onConnected(): void {
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = null;
    const begun = this.#node === null ? this.#join() : Promise.resolve();
    begun.then(
      () => this.#look(),
      (error: unknown) => this.#lose(`the node cannot be made: ${error}`),
    );
  }

  /** Mesos does not wait for the server to say so: it may be cut off from it. */
  #onDisconnected(): void {
    if (this.#node === null || this.#isOver) return;
    this.#silence ??= setTimeout(() => this.#lose('no connection for the session time-out'), this.#sessionTimeoutMs);
  }

  async #join(): Promise<void> {
    const { path, onJoined } = this.#options;
    await call<string>((done) => this.#client.mkdirp(`${path}/log_replicas`, done));
    const { label, data } = contents(this.#master, 'json');
    const mode = zookeeper.CreateMode.EPHEMERAL_SEQUENTIAL;
    const node = await call<string>((done) => this.#client.create(`${path}/${label}`, data, mode, done));
    this.#node = node.slice(node.lastIndexOf('/') + 1);
    onJoined();
  }

  #look(): void {
    if (this.#isOver) return;
    const { path } = this.#options;
    this.#client.getChildren(path, this.#onWatch, (error, names) => {
      // Without a connection: the next one looks again.
      if (error || this.#isOver) return;
      const nodes = names.filter((name) => name.startsWith(LABEL)).sort();
      const [first] = nodes;
      if (this.#node !== null && !nodes.includes(this.#node)) return this.#lose('the node is gone');
      if (first === this.#node) return this.#lead();
      if (this.#isElected) return this.#lose('another master leads');
      if (first !== undefined) this.#follow(first);
    });
  }

  #lead(): void {
    if (this.#isElected) return;
    this.#isElected = true;
    this.#master.setLeader(this.#master.identity);
    this.#master.view.lead(this.#master.cluster.seconds());
    this.#options.onElected();
    this.#stopRecovery = startRecovery(this.#master, this.#options.pace, systemClock);
  }

  #follow(node: string): void {
    this.#client.getData(`${this.#options.path}/${node}`, (error, data: Buffer | undefined) => {
      if (!error && !this.#isOver && !this.#isElected) this.#master.setLeader(identityOf(data));
    });
  }

  #lose(reason: string): void {
    if (this.#isOver) return;
    this.crash();
    this.#options.onLost(reason);
  }
}

function identityOf(data: Buffer | undefined): MasterIdentity | null {
  if (data === undefined) return null;
  const info = JSON.parse(data.toString()) as Pick<MasterIdentity, 'id' | 'hostname'> & {
    readonly address: { readonly ip: string; readonly port: number };
  };
  return { id: info.id, ip: info.address.ip, port: info.address.port, hostname: info.hostname, startTime: 0 };
}
