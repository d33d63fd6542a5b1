// Answers that are larger than a packet on the link to the client.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requirePackages } from '../support/debian.ts';

const PROGRAM = fileURLToPath(new URL('../support/small-link-main.js', import.meta.url));

describe('a link that takes packets of 1,300 octets', () => {
  for (const address of ['127.0.0.1', '::1']) {
    it(`takes answers of 1,200, and larger ones in fragments, from ${address}`, async () => {
      await requirePackages('iproute2', 'util-linux');
      const args = ['--net', '--map-root-user', process.execPath, PROGRAM, address, '1200', '4000', '1200'];
      const { stdout, stderr } = await promisify(execFile)('unshare', args, { timeout: 60_000 });
      assert.deepEqual([JSON.parse(stdout), stderr], [[1200, 4000, 1200], '']);
    });
  }
});
