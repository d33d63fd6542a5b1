// The connections to masters. undici is loaded with the first of them: a start that serves a snapshot does not wait for it.

import { createRequire } from 'node:module';
import type { Agent, Dispatcher } from 'undici';
import type { TlsMaterial } from './tls-files.ts';

const load = createRequire(import.meta.url);

/** The agent that all requests of one client go through, and the certificates that it was made with. */
export class Connections {
  readonly #optionsOf: (tls: TlsMaterial | null) => Agent.Options;
  #tls: TlsMaterial | null = null;
  #agent: Promise<Agent> | null = null;

  constructor(optionsOf: (tls: TlsMaterial | null) => Agent.Options) {
    this.#optionsOf = optionsOf;
  }

  /** What requests are sent with. */
  get agent(): Promise<Agent> {
    this.#agent ??= this.#createAgent();
    return this.#agent;
  }

  /** With what the present ones are made; null before any is known. */
  get tls(): TlsMaterial | null {
    return this.#tls;
  }

  /** Makes new ones with these certificates from now on. */
  renew(tls: TlsMaterial): void {
    const before = this.#agent;
    this.#tls = tls;
    this.#agent = null;
    // Where there is no agent, whoever asked for it has heard why.
    before?.then((agent) => agent.close()).catch(() => undefined);
  }

  /** Requests under way are rejected. */
  async destroy(): Promise<void> {
    await (await this.#agent)?.destroy();
  }

  /** With the parts of undici that send a request, put together as its own entry does, which takes three times as long. */
  async #createAgent(): Promise<Agent> {
    const options = this.#optionsOf(this.#tls);
    const dispatcher = load('undici/lib/dispatcher/dispatcher') as typeof Dispatcher;
    const agent = load('undici/lib/dispatcher/agent') as typeof Agent;
    dispatcher.prototype.request = load('undici/lib/api/api-request') as Dispatcher['request'];
    return new agent(options);
  }
}
