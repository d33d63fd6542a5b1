// Certificates and keys for HTTPS towards the masters, read again when their files change.

import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Config } from '../config/config.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';

export type TlsConfig = Pick<Config, 'caCertFile' | 'certFile' | 'keyFile'>;

/** For node:tls. */
export interface TlsMaterial {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Without an authority to judge by, any certificate is accepted, as by the original. */
  readonly rejectUnauthorized: boolean;
}

const FILES = { ca: 'caCertFile', cert: 'certFile', key: 'keyFile' } as const;

export class TlsFiles {
  readonly #config: TlsConfig;
  readonly #logger: Logger | null;
  #stamp = '';
  #complainedOf = '';
  #material: TlsMaterial | null = null;

  constructor(config: TlsConfig, logger: Logger | null) {
    this.#config = config;
    this.#logger = logger;
  }

  /**
   * What the files hold. While they cannot be used, what they held before; one file of a pair may be replaced before the other.
   * Rejects where they could never be used.
   */
  async read(): Promise<TlsMaterial> {
    const stamp = await this.#readStamp();
    if (this.#material !== null && stamp === this.#stamp) return this.#material;
    try {
      const material = await this.#load();
      // Throws where they do not fit together. With an empty list: Node's own authorities would take 20 ms to be read.
      createSecureContext({ ...material, ca: material.ca ?? [] });
      this.#material = material;
      this.#stamp = stamp;
      return material;
    } catch (error) {
      if (this.#material === null) throw error;
      if (this.#complainedOf !== stamp) {
        this.#logger?.warn(`changed files of certificates cannot be used, the ones before are: ${messageOf(error)}`);
      }
      this.#complainedOf = stamp;
      return this.#material;
    }
  }

  async #load(): Promise<TlsMaterial> {
    const text = async (file: string) => (file === '' ? undefined : await readFile(file, 'utf8'));
    const [ca, cert, key] = await Promise.all(Object.values(FILES).map((name) => text(this.#config[name])));
    // OpenSSL would take it for an empty list.
    if (ca?.includes('-----END CERTIFICATE-----') === false) throw new Error('caCertFile holds no certificate');
    return { ca, cert, key, rejectUnauthorized: ca !== undefined };
  }

  /** Differs where a file was written or replaced. */
  async #readStamp(): Promise<string> {
    const stamps = await Promise.all(
      Object.values(FILES).map(async (name) => {
        const file = this.#config[name];
        if (file === '') return '';
        try {
          const { mtimeMs, size, ino } = await stat(file);
          return `${mtimeMs} ${size} ${ino}`;
        } catch {
          return 'missing';
        }
      }),
    );
    return stamps.join();
  }
}
