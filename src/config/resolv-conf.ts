// Follows the name servers of /etc/resolv.conf, for a program that forwards to them.

import { readFile, stat } from 'node:fs/promises';
import type { Logger } from '../observability/logger.ts';
import { nameServersIn } from './hosts.ts';
import { fileTrouble } from './problems.ts';

export interface ResolvConfOptions {
  /** What has been read before. */
  readonly servers: readonly string[];
  /** Called with each other list, never an empty one. */
  readonly onChange: (servers: readonly string[]) => void;
  readonly interfaceAddresses: () => readonly string[];
  readonly logger: Logger;
  /** Default: /etc/resolv.conf. */
  readonly path?: string;
}

/** Whoever writes the file puts a new one in its place, or the link leads elsewhere: so it is looked at, not waited for. */
const LOOK_EVERY_MS = 1000;
const MISSING = 'missing';

export class ResolvConf {
  readonly #options: ResolvConfOptions;
  readonly #path: string;
  #servers: readonly string[];
  /** How the file looked when it was read last; null: nobody has looked yet, and it may have changed since the start. */
  #looks: string | null = null;
  #isLooking = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ResolvConfOptions) {
    this.#options = options;
    this.#path = options.path ?? '/etc/resolv.conf';
    this.#servers = options.servers;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#isClosed = true;
  }

  async #look(): Promise<void> {
    // A file on a disk that hangs is asked for once.
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const looks = await appearance(this.#path);
      if (looks === this.#looks) return;
      this.#looks = looks;
      await this.#read();
    } finally {
      this.#isLooking = false;
    }
  }

  /** A file that is missing, is being written, or names nobody leaves the servers as they are. */
  async #read(): Promise<void> {
    const { interfaceAddresses, logger, onChange } = this.#options;
    let servers: readonly string[];
    try {
      servers = nameServersIn(await readFile(this.#path, 'utf8'), interfaceAddresses());
    } catch (error) {
      logger.warn(`${this.#path} cannot be read (${fileTrouble(error)}); forwarding stays as it was`);
      return;
    }
    if (this.#isClosed || servers.join() === this.#servers.join()) return;
    if (servers.length === 0) {
      logger.warn(`${this.#path} names no server but this machine; forwarding stays as it was`);
      return;
    }
    this.#servers = servers;
    logger.info({ servers }, `${this.#path} has changed: forwarding to other servers`);
    onChange(servers);
  }
}

/** Another text wherever a file was written or replaced. */
async function appearance(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return MISSING;
  }
}
