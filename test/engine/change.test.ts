// Generations made by changing some names answer like tables built whole.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ARENA_BASE,
  CONTROL_TABLE,
  INDEX_SLOT_SIZE,
  PAGE_SLOTS,
  SLOT_EMPTY,
  SLOT_NODE,
  TABLE_DIRECTORY,
  TABLE_PAGE_MASK,
} from '../../src/engine/contract.ts';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { Engine } from '../../src/engine/engine.ts';
import { MesosDnsError } from '../../src/errors.ts';
import { changesBetween } from '../../src/records/record-changes.ts';
import type { Answerer } from '../../src/sockets/answerer.ts';
import { answerData, ask, decodeReply, query, recordSet, SOA, TCP, tableInput } from '../support/zone.ts';

/** A record set that can be changed in place. */
function mutable() {
  return {
    as: new Map<string, string[]>(),
    aaaas: new Map<string, string[]>(),
    srvs: new Map<string, string[]>(),
    ptrs: new Map<string, string>(),
    aliases: new Map<string, string[]>(),
  };
}

function answererOf({ module, memory }: Engine): Answerer {
  return createCoreAnswerer({ module, memory, worker: 0, seed: 3n });
}

const NAMES = [
  'a.f.mesos.',
  'b.f.mesos.',
  'x.y.z.mesos.',
  'y.z.mesos.',
  'f.mesos.',
  'A.f.mesos.',
  'mesos.',
  '_s._tcp.f.mesos.',
];
const ALIAS = 'd.ot.f.mesos.';
const POINTER = '1.0.0.10.in-addr.arpa.';
const ASKED = [...NAMES, ALIAS, POINTER, '_tcp.f.mesos.', 'z.mesos.', 'ot.f.mesos.', 'nope.mesos.'];

/** What the answers to every question say: rcode and data. */
function observe(answerer: Answerer): unknown {
  return ASKED.flatMap((name) =>
    (['A', 'AAAA', 'SRV', 'PTR', 'TXT', 'SOA'] as const).map((type) => {
      const verdict = answerer.answer(query(name.slice(0, -1), type), TCP);
      if (verdict.kind !== 'answered') return [name, type, verdict.kind];
      const reply = decodeReply(verdict);
      const extra = reply.additionals.map((record) => JSON.stringify(record)).sort();
      return [
        name,
        type,
        reply.rcodeNumber,
        answerData(reply)
          .map((data) => JSON.stringify(data))
          .sort(),
        extra,
      ];
    }),
  );
}

/** Slots of the index of the table in force that a probe does not end at. */
function usedSlots({ memory }: Engine): number {
  const view = new DataView(memory.buffer);
  const u32 = (address: number) => view.getUint32(address, true);
  const table = u32(CONTROL_TABLE);
  const directory = table + u32(table + TABLE_DIRECTORY);
  let count = 0;
  for (let page = 0; page <= u32(table + TABLE_PAGE_MASK); page++) {
    for (let slot = 0; slot < PAGE_SLOTS; slot++) {
      const at = u32(directory + page * 4) + slot * INDEX_SLOT_SIZE;
      if (u32(at + SLOT_NODE) !== SLOT_EMPTY) count += 1;
    }
  }
  return count;
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('A' as const),
    name: fc.nat(NAMES.length - 1),
    values: fc.array(fc.nat(3), { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('AAAA' as const),
    name: fc.nat(NAMES.length - 1),
    values: fc.array(fc.nat(3), { maxLength: 2 }),
  }),
  fc.record({
    kind: fc.constant('SRV' as const),
    name: fc.nat(NAMES.length - 1),
    values: fc.array(fc.nat(3), { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('alias' as const),
    name: fc.nat(NAMES.length - 1),
    values: fc.array(fc.nat(1), { maxLength: 1 }),
  }),
  fc.record({
    kind: fc.constant('pointer' as const),
    name: fc.nat(NAMES.length - 1),
    values: fc.array(fc.nat(1), { maxLength: 1 }),
  }),
);

describe('a changed table', () => {
  it('answers like one built whole, whatever changes', async () => {
    const engine = await Engine.create();
    const fresh = await Engine.create();
    const changed = answererOf(engine);
    const built = answererOf(fresh);
    fc.assert(
      fc.property(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), (rounds) => {
        const records = mutable();
        engine.publish(tableInput(records));
        let serial = SOA.serial;
        for (const steps of rounds) {
          const names = new Set<string>();
          const pointers = new Set<string>();
          for (const { kind, name: index, values } of steps) {
            const name = NAMES[index] ?? 'mesos.';
            names.add(name);
            // SRV records hold the addresses of their targets; aliases answer for others.
            names.add('_s._tcp.f.mesos.').add(ALIAS);
            for (const srv of records.srvs.keys()) names.add(srv);
            const put = (map: Map<string, string[]>, key: string, list: string[]) => {
              if (list.length === 0) map.delete(key);
              else map.set(key, [...new Set(list)]);
            };
            if (kind === 'A')
              put(
                records.as,
                name,
                values.map((value) => `10.0.0.${value}`),
              );
            else if (kind === 'AAAA')
              put(
                records.aaaas,
                name,
                values.map((value) => `fd00::${value + 1}`),
              );
            else if (kind === 'SRV')
              put(
                records.srvs,
                name,
                values.map((value) => `${NAMES[value]}:${value}`),
              );
            else if (kind === 'alias')
              put(
                records.aliases,
                ALIAS,
                values.map(() => name),
              );
            else {
              pointers.add(POINTER);
              if (values.length === 0) records.ptrs.delete(POINTER);
              else records.ptrs.set(POINTER, name);
            }
          }
          serial += 1;
          const soa = { ...SOA, serial };
          const table = engine.change({ records, names, pointers, soa }, () => tableInput(records, { soa }));
          const whole = fresh.publish(tableInput(records, { soa }));
          assert.equal(table.nameCount, whole.nameCount);
          assert.deepEqual(observe(changed), observe(built));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('answers like one built whole, after what two record sets differ in was changed', async () => {
    const engine = await Engine.create();
    const fresh = await Engine.create();
    const line = fc.oneof(
      fc.tuple(fc.nat(NAMES.length - 1), fc.nat(2)).map(([name, value]) => `${NAMES[name]} A 10.0.0.${value}`),
      fc.tuple(fc.nat(NAMES.length - 1), fc.nat(2)).map(([name, value]) => `${NAMES[name]} AAAA fd00::${value + 1}`),
      fc.tuple(fc.nat(NAMES.length - 1), fc.nat(4)).map(([name, to]) => `${NAMES[name]} SRV ${NAMES[to]}:${to}`),
      fc.nat(NAMES.length - 1).map((name) => `${ALIAS} ALIAS ${NAMES[name]}`),
      fc.nat(NAMES.length - 1).map((name) => `${POINTER} PTR ${NAMES[name]}`),
    );
    const lines = fc.uniqueArray(line, { maxLength: 14 });
    // Where a large share of the names changes, the zone is built whole.
    const filling = Array.from({ length: 60 }, (_, i) => `n${i}.mesos. A 10.9.0.${i}`);
    fc.assert(
      fc.property(lines, lines, (first, second) => {
        const [before, after] = [recordSet([...filling, ...first]), recordSet([...filling, ...second])];
        engine.publish(tableInput(before));
        const changes = changesBetween(before, after);
        if (changes !== null) {
          engine.change({ records: after, soa: SOA, ...changes }, () =>
            assert.fail('the zone is small enough to change'),
          );
        }
        fresh.publish(tableInput(after));
        assert.deepEqual(observe(answererOf(engine)), observe(answererOf(fresh)));
      }),
      { numRuns: 200 },
    );
  });

  it('is out of date no longer in any of its answers, where it is said not to be', async () => {
    const engine = await Engine.create();
    const records = recordSet(['a.f.mesos. A 10.0.0.1', 'b.f.mesos. A 10.0.0.2']);
    const input = tableInput(records, { stale: true });
    engine.publish(input);
    const answerer = answererOf(engine);
    const codes = () =>
      ['a.f.mesos', 'b.f.mesos', 'none.mesos'].flatMap((name) => {
        const { additionals } = ask(answerer, name, 'A', { edns: 1232 });
        return additionals.flatMap((each) => (each.type === 'OPT' ? each.options : [])).map(({ code }) => code);
      });
    assert.deepEqual(codes(), [15, 15, 15]);
    const changes = { records, names: new Set<string>(), pointers: new Set<string>(), soa: SOA };
    engine.change({ ...changes, stale: true }, () => assert.fail('nothing is to be built'));
    assert.deepEqual(codes(), [15, 15, 15]);
    engine.change(changes, () => assert.fail('nothing is to be built'));
    assert.deepEqual(codes(), []);
  });

  it('keeps the memory bounded over many changes', async () => {
    const engine = await Engine.create({ memoryLimitBytes: ARENA_BASE + 24 * 1024 * 1024 });
    const records = mutable();
    for (let i = 0; i < 5000; i++) records.as.set(`t${i}.f.mesos.`, [`10.0.${i >> 8}.${i & 255}`]);
    engine.publish(tableInput(records));
    const answerer = answererOf(engine);
    for (let i = 0; i < 20_000; i++) {
      const name = `t${i % 5000}.f.mesos.`;
      const value = `10.1.${(i >> 8) & 255}.${i & 255}`;
      records.as.set(name, [value]);
      const soa = { ...SOA, serial: i };
      engine.change({ records, names: new Set([name]), pointers: new Set(), soa }, () => tableInput(records, { soa }));
      if (i % 500 === 0) assert.deepEqual(answerData(ask(answerer, name.slice(0, -1), 'A')), [value]);
    }
  });

  it('has no trace in its index of names that are gone, however many came and went', async () => {
    const engine = await Engine.create();
    const records = mutable();
    const nameOf = (i: number) => `t${i}.f.mesos.`;
    const KEPT = 380;
    for (let i = 0; i < KEPT; i++) records.as.set(nameOf(i), [`10.0.${i >> 8}.${i & 255}`]);
    engine.publish(tableInput(records));
    const answerer = answererOf(engine);
    for (let i = KEPT; i < 10_000; i++) {
      const gone = nameOf(i - KEPT);
      records.as.delete(gone);
      records.as.set(nameOf(i), [`10.0.${(i >> 8) & 255}.${i & 255}`]);
      const names = new Set([gone, nameOf(i)]);
      const soa = { ...SOA, serial: i };
      const change = { records, names, pointers: new Set<string>(), soa };
      const { nameCount } = engine.change(change, () => tableInput(records, { soa }));
      if (i % 500 !== 0) continue;
      assert.equal(usedSlots(engine), nameCount);
      for (const [name, values] of records.as)
        assert.deepEqual(answerData(ask(answerer, name.slice(0, -1), 'A')), values);
      assert.equal(ask(answerer, gone.slice(0, -1), 'A').rcodeNumber, 3);
    }
  });

  it('is refused where it does not fit, and the one before still answers', async () => {
    const engine = await Engine.create({ memoryLimitBytes: ARENA_BASE + 512 * 1024 });
    const records = mutable();
    records.as.set('a.mesos.', ['10.0.0.1']);
    engine.publish(tableInput(records));
    const answerer = answererOf(engine);
    const names = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      names.add(`t${i}.mesos.`);
      records.as.set(`t${i}.mesos.`, [`10.0.${i >> 8}.${i & 255}`]);
    }
    for (let i = 0; i < 3; i++) {
      assert.throws(
        () => engine.change({ records, names, pointers: new Set(), soa: SOA }, () => tableInput(records)),
        (error) => error instanceof MesosDnsError && error.code === 'ERR_TABLE_FULL',
      );
      assert.deepEqual(answerData(ask(answerer, 'a.mesos', 'A')), ['10.0.0.1']);
    }
    engine.publish(tableInput(recordSet(['a.mesos. A 10.0.0.2'])));
    assert.deepEqual(answerData(ask(answerer, 'a.mesos', 'A')), ['10.0.0.2']);
  });
});
