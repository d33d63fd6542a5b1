import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everySeconds } from '../src/pulse.ts';

test('one timer serves all looks, each in its own time, and ends with the last one', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const begun = t.mock.method(globalThis, 'setInterval');
  const ended = t.mock.method(globalThis, 'clearInterval');
  const seen: string[] = [];
  const endFirst = everySeconds(1, () => seen.push('first'));
  t.mock.timers.tick(500);
  const endSecond = everySeconds(3, () => seen.push('second'));
  t.mock.timers.tick(500);
  assert.deepEqual(seen, ['first']);
  t.mock.timers.tick(2000);
  assert.deepEqual(seen, ['first', 'first', 'first', 'second']);
  endFirst();
  endFirst();
  t.mock.timers.tick(3000);
  assert.deepEqual(seen.slice(4), ['second']);
  assert.equal(ended.mock.callCount(), 0);
  endSecond();
  assert.equal(begun.mock.callCount(), 1);
  assert.equal(ended.mock.callCount(), 1);
  t.mock.timers.tick(10_000);
  assert.equal(seen.length, 5);
});

test('a look may end another one, or begin one', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const seen: string[] = [];
  const ends: (() => void)[] = [];
  ends.push(
    everySeconds(1, () => {
      seen.push('first');
      ends[1]?.();
      if (ends.length === 2) ends.push(everySeconds(1, () => seen.push('third')));
    }),
    everySeconds(1, () => seen.push('second')),
  );
  t.mock.timers.tick(1000);
  assert.deepEqual(seen, ['first']);
  t.mock.timers.tick(1000);
  assert.deepEqual(seen, ['first', 'first', 'third']);
  for (const end of ends) end();
});
