// What the main thread and the threads that serve DNS say to each other.

import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../errors.ts';
import type { ForwardingFigures } from '../forwarder/figures.ts';
import type { ForwardPolicy } from '../forwarder/policy.ts';
import type { LogFormat, Verbosity } from '../observability/logger.ts';
import type { SampledQuery } from '../sockets/query-sampler.ts';
import type { Place } from '../sockets/service.ts';
import type { TcpCounters, TcpLimits } from '../sockets/tcp.ts';
import type { UdpSocket } from '../sockets/udp-sockets.ts';

/** What every thread that answers needs of the core. */
export interface CoreSettings {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Index of the worker block in the memory that is the thread's own. */
  readonly worker: number;
  /** Seeds the order of answers; not 0. */
  readonly seed: bigint;
  /** The nice value that the thread is to have. */
  readonly priority: number;
}

/** Of the stream thread, changed by a reload. */
export interface StreamTuning {
  /** None where the batched driver serves UDP. */
  readonly udp: readonly Place[];
  readonly tcp: readonly Place[];
  /** Of the `dgram` driver's sockets; 0: as the system sets them. */
  readonly udpReceiveBufferBytes: number;
  readonly udpSendBufferBytes: number;
  /** The largest answer over UDP, bytes. */
  readonly udpPayloadBytes: number;
  readonly tcpLimits: Partial<TcpLimits>;
  /** Route n to its upstreams; 0 is the default route. */
  readonly routes: readonly (readonly string[])[];
  /** The zone of each route; '' for the default one. */
  readonly zones: readonly string[];
  readonly forwardPolicy: ForwardPolicy;
  readonly forwardRandomCase: boolean;
  /** PEM text; null: those that Node knows. */
  readonly forwardAuthorities: string | null;
  /** For one forwarded query. */
  readonly timeoutSeconds: number;
  readonly recursionAvailable: boolean;
  readonly logFormat: LogFormat;
  /** One of so many queries is reported; 0: none. */
  readonly queryLogSample: number;
}

/** Handed to the stream thread when it starts: TCP, the forwarder, and UDP where the `dgram` driver serves. */
export interface StreamSettings extends CoreSettings, StreamTuning {
  readonly io: 'batched' | 'dgram';
  readonly verbosity: Verbosity;
}

export interface BoundEndpoint {
  readonly transport: 'udp' | 'tcp';
  readonly address: string;
  readonly port: number;
}

/** From the stream thread. */
export type StreamReport =
  | { readonly kind: 'listening'; readonly endpoints: readonly BoundEndpoint[] }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  /** What was ordered by `tune` cannot be served; what was served before still is. */
  | { readonly kind: 'refused'; readonly message: string }
  /** What was asked for by the order of that name. */
  | ({ readonly kind: 'figures' } & StreamFigures)
  /** The order of that name was followed: so many answers are forgotten. */
  | { readonly kind: 'flushed'; readonly entries: number }
  | QueryReport;

export interface StreamFigures {
  readonly forwarding: ForwardingFigures;
  /** Of all listeners together. */
  readonly tcp: TcpCounters;
  /** Answers in the cache asked for again before their end. */
  readonly prefetches: number;
}

/** To the stream thread. */
export type StreamOrder =
  /** Take the queries that a UDP worker forwards. `control`: the worker's, see UdpControl. */
  | {
      readonly kind: 'attach';
      readonly way: ForwardWay;
      readonly control: SharedArrayBuffer;
      readonly sockets: readonly UdpSocket[];
    }
  /** A route leads to other upstreams from now on. */
  | { readonly kind: 'route'; readonly route: number; readonly upstreams: readonly string[] }
  /** Go over to other settings; reports `listening` or `refused`. */
  | { readonly kind: 'tune'; readonly tuning: StreamTuning }
  /** Forget what the cache knows of the name of a question and of names below it; null: everything. */
  | { readonly kind: 'flush'; readonly question: Uint8Array | null }
  /** Report the figures of forwarding, of TCP and of the cache. */
  | { readonly kind: 'figures' }
  /** Take no more queries, answer what was taken for up to `graceMs`, end. */
  | { readonly kind: 'stop'; readonly graceMs: number };

/** One end of the way from a UDP worker to the stream thread. */
export interface ForwardWay {
  /** See ForwardRing. */
  readonly ring: SharedArrayBuffer;
  /** A message on it says that there is something in the ring; it closes when the worker ends. */
  readonly port: MessagePort;
}

/** Handed to a UDP worker when it starts. */
export interface UdpWorkerSettings extends CoreSettings {
  readonly sockets: readonly UdpSocket[];
  /** See UdpControl; orders come through it, because the worker does not return to its event loop. */
  readonly control: SharedArrayBuffer;
  /** Of a Bell, which is rung after every order. */
  readonly bell: number;
  /** Where forwarded queries go. */
  readonly forwardTo: ForwardWay;
}

/** From every thread that answers: one of the queries that it was to report. */
export interface QueryReport {
  readonly kind: 'query';
  readonly query: SampledQuery;
}

/** From a UDP worker. */
export type UdpReport =
  | QueryReport
  | { readonly kind: 'serving' }
  /** It serves the sockets that it was told of last, and no others. */
  | { readonly kind: 'changed' }
  /** Something to be logged; the worker goes on. */
  | { readonly kind: 'trouble'; readonly what: string; readonly error: unknown };

/** To a UDP worker, announced through its control words: the stream thread was started again, or the sockets change. */
export interface ForwardTo {
  readonly kind: 'forward-to';
  readonly way: ForwardWay;
  /** To be served from now on. */
  readonly sockets: readonly UdpSocket[];
}
