// The paths of the API v2.

import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { fqdn } from '../dns/name.ts';
import { explainName, explainTask } from '../records/explain.ts';
import { openApiDocument } from './openapi.ts';
import { type RoutesOptions, withZone } from './routes-options.ts';
import { NameSearch } from './search.ts';
import { recordsView, serviceView, statusView, targetsView } from './views-v2.ts';

const PAGE_DEFAULT = 50;
const PAGE_MAX = 1000;
const SERVICES_MAX = 100;

export function addRoutesV2(app: FastifyInstance, options: RoutesOptions): void {
  const { config, zone, version, feed } = options;
  const nameSearch = new NameSearch();

  app.get('/v2/status', async (_, reply) => {
    const forwarding = (await options.forwarding?.()) ?? null;
    const reasons = options.reasonsNotReady?.() ?? [];
    const held = options.hold?.() ?? null;
    return reply.send(statusView({ version, config: config(), zone: zone(), reasons, held, forwarding }));
  });

  app.get<{ Querystring: { search?: string; limit?: string; cursor?: string } }>(
    '/v2/records',
    async (request, reply) => {
      if (!config().enumerationOn) return reply.callNotFound();
      const { search = '', limit, cursor } = request.query;
      const count = numberIn(limit, PAGE_DEFAULT);
      const from = numberIn(cursor, 0);
      if (typeof search !== 'string' || count === null || from === null || count < 1 || count > PAGE_MAX) {
        return reply
          .code(400)
          .send({ error: `search must be a text, limit from 1 to ${PAGE_MAX}, cursor as the last page says` });
      }
      return withZone(zone(), reply, (present) => {
        const { names, next } = nameSearch.find(present, search, from, count);
        return sendTagged(reply, { serial: present.serial, names, next: next === null ? null : String(next) });
      });
    },
  );

  app.get<{ Params: { name: string } }>('/v2/records/:name', async ({ params }, reply) =>
    withZone(zone(), reply, (present) => sendFound(reply, recordsView(params.name, present, config()))),
  );
  app.get<{ Params: { name: string } }>('/v2/services/:name', async ({ params }, reply) =>
    withZone(zone(), reply, (present) => sendFound(reply, serviceView(params.name, present))),
  );

  app.get<{ Querystring: { service?: string | string[] } }>('/v2/http_sd', async ({ query: { service } }, reply) => {
    const services = typeof service === 'string' ? [service] : (service ?? []);
    if (services.length === 0 || services.length > SERVICES_MAX) {
      return reply
        .code(400)
        .send({ error: `1 to ${SERVICES_MAX} parameters "service" are needed, each the name of SRV records` });
    }
    return withZone(zone(), reply, (present) => sendTagged(reply, targetsView(services, present)));
  });

  app.get<{ Querystring: { name?: string; task?: string } }>(
    '/v2/explain',
    async ({ query: { name, task } }, reply) => {
      if (!config().enumerationOn) return reply.callNotFound();
      return withZone(zone(), reply, ({ input, records, serial }) => {
        if (typeof name === 'string' && task === undefined) {
          return reply.send({ serial, ...explainName(input, fqdn(name), records) });
        }
        if (typeof task === 'string' && name === undefined)
          return reply.send({ serial, ...explainTask(input, task, records) });
        return reply.code(400).send({ error: 'one parameter is needed: name, or task (an id or a name)' });
      });
    },
  );

  app.get('/v2/events', async (request, reply) => {
    const stream = feed?.listen(zone()?.serial ?? null) ?? null;
    if (stream === null) return reply.code(503).header('retry-after', '10').send({ error: 'too many listen already' });
    request.raw.on('close', () => stream.destroy());
    if (request.method === 'HEAD') stream.destroy();
    return reply.header('cache-control', 'no-store').type('text/event-stream; charset=utf-8').send(stream);
  });

  app.get('/v2/openapi.json', async () => openApiDocument(version));
}

/** null where the text is no such number. */
function numberIn(text: string | undefined, missing: number): number | null {
  if (text === undefined) return missing;
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function sendFound(reply: FastifyReply, document: object | null): FastifyReply {
  if (document === null) return reply.code(404).send({ error: 'there is no such name' });
  return sendTagged(reply, document);
}

/** With a tag of the content, so that who asks again and again gets 304 while nothing changes. */
function sendTagged(reply: FastifyReply, document: object): FastifyReply {
  const { serial: _, ...content } = document as { serial?: number };
  const text = JSON.stringify(document);
  const tagged = Array.isArray(document) ? text : JSON.stringify(content);
  const tag = `W/"${createHash('sha1').update(tagged).digest('base64url')}"`;
  const known = String(reply.request.headers['if-none-match'] ?? '')
    .split(',')
    // Compared weakly, as RFC 9110 wants it for this header: some proxies take the W/ away.
    .map((each) => each.trim().replace(/^(?=")/, 'W/'));
  const answer = reply.header('etag', tag).header('cache-control', 'no-cache');
  if (known.includes(tag) || known.includes('*')) return answer.code(304).send();
  return answer.type('application/json; charset=utf-8').send(text);
}
