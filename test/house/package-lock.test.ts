// The lock file installs everywhere: npm refuses one that leaves out packages of other platforms, as an npm writes that
// could not see them, and it must not name a registry.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(await readFile(new URL('../../../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};

it('the lock file holds every optional dependency, whatever platform it is for', () => {
  for (const [path, { optionalDependencies = {} }] of Object.entries(lock.packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      const places = [`node_modules/${name}`, `${path}/node_modules/${name}`];
      assert.ok(
        places.some((place) => lock.packages[place]?.version !== undefined),
        `${path || 'the project'} may need ${name}`,
      );
    }
  }
});

it('the lock file names no registry', () => {
  const resolved = Object.values(lock.packages).flatMap((each) => each.resolved ?? []);
  assert.deepEqual(
    resolved.filter((url) => !url.startsWith('https://registry.npmjs.org/')),
    [],
  );
});
