import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { joinModules } from '../../packaging/join.ts';

const load = createRequire(import.meta.url);

function modules(t: TestContext, texts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesos-dns-join-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'joined'));
  for (const [file, text] of Object.entries(texts)) writeFileSync(join(folder, 'src', file), text);
  return folder;
}

/** @returns what the joined file exports; no module is left that it could read */
async function runJoined(folder: string): Promise<Record<string, unknown>> {
  const texts = await joinModules(join(folder, 'src/entry.js'), join(folder, 'joined'));
  rmSync(join(folder, 'src'), { recursive: true });
  for (const [file, text] of texts) writeFileSync(join(folder, 'joined', file), text);
  return load(join(folder, 'joined/entry.cjs')) as Record<string, unknown>;
}

describe('modules that are joined', () => {
  it('run once, in the order of their imports, and those imported by import() when that is reached', async (t) => {
    const folder = modules(t, {
      'entry.js': [
        "import { seen } from './seen.js';",
        "import { first } from './first.js';",
        "seen.push(first, 'entry');",
        'export { seen };',
        "export async function more() { const { answer } = await import('./late.js'); return answer; }",
      ].join('\n'),
      'seen.js': 'export const seen = [];',
      'first.js': "import { seen } from './seen.js';\nseen.push('before');\nexport const first = 'first';",
      'late.js': [
        "import { sep } from 'node:path';",
        "import { seen } from './seen.js';",
        "seen.push('late');",
        'export const answer = sep;',
      ].join('\n'),
    });
    const joined = (await runJoined(folder)) as { seen: string[]; more: () => Promise<string> };
    assert.deepEqual(joined.seen, ['before', 'first', 'entry']);
    assert.deepEqual(await Promise.all([joined.more(), joined.more()]), ['/', '/']);
    assert.deepEqual(joined.seen, ['before', 'first', 'entry', 'late']);
  });

  it('find what stands beside them where it stood', async (t) => {
    const folder = modules(t, {
      'entry.js': "export const beside = new URL('./core.wasm', import.meta.url).pathname;",
    });
    assert.equal((await runJoined(folder))['beside'], join(folder, 'src/core.wasm'));
  });

  it('take whole packages as Node gives them', async (t) => {
    const folder = modules(t, {
      'entry.js': "import whole, { sep } from 'node:path';\nexport const same = whole.sep === sep;",
    });
    assert.equal((await runJoined(folder))['same'], true);
  });

  for (const [what, text] of [
    ['a name that is not exported', "import { nothing } from './other.js';\nconsole.log(nothing);"],
    ['a module that is not there', "import { one } from './others.js';\nconsole.log(one);"],
    ['what else modules know of themselves', 'console.log(import.meta.dirname);'],
  ] as const) {
    it(`are refused with ${what}`, async (t) => {
      const folder = modules(t, { 'entry.js': text, 'other.js': 'export const one = 1;' });
      await assert.rejects(joinModules(join(folder, 'src/entry.js'), join(folder, 'joined')));
    });
  }
});
