import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Garbage, takeOverGarbage } from '../src/garbage.ts';
import { until } from './support/until.ts';

const LARGE = 200_000_000;

function counted(used: number): { garbage: Garbage; collections: () => number } {
  let collections = 0;
  const garbage = new Garbage({
    collect: () => {
      collections += 1;
    },
    used: () => used,
    delayMs: 200,
    quietMs: 600,
  });
  return { garbage, collections: () => collections };
}

test('what a state leaves behind is collected once, when there is nothing else to do', async () => {
  const { garbage, collections } = counted(LARGE);
  garbage.left();
  garbage.left();
  assert.equal(collections(), 0);
  await until(() => collections() > 0, 'a collection');
  garbage.left(); // minutes from now
  await sleep(500);
  assert.equal(collections(), 1);
  garbage.close();
});

test('while the cluster changes nothing is collected', async () => {
  const busy = counted(LARGE);
  const quiet = counted(LARGE);
  for (const { garbage } of [busy, quiet]) garbage.left();
  const changing = setInterval(() => busy.garbage.changed(), 20);
  busy.garbage.changed();
  await until(() => quiet.collections() > 0, 'a collection');
  await sleep(1000);
  assert.equal(busy.collections(), 0);
  clearInterval(changing);
  await until(() => busy.collections() > 0, 'a collection after the last change');
  busy.garbage.close();
  quiet.garbage.close();
});

test('a small heap is left to V8, and so is everything in the end', async () => {
  const small = counted(1_000_000);
  const closed = counted(LARGE);
  const witness = counted(LARGE);
  for (const { garbage } of [small, closed, witness]) garbage.left();
  closed.garbage.close();
  await until(() => witness.collections() > 0, 'a collection');
  await sleep(500);
  assert.deepEqual([small.collections(), closed.collections()], [0, 0]);
  small.garbage.close();
  witness.garbage.close();
});

test('the process can collect its garbage', async () => {
  const gone = new Set<string>();
  const registry = new FinalizationRegistry<string>((name) => gone.add(name));
  (() => registry.register({}, 'the object'))();
  const garbage = takeOverGarbage({ delayMs: 200 });
  const filling = Array.from({ length: 1_000_000 }, (_, i) => ({ i, text: `${i}` }));
  garbage.left();
  await until(() => gone.has('the object'), 'finalization');
  assert.equal(filling.length, 1_000_000);
  garbage.close();
});
