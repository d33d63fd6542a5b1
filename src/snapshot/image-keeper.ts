// When the zone in force is written as it stands in memory: once it has been the same for a while, and at the end. In a
// cluster where something happens all the time that is at the end alone; the snapshot is written in any case.

import type { KeptImage } from '../engine/engine.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ImageFile, StoredImage } from './image-file.ts';
import type { SnapshotIdentity } from './snapshot.ts';
import { Writes } from './writes.ts';

export interface ImageKeeperOptions {
  readonly file: Pick<ImageFile, 'read' | 'write' | 'path'>;
  /**
   * Whose zone it is, what of the configuration stands in it, and which program reads it; asked each time.
   * @param content of its table; see contentOf
   */
  readonly identity: (content: string) => SnapshotIdentity;
  /** Of the zone in force; null where none is. */
  readonly take: () => KeptImage | null;
  /** See Writes. */
  readonly after?: Promise<void> | undefined;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'snapshotFailures'>;
}

/** Longer than it takes until the snapshot is written that it belongs to. */
const QUIET_MS = 20_000;

export class ImageKeeper {
  readonly #options: ImageKeeperOptions;
  readonly #writes: Writes;
  /** Served, and confirmed by a master. */
  #served: { readonly serial: number; readonly content: string } | null = null;
  #serialOnDisk: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ImageKeeperOptions) {
    this.#options = options;
    const { file, after, logger, metrics } = options;
    this.#writes = new Writes({ path: file.path, after, logger, metrics });
  }

  /**
   * Has the image of a snapshot's zone served, where there is one that may be.
   * @param content of what is to be served
   * @param serve returns false where it could not be
   * @returns whether it is served. Never throws
   */
  restore(serialOfSnapshot: number, content: string, serve: (stored: StoredImage) => boolean): boolean {
    const { file, identity, logger, metrics } = this.#options;
    try {
      const served = file.read(identity(content), (stored) =>
        stored.image.serial === serialOfSnapshot ? serve(stored) : 'it is older or newer than the snapshot',
      );
      if (served !== true) {
        logger.debug(`${file.path} is not used: ${served === false ? 'it does not fit' : served}`);
        return false;
      }
      this.#serialOnDisk = serialOfSnapshot;
      logger.info({ serial: serialOfSnapshot }, `the zone of ${file.path} is served while the snapshot is read`);
      return true;
    } catch (error) {
      metrics.snapshotFailures.inc();
      logger.warn(`${messageOf(error)}; the zone is made from the snapshot`);
      return false;
    }
  }

  /** A zone is in force that a master has confirmed. */
  served(serial: number, content: string): void {
    if (this.#closed || serial === this.#served?.serial) return;
    this.#served = { serial, content };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#writes.add(this.#writeServed), QUIET_MS);
  }

  /** Nothing is written any more: what is in force from now on has another identity. */
  drop(): void {
    this.#closed = true;
    this.#served = null;
    clearTimeout(this.#timer);
  }

  /** Writes what has not been written yet. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writes.add(this.#writeServed);
  }

  readonly #writeServed = async (late: AbortSignal): Promise<void> => {
    const { file, identity, take, logger } = this.#options;
    const served = this.#served;
    if (served === null || served.serial === this.#serialOnDisk) return;
    const kept = take();
    if (kept === null) return;
    const { image, parts, release } = kept;
    // A zone is not held for a disk that hangs: changes would take new memory all the time.
    late.addEventListener('abort', release);
    try {
      const bytes = await file.write(identity(served.content), image, parts, late);
      this.#serialOnDisk = image.serial;
      logger.debug({ bytes, serial: image.serial }, 'image of the zone written');
    } finally {
      late.removeEventListener('abort', release);
      if (!late.aborted) release();
    }
  };
}
