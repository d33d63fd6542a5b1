// How the program shows the masters who it is: not at all, with a password, or with a token of an identity service.

import { readFile } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { secretIn } from '../config/files.ts';
import type { Metrics } from '../observability/metrics.ts';
import { IamLogin, type PostJson } from './auth-iam.ts';

export interface Authentication {
  /** Headers for the next request. Rejects, in words for a log line, where there are none to be had. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** Told that a master refused the headers (401). @returns whether others may be accepted. */
  refused(): Promise<boolean>;
}

export type AuthenticationConfig = Pick<
  Config,
  'mesosAuthentication' | 'mesosCredentials' | 'mesosSecretFile' | 'iamConfigFile'
>;

export interface AuthenticationOptions {
  readonly config: AuthenticationConfig;
  /** Asks the identity service. */
  readonly post: PostJson;
  readonly metrics?: Pick<Metrics, 'logins'> | undefined;
}

export function createAuthentication({ config, post, metrics }: AuthenticationOptions): Authentication {
  switch (config.mesosAuthentication) {
    case '':
      return { headers: async () => ({}), refused: async () => false };
    case 'basic':
      return new BasicAuthentication(config);
    case 'iam':
      return new IamLogin({ file: config.iamConfigFile, post, metrics });
  }
}

class BasicAuthentication implements Authentication {
  readonly #principal: string;
  readonly #file: string;
  #secret: string;

  constructor({ mesosCredentials, mesosSecretFile }: AuthenticationConfig) {
    this.#principal = mesosCredentials.principal;
    this.#secret = mesosCredentials.secret;
    this.#file = mesosSecretFile;
  }

  async headers(): Promise<Readonly<Record<string, string>>> {
    const pair = Buffer.from(`${this.#principal}:${this.#secret}`).toString('base64');
    return { authorization: `Basic ${pair}` };
  }

  /** The file may hold a newer secret than the one that was read at start. */
  async refused(): Promise<boolean> {
    if (this.#file === '') return false;
    try {
      const secret = secretIn(await readFile(this.#file, 'utf8'));
      const isNewer = secret !== '' && secret !== this.#secret;
      if (isNewer) this.#secret = secret;
      return isNewer;
    } catch {
      // A file that is being replaced: the next refusal reads it again.
      return false;
    }
  }
}
