import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { joinModules } from '../../packaging/join.ts';

const load = createRequire(import.meta.url);

function modules(t: TestContext, texts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesos-dns-join-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [file, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

/** @returns what the joined file exports; no module is left that it could read */
function runJoined(folder: string): Record<string, unknown> {
  const text = joinModules(join(folder, 'src/entry.js'), join(folder, 'joined'));
  rmSync(join(folder, 'src'), { recursive: true });
  mkdirSync(join(folder, 'joined'));
  writeFileSync(join(folder, 'joined/entry.cjs'), text);
  return load(join(folder, 'joined/entry.cjs')) as Record<string, unknown>;
}

describe('modules that are joined', () => {
  it('find each other under every name that they import', (t) => {
    const folder = modules(t, {
      'src/entry.js': [
        "import { join as joined, sep } from 'node:path';",
        "import { createRequire } from 'node:module'; // a note",
        "import { double, Last as Final } from './deep/all.js';",
        "export { six } from './deep/sum.js';",
        'export const path = joined(sep, String(double(4)));',
        'export async function later() { return new Final().name; }',
        'export const kind = typeof createRequire;',
        '//# sourceMappingURL=entry.js.map',
      ].join('\n'),
      'src/deep/all.js': "export * from './sum.js';\nclass Inner { name = 'inner'; }\nexport { Inner as Last };",
      'src/deep/sum.js': 'export function double(n) { return 2 * n; }\nexport const six = double(3);',
    });
    const { path, kind, six, later } = runJoined(folder);
    assert.deepEqual({ path, kind, six }, { path: '/8', kind: 'function', six: 6 });
    assert.equal(typeof later, 'function');
  });

  it('run once, in the order of their imports, and those imported by import() when that is reached', async (t) => {
    const folder = modules(t, {
      'src/entry.js': [
        "import { seen } from './seen.js';",
        "import { first } from './first.js';",
        "seen.push(first, 'entry');",
        'export { seen };',
        "export async function more() { const { answer } = await import('./late.js'); return answer; }",
      ].join('\n'),
      'src/seen.js': 'export const seen = [];',
      'src/first.js': "import { seen } from './seen.js';\nseen.push('before');\nexport const first = 'first';",
      'src/late.js': [
        "import { seen } from './seen.js';",
        "import { base } from './later.js';",
        "seen.push('late');",
        'export const answer = base + 2;',
      ].join('\n'),
      'src/later.js': "import { seen } from './seen.js';\nseen.push('later');\nexport const base = 40;",
    });
    const joined = runJoined(folder) as { seen: string[]; more: () => Promise<number> };
    assert.deepEqual(joined.seen, ['before', 'first', 'entry']);
    assert.deepEqual(await Promise.all([joined.more(), joined.more()]), [42, 42]);
    assert.deepEqual(joined.seen, ['before', 'first', 'entry', 'later', 'late']);
  });

  it('say that they stand where they were', (t) => {
    const folder = modules(t, {
      'src/entry.js': "export const beside = new URL('./core.wasm', import.meta.url).pathname;",
    });
    assert.equal(runJoined(folder)['beside'], join(folder, 'src/core.wasm'));
  });

  for (const line of [
    'export let changes = 1;',
    "import './other.js';",
    "import * as everything from 'node:path';",
    "import whole from './other.js';",
    'export default 1;',
    'console.log(import.meta.dirname);',
  ]) {
    it(`are refused with: ${line}`, (t) => {
      const folder = modules(t, { 'src/entry.js': line, 'src/other.js': '' });
      assert.throws(() => joinModules(join(folder, 'src/entry.js'), join(folder, 'joined')), Error);
    });
  }
});
