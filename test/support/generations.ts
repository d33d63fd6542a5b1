// Generations of a zone that are built beforehand and put in force in turn, as quickly as one likes.

import { Arena } from '../../src/engine/arena.ts';
import { ARENA_BASE, TABLE_ALIGN } from '../../src/engine/contract.ts';
import { compileCore, instantiateCore } from '../../src/engine/core.ts';
import { createMemory, growTo } from '../../src/engine/memory.ts';
import { Publisher } from '../../src/engine/publisher.ts';
import { Table } from '../../src/engine/table.ts';
import type { TableInput } from '../../src/engine/table-input.ts';

export interface Generations {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Puts the next one in force, after the last one the first. */
  swap(): void;
  /** Builds one more and puts it in force for good; what only the one before led to is used again as soon as nobody reads it. */
  replace(input: TableInput): void;
}

/** The first one is in force. @param inputs at least one */
export async function buildGenerations(inputs: readonly TableInput[]): Promise<Generations> {
  const module = await compileCore();
  const memory = createMemory();
  const arena = new Arena(ARENA_BASE, TABLE_ALIGN, (end) => growTo(memory, end));
  const workshop = { core: instantiateCore(module, memory), memory, arena };
  const publisher = new Publisher(memory, arena);
  const headers = inputs.map((input, i) => Table.build(workshop, input, i + 1).header);
  let next = 0;
  let replaceable: Table | null = null;
  const swap = () => {
    const header = headers[next % headers.length];
    if (header !== undefined) publisher.publish(header, []);
    next += 1;
  };
  swap();
  return {
    module,
    memory,
    swap,
    replace(input) {
      publisher.reclaim();
      const table = Table.build(workshop, input, publisher.generation + 1);
      publisher.publish(table.header, replaceable?.regions ?? []);
      replaceable = table;
    },
  };
}
