import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { descriptorLimit } from '../../src/observability/descriptors.ts';

describe('descriptorLimit', () => {
  it('reads the soft limit', () => {
    const limits = 'Limit                     Soft Limit           Hard Limit           Units\n';
    assert.equal(
      descriptorLimit(`${limits}Max open files            300                  4096                 files\n`),
      300,
    );
    assert.equal(
      descriptorLimit(`${limits}Max open files            unlimited            unlimited            files\n`),
      Infinity,
    );
  });

  it('takes a limit that is not told for none', () => {
    assert.equal(descriptorLimit(''), Infinity);
  });

  it('finds the one of this process', () => {
    assert.ok(descriptorLimit() > 0);
  });
});
