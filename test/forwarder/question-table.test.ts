import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ClientQuery, sharingKey } from '../../src/forwarder/query.ts';
import { QuestionTable } from '../../src/forwarder/question-table.ts';

const RD = 0x0100;
const CD = 0x0010;

/** Few different ones, so that many are the same but for something small. */
const queries = fc
  .record({
    label: fc.constantFrom('a', 'A', 'b', '{', '[', 'ab', 'aB'),
    type: fc.constantFrom(1, 0x21, 0x41, 0x61),
    flags: fc.constantFrom(RD, RD | CD, RD | 0x0200),
    dnssecOk: fc.constantFrom(null, false, true),
    route: fc.constantFrom(0, 1),
  })
  .map(({ label, type, flags, dnssecOk, route }) => {
    const question = Uint8Array.of(label.length, ...Buffer.from(label), 0, 0, type, 0, 1);
    const opt = dnssecOk === null ? null : { udpSizeBytes: 1232, extendedRcode: 0, dnssecOk };
    const query: ClientQuery = { id: 1, flags, question, opt, options: new Uint8Array() };
    return { query, route };
  });

describe('the table of questions being asked', () => {
  it('finds what a map by sharing key finds, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(queries, fc.boolean()), { maxLength: 200 }), (steps) => {
        const table = new QuestionTable<string>();
        const expected = new Map<string, number>();
        for (const [{ query, route }, isEnd] of steps) {
          const key = sharingKey(query, route);
          const slot = expected.get(key);
          assert.equal(table.find(query, route), slot === undefined ? undefined : key);
          if (slot === undefined) {
            const added = table.add(query, route, key);
            assert.ok(![...expected.values()].includes(added), 'a slot is given once');
            expected.set(key, added);
          } else if (isEnd) {
            table.remove(slot);
            expected.delete(key);
          }
          assert.equal(table.isEmpty, expected.size === 0);
          const all: string[] = [];
          table.forEach((value) => {
            all.push(value);
          });
          assert.deepEqual(all.sort(), [...expected.keys()].sort());
        }
      }),
    );
  });

  it('keeps apart questions that share a chain, whichever of them ends first', () => {
    for (const order of [1, -1]) {
      const table = new QuestionTable<number>();
      const all = Array.from({ length: 20_000 }, (_, i): ClientQuery => {
        const question = Uint8Array.of(2, i >> 8, i & 0x5f, 0, 0, 1, 0, i & 0xa0 ? 3 : 1);
        return { id: 0, flags: RD, question, opt: null, options: new Uint8Array() };
      });
      const distinct = all.filter((query) => {
        if (table.find(query, 0) !== undefined) return false;
        table.add(query, 0, query.question[1] ?? 0);
        return true;
      });
      assert.ok(distinct.length > 4096, `${distinct.length} questions`);
      const slots = distinct.map((_, slot) => slot);
      for (const slot of order === 1 ? slots : slots.toReversed()) {
        const query = distinct[slot];
        assert.ok(query !== undefined && table.find(query, 0) === query.question[1]);
        table.remove(slot);
        assert.equal(table.find(query, 0), undefined);
      }
      assert.equal(table.isEmpty, true);
    }
  });
});
