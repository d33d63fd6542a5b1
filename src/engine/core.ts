// Compiles and instantiates the core, and makes sure that it is the one this host was built for.

import { readFileSync } from 'node:fs';
import { MesosDnsError, messageOf } from '../errors.ts';
import { CORE_FUNCTIONS, type CoreExports, LAYOUT_VERSION } from './contract.ts';

export type CoreBuild = 'release' | 'debug';

/**
 * Reads and compiles the module that stands beside the compiled host: 24 KB, so at once. Waiting for threads of V8 and of
 * the file system, which have to be scheduled, takes longer than the 2 ms of their work.
 */
export async function compileCore(build: CoreBuild = 'release'): Promise<WebAssembly.Module> {
  const file = new URL(`../../core/${build}.wasm`, import.meta.url);
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch (error) {
    throw new MesosDnsError('ERR_CORE', `the core ${file.pathname} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Instantiates the module over a shared memory. */
export function instantiateCore(module: WebAssembly.Module, memory: WebAssembly.Memory): CoreExports {
  const imports = WebAssembly.Module.imports(module);
  const names = imports.map(({ module: from, name, kind }) => `${from}.${name} (${kind})`).join(', ');
  if (names !== 'env.memory (memory)') {
    throw new MesosDnsError('ERR_CORE', `the core imports ${names || 'nothing'}; expected env.memory alone`);
  }
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const version = exports['LAYOUT_VERSION'];
  if (!(version instanceof WebAssembly.Global) || version.value !== LAYOUT_VERSION) {
    throw new MesosDnsError(
      'ERR_CORE',
      `the core has another memory layout than version ${LAYOUT_VERSION}; build again`,
    );
  }
  const missing = CORE_FUNCTIONS.filter((name) => typeof exports[name] !== 'function');
  if (missing.length > 0) throw new MesosDnsError('ERR_CORE', `the core does not export ${missing.join(', ')}`);
  return exports as unknown as CoreExports;
}
