// Publishing what is held back, which only this machine may order.

import type { FastifyInstance } from 'fastify';
import { isLoopback } from '../dns/local-networks.ts';
import type { RoutesOptions } from './routes-options.ts';

/** POST publishes the update that is held back, or else lets the next one pass, whatever it removes. */
export const RELEASE_PATH = '/v2/release';

export function addReleaseRoute(
  app: FastifyInstance,
  { hold, release }: Pick<RoutesOptions, 'hold' | 'release'>,
): void {
  app.post(RELEASE_PATH, async ({ ip, headers }, reply) => {
    if (!isLoopback(ip)) return reply.code(403).send({ error: 'only this machine may publish what is held back' });
    // A web page that somebody has opened on this machine is not its operator.
    if (headers.origin !== undefined)
      return reply.code(403).send({ error: 'browsers may not publish what is held back' });
    const held = hold?.() ?? null;
    release?.();
    return { released: held?.reason ?? null };
  });
}
