// A cache without sockets: an engine with a table, a writer, and any number of answerers over the same memory.

import { encode, type Packet, type Question } from 'dns-packet';
import { ReplyCache } from '../../src/cache/reply-cache.ts';
import type { CacheSettings } from '../../src/engine/cache-settings.ts';
import { type CoreAnswerer, createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { TableInput } from '../../src/engine/table-input.ts';
import type { ForwarderHooks } from '../../src/forwarder/forwarder.ts';
import { readLayout } from '../../src/forwarder/message.ts';
import { type ClientQuery, readClientQuery } from '../../src/forwarder/query.ts';
import { type AskOptions, decodeReply, type QueryType, query, recordSet, tableInput, UDP } from '../support/zone.ts';

export const SETTINGS: CacheSettings = {
  sizeBytes: 1 << 20,
  minTtlSeconds: 0,
  maxTtlSeconds: 86_400,
  maxNegativeTtlSeconds: 10_800,
  maxStaleSeconds: 86_400,
  prefetches: true,
  cutsNxdomain: true,
};

export interface TestCache {
  readonly engine: Engine;
  readonly answerer: CoreAnswerer;
  readonly cache: ReplyCache;
  /** As an upstream's answer to a query that a client sent. */
  store(reply: Uint8Array, asked: Uint8Array, route?: number): void;
  /** The reply to a query, or `null` where it is forwarded. */
  ask(name: string, type?: QueryType, options?: AskOptions): ReturnType<typeof decodeReply> | null;
}

export async function createTestCache(
  settings: Partial<CacheSettings> = {},
  build: 'debug' | 'release' = 'release',
  table: Partial<TableInput> = {},
): Promise<TestCache> {
  const engine = await Engine.create({ build });
  engine.openCache({ ...SETTINGS, ...settings });
  engine.publish(tableInput(recordSet([]), table));
  const core = { module: engine.module, memory: engine.memory, seed: 0x1234_5678_9abcn };
  const answerer = createCoreAnswerer({ ...core, worker: 1 });
  const writer = createCoreAnswerer({ ...core, worker: 0 });
  const cache = new ReplyCache(writer.stream, writer.counts);
  const hooks = cache.hooks;
  return {
    engine,
    answerer,
    cache,
    store: (reply, asked, route = 0) => storeWith(hooks, reply, asked, route),
    ask(name, type = 'A', options = {}) {
      const verdict = answerer.answer(query(name, type, options), options.client ?? UDP);
      return verdict.kind === 'forward' ? null : decodeReply(verdict);
    },
  };
}

export function clientQuery(message: Uint8Array): ClientQuery {
  const outcome = readClientQuery(message);
  if (outcome.kind !== 'query') throw new Error('expected a query that is forwarded');
  return outcome.query;
}

function storeWith(hooks: ForwarderHooks, reply: Uint8Array, asked: Uint8Array, route: number): void {
  const layout = readLayout(reply);
  if (layout === null) throw new Error('expected a reply that can be read');
  hooks.onReply?.({ route, query: clientQuery(asked), message: Uint8Array.from(reply), layout });
}

/** An upstream's answer to a question. */
export function reply(name: string, type: QueryType, packet: Packet & { readonly rcode?: number } = {}): Uint8Array {
  const { rcode = 0, flags = 0x180, ...rest } = packet;
  return encode({
    id: 7,
    type: 'response',
    flags: flags | rcode,
    questions: [{ name, type: type as Question['type'] }],
    ...rest,
  });
}

export function soa(zone: string, ttl = 900, minimum = 300) {
  return {
    type: 'SOA' as const,
    name: zone,
    ttl,
    data: {
      mname: `ns.${zone}`,
      rname: `admin.${zone}`,
      serial: 1,
      refresh: 2,
      retry: 3,
      expire: 4,
      minimum,
    },
  };
}
