import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Engine } from '../../src/engine/engine.ts';
import { wholeMemoryViews } from '../../src/engine/memory.ts';
import { deriveRecords } from '../../src/records/derive.ts';
import { deriveInput, stateOf } from '../support/states.ts';
import { tableInput } from '../support/zone.ts';

const MB = 1024 * 1024;
const LIMIT_MS = 30_000;

function residentBytes(): number {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

describe('memory for a table that is expected', () => {
  it('is used by another thread, and keeps what is written meanwhile', async () => {
    const engine = await Engine.create();
    // As the program does before it knows a state.
    engine.publish(tableInput(null));
    const from = engine.memory.buffer.byteLength;
    const before = residentBytes();
    engine.expect(256 * MB);
    const { fields } = wholeMemoryViews(engine.memory);
    const end = performance.now() + LIMIT_MS;
    let rounds = 0;
    while (residentBytes() < before + 200 * MB) {
      assert.ok(performance.now() < end, `${(residentBytes() - before) / MB} MB more`);
      rounds += 1;
      // One page only: the others are the thread's to use.
      for (let i = 0; i < 1024; i += 1) fields.setUint32(from + 4 * i, rounds + i);
      for (let i = 0; i < 1024; i += 1) assert.equal(fields.getUint32(from + 4 * i), rounds + i);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it('is none where a table is in force, where little is expected, or where it is more than there may be', async () => {
    const engine = await Engine.create({ memoryLimitBytes: 64 * MB });
    const size = engine.memory.buffer.byteLength;
    engine.expect(MB);
    engine.expect(4096 * MB);
    assert.equal(engine.memory.buffer.byteLength, size);
    engine.publish(tableInput(deriveRecords(deriveInput(stateOf([])))));
    const withTable = engine.memory.buffer.byteLength;
    engine.expect(16 * MB);
    assert.equal(engine.memory.buffer.byteLength, withTable);
  });
});
