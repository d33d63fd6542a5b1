// HTTP as the configuration wants it served.

import type { Config } from './config/config.ts';
import type { HttpApi, HttpApiOptions } from './http/server.ts';
import { ZoneFeed } from './http/zone-feed.ts';
import type { Logger } from './observability/logger.ts';
import { NO_CHANGE, type PreparedChange } from './prepared-change.ts';

export interface HttpEndpoint {
  readonly host: string;
  readonly port: number;
}

interface Running {
  readonly api: HttpApi;
  readonly endpoint: HttpEndpoint;
  /** Ends with the server. */
  readonly feed: ZoneFeed;
}

export class HttpServing {
  readonly #options: Omit<HttpApiOptions, 'feed'>;
  readonly #log: Logger;
  /** null with httpOn false. */
  #running: Running | null = null;

  /** @param log of where it is served */
  constructor(options: Omit<HttpApiOptions, 'feed'>, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  get endpoint(): HttpEndpoint | null {
    return this.#running?.endpoint ?? null;
  }

  /** Tells those who listen of a new table of records; see ZoneFeed. */
  publish(serial: number, names: ReadonlySet<string> | null): void {
    this.#running?.feed.publish(serial, names);
  }

  /** Rejects with ERR_LISTEN. */
  async start(config: Config): Promise<void> {
    if (config.httpOn) this.#running = await this.#run(config);
  }

  /** Prepares another configuration. Rejects with ERR_LISTEN, and goes on as before. */
  async change(last: Config, next: Config): Promise<PreparedChange> {
    const before = this.#running;
    const isSame =
      last.httpOn === next.httpOn && last.httpListener === next.httpListener && last.httpPort === next.httpPort;
    if (isSame) return NO_CHANGE;
    const started = next.httpOn ? await this.#run(next) : null;
    const done = () => {
      this.#running = started;
      void before?.api.close();
    };
    return { done, undo: async () => started?.api.close() };
  }

  async close(): Promise<void> {
    await this.#running?.api.close();
  }

  async #run(config: Config): Promise<Running> {
    // Loaded when DNS is served already: nobody shall wait for it.
    const { createHttpApi } = await import('./http/server.ts');
    const feed = new ZoneFeed();
    const api = await createHttpApi({ ...this.#options, feed });
    const endpoint = await api.listen(config);
    this.#log.info(`HTTP on ${endpoint.host} port ${endpoint.port}`);
    return { api, endpoint, feed };
  }
}
