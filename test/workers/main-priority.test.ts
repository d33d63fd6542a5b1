import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MainPriority } from '../../src/workers/main-priority.ts';

function recorded(nice: number): { priority: MainPriority; values: number[] } {
  const values: number[] = [];
  return { priority: new MainPriority({ nice, set: (value) => values.push(value) }), values };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('takes its priority back for events, and gives way to others for whole states', async () => {
  const { priority, values } = recorded(3);
  priority.giveWay();
  priority.takeUp();
  priority.takeUp();
  assert.deepEqual(values, [3]);
  priority.giveWay();
  priority.giveWay();
  assert.deepEqual(values, [3, 13]);
});

it('is not taken out of something large by events meanwhile', async () => {
  const { priority, values } = recorded(0);
  priority.takeUp();
  let end = (_: string) => {};
  const given = priority.givingWay(new Promise<string>((resolve) => (end = resolve)));
  priority.takeUp();
  end('done');
  assert.equal(await given, 'done');
  priority.takeUp(); // what is read now is made use of first
  assert.deepEqual(values, [0, 10]);
  await turn();
  priority.takeUp();
  assert.deepEqual(values, [0, 10, 0]);
});

it('comes back after something large has failed', async () => {
  const { priority, values } = recorded(15);
  await assert.rejects(priority.givingWay(Promise.reject(new Error('refused'))), /refused/);
  await turn();
  priority.takeUp();
  priority.giveWay();
  assert.deepEqual(values, [15, 19]);
});

it('stays lowered where it may not be raised, and says so once', () => {
  let asked = 0;
  let refused = 0;
  const priority = new MainPriority({
    nice: 0,
    set: () => {
      asked += 1;
      throw new Error('EACCES');
    },
    onRefused: () => {
      refused += 1;
    },
  });
  priority.takeUp();
  priority.takeUp();
  priority.giveWay();
  assert.deepEqual({ asked, refused }, { asked: 1, refused: 1 });
});
