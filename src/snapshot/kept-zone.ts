// What is kept of the zone over a restart, in one directory: the cluster it was made of, what it looks like in memory, and
// the serials that were used.

import type { Config } from '../config/config.ts';
import { LAYOUT_VERSION } from '../engine/contract.ts';
import type { KeptImage } from '../engine/engine.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { nameServerAddresses } from '../records/cluster.ts';
import { VERSION } from '../version.ts';
import { ImageFile, type StoredImage } from './image-file.ts';
import { ImageKeeper } from './image-keeper.ts';
import { resumedSerial, SerialKeeper } from './serial-keeper.ts';
import { type ClusterSnapshot, identityOf } from './snapshot.ts';
import { SnapshotFile } from './snapshot-file.ts';
import { SnapshotKeeper } from './snapshot-keeper.ts';

export interface KeptZoneOptions {
  /** Of what is kept here. */
  readonly config: Config;
  readonly directory: string;
  /** Addresses of this machine's interfaces, IP literals. */
  readonly interfaceAddresses: () => readonly string[];
  /** See Engine. */
  readonly takeImage: () => KeptImage | null;
  /** What has kept the zone in this directory has left; absent: nothing has. */
  readonly after?: Promise<void> | undefined;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'snapshotFailures' | 'snapshotTimestamp'>;
}

/** Of a zone in force, what tells images apart. */
export interface ConfirmedZone {
  readonly serial: number;
  /** What of the configuration stands in its table; see contentOf. */
  readonly content: string;
}

/** A zone that has not been served yet. */
export interface FreshZone {
  /** See ConfirmedZone. */
  readonly content: string;
  startAfter(serial: number): void;
  restoreImage(stored: StoredImage, serial: number): boolean;
  restore(snapshot: ClusterSnapshot): void;
  open(): void;
}

/** Where the state of a configuration is kept; null: nowhere. systemd names all of a unit's directories, with colons. */
export function stateDirectoryOf(config: Pick<Config, 'stateDirectory'>): string | null {
  return config.stateDirectory || (process.env['STATE_DIRECTORY'] ?? '').split(':', 1)[0] || null;
}

export class KeptZone {
  readonly #snapshots: SnapshotKeeper;
  readonly #images: ImageKeeper;
  readonly #serials: SerialKeeper;

  constructor(options: KeptZoneOptions) {
    const { config, directory, interfaceAddresses, takeImage, after, logger, metrics } = options;
    const shared = { after, logger, metrics };
    const identity = identityOf(config);
    this.#snapshots = new SnapshotKeeper({
      file: new SnapshotFile(directory, identity),
      maxAgeSeconds: config.snapshotMaxAgeSeconds,
      ...shared,
    });
    this.#images = new ImageKeeper({
      file: new ImageFile(directory),
      identity: (content) => ({
        ...identity,
        program: `${VERSION} ${LAYOUT_VERSION}`,
        content,
        nameServers: JSON.stringify(nameServerAddresses(config, interfaceAddresses())),
      }),
      take: takeImage,
      ...shared,
    });
    this.#serials = new SerialKeeper({ directory, domain: config.domain, ...shared });
  }

  /**
   * Serves what was kept by an earlier life: at once as it stood in memory, then as it is made of the snapshot.
   * @param serving settles when those who answer are there: making a zone would hold up their start, where there is one
   */
  async restore(zone: FreshZone, serving: Promise<unknown>): Promise<void> {
    const lastUsed = await this.#serials.lastUsed();
    if (lastUsed !== null) zone.startAfter(lastUsed);
    const awaited = this.#snapshots.peek(Date.now());
    const isShown =
      awaited !== null &&
      this.#images.restore(awaited, zone.content, (stored) =>
        zone.restoreImage(stored, resumedSerial(awaited, lastUsed)),
      );
    if (isShown) await Promise.allSettled([serving]);
    const known = await this.#snapshots.restore(Date.now());
    if (known === null) {
      if (isShown) zone.open();
      return;
    }
    const serial = resumedSerial(known.serial, lastUsed);
    zone.restore({ ...known, serial });
    void this.#serials.use(serial);
  }

  /**
   * A zone is in force that a master has confirmed.
   * @param take makes its snapshot; called when that is written
   */
  served({ serial, content }: ConfirmedZone, take: () => ClusterSnapshot): void {
    void this.#serials.use(serial);
    this.#snapshots.confirm(serial, take);
    this.#images.served(serial, content);
  }

  /** Writes what has not been written yet. */
  async close(): Promise<void> {
    await this.#snapshots.close();
    await this.#images.close();
    await this.#serials.close();
  }

  /** The same where the zone is going to be that of another configuration. */
  async leave(): Promise<void> {
    this.#images.drop();
    await this.close();
  }
}
