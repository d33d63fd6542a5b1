// The table of keys, and what is derived from it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderReference } from '../../src/config/reference.ts';
import { keyEntries } from '../../src/config/schema.ts';
import { editDistance, nearest } from '../../src/config/suggest.ts';

describe('the table of keys', () => {
  it('has no two names that differ in case only', () => {
    const words = keyEntries().flatMap(([name, key]) =>
      [name, ...(key.aliases ?? [])].map((word) => word.toLowerCase()),
    );
    assert.equal(new Set(words).size, words.length);
  });

  it('has defaults within their own ranges', () => {
    for (const [name, key] of keyEntries()) {
      if (key.type === 'integer') assert.ok(key.default >= key.min && key.default <= key.max, name);
    }
  });

  it('explains every key in a sentence on one line', () => {
    for (const [name, key] of keyEntries()) assert.match(key.doc, /^[^\n]+\.$/, name);
  });
});

describe('renderReference', () => {
  it('has one row per key', () => {
    const rows = renderReference()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    assert.deepEqual(
      rows.map((row) => /^\| `(\w+)`/.exec(row)?.[1]),
      keyEntries().map(([name]) => name),
    );
    for (const row of rows) assert.equal(row.replaceAll('\\|', '').split('|').length, 6, row);
  });

  it('shows range, unit, default and former names', () => {
    assert.match(renderReference(), /^\| `ttl` \| an integer from 0 to 2147483647 \(seconds\) \| `60` \|/m);
    assert.match(renderReference(), /^\| `SOARname`, formerly `email` \|/m);
    assert.match(renderReference(), /^\| `listener` \| a string or a list of strings \| `"0.0.0.0"` \|/m);
  });
});

describe('nearest', () => {
  it('counts insertions, deletions, replacements and swaps', () => {
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(editDistance('domian', 'domain'), 1);
    assert.equal(editDistance('resolver', 'resolvers'), 1);
    assert.equal(editDistance('kitten', 'sitting'), 3);
  });

  it('keeps silent where nothing is near', () => {
    assert.equal(nearest('zookeeperHosts', ['zk', 'masters']), undefined);
    assert.equal(nearest('ns', ['zk']), undefined);
    assert.equal(nearest('MASTER', ['zk', 'masters']), 'masters');
  });
});
