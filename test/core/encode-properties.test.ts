// The core's answers from any small zone, read by dns-packet, held against a model of that zone.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { Answerer } from '../../src/sockets/answerer.ts';
import { ask, type Reply, recordSet, SOA, TCP, tableInput, UDP } from '../support/zone.ts';

const RUNS = 150;
const NXDOMAIN = 3;
const AA = 0x0400;
const TC = 0x0200;
const TYPES = ['A', 'AAAA', 'SRV'] as const;
type Type = (typeof TYPES)[number];

interface Line {
  readonly name: string;
  readonly type: Type;
  readonly value: string;
}

/** Few labels, so that names meet, stand above one another, and have targets in common. */
const name = fc
  .array(fc.constantFrom('a', 'b', 'Web', '_tcp', '_x', 'long-label-of-some-length-0123456789'), {
    minLength: 1,
    maxLength: 4,
  })
  .map((labels) => `${labels.join('.')}.mesos.`);
const octet = fc.integer({ min: 0, max: 255 });
const line: fc.Arbitrary<Line> = fc.oneof(
  fc.record({ name, type: fc.constant('A' as const), value: octet.map((last) => `10.0.0.${last}`) }),
  fc.record({
    name,
    type: fc.constant('AAAA' as const),
    value: octet.map((last) => `fd00::${(last + 1).toString(16)}`),
  }),
  fc.record({
    name,
    type: fc.constant('SRV' as const),
    value: fc.tuple(name, fc.integer({ min: 1, max: 9 })).map(([target, port]) => `${target}:${port}`),
  }),
);

/** Values by name without case and final dot, then by type. */
class Model {
  readonly #names = new Map<string, Map<Type, Set<string>>>();

  constructor(lines: readonly Line[]) {
    for (const { name: owner, type, value } of lines) {
      const types = this.#names.get(fold(owner)) ?? new Map<Type, Set<string>>();
      const values = types.get(type) ?? new Set<string>();
      this.#names.set(fold(owner), types.set(type, values.add(type === 'SRV' ? value.toLowerCase() : value)));
    }
  }

  get names(): readonly string[] {
    return [...this.#names.keys()];
  }

  values(owner: string, type: Type): readonly string[] {
    return [...(this.#names.get(fold(owner))?.get(type) ?? [])].sort();
  }

  /** With records, or with names below it. */
  exists(owner: string): boolean {
    const folded = fold(owner);
    return folded === 'mesos' || this.names.some((each) => each === folded || each.endsWith(`.${folded}`));
  }
}

const fold = (text: string): string => text.toLowerCase().replace(/\.$/, '');

function dataOf(records: Reply['answers']): string[] {
  return records.map((record) => {
    switch (record.type) {
      case 'A':
      case 'AAAA':
        return record.data;
      case 'SRV':
        return `${record.data.target.toLowerCase()}.:${record.data.port}`;
      default:
        return record.type;
    }
  });
}

async function answererOf(engine: Promise<Engine>, lines: readonly Line[]): Promise<Answerer> {
  const made = await engine;
  made.publish(tableInput(recordSet(lines.map((each) => `${each.name} ${each.type} ${each.value}`))));
  return createCoreAnswerer({ module: made.module, memory: made.memory, worker: 0, seed: 0x1234_5678n });
}

for (const build of ['release', 'debug'] as const) {
  describe(`answers of the ${build} module from any zone`, () => {
    const engine = Engine.create({ build });
    const runs = { numRuns: build === 'release' ? RUNS : RUNS / 3 };
    // A set of records, as the table is given: derivation leaves no record twice.
    const selector = ({ name: owner, type, value }: Line) => `${owner} ${type} ${value}`;
    const zone = fc.uniqueArray(line, { maxLength: 60, selector });

    it('hold every record of the name and type once, and the addresses of its targets', async () => {
      await fc.assert(
        fc.asyncProperty(zone, async (lines) => {
          const answerer = await answererOf(engine, lines);
          const model = new Model(lines);
          for (const owner of model.names) {
            for (const type of TYPES) {
              const reply = ask(answerer, owner, type, { client: TCP });
              assert.equal(reply.rcodeNumber, 0);
              assert.equal(reply.flagsWord & (AA | TC), AA);
              assert.deepEqual(dataOf(reply.answers).sort(), model.values(owner, type), `${owner} ${type}`);
              for (const record of reply.answers)
                assert.ok('ttl' in record && record.ttl === 60 && fold(record.name) === owner);
              assert.deepEqual(additional(reply), expectedAdditional(model, owner, type), `${owner} ${type}`);
              if (reply.answers.length === 0) assertNegative(reply);
            }
          }
        }),
        runs,
      );
    });

    it('tell names that do not exist from names without records of that type', async () => {
      await fc.assert(
        fc.asyncProperty(zone, fc.array(name, { minLength: 5, maxLength: 20 }), async (lines, asked) => {
          const answerer = await answererOf(engine, lines);
          const model = new Model(lines);
          const above = model.names.map((each) => each.slice(each.indexOf('.') + 1));
          for (const owner of [...asked, ...above, 'mesos']) {
            const reply = ask(answerer, owner, 'TXT');
            assert.equal(reply.rcodeNumber, model.exists(owner) ? 0 : NXDOMAIN, owner);
            assertNegative(reply);
          }
        }),
        runs,
      );
    });

    it('over UDP are a part of those over TCP where they say TC, and all of them where they do not', async () => {
      const addresses = fc.integer({ min: 1, max: 120 });
      await fc.assert(
        fc.asyncProperty(addresses, fc.option(fc.integer({ min: 1, max: 5000 })), async (count, edns) => {
          const lines = Array.from(
            { length: count },
            (_, i): Line => ({ name: 'n.mesos.', type: 'A', value: `10.1.0.${i}` }),
          );
          const answerer = await answererOf(engine, lines);
          const options = edns === null ? {} : { edns };
          const reply = ask(answerer, 'n.mesos', 'A', { ...options, client: UDP });
          const limit = edns === null ? 512 : Math.max(512, Math.min(edns, 1232));
          assert.ok(reply.bytes.length <= limit);
          const shown = dataOf(reply.answers);
          assert.equal(new Set(shown).size, shown.length);
          assert.ok(shown.every((each) => /^10\.1\.0\.\d+$/.test(each)));
          const isWhole = shown.length === count;
          assert.equal((reply.flagsWord & TC) !== 0, !isWhole);
          // Not one record less than fit: it has 16 octets.
          if (!isWhole) assert.ok(reply.bytes.length + 16 > limit, `${reply.bytes.length} of ${limit}`);
        }),
        runs,
      );
    });
  });
}

function assertNegative(reply: Reply): void {
  assert.equal(reply.answers.length, 0);
  const [soa, ...others] = reply.authorities;
  assert.ok(soa?.type === 'SOA' && others.length === 0);
  assert.equal(soa.name.toLowerCase(), 'mesos');
  assert.equal(soa.ttl, Math.min(60, SOA.minimum));
}

function additional(reply: Reply): string[] {
  return reply.additionals.map((record) => `${fold(record.name)} ${dataOf([record])}`).sort();
}

function expectedAdditional(model: Model, owner: string, type: Type): string[] {
  if (type !== 'SRV') return [];
  const targets = new Set(model.values(owner, 'SRV').map((value) => fold(value.slice(0, value.lastIndexOf(':')))));
  return [...targets]
    .flatMap((target) =>
      [...model.values(target, 'A'), ...model.values(target, 'AAAA')].map((data) => `${target} ${data}`),
    )
    .sort();
}
