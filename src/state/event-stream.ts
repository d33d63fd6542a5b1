// The event stream of one master: asks what it is, subscribes, and hands over each event as it comes. The socket is never
// left unread, because the master would keep what it cannot send, without any limit.

import { constants } from 'node:buffer';
import type { Readable } from 'node:stream';
import type { Agent, Dispatcher } from 'undici';
import type { Config } from '../config/config.ts';
import { MesosDnsError } from '../errors.ts';
import { formatEndpoint, type Master } from '../leader/leader.ts';
import { readBody, readExcerpt } from './body.ts';
import type { MasterAccess } from './client.ts';
import { Connections } from './connections.ts';
import { parsePid } from './endpoint.ts';
import { describeFailure, isAbsence, NotReadyError } from './fetch-failure.ts';
import { isObject } from './fields.ts';
import { readPids } from './lazy-document.ts';
import type { Endpoint } from './model.ts';
import { RecordDecoder } from './record-io.ts';
import { type Hop, nextHop, originOf, type Scheme, sameHost } from './redirect.ts';
import type { TlsMaterial } from './tls-files.ts';

/** Why there is no stream, or none any more. */
export type StreamEnd =
  /** The master cannot give one, or not to us: another way must be found. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** It closed the stream in good order, as it does to the oldest of too many. */
  | { readonly kind: 'evicted'; readonly reason: string }
  /** It is gone, silent, not ready, or sent what cannot be read. `isAbsence`: asking it has cost it nothing. */
  | { readonly kind: 'lost'; readonly reason: string; readonly isAbsence: boolean };

export interface StreamHandlers {
  /**
   * The master leads and has answered; its version and address as it names them. It is asked for its events when this has
   * resolved.
   */
  readonly opened: (master: { readonly version: string; readonly leader: Endpoint }) => Promise<void> | void;
  /**
   * Each record in turn, until the call returns its own.
   * @returns from SUBSCRIBED on, how often heartbeats come, milliseconds; null before.
   */
  readonly record: (bytes: Uint8Array, receivedAtMs: number) => number | null;
  /** All records that came together have been handed over. */
  readonly drained: () => void;
}

export interface EventStreamClientOptions {
  readonly config: Pick<Config, 'mesosHTTPSOn' | 'stateTimeoutSeconds'>;
  /** Credentials, sent to known masters only, and certificates. */
  readonly access: MasterAccess;
  /** The largest record that is read, bytes. */
  readonly maxRecordBytes?: number;
}

export interface EventStreamClient {
  /** Follows the stream until it ends; never rejects, save with the signal's reason. */
  follow(master: Master, known: readonly Master[], handlers: StreamHandlers, signal: AbortSignal): Promise<StreamEnd>;
  /** Where the schedulers of some frameworks are; those that the master does not know are missing. */
  pids(
    master: Master,
    known: readonly Master[],
    frameworkId: string | null,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Endpoint | null>>;
  close(): Promise<void>;
}

/** Before it, updates that bring a task's address can be missing (MESOS-9000). */
const FIRST_VERSION = [1, 7] as const;
const CONNECT_TIMEOUT_MS = 5000;
const MAX_REDIRECTS = 5;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** SUBSCRIBED holds the cluster; no other event is nearly as large. */
const MAX_SUBSCRIBED_BYTES = constants.MAX_STRING_LENGTH;
const MAX_EVENT_BYTES = 64 * 1024 * 1024;
/** So many heartbeats may be missed. */
const MISSED_HEARTBEATS = 3;
const JSON_TYPE = 'application/json';

export function createEventStreamClient(options: EventStreamClientOptions): EventStreamClient {
  return new UndiciEventStreamClient(options);
}

/** What one conversation with a master carries through its requests. */
interface Conversation {
  readonly asked: Master;
  readonly known: readonly Master[];
  readonly signal: AbortSignal;
}

class UnavailableError extends Error {}

class UndiciEventStreamClient implements EventStreamClient {
  readonly #scheme: Scheme;
  readonly #answerTimeoutMs: number;
  readonly #maxRecordBytes: number;
  readonly #access: MasterAccess;
  readonly #connections = new Connections(connectionOptions);

  constructor({ config, access, maxRecordBytes }: EventStreamClientOptions) {
    this.#scheme = config.mesosHTTPSOn ? 'https' : 'http';
    this.#answerTimeoutMs = config.stateTimeoutSeconds * 1000;
    this.#maxRecordBytes = maxRecordBytes ?? MAX_SUBSCRIBED_BYTES;
    this.#access = access;
  }

  async follow(
    master: Master,
    known: readonly Master[],
    handlers: StreamHandlers,
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    const conversation = { asked: master, known, signal };
    try {
      await this.#refreshTls();
      const hop = await this.#open(conversation, handlers);
      return await this.#subscribe(hop, conversation, handlers);
    } catch (error) {
      signal.throwIfAborted();
      const reason = `master ${formatEndpoint(master)}: ${describeFailure(error)}`;
      if (error instanceof UnavailableError) return { kind: 'unavailable', reason };
      return { kind: 'lost', reason, isAbsence: isAbsence(error) };
    }
  }

  async pids(
    master: Master,
    known: readonly Master[],
    frameworkId: string | null,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Endpoint | null>> {
    const query = frameworkId === null ? '' : `?framework_id=${encodeURIComponent(frameworkId)}`;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#answerTimeoutMs)]);
    const conversation = { asked: master, known, signal: deadline };
    const hop: Hop = { scheme: this.#scheme, master, path: `/master/frameworks${query}` };
    const { answer } = await this.#request(hop, 'GET', null, conversation);
    const bytes = await this.#body(answer, this.#maxRecordBytes, deadline);
    const document = readPids(bytes);
    const pids = new Map<string, Endpoint | null>();
    const frameworks = isObject(document) ? document['frameworks'] : [];
    for (const framework of Array.isArray(frameworks) ? frameworks : []) {
      if (!isObject(framework) || typeof framework['id'] !== 'string') continue;
      const { pid } = framework;
      pids.set(framework['id'], typeof pid === 'string' ? parsePid(pid) : null);
    }
    return pids;
  }

  async close(): Promise<void> {
    await this.#connections.destroy();
  }

  /** New connections are made with certificates as they are now. */
  async #refreshTls(): Promise<void> {
    const tls = await this.#access.tls();
    if (tls !== this.#connections.tls) this.#connections.renew(tls);
  }

  /** Asks for the version, and who the master is. @returns where the leader's operator API is. */
  async #open(conversation: Conversation, handlers: StreamHandlers): Promise<Hop> {
    const { asked } = conversation;
    const version = await this.#json(
      { scheme: this.#scheme, master: asked, path: '/version' },
      'GET',
      null,
      conversation,
    );
    const text = isObject(version.value) ? version.value['version'] : undefined;
    if (typeof text !== 'string' || !isFollowable(text)) {
      throw new UnavailableError(`is Mesos ${typeof text === 'string' ? text.slice(0, 40) : 'of an unknown version'}`);
    }
    const call = '{"type":"GET_MASTER"}';
    const { value, hop } = await this.#json(
      { scheme: this.#scheme, master: asked, path: '/api/v1' },
      'POST',
      call,
      conversation,
    );
    const answer = isObject(value) && isObject(value['get_master']) ? value['get_master'] : {};
    const info = isObject(answer['master_info']) ? answer['master_info'] : {};
    const leader = typeof info['pid'] === 'string' ? parsePid(info['pid']) : null;
    if (leader === null) throw new UnavailableError('does not say who it is');
    await handlers.opened({ version: text, leader });
    conversation.signal.throwIfAborted();
    return hop;
  }

  async #subscribe(hop: Hop, conversation: Conversation, handlers: StreamHandlers): Promise<StreamEnd> {
    const abort = new AbortController();
    const watch = new SilenceWatch(abort, this.#answerTimeoutMs);
    const signal = AbortSignal.any([conversation.signal, abort.signal]);
    try {
      const { answer } = await this.#request(hop, 'POST', '{"type":"SUBSCRIBE"}', { ...conversation, signal });
      const endpoint = formatEndpoint(hop.master);
      await drain(answer.body, signal, this.#maxRecordBytes, watch, handlers);
      return { kind: 'evicted', reason: `master ${endpoint} has closed the event stream` };
    } catch (error) {
      throw abort.signal.aborted && !conversation.signal.aborted ? abort.signal.reason : error;
    } finally {
      watch.stop();
      abort.abort(new Error('the stream has ended'));
    }
  }

  async #json(
    hop: Hop,
    method: 'GET' | 'POST',
    body: string | null,
    conversation: Conversation,
  ): Promise<{ readonly value: unknown; readonly hop: Hop }> {
    const signal = AbortSignal.any([conversation.signal, AbortSignal.timeout(this.#answerTimeoutMs)]);
    const answered = await this.#request(hop, method, body, { ...conversation, signal });
    const bytes = await this.#body(answered.answer, MAX_ANSWER_BYTES, signal);
    return { value: JSON.parse(new TextDecoder().decode(bytes)), hop: answered.hop };
  }

  async #body({ headers, body }: Dispatcher.ResponseData, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const encoding = headers['content-encoding'];
    return await readBody(body, { encoding: Array.isArray(encoding) ? encoding[0] : encoding, maxBytes, signal });
  }

  /** One request, at the master to which those that do not lead redirect. Rejects where it is not answered with 200. */
  async #request(
    first: Hop,
    method: 'GET' | 'POST',
    body: string | null,
    { asked, known, signal }: Conversation,
  ): Promise<{ readonly answer: Dispatcher.ResponseData; readonly hop: Hop }> {
    let hop = first;
    let mayRenew = true;
    for (let redirects = 0; ; redirects++) {
      const trusted = [asked, ...known].some(({ host }) => sameHost(host, hop.master.host));
      const credentials = trusted ? await this.#access.authentication.headers() : {};
      const agent = await this.#connections.agent;
      const answer = await agent.request({
        origin: originOf(hop),
        path: hop.path,
        method,
        body,
        headers: {
          ...credentials,
          'user-agent': 'Mesos-DNS',
          accept: JSON_TYPE,
          ...(method === 'POST' ? { 'content-type': JSON_TYPE } : { 'accept-encoding': 'gzip' }),
        },
        signal,
      });
      const { statusCode, headers } = answer;
      if (statusCode === 200) return { answer, hop };
      const excerpt = await readExcerpt(answer.body, { encoding: undefined, signal });
      if (statusCode === 401 && trusted && mayRenew && (await this.#access.authentication.refused())) {
        mayRenew = false;
        continue;
      }
      const location = headers['location'];
      if (typeof location === 'string' && [301, 302, 303, 307, 308].includes(statusCode)) {
        if (redirects === MAX_REDIRECTS) throw new Error(`redirects more than ${MAX_REDIRECTS} times`);
        hop = nextHop(location, hop, known);
        continue;
      }
      const text = `answered ${statusCode}${excerpt === '' ? '' : `: ${excerpt}`} to ${hop.path}`;
      // A master that is not ready says 503, one that is restarting may say 404 once, one that has no such call 501.
      if (statusCode === 503) throw new NotReadyError(text);
      const isUnavailable = (statusCode >= 400 && statusCode < 500) || statusCode === 501;
      throw isUnavailable ? new UnavailableError(text) : new Error(text);
    }
  }
}

function connectionOptions(tls: TlsMaterial | null): Agent.Options {
  return {
    connect: { ...tls, timeout: CONNECT_TIMEOUT_MS, keepAlive: true, keepAliveInitialDelay: 10_000 },
    autoSelectFamily: true,
    headersTimeout: 0,
    bodyTimeout: 0,
  };
}

/** Reads the stream to its end; rejects where that is no end in good order. */
async function drain(
  body: Readable,
  signal: AbortSignal,
  maxRecordBytes: number,
  watch: SilenceWatch,
  handlers: StreamHandlers,
): Promise<void> {
  const decoder = new RecordDecoder(maxRecordBytes);
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(error);
      body.destroy();
    };
    body.on('data', (piece: Uint8Array) => {
      try {
        watch.heard();
        const receivedAtMs = performance.now();
        decoder.push(piece, (record) => {
          const heartbeatMs = handlers.record(record, receivedAtMs);
          if (heartbeatMs === null) return;
          watch.limit(MISSED_HEARTBEATS * heartbeatMs);
          decoder.maxBytes = Math.min(maxRecordBytes, MAX_EVENT_BYTES);
        });
        handlers.drained();
      } catch (error) {
        fail(error);
      }
    });
    body.on('end', resolve);
    body.on('error', reject);
    body.on('close', () => reject(new MesosDnsError('ERR_STREAM', 'the event stream is cut')));
    signal.addEventListener('abort', () => fail(signal.reason), { once: true });
  });
}

/** Ends a stream on which nothing has been heard for too long. */
class SilenceWatch {
  readonly #abort: AbortController;
  #limitMs: number;
  #timer: NodeJS.Timeout | undefined;
  #heardAtMs = performance.now();

  constructor(abort: AbortController, limitMs: number) {
    this.#abort = abort;
    this.#limitMs = limitMs;
    this.#wait();
  }

  limit(limitMs: number): void {
    this.#limitMs = limitMs;
    this.#wait();
  }

  heard(): void {
    this.#heardAtMs = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Until the limit is over, unless something comes. */
  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), this.#limitMs - this.#silentMs + 1);
  }

  get #silentMs(): number {
    return performance.now() - this.#heardAtMs;
  }

  #look(): void {
    // Looked at after what waits in the socket has been read: this thread itself may have been busy for long.
    setImmediate(() => {
      if (this.#silentMs <= this.#limitMs) {
        this.#wait();
        return;
      }
      const seconds = Math.round(this.#silentMs / 1000);
      this.#abort.abort(new MesosDnsError('ERR_STREAM', `nothing came over the event stream for ${seconds} s`));
    });
  }
}

/** Whether the events of a Mesos version can be relied on. */
function isFollowable(version: string): boolean {
  const [major = Number.NaN, minor = Number.NaN] = version.split('.').map(Number);
  return major > FIRST_VERSION[0] || (major === FIRST_VERSION[0] && minor >= FIRST_VERSION[1]);
}
