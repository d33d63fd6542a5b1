// The serials that were used, on disk: what is served after a restart has a later one, also where the process was killed
// before its last changes were in a snapshot. Serials are reserved ahead, so that few of them are written.
//
//    {"format":"mesos-dns serial","domain":"mesos","upTo":1795413719}

import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isAfter, laterSerial } from '../dns/serial.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { makeDirectory } from './snapshot-file.ts';
import { Writes } from './writes.ts';

export interface SerialKeeperOptions {
  readonly directory: string;
  /** Serials of another domain mean nothing. */
  readonly domain: string;
  /** See Writes. */
  readonly after?: Promise<void> | undefined;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'snapshotFailures'>;
}

export const SERIAL_FILE_NAME = 'cluster.serial';
const FORMAT = 'mesos-dns serial';
/** When half of them are used, more are reserved. */
const RESERVED = 200_000;

export class SerialKeeper {
  readonly #options: SerialKeeperOptions;
  readonly #path: string;
  /** The last one in use; null before the first. */
  #used: number | null = null;
  #reserved: number | null = null;
  readonly #writes: Writes;

  constructor(options: SerialKeeperOptions) {
    this.#options = options;
    this.#path = join(options.directory, SERIAL_FILE_NAME);
    const { after, logger, metrics } = options;
    this.#writes = new Writes({ path: this.#path, after, logger, metrics });
  }

  /** The last serial that may have been used before this start; null where none is known. Never rejects. */
  async lastUsed(): Promise<number | null> {
    const { logger, domain } = this.#options;
    try {
      const stored = JSON.parse(readFileSync(this.#path, 'utf8')) as Readonly<Record<string, unknown>>;
      const { format, domain: of, upTo } = stored;
      if (format !== FORMAT || typeof upTo !== 'number' || !Number.isInteger(upTo) || upTo < 1 || upTo >= 2 ** 32) {
        throw new Error('it does not say what it should');
      }
      return of === domain ? upTo : null;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        logger.warn(`the serials used before are not known: ${this.#path}: ${messageOf(error)}`);
      }
      return null;
    }
  }

  /** A serial is in use. @returns resolves when that is on disk; never rejects */
  use(serial: number): Promise<void> {
    this.#used = serial;
    if (this.#reserved === null || !isAfter(this.#reserved, laterSerial(serial, RESERVED / 2))) {
      this.#write(laterSerial(serial, RESERVED));
    }
    return this.#writes.done;
  }

  /** Gives back what was reserved and not used. */
  async close(): Promise<void> {
    if (this.#used !== null) this.#write(this.#used);
    await this.#writes.done;
  }

  #write(upTo: number): void {
    this.#reserved = upTo;
    void this.#writes.add(async () => {
      try {
        await this.#writeNow(upTo);
      } catch (error) {
        this.#reserved = null;
        throw new Error(`${this.#path} could not be written: ${messageOf(error)}`);
      }
    });
  }

  async #writeNow(upTo: number): Promise<void> {
    const { directory, domain } = this.#options;
    await makeDirectory(directory);
    const temporary = `${this.#path}.new`;
    const file = await open(temporary, 'w', 0o640);
    try {
      await file.writeFile(`${JSON.stringify({ format: FORMAT, domain, upTo })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }
}

/** The serial for what a snapshot holds: its own, if no later one may have been used. */
export function resumedSerial(ofSnapshot: number, lastUsed: number | null): number {
  return lastUsed !== null && isAfter(lastUsed, ofSnapshot) ? laterSerial(lastUsed, 1) : ofSnapshot;
}
