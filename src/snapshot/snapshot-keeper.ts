// When the snapshot is written: some time after the zone has changed, and at the end; and when it was last known to hold.

import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ClusterSnapshot } from './snapshot.ts';
import type { SnapshotFile } from './snapshot-file.ts';
import { Writes } from './writes.ts';

export interface SnapshotKeeperOptions {
  readonly file: Pick<SnapshotFile, 'path' | 'read' | 'peek' | 'write' | 'confirm'>;
  /** A snapshot that no master has confirmed for longer is not served. */
  readonly maxAgeSeconds: number;
  /** See Writes. */
  readonly after?: Promise<void> | undefined;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'snapshotFailures' | 'snapshotTimestamp'>;
}

/** A change is on disk after so long at the latest, in which others gather. */
const WRITE_DELAY_MS = 10_000;
/** How often it is noted on disk that the masters still say the same. */
const CONFIRM_MS = 60_000;

export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  readonly #writes: Writes;
  /** What is to be written. */
  #newest: (() => ClusterSnapshot) | null = null;
  #serialOnDisk: number | null = null;
  #confirmedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
    const { file, after, logger, metrics } = options;
    this.#writes = new Writes({ path: file.path, after, logger, metrics });
  }

  /** The serial of what restore() will bring, unless it is damaged; null where it will bring nothing. Never throws. */
  peek(nowMs: number): number | null {
    const { file, maxAgeSeconds } = this.#options;
    try {
      const found = file.peek();
      return found === null || ageOf(found.confirmedAtMs, nowMs) > maxAgeSeconds ? null : found.serial;
    } catch {
      return null; // restore() will say why
    }
  }

  /** The last good cluster, or null with the reason in the log. Never rejects. */
  async restore(nowMs: number): Promise<ClusterSnapshot | null> {
    const { file, logger, metrics, maxAgeSeconds } = this.#options;
    try {
      const stored = await file.read();
      if (stored === null) {
        logger.info(`no snapshot of the cluster at ${file.path} yet`);
        return null;
      }
      const { snapshot, confirmedAtMs } = stored;
      const ageSeconds = ageOf(confirmedAtMs, nowMs);
      if (ageSeconds > maxAgeSeconds) {
        logger.warn(`the snapshot ${file.path} is not served: no master has confirmed it for ${ageSeconds} s`);
        return null;
      }
      this.#serialOnDisk = snapshot.serial;
      logger.info({ serial: snapshot.serial, ageSeconds }, `the cluster of the snapshot ${file.path} is served`);
      return snapshot;
    } catch (error) {
      metrics.snapshotFailures.inc();
      logger.error(`the snapshot is not served: ${messageOf(error)}`);
      return null;
    }
  }

  /** A master has told what is being served. @param take makes the snapshot; called when it is written. */
  confirm(serial: number, take: () => ClusterSnapshot): void {
    if (this.#closed) return;
    if (serial === this.#serialOnDisk && this.#newest === null) {
      this.#touch();
      return;
    }
    this.#newest = take;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#writes.add(() => this.#writeNewest());
    }, WRITE_DELAY_MS);
  }

  /** Writes what has not been written yet. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writes.add(() => this.#writeNewest());
  }

  async #writeNewest(): Promise<void> {
    const { file, logger, metrics } = this.#options;
    const take = this.#newest;
    this.#newest = null;
    if (take === null) return;
    const snapshot = take();
    const bytes = await file.write(snapshot);
    this.#serialOnDisk = snapshot.serial;
    this.#noteConfirmed();
    metrics.snapshotTimestamp.set(this.#confirmedAtMs / 1000);
    logger.debug({ bytes, serial: snapshot.serial }, 'snapshot written');
  }

  #touch(): void {
    const { file, logger, metrics } = this.#options;
    if (Date.now() - this.#confirmedAtMs < CONFIRM_MS) return;
    this.#noteConfirmed();
    file.confirm(this.#confirmedAtMs).then(
      () => metrics.snapshotTimestamp.set(this.#confirmedAtMs / 1000),
      (error) => logger.warn(`the snapshot could not be confirmed: ${messageOf(error)}`),
    );
  }

  #noteConfirmed(): void {
    this.#confirmedAtMs = Date.now();
  }
}

/** Seconds. */
function ageOf(confirmedAtMs: number, nowMs: number): number {
  return Math.round((nowMs - confirmedAtMs) / 1000);
}
