// The snapshot on disk: written beside the old one and put in its place at once, so that there is always a whole one.

import { mkdir, open, rename, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MesosDnsError, messageOf } from '../errors.ts';
import { LineFile } from './line-file.ts';
import type { ClusterSnapshot, SnapshotIdentity } from './snapshot.ts';
import { decodeSnapshot, encodeSnapshot, serialIn } from './snapshot-format.ts';

/** Some 150 octets a task, and more where tasks share little. */
export const SNAPSHOT_MAX_BYTES = 512 * 1024 * 1024;
const FILE_NAME = 'cluster.snapshot';
/** Octets written at a time; between two of them the thread serves others. */
const CHUNK_BYTES = 256 * 1024;

export interface StoredSnapshot {
  readonly snapshot: ClusterSnapshot;
  /** When the masters were last known to agree with it: the file's time of modification. Unix time, milliseconds. */
  readonly confirmedAtMs: number;
}

export interface SnapshotAtAGlance extends Pick<ClusterSnapshot, 'serial'>, Pick<StoredSnapshot, 'confirmedAtMs'> {}

export class SnapshotFile {
  readonly path: string;
  readonly #identity: SnapshotIdentity;
  readonly #maxBytes: number;

  /** @param directory is made where it does not exist; its parent must */
  constructor(directory: string, identity: SnapshotIdentity, maxBytes: number = SNAPSHOT_MAX_BYTES) {
    this.path = join(directory, FILE_NAME);
    this.#identity = identity;
    this.#maxBytes = maxBytes;
  }

  /** @returns its size in octets; rejects with a MesosDnsError ERR_SNAPSHOT, the file before stays then */
  async write(snapshot: ClusterSnapshot): Promise<number> {
    const temporary = `${this.path}.new`;
    try {
      await makeDirectory(dirname(this.path));
      const size = await this.#writeTo(temporary, snapshot);
      await rename(temporary, this.path);
      await syncDirectory(dirname(this.path));
      return size;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw new MesosDnsError('ERR_SNAPSHOT', `${this.path} could not be written: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async #writeTo(path: string, snapshot: ClusterSnapshot): Promise<number> {
    const file = await open(path, 'w', 0o640);
    try {
      let size = 0;
      let chunk = '';
      for (const line of encodeSnapshot(snapshot, this.#identity)) {
        chunk += line;
        if (chunk.length < CHUNK_BYTES) continue;
        size += await append(file, chunk);
        chunk = '';
        if (size > this.#maxBytes) throw new Error(`it would be larger than ${this.#maxBytes} octets`);
        await nextTurn();
      }
      size += await append(file, chunk);
      await file.sync();
      return size;
    } finally {
      await file.close();
    }
  }

  /** Notes that the masters still agree with it. */
  async confirm(atMs: number): Promise<void> {
    await utimes(this.path, atMs / 1000, atMs / 1000);
  }

  /** null where there is none. Rejects with a MesosDnsError ERR_SNAPSHOT that says why one cannot be used. */
  async read(): Promise<StoredSnapshot | null> {
    return this.#open((file) => ({
      snapshot: decodeSnapshot(file, this.#identity),
      confirmedAtMs: file.modifiedAtMs,
    }));
  }

  /** What is known of it by its first line: it may be damaged. null where there is none; throws as read() rejects. */
  peek(): SnapshotAtAGlance | null {
    return this.#open((file) => ({ serial: serialIn(file, this.#identity), confirmedAtMs: file.modifiedAtMs }));
  }

  #open<T>(use: (file: LineFile) => T): T | null {
    let file: LineFile | null = null;
    try {
      file = new LineFile(this.path);
      const { sizeBytes } = file;
      if (sizeBytes > this.#maxBytes) throw new Error(`it has ${sizeBytes} octets, more than ${this.#maxBytes}`);
      return use(file);
    } catch (error) {
      if (error instanceof MesosDnsError) {
        throw new MesosDnsError('ERR_SNAPSHOT', `${this.path} ${error.message}`, { cause: error });
      }
      if (file === null && (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw new MesosDnsError('ERR_SNAPSHOT', `${this.path} could not be read: ${messageOf(error)}`, { cause: error });
    } finally {
      file?.close();
    }
  }
}

async function append(file: Awaited<ReturnType<typeof open>>, text: string): Promise<number> {
  const bytes = Buffer.from(text);
  await file.writeFile(bytes);
  return bytes.length;
}

/** One level only: with a whole path that is missing, something else is wrong. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o750 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** The new name is on disk only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
