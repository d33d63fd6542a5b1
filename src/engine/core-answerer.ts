// A worker's side of answering: one query into the core, one verdict out.

import { performance } from 'node:perf_hooks'; // the global one is looked up anew for each call
import { NOT_IPV4, parseIPv4, writeIPv6 } from '../dns/ip-text.ts';
import type { Answerer, Client, Verdict } from '../sockets/answerer.ts';
import { type CacheFigures, readCacheFigures } from './cache-settings.ts';
import {
  type CoreExports,
  DESCRIPTOR_ADDRESS,
  DESCRIPTOR_FAMILY,
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_TRANSPORT,
  DESCRIPTOR_VERDICT,
  ROUTE_SHIFT,
  STREAM_SLOT,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
  VERDICT_ANSWERED,
  VERDICT_FORWARD,
  VERDICT_MASK,
} from './contract.ts';
import { instantiateCore } from './core.ts';
import { countViews, descriptorAt, refreshViews, workerViews } from './memory.ts';
import { cacheHitsOf, QueryCounts } from './query-counts.ts';

/** What an IPv4 address begins with where it is written as an IPv6 one. */
const MAPPED = '::ffff:';

export interface CoreAnswererOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Index of the worker block to use, 0 to WORKERS_MAX − 1; nobody else may use it. */
  readonly worker: number;
  /** Not 0. */
  readonly seed: bigint;
}

export interface CoreAnswerer extends Answerer {
  /** For what others answer in this thread. */
  readonly counts: QueryCounts;
  /** For who changes what the core reads. */
  readonly stream: CoreStream;
}

/** The stream slot between two answers: messages for functions of the core, and what they make of them. */
export interface CoreStream {
  readonly exports: CoreExports;
  /** Address of the worker block. */
  readonly worker: number;
  /** See WORKER_REFRESHES; of all workers. */
  readonly refreshes: ReturnType<typeof refreshViews>;
  readonly cacheFigures: () => CacheFigures | null;
  /** Questions answered from the cache since start, by all workers. */
  readonly cacheHits: () => number;
  /** Sets the clock and puts a message into the slot. @returns its length */
  put(message: Uint8Array): number;
  /** What the descriptor tells of; a view. */
  take(): { readonly message: Uint8Array; readonly verdict: number };
  /** A copy of the first octets of the slot. */
  copy(length: number): Uint8Array;
}

export function createCoreAnswerer(options: CoreAnswererOptions): CoreAnswerer {
  const core = instantiateCore(options.module, options.memory);
  const views = workerViews(options.memory, options.worker, 0);
  const { descriptors, stream } = views;
  const descriptor = descriptorAt(STREAM_SLOT);
  const counts = new QueryCounts(views.counts);
  views.random[0] = options.seed;
  const counted = countViews(options.memory);

  const coreStream: CoreStream = {
    exports: core,
    worker: views.address,
    refreshes: refreshViews(options.memory),
    cacheFigures: () => readCacheFigures(options.memory),
    cacheHits: () => counted.reduce((sum, each) => sum + cacheHitsOf(each), 0),
    put(message) {
      stream.set(message);
      views.clock[0] = Date.now() / 1000;
      return message.length;
    },
    take: () => ({
      message: stream.subarray(0, descriptors.getUint32(descriptor + DESCRIPTOR_LENGTH, true)),
      verdict: descriptors.getUint32(descriptor + DESCRIPTOR_VERDICT, true),
    }),
    copy: (length) => new Uint8Array(stream.subarray(0, length)),
  };

  const verdictOf = (): Verdict => {
    const verdict = descriptors.getUint32(descriptor + DESCRIPTOR_VERDICT, true);
    const message = stream.subarray(0, descriptors.getUint32(descriptor + DESCRIPTOR_LENGTH, true));
    switch (verdict & VERDICT_MASK) {
      case VERDICT_ANSWERED:
        return { kind: 'answered', message };
      case VERDICT_FORWARD:
        return { kind: 'forward', route: verdict >>> ROUTE_SHIFT, query: message };
      default:
        return { kind: 'dropped' };
    }
  };

  return {
    counts,
    stream: coreStream,
    answer(query: Uint8Array, client: Client): Verdict {
      const startMs = performance.now();
      stream.set(query);
      descriptors.setUint32(descriptor + DESCRIPTOR_LENGTH, query.length, true);
      descriptors.setUint32(
        descriptor + DESCRIPTOR_TRANSPORT,
        client.transport === 'tcp' ? TRANSPORT_TCP : TRANSPORT_UDP,
        true,
      );
      writeClient(descriptors, descriptor, client.address);
      views.clock[0] = Date.now() / 1000;
      core.answerStream(views.address);
      const verdict = verdictOf();
      if (verdict.kind === 'answered') {
        counts.countDuration(client.transport, 1, (performance.now() - startMs) / 1000);
      }
      return verdict;
    },
    fail(): Verdict {
      counts.countCoreFailure();
      try {
        core.failSlot(views.address, STREAM_SLOT);
        return verdictOf();
      } catch {
        return { kind: 'dropped' };
      } finally {
        // A trap leaves nothing behind but the announcement.
        Atomics.store(views.announced, 0, 0);
      }
    },
  };
}

/** Writes an address into a descriptor, left-aligned, and its family; 0 for what is no address. */
function writeClient(descriptors: DataView, descriptor: number, text: string): void {
  const at = descriptor + DESCRIPTOR_ADDRESS;
  const v4 = parseIPv4(text, text.startsWith(MAPPED) ? MAPPED.length : 0);
  let family = 1;
  if (v4 !== NOT_IPV4) {
    descriptors.setUint32(at, v4);
    for (let i = 4; i < 16; i += 4) descriptors.setUint32(at + i, 0);
  } else {
    const zone = text.indexOf('%');
    const octets = new Uint8Array(16);
    family = writeIPv6(zone === -1 ? text : text.slice(0, zone), octets, 0) ? 2 : 0;
    octets.forEach((octet, i) => void descriptors.setUint8(at + i, octet));
  }
  descriptors.setUint32(descriptor + DESCRIPTOR_FAMILY, family, true);
}
