// A table that makes the core trap: one name's records are said to lie outside of the memory.

import { A_RECORD_SIZE, ARENA_BASE } from '../../src/engine/contract.ts';

/** Breaks the published name whose only record is this IPv4 address. */
export function breakAddress(memory: WebAssembly.Memory, address: string): void {
  const arena = Buffer.from(memory.buffer, ARENA_BASE);
  const data = Buffer.from(address.split('.').map(Number));
  let broken = 0;
  for (let at = arena.indexOf(data); at >= 0; at = arena.indexOf(data, at + 1)) {
    const body = ARENA_BASE + at + data.length - A_RECORD_SIZE;
    const pointer = Buffer.alloc(4);
    pointer.writeUInt32LE(body);
    for (let field = arena.indexOf(pointer); field >= 0; field = arena.indexOf(pointer, field + 1)) {
      arena.writeUInt32LE(0xffff_fff0, field);
      broken += 1;
    }
  }
  if (broken !== 1) throw new Error(`${broken} places lead to the record of ${address}, expected one`);
}
