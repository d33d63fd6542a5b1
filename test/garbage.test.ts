import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Garbage, takeOverGarbage } from '../src/garbage.ts';
import { until } from './support/until.ts';

function recorded(savingMs: number, quietMs = 600): { garbage: Garbage; said: readonly boolean[] } {
  const said: boolean[] = [];
  const garbage = new Garbage({ save: (isSaving) => said.push(isSaving), delayMs: 200, quietMs, savingMs });
  return { garbage, said };
}

test('memory is saved once after a state, for a while, when there is nothing else to do', async () => {
  const { garbage, said } = recorded(200);
  garbage.left();
  garbage.left();
  assert.deepEqual(said, []);
  await until(() => said.length === 1, 'saving');
  garbage.left(); // minutes from now
  await until(() => said.length === 2, 'end of it');
  garbage.left();
  await sleep(500);
  assert.deepEqual(said, [true, false]);
  garbage.close();
  assert.deepEqual(said, [true, false]);
});

test('while the cluster changes none is saved', async () => {
  // Longer than this process stands still: it changes nothing then.
  const quietMs = 2500;
  const busy = recorded(60_000, quietMs);
  const quiet = recorded(60_000);
  for (const { garbage } of [busy, quiet]) garbage.left();
  const changing = setInterval(() => busy.garbage.changed(), 20);
  busy.garbage.changed();
  await until(() => quiet.said.length === 1, 'saving');
  await sleep(quietMs + 500);
  assert.deepEqual(busy.said, []);
  clearInterval(changing);
  await until(() => busy.said.length === 1, 'saving after the last change');
  busy.garbage.changed();
  assert.deepEqual(busy.said, [true, false]);
  await until(() => busy.said.length === 3, 'saving once more');
  for (const { garbage } of [busy, quiet]) garbage.close();
  assert.deepEqual(
    [busy.said, quiet.said],
    [
      [true, false, true, false],
      [true, false],
    ],
  );
});

test('in the end none is saved, whenever that comes', async () => {
  const before = recorded(60_000);
  const midst = recorded(60_000);
  for (const { garbage } of [before, midst]) garbage.left();
  before.garbage.close();
  await until(() => midst.said.length === 1, 'saving');
  midst.garbage.close();
  await sleep(500);
  assert.deepEqual(before.said, []);
  assert.deepEqual(midst.said, [true, false]);
});

test('the process has its garbage collected', async () => {
  const gone = new Set<string>();
  const registry = new FinalizationRegistry<string>((name) => gone.add(name));
  // A lot was allocated: left alone, V8 takes minutes to see that it is quiet.
  let filling: readonly object[] = [];
  for (let round = 0; round < 10; round += 1)
    filling = Array.from({ length: 500_000 }, (_, i) => ({ i, text: `${i}` }));
  const garbage = takeOverGarbage({ delayMs: 200 });
  (() => registry.register({}, 'the object'))();
  garbage.left();
  await until(() => gone.has('the object'), 'finalization');
  assert.equal(filling.length, 500_000);
  garbage.close();
});
