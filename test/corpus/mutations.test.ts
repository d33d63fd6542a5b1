// Documents that nobody foresaw: fixtures with random changes are either refused or give a record set, never anything else.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MesosDnsError } from '../../src/errors.ts';
import { deriveRecords } from '../../src/records/derive.ts';
import { enumerate } from '../../src/records/listing.ts';
import { parseState } from '../../src/state/parse.ts';
import { corpusInput, fixtureDocument, VARIANTS } from '../support/corpus.ts';

const DOCUMENTS = ['syn-rich-1.11', 'syn-random-00', 'syn-ip-sources', 'syn-missing-fields', 'syn-discovery-numbers'];

const texts = DOCUMENTS.map((name) => new TextDecoder().decode(fixtureDocument(name)));

/** Values that may stand anywhere instead of what belongs there. */
const anything = fc.oneof(
  fc.constantFrom(
    null,
    '',
    0,
    -1,
    1e21,
    5.5,
    true,
    [],
    {},
    [null],
    [[]],
    '[5]',
    '[0-1]',
    'x@y:z',
    'a@10.0.0.1:1',
    '..',
  ),
  fc.string({ maxLength: 80 }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Where to change something: at each level, the which-th entry. */
const path = fc.array(fc.nat(200), { minLength: 1, maxLength: 10 });

const changes = fc.array(fc.tuple(path, anything), { maxLength: 6 });

function change(root: unknown, [path, value]: readonly [readonly number[], unknown]): void {
  let at = root as Record<string, unknown>;
  for (const [depth, which] of path.entries()) {
    const keys = Object.keys(at);
    const key = keys[which % keys.length];
    if (key === undefined) return;
    const next = at[key];
    if (depth === path.length - 1 || typeof next !== 'object' || next === null) {
      // A copy: the same object is inserted in several places, and must not come to stand within itself.
      at[key] = structuredClone(value);
      return;
    }
    at = next as Record<string, unknown>;
  }
}

function refusedOrDerived(text: string): void {
  try {
    const { state } = parseState(text);
    for (const variant of Object.keys(VARIANTS) as (keyof typeof VARIANTS)[]) {
      const input = corpusInput(state, { variant, masters: ['10.0.0.1:5050'] });
      const config = { ...input.config, reverseDNSOn: true, slaveNamedPorts: true };
      const { as, aliases } = deriveRecords({ ...input, config });
      assert.ok(as.size > 0);
      for (const alias of aliases.keys()) assert.ok(!as.has(alias));
      enumerate({ ...input, config });
    }
  } catch (error) {
    if (!(error instanceof MesosDnsError)) throw error;
    assert.equal(error.code, 'ERR_STATE_DOCUMENT');
  }
}

describe('a document with random changes', () => {
  it('is refused or derived, where values were replaced', () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), changes, (text, list) => {
        const document = JSON.parse(text);
        for (const each of list) change(document, each);
        refusedOrDerived(JSON.stringify(document));
      }),
      { numRuns: 300 },
    );
  });

  it('is refused or derived, where characters were replaced', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.constantFrom('', '"', '{', ']', ',', '0', '@', ':', '\\', 'null')), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.constantFrom(...texts), edits, (text, list) => {
        let edited = text;
        for (const [at, with_] of list) {
          const offset = at % edited.length;
          edited = edited.slice(0, offset) + with_ + edited.slice(offset + 1);
        }
        refusedOrDerived(edited);
      }),
      { numRuns: 200 },
    );
  });

  it('is refused or derived, where it is any JSON at all around a leader', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (slaves, frameworks) => {
        refusedOrDerived(JSON.stringify({ leader: 'master@10.0.0.1:5050', slaves, frameworks }));
      }),
    );
  });
});
