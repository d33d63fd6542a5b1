// A zone as it stands in memory answers the same in another engine.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCoreAnswerer } from '../../src/engine/core-answerer.ts';
import { Engine, type KeptImage } from '../../src/engine/engine.ts';
import { imageFrom, type TableImage } from '../../src/engine/table-image.ts';
import type { TableInput } from '../../src/engine/table-input.ts';
import type { RecordSet } from '../../src/records/record-set.ts';
import type { Answerer } from '../../src/sockets/answerer.ts';
import { ask, query, recordSet, SOA, TCP, tableInput } from '../support/zone.ts';

const CACHE = {
  sizeBytes: 1024 * 1024,
  minTtlSeconds: 0,
  maxTtlSeconds: 3600,
  maxNegativeTtlSeconds: 3600,
  maxStaleSeconds: 3600,
  prefetches: true,
  cutsNxdomain: true,
};
const LINES = [
  ...Array.from({ length: 2000 }, (_, i) => `w${i}.f.mesos. A 10.0.${i >> 8}.${i & 255}`),
  ...Array.from({ length: 300 }, (_, i) => `w${i}.f.mesos. AAAA fd00::${i.toString(16)}`),
  ...Array.from({ length: 300 }, (_, i) => `_s${i % 7}._tcp.f.mesos. SRV w${i}.f.mesos.:${1000 + i}`),
  'ns1.mesos. A 10.9.9.9',
  'a.b.c.mesos. A 10.1.1.1',
  'dot.ted.f.mesos. ALIAS w7.f.mesos.',
  '1.0.0.10.in-addr.arpa. PTR w1.f.mesos.',
];

function answererOf({ module, memory }: Engine): Answerer {
  return createCoreAnswerer({ module, memory, worker: 0, seed: 3n });
}

async function engine(): Promise<Engine> {
  const created = await Engine.create();
  created.openCache(CACHE);
  return created;
}

/** Changed some times, so that there is garbage, and pages are not where they were first. */
async function changed(): Promise<{ readonly first: Engine; readonly records: RecordSet }> {
  const first = await engine();
  let records = recordSet(LINES);
  first.publish(tableInput(null));
  first.publish(tableInput(records));
  for (let i = 0; i < 20; i += 1) {
    const name = `w${i * 90}.f.mesos.`;
    records = recordSet([...LINES.filter((line) => !line.startsWith(`${name} A `)), `${name} A 10.7.7.${i}`]);
    const back = i === 0 ? [] : [`w${(i - 1) * 90}.f.mesos.`];
    const changes = { names: new Set([name, ...back]), pointers: new Set<string>() };
    first.change({ records, soa: { ...SOA, serial: SOA.serial + i }, ...changes }, () => tableInput(records));
  }
  return { first, records };
}

function fillFrom({ parts }: KeptImage): (into: readonly Uint8Array[]) => void {
  return (into) => {
    assert.deepEqual(
      into.map(({ length }) => length),
      parts.map(({ length }) => length),
    );
    for (const [i, part] of parts.entries()) into[i]?.set(part);
  };
}

function keptOf(from: Engine): KeptImage {
  const kept = from.image();
  assert.ok(kept !== null);
  return kept;
}

/** As it comes back from a file. */
function asText({ image }: KeptImage): TableImage {
  const read = imageFrom(JSON.parse(JSON.stringify(image)));
  assert.ok(read !== null);
  return read;
}

const QUESTIONS = [...new Set(LINES.map((line) => line.slice(0, line.indexOf('. '))))].concat([
  'mesos',
  'nope.mesos',
  'b.c.mesos',
  '_tcp.f.mesos',
  'f.mesos',
  '9.9.9.10.in-addr.arpa',
]);

/** Messages, octet by octet; those that the order of records is drawn for are all asked with one seed. */
function answersOf(answerer: Answerer): readonly string[] {
  return QUESTIONS.flatMap((name) =>
    (['A', 'AAAA', 'SRV', 'SOA', 'NS', 'PTR'] as const).map((type) => {
      const verdict = answerer.answer(query(name, type), TCP);
      return verdict.kind === 'answered' ? Buffer.from(verdict.message).toString('hex') : verdict.kind;
    }),
  );
}

describe('an image of a zone', () => {
  it('answers every question in another engine as in the one that it was taken of', async () => {
    const { first, records } = await changed();
    const kept = keptOf(first);
    const second = await engine();
    const input = tableInput(null, { soa: { ...SOA, serial: kept.image.serial } });
    assert.equal(second.publishImage(asText(kept), input, fillFrom(kept)), true);
    assert.equal(kept.image.serial, SOA.serial + 19);
    const expected = answersOf(answererOf(first));
    assert.deepEqual(answersOf(answererOf(second)), expected);

    // And a table is built in its place, and changed.
    second.publish(tableInput(records, { soa: input.soa }));
    assert.deepEqual(answersOf(answererOf(second)), expected);
    const next = recordSet([...LINES, 'new.f.mesos. A 10.3.3.3']);
    const changes = { names: new Set(['new.f.mesos.', 'w1710.f.mesos.']), pointers: new Set<string>() };
    second.change({ records: next, soa: SOA, ...changes }, () => tableInput(next));
    assert.equal(ask(answererOf(second), 'new.f.mesos', 'A').answers.length, 1);
  });

  it('has the serial, the staleness and the settings of the day', async () => {
    const { first } = await changed();
    const kept = keptOf(first);
    const second = await engine();
    const today: Partial<TableInput> = {
      soa: { ...SOA, serial: 4_000_000_000 },
      stale: true,
      recursionAvailable: false,
      identity: { nsid: 'today', version: '', id: '' },
    };
    assert.equal(second.publishImage(kept.image, tableInput(null, today), fillFrom(kept)), true);
    const answerer = answererOf(second);
    const serialsOf = (records: readonly unknown[]) =>
      (records as { readonly data: { readonly serial?: number } }[]).map(({ data }) => data.serial);
    assert.deepEqual(serialsOf(ask(answerer, 'mesos', 'SOA').answers), [4_000_000_000]);
    assert.deepEqual(serialsOf(ask(answerer, 'nope.mesos', 'A').authorities), [4_000_000_000]);
    const reply = ask(answerer, 'w1.f.mesos', 'A', { edns: 1232 });
    assert.equal(reply.flagsWord & 0x80, 0, 'RA');
    const [opt] = reply.additionals as unknown as { readonly options: { readonly code: number }[] }[];
    assert.ok(opt?.options.some(({ code }) => code === 15));
  });

  it('does not change while it is kept, whatever is published', async () => {
    const { first, records } = await changed();
    const kept = keptOf(first);
    const before = kept.parts.map((part) => Buffer.from(part));
    const others = recordSet(LINES.map((line) => line.replace(' 10.0.', ' 10.66.')));
    for (let i = 0; i < 5; i += 1) first.publish(tableInput(i % 2 === 0 ? others : records));
    for (const [i, part] of kept.parts.entries()) assert.ok(before[i]?.equals(part), `part ${i}`);
    const held = first.memory.buffer.byteLength;
    kept.release();
    for (let i = 0; i < 20; i += 1) first.publish(tableInput(i % 2 === 0 ? others : records));
    assert.equal(first.memory.buffer.byteLength, held, 'its memory is used again');
  });

  it('is not put where something else stands, and leaves nothing behind', async () => {
    const { first } = await changed();
    const kept = keptOf(first);
    const second = await engine();
    second.publish(tableInput(recordSet(['a.mesos. A 10.0.0.1'])));
    const fill = () => assert.fail('nothing is to be written');
    assert.equal(second.publishImage(kept.image, tableInput(null), fill), false);
    assert.equal(ask(answererOf(second), 'a.mesos', 'A').answers.length, 1);
  });

  it('is given up where it cannot be filled, and its place can be had again', async () => {
    const { first } = await changed();
    const kept = keptOf(first);
    const second = await engine();
    const damaged = () => {
      throw new Error('damaged');
    };
    assert.throws(() => second.publishImage(kept.image, tableInput(null), damaged), /damaged/);
    assert.equal(second.publishImage(kept.image, tableInput(null), fillFrom(kept)), true);
    assert.equal(ask(answererOf(second), 'w5.f.mesos', 'A').answers.length, 1);
  });

  it('is none of a zone without a state', async () => {
    const first = await engine();
    assert.equal(first.image(), null);
    first.publish(tableInput(null));
    assert.equal(first.image(), null);
  });
});

describe('the description of an image', () => {
  it('is refused where it would lead elsewhere', async () => {
    const { first } = await changed();
    const { image } = keptOf(first);
    const [segment = { address: 0, size: 0 }] = image.segments;
    const wrong: Partial<Record<keyof TableImage, unknown>>[] = [
      { pages: [] },
      { pages: image.pages.slice(1) },
      { pages: image.pages.map((address) => address + 1) },
      { pages: image.pages.map(() => 2 ** 32) },
      { pages: 'none' },
      { segments: [] },
      { segments: [{ address: -64, size: 128 }] },
      { segments: [{ ...segment, size: 2 ** 33 }] },
      { negativeSoa: { address: segment.address + segment.size, size: 20 } },
      { serialsAt: [segment.address + segment.size - 2] },
      { serialsAt: [0.5] },
      { serial: '7' },
      { hasPointers: undefined },
    ];
    for (const change of wrong) assert.equal(imageFrom({ ...image, ...change }), null, JSON.stringify(change));
    assert.equal(imageFrom(null), null);
    assert.deepEqual(imageFrom({ ...image }), image);
  });
});
