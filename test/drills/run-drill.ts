// Runs a drill as an operator does, for a test: it fails with what the drill has printed.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ROUNDS } from '../support/best-of.ts';
import { ONLY_FIGURES } from './findings.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
/** Of one run. */
const LIMIT_MS = 500_000;

/**
 * Tells the table of each run as a diagnostic. What is wrong fails at once; times and sizes count as the best of three runs,
 * of which the first one that holds is the last.
 */
export async function runDrill(test: Pick<TestContext, 'diagnostic'>, ...args: readonly string[]): Promise<void> {
  for (let round = 1; ; round += 1) {
    try {
      const { stdout } = await run(process.execPath, [MAIN, ...args], { timeout: LIMIT_MS, maxBuffer: 1 << 26 });
      test.diagnostic(stdout);
      return;
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
      const said = `${stdout}${stderr}`.trim().slice(-8000);
      if (code !== ONLY_FIGURES || round === ROUNDS) assert.fail(`round ${round}, exit code ${code}:\n${said}`);
      test.diagnostic(stdout);
    }
  }
}
