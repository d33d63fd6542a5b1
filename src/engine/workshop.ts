// What tables are built with and in.

import type { Arena } from './arena.ts';
import type { CoreExports } from './contract.ts';

export interface Workshop {
  readonly core: CoreExports;
  readonly memory: WebAssembly.Memory;
  readonly arena: Arena;
}
