// The paths of the API and what each answers. Everything here may be asked by a stranger, but what empties the cache or
// publishes an update that is held back: nothing else changes anything, or shows a secret.

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { axfrDocument } from '../records/listing.ts';
import { addCacheRoute } from './cache-route.ts';
import { pacedJson } from './json-stream.ts';
import { addPage } from './page.ts';
import { addReleaseRoute } from './release-route.ts';
import { type RoutesOptions, withZone } from './routes-options.ts';
import { addRoutesV2 } from './routes-v2.ts';
import { configView, hostsView, servicesView, versionView } from './views.ts';
import { heldView } from './views-v2.ts';

export function addRoutes(app: FastifyInstance, options: RoutesOptions): void {
  const { config, zone, version, metrics } = options;
  app.get('/v1/version', async () => versionView(version));
  app.get('/v1/config', async () => configView(config(), zone()?.serial ?? null));

  app.get<{ Params: { host: string } }>('/v1/hosts/:host', async ({ params }, reply) =>
    withZone(zone(), reply, ({ records }) => hostsView(params.host, records)),
  );
  app.get('/v1/hosts/:host/ports', async (_, reply) =>
    reply.code(501).type('text/plain; charset=utf-8').send('To be implemented...'),
  );
  app.get<{ Params: { service: string } }>('/v1/services/:service', async ({ params }, reply) =>
    withZone(zone(), reply, ({ records }) => servicesView(params.service, records)),
  );

  app.get('/v1/enumerate', async (_, reply) => {
    if (!config().enumerationOn) return reply.callNotFound();
    return withZone(zone(), reply, ({ enumerate }) => sendLarge(reply, enumerate));
  });
  app.get('/v1/axfr', async (_, reply) => {
    if (!config().enumerationOn) return reply.callNotFound();
    return withZone(zone(), reply, (present) =>
      sendLarge(reply, () => axfrDocument(present.records, config(), present.serial)),
    );
  });

  app.get('/health', async (_, reply) => reply.type('text/plain; charset=utf-8').send('OK'));
  app.get('/ready', async (_, reply) => {
    const reasons = options.reasonsNotReady?.() ?? [];
    // A hold is no reason not to be asked: what is served is the good zone, and others hold it as well.
    const held = heldView(options.hold?.() ?? null);
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons, held });
  });
  addRoutesV2(app, options);
  addPage(app);
  addCacheRoute(app, options);
  addReleaseRoute(app, options);

  app.get('/metrics', async (_, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

/** The document is that of one zone from its first byte to its last, whatever is published meanwhile. */
function sendLarge(reply: FastifyReply, document: () => unknown): FastifyReply {
  const typed = reply.type('application/json; charset=utf-8');
  // Nobody reads the body of an answer to HEAD, so it need not be made.
  if (reply.request.method === 'HEAD') return typed.send();
  return typed.send(Readable.from(pacedJson(document()), { objectMode: true, highWaterMark: 2 }));
}
