// Emptying the cache, which only this machine may do.

import type { FastifyInstance } from 'fastify';
import { CLASS_IN, TYPE_A } from '../dns/constants.ts';
import { isLoopback } from '../dns/local-networks.ts';
import { UNWRITABLE, wireSize, writeName } from '../dns/name.ts';
import type { RoutesOptions } from './routes-options.ts';

/** DELETE empties the cache, of a name and those below it, or of everything. */
export const CACHE_PATH = '/v1/cache';

export function addCacheRoute(app: FastifyInstance, { flushCache }: Pick<RoutesOptions, 'flushCache'>): void {
  app.delete<{ Querystring: { name?: string } }>(CACHE_PATH, async ({ query, ip }, reply) => {
    if (!isLoopback(ip)) return reply.code(403).send({ error: 'only this machine may empty the cache' });
    const question = query.name === undefined ? null : questionOf(query.name);
    if (question === undefined) return reply.code(400).send({ error: 'name: expected a domain name' });
    const flushed = (await flushCache?.(question)) ?? null;
    return flushed === null ? reply.code(503).send({ error: 'DNS is not served' }) : { flushed };
  });
}

/** A question of type A for a name; undefined where it is none. The core lowers its case. */
function questionOf(name: string): Uint8Array | undefined {
  const size = wireSize(String(name));
  if (size === UNWRITABLE) return undefined;
  const question = new Uint8Array(size + 4);
  question.set([0, TYPE_A, 0, CLASS_IN], writeName(question, 0, name));
  return question;
}
