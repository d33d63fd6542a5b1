import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changesBetween } from '../../src/records/record-changes.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import { recordSet } from '../support/zone.ts';

function sameRecords(before: RecordSet, after: RecordSet): boolean {
  return changesBetween(before, after) === null;
}

const LINES = [
  'a.mesos. A 10.0.0.1',
  'a.mesos. A 10.0.0.2',
  'a.mesos. AAAA fd00::1',
  'b.mesos. A 10.0.0.3',
  '_a._tcp.mesos. SRV a.mesos.:1',
  '_a._tcp.mesos. SRV b.mesos.:1',
  'x.mesos. ALIAS a.mesos.',
  'x.mesos. ALIAS b.mesos.',
  '1.0.0.10.in-addr.arpa. PTR a.mesos.',
  '3.0.0.10.in-addr.arpa. PTR b.mesos.',
];

describe('changesBetween', () => {
  it('does not look at the order', () => {
    assert.ok(sameRecords(recordSet(LINES), recordSet([...LINES].reverse())));
    assert.ok(sameRecords(recordSet([]), recordSet([])));
  });

  for (const line of LINES) {
    it(`sees that "${line}" is missing, or new`, () => {
      const without = recordSet(LINES.filter((other) => other !== line));
      assert.ok(!sameRecords(recordSet(LINES), without));
      assert.ok(!sameRecords(without, recordSet(LINES)));
    });

    it(`sees that the value of "${line}" is another`, () => {
      const changed = LINES.map((other) => (other === line ? other.replace(/(\d|\.)$/, '7$1') : other));
      assert.ok(!sameRecords(recordSet(LINES), recordSet(changed)));
    });
  }

  it('tells names apart that differ in case, as the HTTP lists do', () => {
    assert.ok(!sameRecords(recordSet(['a.mesos. A 10.0.0.1']), recordSet(['A.mesos. A 10.0.0.1'])));
  });

  it('names what answers otherwise: the name itself, services that lead to it, and aliases', () => {
    const after = recordSet(LINES.map((line) => line.replace('b.mesos. A 10.0.0.3', 'b.mesos. A 10.0.0.4')));
    const changes = changesBetween(recordSet(LINES), after);
    assert.deepEqual([...(changes?.names ?? [])].sort(), ['_a._tcp.mesos.', 'b.mesos.', 'x.mesos.']);
    assert.deepEqual([...(changes?.pointers ?? [])], []);
  });

  it('names new and vanished services, aliases and reverse names', () => {
    const gone = ['_a._tcp', 'x.mesos', '3.0.0.10'];
    const without = recordSet(LINES.filter((line) => !gone.some((start) => line.startsWith(start))));
    for (const [before, after] of [
      [recordSet(LINES), without],
      [without, recordSet(LINES)],
    ] as const) {
      const changes = changesBetween(before, after);
      assert.deepEqual([...(changes?.names ?? [])].sort(), ['_a._tcp.mesos.', 'x.mesos.']);
      assert.deepEqual([...(changes?.pointers ?? [])], ['3.0.0.10.in-addr.arpa.']);
    }
  });
});
