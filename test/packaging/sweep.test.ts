import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { sweep } from '../../packaging/sweep.ts';

function project(t: TestContext, files: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesos-dns-sweep-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), '');
  }
  return folder;
}

describe('the sweep after a build', () => {
  it('removes what was compiled from sources that are gone, and folders that are empty then', (t) => {
    const folder = project(t, [
      'src/main.ts',
      'dist/src/main.js',
      'dist/src/main.js.map',
      'dist/src/gone.js',
      'dist/src/gone.js.map',
      'dist/test/old/gone.test.js',
    ]);
    assert.deepEqual([...sweep(folder)].sort(), ['src/gone.js', 'src/gone.js.map', 'test/old/gone.test.js']);
    assert.ok(existsSync(join(folder, 'dist/src/main.js.map')));
    assert.ok(!existsSync(join(folder, 'dist/test')));
    assert.deepEqual(sweep(folder), []);
  });

  it('leaves what was copied, and what others make', (t) => {
    const kept = [
      'dist/src/http/page/page.js',
      'dist/src/http/page/index.html',
      'dist/core/release.wasm',
      'dist/package/a.deb',
    ];
    const folder = project(t, ['src/http/page/page.js', 'src/http/page/index.html', ...kept]);
    assert.deepEqual(sweep(folder), []);
    for (const file of kept) assert.ok(existsSync(join(folder, file)), file);
  });
});
