// Every document of the corpus under every variant: the records that Mesos-DNS derives, or its refusal.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MesosDnsError } from '../../src/errors.ts';
import { deriveRecords } from '../../src/records/derive.ts';
import { axfrDocument, enumerate } from '../../src/records/listing.ts';
import { parseState } from '../../src/state/parse.ts';
import {
  asSent,
  type CorpusCase,
  corpusDirectories,
  corpusInput,
  type ExpectedAxfr,
  type ExpectedEnumerate,
  loadCorpus,
} from '../support/corpus.ts';

/** Documents that show how Go decodes JSON that no master writes: they need only be survived. */
const ONLY_SURVIVED = /^syn-json-(duplicate|key-case)/;

/** Documents without a usable whole. All others that the original refuses or dies of have a single odd element. */
const REFUSED = new Set([
  'real-0.22.0-kubernetes-mesos',
  'real-1.2.0-state8-comment',
  'syn-empty-object',
  'syn-json-array',
  'syn-json-bom',
  'syn-json-empty',
  'syn-json-leading-zero',
  'syn-json-single-quotes',
  'syn-json-string',
  'syn-json-trailing-garbage',
  'syn-json-truncated',
  'syn-leader-empty',
  'syn-leader-emptyhost',
  'syn-leader-hostname',
  'syn-leader-noat',
  'syn-leader-noport',
  'syn-leader-number',
  'syn-leader-v6bare',
]);

for (const [index, directory] of corpusDirectories().entries()) {
  describe(index === 0 ? 'the corpus among the fixtures' : 'the corpus named by MESOS_DNS_CORPUS', () => {
    const cases = loadCorpus(directory);

    it('has documents', () => assert.ok(cases.length > 300));

    for (const corpusCase of cases) {
      const name = `${corpusCase.document} (${corpusCase.variant})`;
      if (ONLY_SURVIVED.test(corpusCase.document)) it(`survives ${name}`, () => assertSurvived(corpusCase));
      else if (corpusCase.expected.errorKind === undefined) {
        it(`derives what Mesos-DNS derives from ${name}`, () => assertSameRecords(corpusCase));
      } else if (REFUSED.has(corpusCase.document)) {
        it(`refuses ${name} on one line`, () => assertRefused(corpusCase));
      } else {
        it(`publishes the rest of ${name}`, () => void listsOf(corpusCase));
      }
    }
  });
}

function listsOf(corpusCase: CorpusCase): { axfr: unknown; enumeration: unknown } {
  const { state } = parseState(corpusCase.bytes);
  const input = corpusInput(state, corpusCase);
  const { Serial: _serial, ...axfr } = axfrDocument(deriveRecords(input), input.config, 1);
  return asSent({ axfr, enumeration: enumerate(input) }) as { axfr: unknown; enumeration: unknown };
}

function assertSameRecords(corpusCase: CorpusCase): void {
  const { axfr, enumeration } = listsOf(corpusCase);
  const expected = sorted(corpusCase.expected.axfr as ExpectedAxfr, corpusCase.expected.enumerate as ExpectedEnumerate);
  const actual = sorted(axfr as ExpectedAxfr, enumeration as ExpectedEnumerate);
  if (corpusCase.document.startsWith('cni/')) withoutCniAddresses(expected, actual);
  assert.deepEqual(actual.axfr, expected.axfr);
  assert.deepEqual(actual.enumeration, expected.enumeration);
}

interface Lists {
  readonly axfr: ExpectedAxfr;
  readonly enumeration: ExpectedEnumerate;
}

/** Both lists are sets; the corpus stores them sorted. */
function sorted(axfr: ExpectedAxfr, enumeration: ExpectedEnumerate): Lists {
  for (const records of Object.values(axfr.Records)) for (const values of Object.values(records)) values.sort();
  const key = (record: { readonly rtype: string; readonly name: string; readonly host: string }) =>
    `${record.rtype} ${record.name} ${record.host}`;
  for (const framework of enumeration.frameworks ?? []) {
    for (const task of framework.tasks) task.records?.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }
  return { axfr, enumeration };
}

/** Policy 6: the AAAA records of addresses with a prefix length are more than the original has, and all that is more. */
function withoutCniAddresses(expected: Lists, actual: Lists): void {
  const isNew = (name: string, value: string) => !(expected.axfr.Records.AAAAs[name] ?? []).includes(value);
  let count = 0;
  for (const framework of actual.enumeration.frameworks ?? []) {
    for (const task of framework.tasks) {
      const kept = (task.records ?? []).filter(({ rtype, name, host }) => rtype !== 'AAAA' || !isNew(name, host));
      task.records?.splice(0, Number.POSITIVE_INFINITY, ...kept);
    }
  }
  for (const [name, values] of Object.entries(actual.axfr.Records.AAAAs)) {
    const added = values.filter((value) => isNew(name, value));
    for (const value of added) assert.match(value, /^fd00:98::[0-9a-f]+$/);
    count += added.length;
    actual.axfr.Records.AAAAs[name] = values.filter((value) => !isNew(name, value));
    if (values.length === added.length) delete actual.axfr.Records.AAAAs[name];
  }
  assert.ok(count > 0);
}

function assertSurvived(corpusCase: CorpusCase): void {
  try {
    listsOf(corpusCase);
  } catch (error) {
    assert.equal((error as MesosDnsError).code, 'ERR_STATE_DOCUMENT');
  }
}

function assertRefused(corpusCase: CorpusCase): void {
  assert.throws(
    () => parseState(corpusCase.bytes),
    (error) => {
      assert.ok(error instanceof MesosDnsError);
      assert.equal(error.code, 'ERR_STATE_DOCUMENT');
      assert.doesNotMatch(error.message, /\n/);
      return true;
    },
  );
}
