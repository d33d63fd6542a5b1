// The zone in force on disk, as it stands in memory. It belongs to a snapshot, which has the same serial, and spares waiting
// until its records are derived: what is in it is served meanwhile.
//
//   | magic (8) | size of the description u32 | description, JSON | parts of the image … | SHA-256 of all before (32) |

import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { imageFrom, regionsOf, type TableImage } from '../engine/table-image.ts';
import { MesosDnsError, messageOf } from '../errors.ts';
import { differingKey, type SnapshotIdentity } from './snapshot.ts';
import { makeDirectory, SNAPSHOT_MAX_BYTES } from './snapshot-file.ts';

export const IMAGE_FILE_NAME = 'cluster.image';
const MAGIC = Buffer.from('mdns-img', 'latin1');
const HEAD_BYTES = MAGIC.length + 4;
const DESCRIPTION_MAX_BYTES = 4 * 1024 * 1024;
const HASH_BYTES = 32;
/** Octets written at a time; between two of them the thread serves others. */
const CHUNK_BYTES = 1024 * 1024;

export interface StoredImage {
  readonly image: TableImage;
  /** Writes the parts. Throws a MesosDnsError ERR_SNAPSHOT where they are damaged; what is written then is worth nothing. */
  readonly fill: (parts: readonly Uint8Array[]) => void;
}

export class ImageFile {
  readonly path: string;
  readonly #maxBytes: number;

  /** @param directory is made where it does not exist; its parent must */
  constructor(directory: string, maxBytes: number = SNAPSHOT_MAX_BYTES) {
    this.path = join(directory, IMAGE_FILE_NAME);
    this.#maxBytes = maxBytes;
  }

  /**
   * @param identity of whom, and how, it may be served again
   * @param signal given where the parts may change from now on: it is not put in place then
   * @returns its size in octets; rejects with a MesosDnsError ERR_SNAPSHOT, the file before stays then
   */
  async write(
    identity: SnapshotIdentity,
    image: TableImage,
    parts: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<number> {
    const temporary = `${this.path}.new`;
    try {
      if (sizeOf(image) > this.#maxBytes) throw new Error(`it would be larger than ${this.#maxBytes} octets`);
      await makeDirectory(dirname(this.path));
      const description = Buffer.from(JSON.stringify({ identity, image }));
      const head = Buffer.alloc(HEAD_BYTES);
      MAGIC.copy(head);
      head.writeUInt32LE(description.length, MAGIC.length);
      const size = await writeAll(temporary, [head, description, ...parts], signal);
      signal.throwIfAborted();
      await rename(temporary, this.path);
      return size;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw new MesosDnsError('ERR_SNAPSHOT', `${this.path} could not be written: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Calls `use` with the image, where there is one of this identity; returns when that is done.
   * Throws a MesosDnsError ERR_SNAPSHOT where it is damaged.
   * @returns what `use` returns; a text that says why the image is not to be used
   */
  read<T>(identity: SnapshotIdentity, use: (stored: StoredImage) => T): T | string {
    let fd: number;
    try {
      fd = openSync(this.path, 'r');
    } catch (error) {
      return messageOf(error);
    }
    try {
      const hash = createHash('sha256');
      const sizeBytes = fstatSync(fd).size;
      const head = readWhole(fd, Buffer.alloc(HEAD_BYTES), 0, hash);
      const descriptionBytes = head.readUInt32LE(MAGIC.length);
      if (!head.subarray(0, MAGIC.length).equals(MAGIC) || descriptionBytes > DESCRIPTION_MAX_BYTES) {
        throw new Error('it is no image of a zone');
      }
      const description = readWhole(fd, Buffer.alloc(descriptionBytes), HEAD_BYTES, hash);
      const stored = JSON.parse(description.toString()) as { identity?: SnapshotIdentity; image?: unknown };
      const other = differingKey(stored.identity ?? {}, identity);
      if (other !== null) return `"${other}" is another`;
      const image = imageFrom(stored.image);
      if (image === null) throw new Error('it does not say what it should');
      const at = HEAD_BYTES + descriptionBytes;
      if (sizeBytes !== at + sizeOf(image) + HASH_BYTES)
        throw new Error(`it has ${sizeBytes} octets, which is not its size`);
      return use({ image, fill: (parts) => readParts(fd, at, hash, parts) });
    } catch (error) {
      throw new MesosDnsError('ERR_SNAPSHOT', `${this.path} could not be read: ${messageOf(error)}`, { cause: error });
    } finally {
      closeSync(fd);
    }
  }
}

/** Octets of its parts. */
function sizeOf(image: TableImage): number {
  return regionsOf(image).reduce((sum, { size }) => sum + size, 0);
}

async function writeAll(path: string, parts: readonly Uint8Array[], signal: AbortSignal): Promise<number> {
  const file = await open(path, 'w', 0o640);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for (const part of parts) {
      for (let at = 0; at < part.length; at += CHUNK_BYTES) {
        const chunk = part.subarray(at, at + CHUNK_BYTES);
        hash.update(chunk);
        await file.writeFile(chunk);
        signal.throwIfAborted();
        size += chunk.length;
      }
    }
    await file.writeFile(hash.digest());
    await file.sync();
    return size + HASH_BYTES;
  } finally {
    await file.close();
  }
}

function readParts(fd: number, start: number, hash: Hash, parts: readonly Uint8Array[]): void {
  let at = start;
  for (const part of parts) {
    readWhole(fd, part, at, hash);
    at += part.length;
  }
  const expected = readWhole(fd, Buffer.alloc(HASH_BYTES), at, null);
  if (!hash.digest().equals(expected)) throw new Error('it is damaged: its checksum is another one');
}

/** Fills all of `into` from a place in the file. */
function readWhole<T extends Uint8Array>(fd: number, into: T, from: number, hash: Hash | null): T {
  for (let at = 0; at < into.length; ) {
    const count = readSync(fd, into, at, Math.min(CHUNK_BYTES, into.length - at), from + at);
    if (count === 0) throw new Error('it is not whole');
    hash?.update(into.subarray(at, at + count));
    at += count;
  }
  return into;
}
