// One fetch of the state from one master: the paths of all Mesos versions, redirects, credentials, certificates, a deadline
// and a size limit.

import { constants } from 'node:buffer';
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import type { Config } from '../config/config.ts';
import { canonicalIp } from '../dns/ip-text.ts';
import { MesosDnsError } from '../errors.ts';
import { formatEndpoint, type Master } from '../leader/leader.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { type Authentication, type AuthenticationConfig, createAuthentication } from './auth.ts';
import { type BodySink, readBody, readExcerpt } from './body.ts';
import { Connections } from './connections.ts';
import { describeFailure, isConnectionLoss, NotReadyError } from './fetch-failure.ts';
import { type Hop, nextHop, originOf, type Scheme, sameHost } from './redirect.ts';
import { type TlsConfig, TlsFiles, type TlsMaterial } from './tls-files.ts';

/** Mesos 0.25 and later; up to 1.7 the second one too, before 0.25 only that. */
const PATHS = ['/master/state', '/master/state.json'] as const;
const USER_AGENT = 'Mesos-DNS';
const MAX_REDIRECTS = 5;
const CONNECT_TIMEOUT_MS = 5000;
/**
 * How long an idle connection is kept for the next request. Short on purpose: a connection to a machine that has vanished
 * looks alive until the whole deadline has passed, whereas a new one fails within the connect timeout.
 */
const KEEP_ALIVE_MS = 10_000;
/** No document is larger than the longest string that the parser could have to make of it (about 512 MiB). */
const MAX_BODY_BYTES = constants.MAX_STRING_LENGTH;
/** For a login at the identity service, and the size of its answer. */
const LOGIN_TIMEOUT_MS = 10_000;
const MAX_LOGIN_BYTES = 64 * 1024;

export interface StateDocument {
  /** The document, unpacked; see releaseBytes(). Empty where a sink took it. */
  readonly bytes: Uint8Array;
  /** Who answered in the end: not the master that was asked where that one redirected. */
  readonly master: Master;
  /** The addresses of `master`, canonical: its IP literal, or what its host name resolved to. */
  readonly addresses: readonly string[];
}

export interface FetchOptions {
  /** The masters of the election: redirects name them by host name, and only they are sent credentials. */
  readonly known: readonly Master[];
  /** Ends the fetch at once. */
  readonly signal: AbortSignal;
  /** Takes the document while it comes, where it is not packed; what it took is worth nothing where the fetch fails. */
  readonly sink?: BodySink;
}

export interface StateClient {
  /** Rejects with ERR_STATE_FETCH and a message of one line that names the master and what happened. */
  fetch(master: Master, options: FetchOptions): Promise<StateDocument>;
  close(): Promise<void>;
}

/** How the masters are asked, for others that ask them: credentials and certificates are read and renewed in one place. */
export interface MasterAccess {
  readonly authentication: Authentication;
  /** As the files are now; the same object while they are the same. */
  tls(): Promise<TlsMaterial>;
}

export interface StateClientOptions {
  readonly config: Pick<Config, 'mesosHTTPSOn' | 'stateTimeoutSeconds'> & Partial<TlsConfig & AuthenticationConfig>;
  /** Credentials, asked for before every fetch; sent to known masters only. Default: as the configuration says. */
  readonly authentication?: Authentication;
  readonly logger?: Logger;
  readonly metrics?: Pick<Metrics, 'mesosRequestDuration' | 'logins' | 'certificateReloads' | 'stateBytes'>;
  /** Bytes after unpacking. */
  readonly maxBodyBytes?: number;
  readonly connectTimeoutMs?: number;
}

export function createStateClient(options: StateClientOptions): StateClient & MasterAccess {
  return new UndiciStateClient(options);
}

/** What one fetch carries through its requests. */
interface Fetch extends FetchOptions {
  readonly asked: Master;
  readonly headers: Readonly<Record<string, string>>;
}

type Answer =
  | { readonly kind: 'document'; readonly document: StateDocument }
  | { readonly kind: 'missing'; readonly hop: Hop };

/** A master that was shown credentials does not accept them. */
class RefusedError extends Error {}

class UndiciStateClient implements StateClient, MasterAccess {
  readonly #scheme: Scheme;
  readonly #timeoutSeconds: number;
  readonly #maxBodyBytes: number;
  readonly #connectTimeoutMs: number;
  readonly authentication: Authentication;
  readonly #tlsFiles: TlsFiles;
  readonly #metrics: StateClientOptions['metrics'];
  readonly #connections: Connections;
  /** Endpoint to the path that worked there. */
  readonly #pathOf = new Map<string, string>();
  /** Host name to what it resolved to when a connection was last opened. */
  readonly #resolved = new Map<string, readonly string[]>();
  /** Origin to the time of its last complete answer: whether an idle connection may be there. */
  readonly #answeredAtMs = new Map<string, number>();

  constructor({ config, authentication, logger, metrics, maxBodyBytes, connectTimeoutMs }: StateClientOptions) {
    this.#scheme = config.mesosHTTPSOn ? 'https' : 'http';
    this.#timeoutSeconds = config.stateTimeoutSeconds;
    this.#maxBodyBytes = Math.min(maxBodyBytes ?? MAX_BODY_BYTES, MAX_BODY_BYTES);
    this.#connectTimeoutMs = connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    this.#metrics = metrics;
    this.authentication =
      authentication ??
      createAuthentication({
        config: { ...NO_CREDENTIALS, ...config },
        post: (url, body) => this.#post(url, body),
        metrics,
      });
    this.#tlsFiles = new TlsFiles({ ...NO_FILES, ...config }, logger ?? null);
    this.#connections = new Connections((tls) => ({
      connect: { ...tls, timeout: this.#connectTimeoutMs, lookup: this.#lookup },
      autoSelectFamily: true,
      // There is one fetch at a time; without this the request after a 404 or a redirect can open a second connection.
      connections: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // One deadline covers the whole fetch; the dispatcher's own ones would come on top.
      headersTimeout: 0,
      bodyTimeout: 0,
    }));
  }

  async fetch(master: Master, { signal, ...options }: FetchOptions): Promise<StateDocument> {
    const abort = new AbortController();
    const deadline = setTimeout(
      () => abort.abort(new Error(`no complete answer within ${this.#timeoutSeconds} s`)),
      this.#timeoutSeconds * 1000,
    );
    const onAbort = () => abort.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await untilAborted(this.#refreshTls(), abort.signal);
      const document = await this.#fetchAuthenticated(master, { ...options, signal: abort.signal });
      this.#metrics?.stateBytes.set(options.sink?.sizeBytes || document.bytes.byteLength);
      return document;
    } catch (error) {
      // The abort shows up as one of many errors, depending on what was under way.
      throw failure(master, abort.signal.aborted ? abort.signal.reason : error);
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async tls(): Promise<TlsMaterial> {
    return await this.#tlsFiles.read();
  }

  async close(): Promise<void> {
    await this.#connections.destroy();
  }

  /** Credentials that are refused are replaced once, where that can be done. */
  async #fetchAuthenticated(asked: Master, options: FetchOptions): Promise<StateDocument> {
    const { signal } = options;
    const attempt = async () => {
      const headers = await untilAborted(this.authentication.headers(), signal);
      return await this.#tryPaths({ ...options, asked, headers });
    };
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RefusedError) || signal.aborted) throw error;
      if (!(await untilAborted(this.authentication.refused(), signal))) throw error;
      return await attempt();
    }
  }

  /** New connections are made with certificates as they are now. */
  async #refreshTls(): Promise<void> {
    const tls = await this.#tlsFiles.read();
    if (tls === this.#connections.tls) return;
    if (this.#connections.tls !== null) this.#metrics?.certificateReloads.inc();
    this.#connections.renew(tls);
  }

  /** For a login. Nothing of the answer gets into an error, since it may repeat what was sent. */
  async #post(url: string, document: unknown): Promise<unknown> {
    let text: string;
    try {
      const { origin, pathname, search } = new URL(url);
      const agent = await this.#connections.agent;
      const { statusCode, body } = await agent.request({
        origin,
        path: `${pathname}${search}`,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', 'user-agent': USER_AGENT },
        body: JSON.stringify(document),
        signal: AbortSignal.timeout(LOGIN_TIMEOUT_MS),
      });
      const bytes = await readBody(body, {
        encoding: undefined,
        maxBytes: MAX_LOGIN_BYTES,
        signal: AbortSignal.timeout(LOGIN_TIMEOUT_MS),
      });
      if (statusCode !== 200) throw new Error(`the login is answered ${statusCode}`);
      text = new TextDecoder().decode(bytes);
    } catch (error) {
      throw new Error(describeFailure(error), { cause: error });
    }
    try {
      return JSON.parse(text);
    } catch {
      throw new Error('the login is answered with something else than JSON');
    }
  }

  /** The path that worked last time first; a 404 leads to the other one. */
  async #tryPaths(fetch: Fetch): Promise<StateDocument> {
    const endpoint = formatEndpoint(fetch.asked);
    const remembered = this.#pathOf.get(endpoint);
    const paths = [...PATHS].sort((one, other) => Number(other === remembered) - Number(one === remembered));
    for (const path of paths) {
      const answer = await this.#follow({ scheme: this.#scheme, master: fetch.asked, path }, fetch);
      if (answer.kind === 'missing') continue;
      this.#pathOf.set(endpoint, path);
      return answer.document;
    }
    throw new Error(`answered 404 to ${paths.join(' and ')}`);
  }

  async #follow(first: Hop, fetch: Fetch): Promise<Answer> {
    const visited = new Set<string>();
    let hop = first;
    for (;;) {
      visited.add(`${originOf(hop)}${hop.path}`);
      try {
        const answer = await this.#ask(hop, fetch);
        if (answer.kind !== 'redirect') return answer;
        hop = nextHop(answer.location, hop, fetch.known);
      } catch (error) {
        if (hop === first) throw error;
        throw new Error(`redirected to ${formatEndpoint(hop.master)}: ${describeFailure(error)}`, { cause: error });
      }
      if (visited.has(`${originOf(hop)}${hop.path}`)) throw new Error('redirects in a circle');
      if (visited.size > MAX_REDIRECTS) throw new Error(`redirects more than ${MAX_REDIRECTS} times`);
    }
  }

  /** One request and what its answer means. */
  async #ask(hop: Hop, fetch: Fetch): Promise<Answer | { readonly kind: 'redirect'; readonly location: string }> {
    const startedAtMs = performance.now();
    let code = 'none';
    try {
      const { statusCode, headers, body } = await this.#request(hop, fetch);
      code = String(statusCode);
      return await this.#read(hop, fetch, { statusCode, headers, body });
    } finally {
      this.#metrics?.mesosRequestDuration.observe({ code }, (performance.now() - startedAtMs) / 1000);
    }
  }

  async #read(
    hop: Hop,
    fetch: Fetch,
    { statusCode, headers, body }: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>,
  ): Promise<Answer | { readonly kind: 'redirect'; readonly location: string }> {
    const encoding = singleValue(headers['content-encoding']);
    const location = singleValue(headers['location']);
    if (statusCode === 200) {
      const contentLength = singleValue(headers['content-length']);
      const maxBytes = this.#maxBodyBytes;
      const { signal, sink } = fetch;
      const bytes = await readBody(body, { encoding, contentLength, maxBytes, signal, ...(sink && { sink }) });
      this.#answeredAtMs.set(originOf(hop), performance.now());
      return { kind: 'document', document: { bytes, master: hop.master, addresses: this.#addresses(hop.master) } };
    }
    const excerpt = withoutCredentials(await readExcerpt(body, { encoding, signal: fetch.signal }), fetch.headers);
    this.#answeredAtMs.set(originOf(hop), performance.now());
    if (statusCode === 404) return { kind: 'missing', hop };
    if ([301, 302, 303, 307, 308].includes(statusCode) && location !== undefined) return { kind: 'redirect', location };
    const message = `answered ${statusCode}${excerpt === '' ? '' : `: ${excerpt}`}`;
    if (statusCode === 503) throw new NotReadyError(message);
    throw statusCode === 401 && isTrusted(hop, fetch) ? new RefusedError(message) : new Error(message);
  }

  /** Asks again on a new connection where an idle one turns out to be closed by the master. */
  async #request(hop: Hop, fetch: Fetch): Promise<Dispatcher.ResponseData> {
    const idleMs = performance.now() - (this.#answeredAtMs.get(originOf(hop)) ?? Number.NEGATIVE_INFINITY);
    try {
      return await this.#send(hop, fetch);
    } catch (error) {
      if (fetch.signal.aborted || idleMs > KEEP_ALIVE_MS || !isConnectionLoss(error)) throw error;
      return await this.#send(hop, fetch);
    }
  }

  async #send(hop: Hop, fetch: Fetch): Promise<Dispatcher.ResponseData> {
    const { scheme, master, path } = hop;
    const { headers, signal } = fetch;
    const agent = await this.#connections.agent;
    return await agent.request({
      origin: originOf({ scheme, master }),
      path,
      method: 'GET',
      headers: {
        ...(isTrusted(hop, fetch) ? headers : {}),
        'user-agent': USER_AGENT,
        accept: 'application/json',
        'accept-encoding': 'gzip',
      },
      signal,
    });
  }

  #addresses({ host }: Master): readonly string[] {
    const literal = canonicalIp(host);
    return literal === null ? (this.#resolved.get(host.toLowerCase()) ?? []) : [literal];
  }

  /** The system's resolver, asked by new connections; what it said is remembered for `addresses`. */
  readonly #lookup: LookupFunction = (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, answers) => {
      const [first] = answers ?? [];
      if (error !== null || first === undefined) {
        done(error ?? new Error(`${host} has no address`), '');
        return;
      }
      this.#resolved.set(host.toLowerCase(), [
        ...new Set(answers.map(({ address }) => canonicalIp(address) ?? address)),
      ]);
      if (options.all === true) done(null, answers);
      else done(null, first.address, first.family);
    });
  };
}

const NO_FILES: TlsConfig = { caCertFile: '', certFile: '', keyFile: '' };
const NO_CREDENTIALS: AuthenticationConfig = {
  mesosAuthentication: '',
  mesosCredentials: { principal: '', secret: '' },
  mesosSecretFile: '',
  iamConfigFile: '',
};

/** Whether a hop leads to one of the masters, and not somewhere else by a redirect. */
function isTrusted({ master }: Hop, { asked, known }: Fetch): boolean {
  return [asked, ...known].some(({ host }) => sameHost(host, master.host));
}

/** Error pages of proxies can repeat the request. */
function withoutCredentials(text: string, headers: Readonly<Record<string, string>>): string {
  return Object.values(headers)
    .map((value) => value.replace(/^(Basic |token=)/, ''))
    .reduce((masked, value) => masked.replaceAll(value, '****'), text);
}

/** The promise's outcome, or a rejection as soon as the signal is given. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function failure(master: Master, error: unknown): MesosDnsError {
  return new MesosDnsError('ERR_STATE_FETCH', `master ${formatEndpoint(master)}: ${describeFailure(error)}`, {
    cause: error,
  });
}

function singleValue(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
