// Batches over a large table, which is looked up ahead: every packet gets the answer that it gets alone, whatever stands
// where its look-up begins.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import packet from 'dns-packet';
import { BATCH_MAX, DESCRIPTOR_LENGTH, DESCRIPTOR_VERDICT, VERDICT_ANSWERED } from '../../src/engine/contract.ts';
import { instantiateCore } from '../../src/engine/core.ts';
import { Engine } from '../../src/engine/engine.ts';
import { descriptorAt, workerViews } from '../../src/engine/memory.ts';
import { encodeQuery } from '../support/fake-upstream.ts';
import { recordSet, tableInput } from '../support/zone.ts';

const GROUPS = 15_000;
const BATCHES = 300;

/** As many empty non-terminals as names: `group<i>.fw.mesos` has a name below it and no records. */
const RECORDS = recordSet(
  Array.from({ length: GROUPS }, (_, i) => `web.group${i}.fw.mesos. A 10.0.${i >> 8}.${i & 255}`),
);

/** Of each kind: a name that exists, an empty non-terminal, a name that does not exist, and no question at all. */
function queryOf(i: number): Buffer {
  const group = (i * 7919) % GROUPS;
  switch (i % 5) {
    case 0:
    case 1:
      return encodeQuery(`web.group${group}.fw.mesos`, { id: i & 0xffff });
    case 2:
      return encodeQuery(`group${group}.fw.mesos`, { id: i & 0xffff });
    case 3:
      return encodeQuery(`no${i}.fw.mesos`, { id: i & 0xffff });
    default: {
      const cut = encodeQuery(`web.group${group}.fw.mesos`, { id: i & 0xffff });
      return cut.subarray(0, i % cut.length);
    }
  }
}

for (const build of ['release', 'debug'] as const) {
  describe(`a batch over a large table, ${build} build`, () => {
    it('is answered as each of its packets alone', async () => {
      const engine = await Engine.create({ build });
      const { nameCount } = engine.publish(tableInput(RECORDS));
      assert.ok(nameCount > 2 * GROUPS);
      const core = instantiateCore(engine.module, engine.memory);
      const [together, alone] = [1, 2].map((worker) => workerViews(engine.memory, worker, BATCH_MAX));
      assert.ok(together && alone);
      for (const { random } of [together, alone]) random[0] = 1n;
      const put = (views: typeof together, slot: number, query: Buffer) => {
        views.packets[slot]?.set(query);
        views.descriptors.setUint32(descriptorAt(slot) + DESCRIPTOR_LENGTH, query.length, true);
      };
      const answerIn = (views: typeof together, slot: number): Buffer | null => {
        const at = descriptorAt(slot);
        if (views.descriptors.getUint32(at + DESCRIPTOR_VERDICT, true) !== VERDICT_ANSWERED) return null;
        return Buffer.from(
          views.packets[slot]?.subarray(0, views.descriptors.getUint32(at + DESCRIPTOR_LENGTH, true)) ?? [],
        );
      };
      let answered = 0;
      for (let batch = 0; batch < BATCHES; batch += 1) {
        const queries = Array.from({ length: BATCH_MAX }, (_, slot) => queryOf(batch * BATCH_MAX + slot));
        for (const [slot, query] of queries.entries()) put(together, slot, query);
        core.answerBatch(together.address, BATCH_MAX);
        for (const [slot, query] of queries.entries()) {
          put(alone, 0, query);
          core.answerBatch(alone.address, 1);
          const answer = answerIn(together, slot);
          assert.deepEqual(answer, answerIn(alone, 0));
          if (answer !== null && packet.decode(answer).answers?.length === 1) answered += 1;
        }
      }
      assert.ok(answered >= (BATCHES * BATCH_MAX * 2) / 5);
    });
  });
}
