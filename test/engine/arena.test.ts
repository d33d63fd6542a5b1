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

describe('claiming a region', () => {
  it('takes it where it is free, behind the end or before, and leaves the rest free', () => {
    const { arena: one, end } = arena();
    const first = one.allocate(64);
    assert.equal(one.claim({ address: BASE + 1024, size: 128 }), true);
    assert.equal(end(), BASE + 1024 + 128);
    assert.equal(one.usedBytes, 64 + 128);
    assert.equal(one.claim({ address: BASE + 512, size: 64 }), true);
    assert.equal(one.usedBytes, 64 + 128 + 64);
    assert.deepEqual(one.allocate(448), { address: BASE + 64, size: 448 });
    assert.deepEqual(one.allocate(448), { address: BASE + 576, size: 448 });
    assert.equal(one.allocate(64).address, BASE + 1152);
    one.release(first);
    assert.equal(one.claim(first), true);
  });

  it('takes nothing where some of it is taken, or the memory does not reach so far', () => {
    const { arena: one } = arena(BASE + 4096);
    one.allocate(128);
    assert.equal(one.claim({ address: BASE, size: 64 }), false);
    assert.equal(one.claim({ address: BASE + 64, size: 128 }), false);
    assert.throws(() => one.claim({ address: BASE + 4096, size: 64 }), /full/);
    assert.equal(one.usedBytes, 128);
    assert.equal(one.allocate(64).address, BASE + 128);
  });

  it('two claims never share an octet, and what is given back can be had again', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 6 }), fc.boolean())), (steps) => {
        const { arena: one } = arena();
        let taken: Region[] = [];
        for (const [at, units, isEnd] of steps) {
          const region = { address: BASE + at * ALIGN, size: units * ALIGN };
          const overlaps = taken.filter(
            ({ address, size }) => address < region.address + region.size && region.address < address + size,
          );
          const claimed = one.claim(region);
          if (overlaps.length > 0) assert.equal(claimed, false);
          if (claimed) taken.push(region);
          assert.equal(
            one.usedBytes,
            taken.reduce((sum, { size }) => sum + size, 0),
          );
          if (!isEnd) continue;
          for (const each of taken) one.release(each);
          taken = [];
        }
      }),
    );
  });
});

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
