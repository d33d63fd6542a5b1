#!/usr/bin/env node
// The process. Its modules are loaded by `require`, which reads one file after another: `import` has the thread pool read
// each of the 180 in four steps, and takes 60 ms longer.

import { createRequire } from 'node:module';

const { main } = createRequire(import.meta.url)('./program.js') as typeof import('./program.ts');
process.exitCode = await main(process.argv.slice(2));
