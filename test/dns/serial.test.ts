import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { firstSerial, isAfter, laterSerial } from '../../src/dns/serial.ts';

const MAX = 2 ** 32 - 1;

describe('isAfter', () => {
  it('compares as RFC 1982 does, over the wrap', () => {
    assert.ok(isAfter(1, 0));
    assert.ok(isAfter(0, MAX));
    assert.ok(isAfter(100, MAX - 100));
    assert.ok(!isAfter(5, 5));
    assert.ok(!isAfter(MAX, 0));
    assert.ok(isAfter(2 ** 31 - 1, 0));
  });

  it('calls neither of two serials half the range apart the later one', () => {
    assert.ok(!isAfter(2 ** 31, 0) && !isAfter(0, 2 ** 31));
  });
});

describe('firstSerial', () => {
  it('is the time, whole seconds', () => {
    assert.equal(firstSerial(null, 1_700_000_000.9), 1_700_000_000);
    assert.equal(firstSerial(1_700_000_000, 1_700_000_060), 1_700_000_060);
  });

  it('goes on behind one that was used before, where the clock has gone back', () => {
    assert.equal(firstSerial(1_700_000_000, 1_700_000_000.5), 1_700_000_001);
    assert.equal(firstSerial(1_700_000_000, 1_600_000_000), 1_700_000_001);
  });

  it('is never 0', () => {
    assert.equal(firstSerial(MAX, 2 ** 31 - 1 + 2 ** 31), 1);
    assert.equal(firstSerial(null, 2 ** 32), 1);
  });
});

describe('laterSerial', () => {
  it('counts, and skips 0 at the wrap', () => {
    assert.equal(laterSerial(7, 3), 10);
    assert.equal(laterSerial(MAX, 1), 1);
    assert.equal(laterSerial(MAX - 1, 2), 1);
    assert.equal(laterSerial(MAX - 1, 3), 2);
  });

  it('is after the last one, in 32 bits, and the same whether changes are counted together or apart', () => {
    const count = fc.integer({ min: 1, max: 2 ** 30 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX }), count, count, (last, one, other) => {
        const apart = laterSerial(laterSerial(last, one), other);
        assert.ok(isAfter(laterSerial(last, one), last));
        assert.ok(Number.isInteger(apart) && apart > 0 && apart <= MAX);
        assert.equal(apart, laterSerial(last, one + other));
      }),
    );
  });
});
