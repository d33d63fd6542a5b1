import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Arena } from '../../src/engine/arena.ts';
import { ARENA_BASE, TABLE_ALIGN } from '../../src/engine/contract.ts';
import { announcementViews, createMemory, currentTableView, growTo } from '../../src/engine/memory.ts';
import { Publisher } from '../../src/engine/publisher.ts';

function setUp() {
  const memory = createMemory();
  const arena = new Arena(ARENA_BASE, TABLE_ALIGN, (end) => growTo(memory, end));
  const words = announcementViews(memory);
  const announce = (worker: number, table: number) => {
    const word = words[worker];
    assert.ok(word !== undefined);
    Atomics.store(word, 0, table);
  };
  return { arena, announce, publisher: new Publisher(memory, arena), current: currentTableView(memory) };
}

describe('Publisher', () => {
  it('makes a table the current one', () => {
    const { arena, publisher, current } = setUp();
    const table = arena.allocate(1000);
    assert.equal(Atomics.load(current, 0), 0);
    publisher.publish(table, []);
    assert.equal(Atomics.load(current, 0), table.address);
  });

  it('gives back the table before at once where nobody reads it', () => {
    const { arena, publisher } = setUp();
    const first = arena.allocate(1000);
    publisher.publish(first, []);
    publisher.publish(arena.allocate(1000), [first]);
    assert.equal(arena.allocate(1000).address, first.address);
  });

  it('keeps an announced table, of the last worker too, until it is withdrawn', () => {
    for (const worker of [0, 31]) {
      const { arena, announce, publisher } = setUp();
      const first = arena.allocate(1000);
      publisher.publish(first, []);
      announce(worker, first.address);
      publisher.publish(arena.allocate(1000), [first]);
      publisher.reclaim();
      assert.notEqual(arena.allocate(1000).address, first.address);
      announce(worker, 0);
      publisher.reclaim();
      assert.equal(arena.allocate(1000).address, first.address);
    }
  });

  it('keeps what an announced table leads to and newer ones do not, however long ago it was replaced', () => {
    const { arena, announce, publisher } = setUp();
    const regions = Array.from({ length: 6 }, () => arena.allocate(64));
    const [first, page, second, otherPage, third, fourth] = regions;
    assert.ok(first && page && second && otherPage && third && fourth);
    publisher.publish(first, []);
    announce(0, first.address);
    publisher.publish(second, [first, page]);
    announce(1, second.address);
    publisher.publish(third, [second, otherPage]);
    publisher.publish(fourth, [third]);
    const usedBytes = () => arena.usedBytes / 64;
    assert.equal(usedBytes(), 6);
    announce(1, 0);
    publisher.reclaim();
    // The oldest reader holds everything that was replaced after it began.
    assert.equal(usedBytes(), 6);
    announce(0, 0);
    publisher.reclaim();
    assert.equal(usedBytes(), 1);
  });

  it('never frees the current table, read or not', () => {
    const { arena, publisher } = setUp();
    const table = arena.allocate(64);
    publisher.publish(table, []);
    publisher.reclaim();
    assert.notEqual(arena.allocate(64).address, table.address);
  });
});
