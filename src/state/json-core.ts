// The reader of JSON: a small module of its own, which passes over octets many times as fast as JavaScript does.

import { readFileSync } from 'node:fs';
import { MesosDnsError, messageOf } from '../errors.ts';

/** See assembly/json; -1 and below is what assembly/shared/rows.ts says, an address else. */
export interface JsonCore {
  /** Another buffer after each time that it grew. */
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly openDocument: (windowSize: number) => void;
  // The window.
  readonly makeRoom: (from: number, size: number) => number;
  readonly fill: (size: number) => void;
  readonly completeWindow: () => void;
  readonly windowStart: () => number;
  readonly windowEnd: () => number;
  readonly isCut: (at: number) => number;
  readonly unexpected: (at: number) => number;
  readonly failedAt: () => number;
  // Values.
  readonly skipSpace: (at: number) => number;
  readonly skipValue: (at: number) => number;
  readonly resumeValue: (at: number) => number;
  readonly leftValueAt: () => number;
  readonly hasLongNumber: () => number;
  // Members and elements.
  readonly goToMember: (at: number, isFirst: number) => number;
  readonly startOfKey: () => number;
  readonly endOfKey: () => number;
  readonly goToElement: (at: number, isFirst: number) => number;
  readonly readElements: (at: number, where: number, what: number) => number;
  readonly resumedAt: () => number;
  readonly resumedWhere: () => number;
  readonly firstRow: () => number;
  readonly rowsEnd: () => number;
  readonly entryOf: (memo: number, entry: number) => number;
}

/** More is not kept between two documents: one with a large element makes the memory grow for good. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

let compiled: WebAssembly.Module | null = null;
/** One that no document is read with. */
let idle: JsonCore | null = null;

/** One to read a document with, and nothing else until it is given back. */
export function takeJsonCore(): JsonCore {
  const core = idle ?? instantiate();
  idle = null;
  return core;
}

/** May be left out where reading comes to no end. */
export function giveBackJsonCore(core: JsonCore): void {
  if (core.memory.buffer.byteLength <= KEPT_BYTES_MAX) idle = core;
}

function instantiate(): JsonCore {
  const file = new URL('../../core/json.wasm', import.meta.url);
  try {
    compiled ??= new WebAssembly.Module(readFileSync(file));
    return new WebAssembly.Instance(compiled, {}).exports as unknown as JsonCore;
  } catch (error) {
    throw new MesosDnsError('ERR_CORE', `the reader of JSON ${file.pathname} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
