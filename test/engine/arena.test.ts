import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Arena, type Region } from '../../src/engine/arena.ts';

const BASE = 1024;
const ALIGN = 64;

/** An arena, and the end of the memory that it has asked for. */
function arena(limit = Number.POSITIVE_INFINITY): { readonly arena: Arena; readonly end: () => number } {
  let end = BASE;
  const reserve = (to: number) => {
    if (to > limit) throw new Error('full');
    end = Math.max(end, to);
  };
  return { arena: new Arena(BASE, ALIGN, reserve), end: () => end };
}

describe('Arena', () => {
  it('rounds sizes and puts regions one behind the other', () => {
    const { arena: one } = arena();
    assert.deepEqual(one.allocate(1), { address: BASE, size: 64 });
    assert.deepEqual(one.allocate(64), { address: BASE + 64, size: 64 });
    assert.deepEqual(one.allocate(65), { address: BASE + 128, size: 128 });
  });

  it('takes the first freed region that is large enough, and keeps the rest of it free', () => {
    const { arena: one } = arena();
    const [small, , large] = [one.allocate(64), one.allocate(64), one.allocate(256), one.allocate(64)];
    one.release(large);
    one.release(small);
    assert.equal(one.allocate(128).address, large.address);
    assert.equal(one.allocate(64).address, small.address);
    assert.equal(one.allocate(128).address, large.address + 128);
  });

  it('merges neighbours in whatever order they are freed', () => {
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
    ]) {
      const { arena: one, end } = arena();
      const regions = [one.allocate(64), one.allocate(64), one.allocate(64)];
      one.allocate(64);
      const before = end();
      for (const i of order) one.release(regions[i] ?? regions[0] ?? { address: 0, size: 0 });
      assert.deepEqual(one.allocate(192), { address: BASE, size: 192 });
      assert.equal(end(), before);
    }
  });

  it('extends a freed region at the end instead of leaving it behind', () => {
    const { arena: one, end } = arena();
    one.allocate(64);
    one.release(one.allocate(64));
    assert.deepEqual(one.allocate(256), { address: BASE + 64, size: 256 });
    assert.equal(end(), BASE + 64 + 256);
  });

  it('stays as it was where the memory cannot grow', () => {
    const { arena: one } = arena(BASE + 256);
    one.allocate(64);
    const last = one.allocate(64);
    one.release(last);
    assert.throws(() => one.allocate(1024));
    assert.equal(one.usedBytes, 64);
    assert.equal(one.allocate(64).address, last.address);
  });

  it('never hands out overlapping regions, whatever is allocated and freed', () => {
    const steps = fc.array(fc.record({ size: fc.integer({ min: 1, max: 1000 }), free: fc.option(fc.nat(20)) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const { arena: one, end } = arena();
        const held: Region[] = [];
        for (const { size, free } of all) {
          if (free !== null) for (const region of held.splice(free, 1)) one.release(region);
          const region = one.allocate(size);
          assert.ok(region.size >= size && region.size < size + ALIGN && region.size % ALIGN === 0);
          assert.equal(region.address % ALIGN, 0);
          assert.ok(region.address >= BASE && region.address + region.size <= end());
          for (const other of held) {
            assert.ok(region.address + region.size <= other.address || other.address + other.size <= region.address);
          }
          held.push(region);
          assert.equal(
            one.usedBytes,
            held.reduce((sum, { size: octets }) => sum + octets, 0),
          );
        }
        for (const region of held) one.release(region);
        const whole = end() - BASE;
        assert.deepEqual(one.allocate(whole), { address: BASE, size: whole });
      }),
    );
  });
});
