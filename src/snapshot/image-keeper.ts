// When the zone in force is written as it stands in memory: once it has been the same for a while, and at the end. In a
// cluster where something happens all the time that is at the end alone; the snapshot is written in any case.

import type { KeptImage } from '../engine/engine.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ImageFile, StoredImage } from './image-file.ts';
import type { SnapshotIdentity } from './snapshot.ts';

export interface ImageKeeperOptions {
  readonly file: Pick<ImageFile, 'read' | 'write' | 'path'>;
  /** Whose zone it is, what of the configuration stands in it, and which program reads it; asked each time. */
  readonly identity: () => SnapshotIdentity;
  /** Of the zone in force; null where none is. */
  readonly take: () => KeptImage | null;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'snapshotFailures'>;
}

/** Longer than it takes until the snapshot is written that it belongs to. */
const QUIET_MS = 20_000;

export class ImageKeeper {
  readonly #options: ImageKeeperOptions;
  /** Served, and confirmed by a master. */
  #served: number | null = null;
  #serialOnDisk: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: ImageKeeperOptions) {
    this.#options = options;
  }

  /**
   * Has the image of a snapshot's zone served, where there is one that may be.
   * @param serve returns false where it could not be
   * @returns whether it is served. Never throws
   */
  restore(serialOfSnapshot: number, serve: (stored: StoredImage) => boolean): boolean {
    const { file, identity, logger, metrics } = this.#options;
    try {
      const served = file.read(identity(), (stored) => {
        if (stored.image.serial !== serialOfSnapshot) return 'it is older or newer than the snapshot';
        this.#serialOnDisk = serialOfSnapshot;
        return serve(stored);
      });
      if (served === true)
        logger.info({ serial: serialOfSnapshot }, `the zone of ${file.path} is served while the snapshot is read`);
      else logger.debug(`${file.path} is not used: ${served === false ? 'it does not fit' : served}`);
      return served === true;
    } catch (error) {
      metrics.snapshotFailures.inc();
      logger.warn(`${messageOf(error)}; the zone is made from the snapshot`);
      return false;
    }
  }

  /** A zone is in force that a master has confirmed. */
  served(serial: number): void {
    if (this.#closed || serial === this.#served) return;
    this.#served = serial;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#write(), QUIET_MS);
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
    await this.#write();
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeServed());
    return this.#writing;
  }

  async #writeServed(): Promise<void> {
    const { file, identity, take, logger, metrics } = this.#options;
    if (this.#served === null || this.#served === this.#serialOnDisk) return;
    const kept = take();
    if (kept === null) return;
    const { image, parts, release } = kept;
    try {
      const bytes = await file.write(identity(), image, parts);
      this.#serialOnDisk = image.serial;
      logger.debug({ bytes, serial: image.serial }, 'image of the zone written');
    } catch (error) {
      metrics.snapshotFailures.inc();
      logger.error(messageOf(error));
    } finally {
      release();
    }
  }
}
