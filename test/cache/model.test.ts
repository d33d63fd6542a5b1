// What the cache tells after any history of answers, time, questions and flushes, held against a map.

import assert from 'node:assert/strict';
import { afterEach, describe, it, mock } from 'node:test';
import type { Answer } from 'dns-packet';
import dns from 'dns-packet';
import fc from 'fast-check';
import type { CacheSettings } from '../../src/engine/cache-settings.ts';
import { decodeReply, query, type Reply, TCP } from '../support/zone.ts';
import { AD, CacheModel, CD, DO, type Question, type Told } from './model.ts';
import { clientQuery, createTestCache, reply, SETTINGS, soa, type TestCache } from './support.ts';

const NOW = Date.UTC(2026, 0, 1);
const ZONE = 'zone.example';
/** They stand above one another, within and outside the zone with resolvers of its own. */
const NAMES = [
  'example',
  'a.example',
  'b.a.example',
  'c.b.a.example',
  ZONE,
  `a.${ZONE}`,
  `b.a.${ZONE}`,
  'other',
] as const;
const LARGE = 14_000;

interface Change {
  readonly question: Question;
  readonly kind: Told['kind'] | 'nothing';
  readonly ttls: readonly number[];
  readonly minimum: number;
}

type Step =
  | { readonly step: 'store'; readonly change: Change }
  | { readonly step: 'pass'; readonly ms: number }
  | { readonly step: 'ask' | 'lookup' | 'stale'; readonly question: Question }
  | { readonly step: 'flush'; readonly name: string | null };

const ttl = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0x7fff_ffff }) },
);

/** @param isFlood many answers, and nothing makes room for them but the cache itself */
function steps(names: readonly string[], isFlood: boolean, size: { minLength: number; maxLength: number }) {
  const question: fc.Arbitrary<Question> = fc.record({
    name: fc.constantFrom(...names),
    type: isFlood ? fc.constantFrom('A', 'TXT', 'TXT') : fc.constantFrom('A', 'TXT'),
    options: fc.constantFrom(0, 0, 0, 0, 0, DO, CD, DO | CD, AD),
  });
  const change: fc.Arbitrary<Change> = fc.record({
    question,
    kind: fc.constantFrom('records', 'records', 'records', 'nodata', 'nxdomain', 'nxdomain', 'nothing'),
    ttls: fc.array(ttl, { minLength: 1, maxLength: 3 }),
    minimum: ttl,
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: isFlood ? 12 : 6, arbitrary: fc.record({ step: fc.constant('store' as const), change }) },
    {
      weight: 3,
      arbitrary: fc.record({ step: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
    },
    { weight: 12, arbitrary: fc.record({ step: fc.constantFrom('ask' as const, 'lookup' as const), question }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('stale' as const), question }) },
    {
      weight: isFlood ? 0 : 1,
      arbitrary: fc.record({ step: fc.constant('flush' as const), name: fc.constantFrom(null, ...names) }),
    },
  );
  return fc.array(step, { ...size, size: 'max' });
}

const settings: fc.Arbitrary<CacheSettings> = fc
  .record({
    minTtlSeconds: fc.constantFrom(0, 0, 20),
    maxTtlSeconds: fc.constantFrom(60, 86_400),
    maxNegativeTtlSeconds: fc.constantFrom(30, 10_800),
    maxStaleSeconds: fc.constantFrom(0, 50, 86_400),
    cutsNxdomain: fc.boolean(),
  })
  .map((changes) => ({ ...SETTINGS, ...changes }));

function askedAs({ name, type, options }: Question): Uint8Array {
  const flags = 0x100 | (options & CD ? 0x10 : 0) | (options & AD ? 0x20 : 0);
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: dns.DNSSEC_OK, flag_do: true } as const;
  const additionals = options & DO ? [{ ...opt, extendedRcode: 0, ednsVersion: 0, options: [] }] : [];
  return query(name, type as 'A' | 'TXT', { packet: { flags, additionals } });
}

/** @param fill octets of the records, beside what they must have */
function toldAs({ question: { name, type }, kind, ttls, minimum }: Change, version: number, fill: number): Uint8Array {
  const zone = name.split('.').at(-1) ?? '';
  switch (kind) {
    case 'nothing':
      return reply(name, type as 'A', { rcode: 2 });
    case 'records': {
      const answers = ttls.map((seconds, i): Answer => {
        const data = [`${version}`, `${i}`, ...Array.from({ length: fill / 200 / ttls.length }, () => 'x'.repeat(199))];
        if (type === 'TXT') return { type, name, ttl: seconds, data };
        return {
          type: 'A',
          name,
          ttl: seconds,
          data: `${version >> 16}.${(version >> 8) & 255}.${version & 255}.${i}`,
        };
      });
      return reply(name, type as 'A', { answers });
    }
    default: {
      const [record] = [soa(zone, ttls[0], minimum)];
      const authorities = [{ ...record, data: { ...record.data, serial: version } }];
      return reply(name, type as 'A', { rcode: kind === 'nxdomain' ? 3 : 0, authorities });
    }
  }
}

/** Version and TTLs of an answer, which must be of one version. */
function read({ answers, authorities, rcodeNumber }: Reply): { version: number; ttls: number[]; kind: Told['kind'] } {
  const versions = answers.map((record, i) => {
    if (record.type === 'A') {
      const [high = 0, middle = 0, low = 0, index] = record.data.split('.').map(Number);
      assert.equal(index, i);
      return high * 65536 + middle * 256 + low;
    }
    assert.ok(record.type === 'TXT' && Array.isArray(record.data));
    assert.equal(Number(record.data[1]), i);
    return Number(record.data[0]);
  });
  const ttls = [...answers, ...authorities].map((record) => ('ttl' in record ? (record.ttl ?? 0) : 0));
  for (const record of authorities) if (record.type === 'SOA') versions.push(record.data.serial ?? 0);
  const [version = -1] = versions;
  assert.deepEqual(new Set(versions), new Set([version]));
  const kind = rcodeNumber === 3 ? 'nxdomain' : answers.length === 0 ? 'nodata' : 'records';
  return { version, ttls, kind };
}

/**
 * @param mayLose there is less room than answers, so that some may be gone
 * @returns how many answers it has seen
 */
function check(cache: TestCache, used: CacheSettings, history: readonly Step[], mayLose: boolean): number {
  const model = new CacheModel(used, ZONE);
  const kinds = new Map<number, Told['kind']>();
  let version = 0;
  let seen = 0;
  const judge = (got: Reply | null, question: Question, isLastResort: boolean): void => {
    const now = Math.floor(Date.now() / 1000);
    const candidates = model.candidates(question, now, isLastResort);
    if (got === null) {
      if (!mayLose) assert.deepEqual(candidates, []);
      return;
    }
    const told = read(got);
    seen += 1;
    const place = candidates.findIndex((candidate) => candidate.version === told.version);
    assert.ok(mayLose ? place >= 0 : place === 0, `version ${told.version} of ${JSON.stringify(candidates)}`);
    assert.deepEqual(told.ttls, candidates[place]?.ttls);
    assert.equal(told.kind, kinds.get(told.version));
    if (isLastResort && candidates[place]?.isStale === true) model.noteStale(told.version, now);
  };
  for (const step of history) {
    switch (step.step) {
      case 'pass':
        mock.timers.setTime(Date.now() + step.ms);
        break;
      case 'store': {
        version += 1;
        const { kind, question } = step.change;
        cache.store(toldAs(step.change, version, mayLose ? LARGE : 0), askedAs(question), routeOf(question));
        if (kind === 'nothing') break;
        kinds.set(version, kind);
        const ttls = kind === 'records' ? step.change.ttls : step.change.ttls.slice(0, 1);
        model.store(question, { version, kind, ttls, minimum: step.change.minimum }, Math.floor(Date.now() / 1000));
        break;
      }
      case 'ask': {
        const verdict = cache.answerer.answer(askedAs(step.question), TCP);
        judge(verdict.kind === 'forward' ? null : decodeReply(verdict), step.question, false);
        break;
      }
      case 'lookup':
      case 'stale': {
        const asked = clientQuery(askedAs(step.question));
        const { lookup, stale } = cache.cache.hooks;
        const route = routeOf(step.question);
        const known = step.step === 'stale' ? stale?.(asked, route, 'failed') : lookup?.(asked, route);
        const answer = known ? decodeReply({ kind: 'answered', message: known.message }) : null;
        judge(answer, step.question, step.step === 'stale');
        break;
      }
      case 'flush': {
        const name = step.name === null ? null : clientQuery(query(step.name, 'A')).question;
        const flushed = cache.cache.flush(name);
        const expected = model.flush(step.name);
        assert.ok(mayLose ? flushed <= expected : flushed === expected, `${flushed} of ${expected} flushed`);
      }
    }
  }
  return seen;
}

function routeOf({ name }: Question): number {
  return name === ZONE || name.endsWith(`.${ZONE}`) ? 1 : 0;
}

afterEach(() => mock.timers.reset());

for (const build of ['debug', 'release'] as const) {
  describe(`the cache after any history (${build})`, () => {
    const verify = async (history: fc.Arbitrary<readonly Step[]>, numRuns: number, mayLose: boolean) => {
      mock.timers.enable({ apis: ['Date'], now: NOW });
      const cache = await createTestCache({}, build, { forwardZones: [ZONE] });
      let seen = 0;
      const property = fc.property(settings, history, (used, each) => {
        mock.timers.setTime(NOW);
        cache.engine.tuneCache(used);
        cache.cache.flush(null);
        seen += check(cache, used, each, mayLose);
      });
      fc.assert(property, { numRuns });
      assert.ok(seen > 5 * numRuns, `${seen} answers`);
      return cache;
    };

    it('tells what a map would, with TTLs counted down to the second', async () => {
      await verify(steps(NAMES, false, { minLength: 50, maxLength: 150 }), 300, false);
    });

    it('loses answers where room is short, but invents and mixes none', async () => {
      const names = Array.from({ length: 30 }, (_, i) => `${i}.${NAMES[i % NAMES.length]}`);
      const cache = await verify(steps([...NAMES, ...names], true, { minLength: 700, maxLength: 1000 }), 15, true);
      assert.ok((cache.answerer.stream.cacheFigures()?.evictions ?? 0) > 0);
    });
  });
}
