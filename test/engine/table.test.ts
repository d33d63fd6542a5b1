// Tables as the core answers from them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
import { Engine, type PublishedTable } from '../../src/engine/engine.ts';
import type { TableInput } from '../../src/engine/table-input.ts';
import { MesosDnsError } from '../../src/errors.ts';
import type { Answerer } from '../../src/sockets/answerer.ts';
import { answerData, ask, recordSet, serve, TCP, tableInput } from '../support/zone.ts';

async function publish(
  lines: readonly string[],
  changes: Partial<TableInput> = {},
): Promise<{ readonly table: PublishedTable; readonly answerer: Answerer; readonly engine: Engine }> {
  const engine = await Engine.create();
  const table = engine.publish(tableInput(recordSet(lines), changes));
  const answerer = createCoreAnswerer({ module: engine.module, memory: engine.memory, worker: 0, seed: 77n });
  return { table, answerer, engine };
}

/** How many slots of each index page of the table in force are taken. */
function namesOfPages({ memory }: Engine): number[] {
  const view = new DataView(memory.buffer);
  const u32 = (address: number) => view.getUint32(address, true);
  const table = u32(CONTROL_TABLE);
  const directory = table + u32(table + TABLE_DIRECTORY);
  return Array.from({ length: u32(table + TABLE_PAGE_MASK) + 1 }, (_, page) => {
    let count = 0;
    for (let slot = 0; slot < PAGE_SLOTS; slot++) {
      if (u32(u32(directory + page * 4) + slot * INDEX_SLOT_SIZE + SLOT_NODE) !== SLOT_EMPTY) count += 1;
    }
    return count;
  });
}

describe('a table', () => {
  it('counts names, empty non-terminals included, and names what was left out', async () => {
    const { table } = await publish([
      'a.b.mesos. A 10.0.0.1',
      'c.mesos. A host',
      `${'x'.repeat(64)}.mesos. A 10.0.0.1`,
    ]);
    assert.equal(table.nameCount, 3);
    assert.deepEqual(table.unwritable, ['A c.mesos. host', `A ${'x'.repeat(64)}.mesos. 10.0.0.1`]);
    assert.deepEqual(table.cut, []);
  });

  it('answers empty non-terminals with NODATA and what is not there with NXDOMAIN', async () => {
    const answerer = await serve(['a.b.mesos. A 10.0.0.1']);
    assert.equal(ask(answerer, 'b.mesos', 'A').rcodeNumber, 0);
    assert.equal(ask(answerer, 'b.mesos', 'A').answers.length, 0);
    assert.equal(ask(answerer, 'x.b.mesos', 'A').rcodeNumber, 3);
  });

  it('spreads names that are alike over its pages', async () => {
    for (const digits of [3, 4, 5, 6, 7, 12]) {
      const count = Math.min(20_000, 10 ** digits);
      const numbers = Array.from({ length: count }, (_, i) => String(i).padStart(digits, '0'));
      const hosts = numbers.map((number) => `web-${number}.f.mesos. A 10.0.0.1`);
      const services = numbers.map((number) => `_web-${number}._tcp.f.mesos. SRV web-${number}.f.mesos.:80`);
      const { engine } = await publish([...hosts, ...services]);
      const pages = namesOfPages(engine);
      const mean = pages.reduce((sum, names) => sum + names, 0) / pages.length;
      const deviation = Math.sqrt(mean);
      assert.ok(pages.length <= (2 * 2 * count) / 400 + 1, `${pages.length} pages for ${2 * count} names`);
      for (const names of pages) assert.ok(Math.abs(names - mean) < 6 * deviation, `${names}, on average ${mean}`);
    }
  });

  it('finds the addresses of SRV targets in other case', async () => {
    const answerer = await serve([
      '_a._tcp.mesos. SRV WEB.Mesos.:80',
      'web.mesos. A 10.0.0.1',
      'Web.mesos. AAAA fd00::1',
    ]);
    const reply = ask(answerer, '_a._tcp.mesos', 'SRV');
    const extra = reply.additionals.map((record) => ('data' in record ? `${record.name} ${record.data}` : ''));
    assert.deepEqual(extra.sort(), ['WEB.Mesos 10.0.0.1', 'WEB.Mesos fd00::1']);
  });

  it('answers reverse names, and NODATA for their other types', async () => {
    const answerer = await serve(['1.0.0.10.in-addr.arpa. PTR web.mesos.']);
    assert.deepEqual(answerData(ask(answerer, '1.0.0.10.IN-ADDR.arpa', 'PTR')), ['web.mesos']);
    const reply = ask(answerer, '1.0.0.10.in-addr.arpa', 'A');
    assert.deepEqual([reply.rcodeNumber, reply.answers.length], [0, 0]);
  });

  it('answers at the longest name that there can be', async () => {
    const name = `${`${'a'.repeat(63)}.`.repeat(3)}${'b'.repeat(55)}.mesos`;
    const answerer = await serve([`${name}. A 10.0.0.1`, `_x._tcp.mesos. SRV ${name}.:65535`]);
    assert.deepEqual(answerData(ask(answerer, name, 'A')), ['10.0.0.1']);
    assert.equal(ask(answerer, '_x._tcp.mesos', 'SRV', { client: TCP }).additionals.length, 1);
  });

  it('finds each of many names, and none beside them', async () => {
    const names = Array.from({ length: 3000 }, (_, i) => `t${i}.f${i % 7}.mesos`);
    const answerer = await serve(names.map((name, i) => `${name}. A 10.0.${i >> 8}.${i & 255}`));
    names.forEach((name, i) => {
      assert.deepEqual(answerData(ask(answerer, name, 'A')), [`10.0.${i >> 8}.${i & 255}`]);
      assert.equal(ask(answerer, `u${name}`, 'A').rcodeNumber, 3);
    });
  });

  it('cuts an RRset of more than 65535 records and says so', async () => {
    const values = Array.from({ length: 65_536 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    const records = { ...recordSet([]), as: new Map([['slave.mesos.', values]]) };
    const { table, answerer } = await publish([], { records });
    assert.deepEqual(table.cut, ['A slave.mesos. has 65536 records, of which 65535 are served']);
    const reply = ask(answerer, 'slave.mesos', 'A', { client: TCP });
    assert.equal(reply.answers.length, Math.floor((65_535 - 12 - 17) / 16));
  });

  it('names an RRset that no message holds whole, once it is that large', async () => {
    const limit = Math.floor((65_535 - 12 - 4 - 11 - 13) / 16);
    const slaves = (count: number) =>
      Array.from({ length: count }, (_, i) => `slave.mesos. A 10.1.${i >> 8}.${i & 255}`);
    assert.deepEqual((await publish(slaves(limit))).table.overlong, []);
    const { table, answerer } = await publish(slaves(limit + 1));
    assert.deepEqual(table.overlong, [
      'A slave.mesos. is larger than any DNS message; each answer over TCP holds another part of it',
    ]);
    const reply = ask(answerer, 'slave.mesos', 'A', { client: TCP, edns: 1232 });
    assert.equal(reply.answers.length, limit);
    assert.equal(reply.flagsWord & 0x0200, 0);
  });

  it('keeps the largest RRset of SRV records apart by their targets', async () => {
    const values = Array.from({ length: 65_536 }, (_, i) => `t${i}.mesos.:${i}`);
    const as = new Map(values.map((value, i) => [value.replace(/:.*/, ''), [`10.9.${i >> 8}.${i & 255}`]]));
    const records = { ...recordSet([]), as, srvs: new Map([['_a._tcp.mesos.', values]]) };
    const { table, answerer } = await publish([], { records });
    assert.equal(table.cut.length, 1);
    for (let i = 0; i < 20; i++) {
      const reply = ask(answerer, '_a._tcp.mesos', 'SRV', { edns: 1232 });
      for (const record of reply.answers) {
        if (record.type !== 'SRV') continue;
        assert.equal(record.data.target, `t${record.data.port}.mesos`);
      }
      assert.ok(reply.answers.length > 20);
    }
  });
});

describe('a table that does not fit', () => {
  const limit = { memoryLimitBytes: ARENA_BASE + 1024 * 1024 };
  const big = Array.from({ length: 20_000 }, (_, i) => `t${i}.mesos. A 10.1.${i >> 8}.${i & 255}`);

  it('is refused, and the one before still answers and can be followed by others', async () => {
    const engine = await Engine.create(limit);
    engine.publish(tableInput(recordSet(['a.mesos. A 10.0.0.1'])));
    const answerer = createCoreAnswerer({ module: engine.module, memory: engine.memory, worker: 0, seed: 5n });
    for (let i = 0; i < 3; i++) {
      assert.throws(
        () => engine.publish(tableInput(recordSet(big))),
        (error) => error instanceof MesosDnsError && error.code === 'ERR_TABLE_FULL',
      );
      assert.deepEqual(answerData(ask(answerer, 'a.mesos', 'A')), ['10.0.0.1']);
    }
    engine.publish(tableInput(recordSet(['a.mesos. A 10.0.0.2'])));
    assert.deepEqual(answerData(ask(answerer, 'a.mesos', 'A')), ['10.0.0.2']);
  });

  it('does not come about by publishing again and again', async () => {
    const engine = await Engine.create(limit);
    const lines = big.slice(0, 4000);
    for (let i = 0; i < 50; i++) engine.publish(tableInput(recordSet(lines)));
  });
});
