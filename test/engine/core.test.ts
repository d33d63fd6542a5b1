import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CORE_FUNCTIONS, LAYOUT_VERSION } from '../../src/engine/contract.ts';
import { instantiateCore } from '../../src/engine/core.ts';
import { createMemory, growTo } from '../../src/engine/memory.ts';
import { MesosDnsError } from '../../src/errors.ts';
import { type TinyModule, tinyModule } from '../support/wasm.ts';

const RIGHT: TinyModule = { memories: ['memory'], functions: CORE_FUNCTIONS, globals: { LAYOUT_VERSION } };

describe('instantiateCore', () => {
  it('takes a module that exports what it must', async () => {
    const module = await WebAssembly.compile(tinyModule(RIGHT));
    assert.equal(typeof instantiateCore(module, createMemory()).sealTable, 'function');
  });

  const wrong: Record<string, Partial<TinyModule>> = {
    'of another memory layout': { globals: { LAYOUT_VERSION: LAYOUT_VERSION + 1 } },
    'that does not say its layout': { globals: {} },
    'whose layout version is a function': { globals: {}, functions: [...CORE_FUNCTIONS, 'LAYOUT_VERSION'] },
    'that lacks a function': { functions: CORE_FUNCTIONS.slice(1) },
    'with a constant for a function': {
      functions: CORE_FUNCTIONS.slice(1),
      globals: { LAYOUT_VERSION, answerBatch: 1 },
    },
    'without an import': { memories: [] },
    'with another memory beside': { memories: ['memory', 'more'] },
    'with a memory of another name': { memories: ['memories'] },
  };
  for (const [what, changes] of Object.entries(wrong)) {
    it(`refuses a module ${what}`, async () => {
      const bytes = tinyModule({ ...RIGHT, ...changes });
      await assert.rejects(
        async () => instantiateCore(await WebAssembly.compile(bytes), createMemory()),
        // An engine that knows one memory only refuses a second one while compiling.
        (error) =>
          (error instanceof MesosDnsError && error.code === 'ERR_CORE') ||
          (changes.memories?.length === 2 && error instanceof Error && error.name === 'CompileError'),
      );
    });
  }
});

describe('growTo', () => {
  it('grows by whole pages, never shrinks, and refuses what is above the limit', () => {
    const memory = createMemory(64 * 1024 * 1024);
    const before = memory.buffer.byteLength;
    growTo(memory, before - 1);
    assert.equal(memory.buffer.byteLength, before);
    growTo(memory, before + 1);
    assert.equal(memory.buffer.byteLength, before + 65536);
    assert.throws(
      () => growTo(memory, 64 * 1024 * 1024 + 1),
      (error) => error instanceof MesosDnsError && error.code === 'ERR_TABLE_FULL',
    );
    growTo(memory, 64 * 1024 * 1024);
  });
});
