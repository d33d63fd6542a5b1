// The HTTP server: limits, errors, start and stop. What it serves stands in routes.ts.

import type { AddressInfo } from 'node:net';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Config } from '../config/config.ts';
import { MesosDnsError, messageOf } from '../errors.ts';
import { formatEndpoint } from '../leader/leader.ts';
import type { Logger } from '../observability/logger.ts';
import { CACHE_PATH } from './cache-route.ts';
import { RELEASE_PATH } from './release-route.ts';
import { addRoutes } from './routes.ts';
import type { RoutesOptions } from './routes-options.ts';

/** A connection on which nothing moves is closed: a client that stops reading must not hold an old zone in memory. */
const IDLE_MS = 60_000;
/** For a whole request to arrive, headers included. */
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
/** For answers under way when the server closes. */
const CLOSE_GRACE_MS = 1000;
/** Longer than any domain name, percent-encoded. */
const MAX_NAME_LENGTH = 2048;
const MAX_BODY_BYTES = 1024;

export interface HttpApiOptions extends RoutesOptions {
  /** A socket that listens already, handed over by a service manager, instead of `httpListener` and `httpPort`. */
  readonly fd?: number;
  readonly logger: Logger;
}

export interface HttpApi {
  /** For tests: requests without a socket. */
  readonly app: FastifyInstance;
  /** The paths that are served, as Fastify writes them. */
  readonly routes: readonly string[];
  /** Binds the address and port of a configuration, the one in force by default. Rejects with ERR_LISTEN. */
  listen(at?: Pick<Config, 'httpListener' | 'httpPort'>): Promise<{ readonly host: string; readonly port: number }>;
  /** Takes no more requests, gives those under way a second, then ends them. */
  close(): Promise<void>;
}

export function createHttpApi(options: HttpApiOptions): HttpApi {
  const { config, logger, fd } = options;
  const app = fastify({
    logger: false,
    connectionTimeout: IDLE_MS,
    requestTimeout: REQUEST_MS,
    http: { headersTimeout: REQUEST_MS, connectionsCheckingInterval: REQUEST_MS / 2 },
    keepAliveTimeout: KEEP_ALIVE_MS,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_NAME_LENGTH },
  });

  app.addHook('onRequest', async ({ method, routeOptions }, reply) => {
    if (method === 'GET' || method === 'HEAD') return;
    if (
      (method === 'DELETE' && routeOptions.url === CACHE_PATH) ||
      (method === 'POST' && routeOptions.url === RELEASE_PATH)
    )
      return;
    return reply.code(405).header('allow', 'GET, HEAD').send({ error: 'only GET and HEAD are served' });
  });
  app.setNotFoundHandler(async (_, reply) => reply.code(404).send({ error: 'no such path' }));
  app.setErrorHandler(async (err: FastifyError, { url }, reply) => {
    const status = err.statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ error: messageOf(err) });
    logger.error({ err, url }, 'a request could not be answered');
    return reply.code(500).send({ error: 'internal error' });
  });
  const routes: string[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    if (method !== 'HEAD' && !routes.includes(url)) routes.push(url);
  });
  addRoutes(app, options);

  return {
    app,
    routes,
    async listen({ httpListener: host, httpPort: port } = config()) {
      try {
        // Not in Fastify's types, but handed on to Node, where it goes before host and port.
        const passed: { readonly fd?: number } = fd === undefined ? {} : { fd };
        await app.listen({ host, port, ...passed });
      } catch (error) {
        throw listenError(error, { host, port });
      }
      const address = app.server.address() as AddressInfo;
      return { host: address.address, port: address.port };
    },
    async close() {
      options.feed?.end();
      const force = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
      try {
        await app.close();
      } finally {
        clearTimeout(force);
      }
    },
  };
}

function listenError(error: unknown, endpoint: { readonly host: string; readonly port: number }): MesosDnsError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return new MesosDnsError(
    'ERR_LISTEN',
    `HTTP cannot listen on ${formatEndpoint(endpoint)} (httpListener, httpPort): ${hint(code) ?? messageOf(error)}`,
    { cause: error },
  );
}

function hint(code: unknown): string | null {
  switch (code) {
    case 'EACCES':
      return 'no permission; ports below 1024 need the capability CAP_NET_BIND_SERVICE or root';
    case 'EADDRINUSE':
      return 'another program uses this port already';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name does not resolve';
    default:
      return null;
  }
}
