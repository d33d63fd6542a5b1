// The parts of the README that are written from the sources are as the sources say.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseArguments } from '../../src/cli.ts';
import { keyEntries } from '../../src/config/schema.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { readReadme, tableBelow, withGeneratedParts } from './readme.ts';

const readme = readReadme();

describe('the README', () => {
  it('holds the reference of the configuration, the metrics and the command line as they are', () => {
    // Where this fails, `npm run docs` writes them anew.
    assert.equal(readme, withGeneratedParts(readme));
  });

  it('names every key and every metric', () => {
    for (const [name] of keyEntries()) assert.ok(readme.includes(`| \`${name}\``), name);
    for (const { name } of createMetrics().registry.getMetricsAsArray()) assert.ok(readme.includes(name), name);
  });

  it('names no metric that does not exist', () => {
    const known = new Set(
      createMetrics()
        .registry.getMetricsAsArray()
        .map(({ name }) => name),
    );
    const named = readme.match(/\bmesos_dns_[a-z_]+/g) ?? [];
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
  });

  it('names no flag that the command line does not take', () => {
    const flags = [...readme.matchAll(/(?:main\.js|mesos-dns)((?: --?[a-z][^\s`]*)+)/g)].flatMap(([, rest]) => [
      (rest ?? '').trim().split(' '),
    ]);
    assert.ok(flags.length > 0);
    for (const each of flags) assert.notEqual(parseArguments(each).kind, 'usage-error', each.join(' '));
  });

  it('lists the Debian packages that the tests install, and no others', () => {
    const sentence = /Debian packages that the tests install:([^.]*)\./.exec(readme)?.[1] ?? '';
    const listed = [...sentence.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    assert.deepEqual(listed, requiredPackages());
  });

  it('says of every folder of the sources what is in it', () => {
    const sources = new URL('../../../src/', import.meta.url);
    const folders = readdirSync(sources, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const named = tableBelow(readme, '## How the house is laid out').flatMap(([cell = '']) => cell.match(/[\w./]+/g));
    assert.ok(folders.length > 10);
    for (const { name } of folders) assert.ok(named.includes(`src/${name}`), name);
  });

  it('names the npm scripts that exist, and the Node.js that is needed', () => {
    const { scripts, engines } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    ) as { scripts: Record<string, string>; engines: { node: string } };
    assert.ok(readme.includes(`Node.js ${engines.node.replace('>=', '')} or later`));
    for (const [, name = ''] of readme.matchAll(/\bnpm run (?:-s )?([a-z:]+)/g)) assert.ok(name in scripts, name);
  });
});

/** Every package that a test asks for, sorted. */
function requiredPackages(): readonly string[] {
  const folder = new URL('../', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  const calls = files.flatMap((name) => [
    ...readFileSync(new URL(name, folder), 'utf8').matchAll(/requirePackages\(([^)]*)\)/g),
  ]);
  const names = calls.flatMap(([, list = '']) => [...list.matchAll(/'([a-z0-9.+-]+)'/g)].map(([, name = '']) => name));
  return [...new Set(names)].sort();
}
