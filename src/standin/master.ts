// One stand-in master: the HTTP endpoints of a Mesos master over a view of the cluster.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Admission, type AuthOptions, admit, type Realm } from './auth.ts';
import { uuid } from './clock.ts';
import type { Cluster } from './cluster.ts';
import { type Answer, type Fault, json, plain, send, sendWithFault } from './faults.ts';
import { featuresOf, type MesosFeatures, MODERN } from './mesos-version.ts';
import { type EventStreamOptions, OperatorApiService } from './operator-api.ts';
import { type MasterIdentity, StateDocument } from './state-document.ts';
import { MasterView } from './view.ts';

export interface MasterOptions {
  /** The loopback address to listen on (default 127.0.0.1). */
  readonly host?: string;
  /** 0 (default): a free one, which `restart` keeps. */
  readonly port?: number;
  /** MasterInfo's hostname (default: the address). */
  readonly hostname?: string;
  /** Mesos version to behave like (default `MODERN`). */
  readonly version?: string;
  readonly auth?: AuthOptions;
  /** Serves HTTPS with these keys and certificates. */
  readonly tls?: ServerOptions;
  /** Serves `POST /api/v1` on a leader that has recovered. Without it the call is answered with 501. */
  readonly events?: EventStreamOptions;
}

type Document = 'state' | 'slaves' | 'frameworks';

interface CachedBody {
  readonly stamp: string;
  readonly body: Buffer;
  zipped: Promise<Buffer> | null;
}

/** libprocess compresses from this size on, in bytes. */
const GZIP_FROM = 1024;
const zip = promisify(gzip);

export class StandinMaster {
  readonly cluster: Cluster;
  readonly view: MasterView;
  readonly features: MesosFeatures;
  readonly options: MasterOptions;
  /** The v1 API and its streams; null where the options do not ask for it, or the version has none. */
  readonly operatorApi: OperatorApiService | null;
  /** Requests since the master was made, by path without query. */
  readonly requests = new Map<string, number>();
  /** Connections accepted since the master was made. */
  connectionCount = 0;
  readonly #document: StateDocument;
  readonly #cache = new Map<string, CachedBody>();
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #identity: MasterIdentity;
  #leader: MasterIdentity | null = null;
  #fault: { readonly fault: Fault; timesLeft: number } | null = null;
  #auth: AuthOptions | null;

  constructor(cluster: Cluster, options: MasterOptions = {}) {
    this.cluster = cluster;
    this.options = options;
    this.features = featuresOf(options.version ?? MODERN);
    this.view = new MasterView(cluster);
    this.#document = new StateDocument(cluster, this.features);
    this.#auth = options.auth ?? null;
    const { events } = options;
    this.operatorApi = events !== undefined && this.features.operatorApi ? new OperatorApiService(this, events) : null;
    this.#identity = this.#newRun(options.port ?? 0);
  }

  /** Valid once started; the id and the start time change with every start. */
  get identity(): MasterIdentity {
    return this.#identity;
  }

  /** `host:port`, as configured in `masters`. */
  get endpoint(): string {
    return `${this.#identity.ip}:${this.#identity.port}`;
  }

  /** Gives back the memory of what was written so far, which is written again where it is asked for. */
  forget(): void {
    this.#cache.clear();
    this.#document.forget();
    this.operatorApi?.forget();
  }

  get running(): boolean {
    return this.#server !== null;
  }

  /** Listens. A port that was once given is kept over later starts. */
  async start(): Promise<void> {
    if (this.#server !== null) return;
    const serve = (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response);
    const { tls } = this.options;
    const server: Server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
    server.keepAliveTimeout = 0; // libprocess keeps idle connections open
    server.on('connection', (socket) => {
      this.connectionCount += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.options.host ?? '127.0.0.1', port: this.#identity.port }, resolve);
    });
    this.#server = server;
    this.#identity = this.#newRun((server.address() as AddressInfo).port);
  }

  /** Ends like a killed process: the port closes and every connection with it. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    this.view.follow();
    this.#leader = null;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** Tells the master who leads (null: nobody). Leading itself is told by its view. */
  setLeader(leader: MasterIdentity | null): void {
    this.#leader = leader;
  }

  /** Misbehaves on state documents and the operator API, for the next `times` requests (default: until set again). */
  setFault(fault: Fault | null, times = Number.POSITIVE_INFINITY): void {
    this.#fault = fault === null ? null : { fault, timesLeft: times };
  }

  setAuth(auth: AuthOptions | null): void {
    this.#auth = auth;
  }

  #newRun(port: number): MasterIdentity {
    const ip = this.options.host ?? '127.0.0.1';
    const hostname = this.options.hostname ?? ip;
    return { id: uuid(this.cluster.random), ip, port, hostname, startTime: this.cluster.seconds() };
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => response.destroy());
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    const query = mark === -1 ? '' : url.slice(mark);
    this.requests.set(path, (this.requests.get(path) ?? 0) + 1);
    const route = this.#route(path);
    if (route === null) send(response, plain(404, '404 Not Found.'));
    else if (typeof route === 'function') send(response, route());
    else if (this.#serveGuarded(route, query, request, response)) return;
    request.resume(); // nobody reads the body
  }

  /** A document or the operator API, an endpoint that anybody may ask, or null for an unknown path. */
  #route(path: string): Document | 'v1' | (() => Answer) | null {
    const name = path.startsWith('/master/') ? path.slice('/master/'.length) : path.slice(1);
    if (name === 'health') return () => ({ status: 200, headers: {}, body: Buffer.alloc(0) });
    if (path === '/version' || path === '/master/version') return () => json(this.#document.version());
    if (name === 'redirect') return () => this.#redirect('');
    if (name === 'api/v1') return this.features.operatorApi ? 'v1' : null;
    const { plainPaths, jsonPaths } = this.features;
    const bare = name.endsWith('.json') ? name.slice(0, -'.json'.length) : name;
    if (name.endsWith('.json') ? !jsonPaths : !plainPaths) return null;
    return bare === 'state' || bare === 'slaves' || bare === 'frameworks' ? bare : null;
  }

  /**
   * Authentication comes first, then leadership, as in libprocess.
   * @returns true if the request was handed to the operator API, with its body unread.
   */
  #serveGuarded(route: Document | 'v1', query: string, request: IncomingMessage, response: ServerResponse): boolean {
    const realm: Realm = route === 'v1' ? 'mesos-master-readwrite' : 'mesos-master-readonly';
    const admission = admit(this.#auth, realm, request.headers.authorization);
    if (admission.kind === 'refused') {
      send(response, plain(401, '401 Unauthorized.', { 'WWW-Authenticate': `Basic realm="${realm}"` }));
      return false;
    }
    const fault = this.#takeFault();
    const target = `/master/${route === 'v1' ? 'api/v1' : route}${this.features.redirectsKeepQuery ? query : ''}`;
    const only = new URLSearchParams(query).get('framework_id');
    const answer = (): Promise<Answer> => this.#answer(route, admission, target, request, only);
    if (fault !== null) {
      void sendWithFault(response, fault, answer).catch(() => response.destroy());
    } else if (route === 'v1' && this.view.phase === 'recovered' && this.operatorApi !== null) {
      this.operatorApi.handle(request, response);
      return true;
    } else {
      void answer().then(
        (ready) => send(response, ready),
        () => response.destroy(),
      );
    }
    return false;
  }

  async #answer(
    route: Document | 'v1',
    admission: Extract<Admission, { kind: 'admitted' }>,
    target: string,
    request: IncomingMessage,
    only: string | null,
  ): Promise<Answer> {
    if (this.view.phase === 'following' && this.features.redirects) return this.#redirect(target);
    if (route === 'v1') {
      if (this.view.phase !== 'recovered') return plain(503, 'Master has not finished recovery');
      return plain(501, '501 Not Implemented.');
    }
    if (route === 'frameworks' && only !== null) {
      return json(this.#document.frameworks(this.view, admission.restricted, only));
    }
    const acceptsGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    return this.#documentAnswer(route, admission.restricted, acceptsGzip);
  }

  #redirect(target: string): Answer {
    const leader = this.view.phase === 'following' ? this.#leader : this.#identity;
    if (leader === null) return plain(503, 'No leader elected');
    const scheme = this.features.schemeInRedirect ? 'http:' : '';
    const location = `${scheme}//${leader.hostname}:${leader.port}${target}`;
    return { status: 307, headers: { Location: location }, body: Buffer.alloc(0) };
  }

  async #documentAnswer(document: Document, restricted: boolean, acceptsGzip: boolean): Promise<Answer> {
    const cached = this.#body(document, restricted);
    const headers = { 'Content-Type': 'application/json' };
    if (!acceptsGzip || cached.body.byteLength < GZIP_FROM) return { status: 200, headers, body: cached.body };
    // The fastest level: the stand-in shares its machine with what it is there to test.
    cached.zipped ??= zip(cached.body, { level: 1 });
    return { status: 200, headers: { 'Content-Encoding': 'gzip', ...headers }, body: await cached.zipped };
  }

  /** The document's bytes, written again only after something changed. */
  #body(document: Document, restricted: boolean): CachedBody {
    const leader = this.view.phase === 'following' ? this.#leader : this.#identity;
    const stamp = `${this.cluster.generation} ${this.view.generation} ${this.#identity.id} ${leader?.id}`;
    const key = `${document} ${restricted}`;
    const known = this.#cache.get(key);
    if (known?.stamp === stamp) return known;
    const made: CachedBody = { stamp, body: Buffer.from(this.#write(document, restricted, leader)), zipped: null };
    this.#cache.set(key, made);
    return made;
  }

  #write(document: Document, restricted: boolean, leader: MasterIdentity | null): string {
    switch (document) {
      case 'state':
        return this.#document.state(this.view, this.#identity, leader, restricted);
      case 'slaves':
        return this.#document.slaves(this.view);
      case 'frameworks':
        return this.#document.frameworks(this.view, restricted);
    }
  }

  #takeFault(): Fault | null {
    const current = this.#fault;
    if (current === null) return null;
    current.timesLeft -= 1;
    if (current.timesLeft <= 0) this.#fault = null;
    return current.fault;
  }
}
