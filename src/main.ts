#!/usr/bin/env node
// The process. Its modules stand in one file (packaging/join.ts): finding and reading each of the 180 takes 100 ms longer.

import { createRequire } from 'node:module';

const { main } = createRequire(import.meta.url)('../joined/program.cjs') as typeof import('./program.ts');
process.exitCode = await main(process.argv.slice(2));
