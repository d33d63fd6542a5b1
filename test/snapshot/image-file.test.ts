// Images on disk: what was written is what is read, and nothing else is served.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ARENA_BASE, PAGE_SIZE } from '../../src/engine/contract.ts';
import type { TableImage } from '../../src/engine/table-image.ts';
import { ImageFile } from '../../src/snapshot/image-file.ts';

const IMAGE: TableImage = {
  serial: 7,
  pages: [ARENA_BASE],
  segments: [{ address: ARENA_BASE + PAGE_SIZE, size: 3_000_000 }],
  negativeSoa: { address: ARENA_BASE + PAGE_SIZE + 8, size: 40 },
  serialsAt: [ARENA_BASE + PAGE_SIZE + 28],
  hasPointers: false,
};
/** The parts stay as they are. */
const HELD = new AbortController().signal;
const IDENTITY = { domain: '"mesos"', program: '1' };

let directory: string;
let file: ImageFile;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mesos-dns-image-'));
  file = new ImageFile(directory);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** In shared memory, as they are in the program. */
function parts(): readonly Uint8Array[] {
  return [PAGE_SIZE, 3_000_000].map((size) => new Uint8Array(new SharedArrayBuffer(size)));
}

function filled(): readonly Uint8Array[] {
  const made = parts();
  for (const part of made) for (let at = 0; at < part.length; at += 1) part[at] = at * 7 + (at >> 8);
  return made;
}

function read(identity = IDENTITY): readonly Uint8Array[] | string {
  return file.read(identity, ({ image, fill }) => {
    assert.deepEqual(image, IMAGE);
    const into = parts();
    fill(into);
    return into;
  });
}

describe('the file of an image', () => {
  it('is read back as it was written, and is one file', async () => {
    const size = await file.write(IDENTITY, IMAGE, filled(), HELD);
    await file.write(IDENTITY, IMAGE, filled(), HELD);
    const got = read();
    for (const [i, part] of filled().entries()) assert.ok(Buffer.from(part).equals(got[i] as Uint8Array));
    assert.deepEqual(await readdir(directory), ['cluster.image']);
    assert.equal((await readFile(file.path)).length, size);
  });

  it('is not used by others, nor where there is none', async () => {
    assert.match(read() as string, /ENOENT/);
    await file.write(IDENTITY, IMAGE, filled(), HELD);
    assert.equal(read({ ...IDENTITY, program: '2' }), '"program" is another');
  });

  it('is refused wherever an octet of it is another', async () => {
    await file.write(IDENTITY, IMAGE, filled(), HELD);
    const good = await readFile(file.path);
    const description = 12 + good.readUInt32LE(8);
    const places = [0, 8, 40, description, description + PAGE_SIZE, good.length - 33, good.length - 1];
    for (const at of places) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      await writeFile(file.path, bad);
      assert.throws(
        () => assert.equal(read(), 'a reason'),
        /cluster\.image could not be read|is another/,
        `octet ${at}`,
      );
    }
  });

  it('is refused where it is cut short or goes on', async () => {
    await file.write(IDENTITY, IMAGE, filled(), HELD);
    const good = await readFile(file.path);
    for (const size of [0, 5, 11, 30, 1000, good.length - 1]) {
      await writeFile(file.path, good.subarray(0, size));
      assert.throws(read, /cluster\.image could not be read/, `${size} octets`);
    }
    await writeFile(file.path, Buffer.concat([good, Buffer.alloc(1)]));
    assert.throws(read, /which is not its size/);
  });

  it('stays as it was where a new one cannot be written', async () => {
    await file.write(IDENTITY, IMAGE, filled(), HELD);
    const unreadable = new Proxy(parts()[0] ?? new Uint8Array(), {
      get() {
        throw new Error('no space left on device');
      },
    });
    await assert.rejects(file.write(IDENTITY, IMAGE, [unreadable], HELD), /could not be written: no space left/);
    const small = new ImageFile(directory, 3_000_000);
    await assert.rejects(small.write(IDENTITY, IMAGE, filled(), HELD), /larger than 3000000 octets/);
    const changing = new AbortController();
    const writing = file.write(IDENTITY, { ...IMAGE, serial: 8 }, filled(), changing.signal);
    changing.abort(new Error('it takes too long'));
    await assert.rejects(writing, /could not be written: it takes too long/);
    assert.equal(read().length, 2);
    assert.deepEqual(await readdir(directory), ['cluster.image']);
  });
});
