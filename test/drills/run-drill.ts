// Runs a drill as an operator does, for a test: it fails with what the drill has printed.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const LIMIT_MS = 200_000;

/** @returns the table */
export async function runDrill(...args: readonly string[]): Promise<string> {
  try {
    return (await run(process.execPath, [MAIN, ...args], { timeout: LIMIT_MS, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    return assert.fail(`${stdout}${stderr}`.trim().slice(-8000));
  }
}
