// A real ZooKeeper for tests, from Debian's packages: a standalone server on loopback with its own folder, which can be
// killed, restarted and frozen, and masters that take part in an election as Mesos's do.
//
//   const zookeeper = await TestZooKeeper.start();
//   const master = await joinElection(zookeeper, { ip: '127.0.0.1', port: 5050 });
//   … configuration: { zk: zookeeper.url('/mesos') } …
//   await master.leave();
//   await zookeeper.stop();

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACL, type Client, CreateMode, createClient, Id, Permission, State } from 'node-zookeeper-client';
import { keepReconnecting } from '../../src/standin/registration.ts';
import { requirePackages } from './debian.ts';
import { type MasterInfoFields, masterInfoJson, masterInfoProtobuf } from './master-info.ts';
import { freePort } from './ports.ts';

const START_LIMIT_MS = 60_000;
const JARS = '/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar';
const JAVA_OPTIONS = [
  '-Xmx96m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1', // starts in a second instead of three
  '-Dzookeeper.forceSync=no', // a killed process loses nothing that it wrote, synced or not
  '-Dzookeeper.preAllocSize=64', // kB of log file, instead of 64 MB
];

export class TestZooKeeper {
  readonly host: string;
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | null = null;
  /** Kills the server when this process ends in whatever way: its standard input closes then. */
  #guard: ChildProcess | null = null;

  private constructor(host: string, port: number, folder: string) {
    this.host = host;
    this.port = port;
    this.#folder = folder;
  }

  /** A new, empty server that answers. tickTime is 1 s, so sessions last between 2 and 20 s. */
  static async start(host = '127.0.0.1'): Promise<TestZooKeeper> {
    await requirePackages('zookeeper', 'default-jre-headless');
    for (let attempt = 1; ; attempt += 1) {
      const server = new TestZooKeeper(host, await freePort(host), mkdtempSync(join(tmpdir(), 'mesos-dns-zookeeper-')));
      try {
        await server.restart();
        return server;
      } catch (error) {
        await server.stop();
        // Another test may have taken the free port meanwhile.
        if (attempt === 10 || !String(error).includes('Address already in use')) throw error;
      }
    }
  }

  /** The configuration key `zk`. @param credentials `user:password` */
  url(path = '/mesos', credentials?: string): string {
    return `zk://${credentials === undefined ? '' : `${credentials}@`}${this.host}:${this.port}${path}`;
  }

  /** Ends the process at once (SIGKILL). Data and port stay for restart(). */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running === null) return;
    this.#process = null;
    this.#guard?.kill('SIGKILL');
    const ended = running.exitCode !== null || running.signalCode !== null ? null : once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  }

  /** Starts on the same data and port, killing the process first if it runs; returns when it answers. */
  async restart(): Promise<void> {
    await this.kill();
    const configFile = join(this.#folder, 'zoo.cfg');
    writeFileSync(
      configFile,
      [
        'tickTime=1000',
        `dataDir=${join(this.#folder, 'data')}`,
        `clientPortAddress=${this.host}`,
        `clientPort=${this.port}`,
        'maxClientCnxns=0',
        'admin.enableServer=false',
        '4lw.commands.whitelist=ruok',
      ].join('\n'),
    );
    const log = openSync(join(this.#folder, 'log'), 'a');
    const main = 'org.apache.zookeeper.server.ZooKeeperServerMain';
    const child = spawn('java', [...JAVA_OPTIONS, '-cp', JARS, main, configFile], { stdio: ['ignore', log, log] });
    closeSync(log);
    let spawnError: Error | null = null;
    child.on('error', (error) => {
      spawnError = error;
    });
    this.#process = child;
    this.#guard = spawn('sh', ['-c', 'cat; kill -9 "$1"', 'sh', String(child.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });

    const deadline = Date.now() + START_LIMIT_MS;
    while (!(await saysImOk(this.host, this.port))) {
      if (spawnError !== null || child.exitCode !== null || Date.now() > deadline) {
        const lines = readFileSync(join(this.#folder, 'log'), 'utf8').split('\n').slice(-15).join('\n');
        throw new Error(`ZooKeeper did not start: ${spawnError ?? `exit code ${child.exitCode}`}\n${lines}`);
      }
      await sleep(50);
    }
  }

  /** The process stops executing (SIGSTOP); its sockets stay open and silent. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Ends the server and removes its folder. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface SessionOptions {
  /** `user:password` of the digest scheme. */
  readonly credentials?: string;
  /** Milliseconds; the server bounds it to 2–20 s. Default 20,000, so that a frozen server does not end it. */
  readonly sessionTimeoutMs?: number;
}

/** A session for tests to change znodes with. It reconnects by itself, as a master does. */
export class TestSession {
  readonly client: Client;
  readonly #stopReconnecting: () => void;

  private constructor(client: Client) {
    this.client = client;
    this.#stopReconnecting = keepReconnecting(client, () => client.getState() === State.SYNC_CONNECTED);
  }

  static async open(server: { readonly host: string; readonly port: number }, options: SessionOptions = {}) {
    const client = createClient(`${server.host}:${server.port}`, {
      sessionTimeout: options.sessionTimeoutMs ?? 20_000,
      spinDelay: 200,
    });
    if (options.credentials !== undefined) client.addAuthInfo('digest', Buffer.from(options.credentials));
    client.connect();
    await once(client, 'connected', { signal: AbortSignal.timeout(30_000) });
    return new TestSession(client);
  }

  /** Makes a persistent node and those above it, where they are missing. */
  async makePath(path: string, acl: readonly ACL[] = ACL_OPEN): Promise<void> {
    await called<string>((done) => this.client.mkdirp(path, [...acl], done));
  }

  /** @returns the node's path */
  create(path: string, data: Buffer, mode = CreateMode.PERSISTENT, acl: readonly ACL[] = ACL_OPEN): Promise<string> {
    return called((done) => this.client.create(path, data, [...acl], mode, done));
  }

  async remove(path: string): Promise<void> {
    await called<undefined>((done) => this.client.remove(path, (error) => done(error, undefined)));
  }

  children(path: string): Promise<readonly string[]> {
    return called((done) => this.client.getChildren(path, done));
  }

  /** Ends the session: its ephemeral nodes go at once. Waits for the connection where it is lost at the moment. */
  async close(): Promise<void> {
    if (this.client.getState() !== State.SYNC_CONNECTED) {
      await once(this.client, 'connected', { signal: AbortSignal.timeout(30_000) }).catch(() => {});
    }
    const ended = once(this.client, 'disconnected', { signal: AbortSignal.timeout(5000) }).catch(() => {});
    this.client.close();
    await ended;
    this.cut();
  }

  /** Breaks the connection without a word: the ephemeral nodes stay until the session times out. */
  cut(): void {
    const { connectionManager: manager } = this.client as unknown as { connectionManager: Internals };
    this.#stopReconnecting();
    this.client.removeAllListeners();
    manager.connect = () => {};
    manager.socket.destroy();
  }
}

/** What cut() needs of the library's inside. */
interface Internals {
  connect: () => void;
  readonly socket: Socket;
}

export const ACL_OPEN: readonly ACL[] = [new ACL(Permission.ALL, new Id('world', 'anyone'))];
/** What masters with credentials use: everybody reads, the creator does the rest. */
export const ACL_MESOS: readonly ACL[] = [
  new ACL(Permission.READ, new Id('world', 'anyone')),
  new ACL(Permission.ALL, new Id('auth', '')),
];
/** A tree hardened by an operator: only the creator reads. */
export const ACL_PRIVATE: readonly ACL[] = [new ACL(Permission.ALL, new Id('auth', ''))];

export interface ElectionOptions extends MasterInfoFields, SessionOptions {
  /** Default `/mesos`; made where it is missing. */
  readonly path?: string;
  /** Default `json`. */
  readonly format?: 'json' | 'protobuf';
  readonly acl?: readonly ACL[];
}

/** A master's ephemeral sequential node in an election. */
export interface ElectionMember {
  readonly nodeName: string;
  readonly session: TestSession;
  /** Stops cleanly: the node goes at once. */
  leave(): Promise<void>;
  /** Dies: the node stays until the session times out. */
  crash(): void;
}

/** Registers a master as Mesos does; the first one to join leads. */
export async function joinElection(
  server: { readonly host: string; readonly port: number },
  options: ElectionOptions,
): Promise<ElectionMember> {
  const { path = '/mesos', format = 'json', acl = ACL_OPEN } = options;
  const session = await TestSession.open(server, options);
  await session.makePath(path, acl);
  const label = format === 'json' ? 'json.info_' : 'info_';
  const data = format === 'json' ? masterInfoJson(options) : masterInfoProtobuf(options);
  const node = await session.create(`${path}/${label}`, data, CreateMode.EPHEMERAL_SEQUENTIAL, acl);
  return {
    nodeName: node.slice(path.length + 1),
    session,
    leave: () => session.close(),
    crash: () => session.cut(),
  };
}

function called<T>(call: (done: (error: unknown, result: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** ZooKeeper's own question whether it serves. */
function saysImOk(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let answer = '';
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('connect', () => socket.write('ruok'));
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer === 'imok'));
  });
}
