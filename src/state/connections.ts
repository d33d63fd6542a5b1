// The connections to masters. undici is loaded with the first of them: a start that serves a snapshot does not wait for it.

import type { Agent } from 'undici';
import type { TlsMaterial } from './tls-files.ts';

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

  async #createAgent(): Promise<Agent> {
    const options = this.#optionsOf(this.#tls);
    const undici = await import('undici');
    return new undici.Agent(options);
  }
}
