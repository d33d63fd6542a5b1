import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MesosDnsError } from '../../src/errors.ts';
import { LazyList, openLazily } from '../../src/state/lazy-document.ts';
import { parseState } from '../../src/state/parse.ts';

function readLazily(octets: Uint8Array): unknown {
  const document = openLazily();
  document.add(octets);
  return document.end();
}

function read(text: string): Record<string, unknown> {
  return readLazily(Buffer.from(text)) as Record<string, unknown>;
}

function elementsOf(list: unknown): unknown[] {
  assert.ok(list instanceof LazyList);
  return [...list];
}

describe('a document read lazily', () => {
  it('has only the members that the model is made of', () => {
    const { slaves, frameworks, ...rest } = read(
      '{"version":"1","leader":"m","flags":{},"completed_frameworks":[{"tasks":[1]}],"slaves":[{"id":"a"},5],' +
        '"recovered_slaves":[{"id":"b"}],"frameworks":[{"id":"f","executors":[],"tasks":[{"id":"t"},null]},"x"]}',
    );
    assert.deepEqual(rest, { version: '1', leader: 'm', recovered_slaves: [{ id: 'b' }] });
    assert.deepEqual(elementsOf(slaves), [{ id: 'a' }, 5]);
    assert.ok(Array.isArray(frameworks));
    const [{ tasks, ...framework }, text] = frameworks;
    assert.deepEqual([framework, text], [{ id: 'f' }, 'x']);
    assert.deepEqual(elementsOf(tasks), [{ id: 't' }, null]);
  });

  it('knows its keys by their meaning, not their spelling', () => {
    assert.deepEqual(elementsOf(read('{"\\u0073lave\\u0073":[1]}')['slaves']), [1]);
    assert.deepEqual(read('{"slaves\\u0000":[1],"Slaves":[1]," slaves":[1]}'), {});
  });

  it('has the last of equal members', () => {
    assert.deepEqual(elementsOf(read('{"slaves":[1,2],"slaves":[3],"version":1}')['slaves']), [3]);
    assert.deepEqual(read('{"slaves":[1],"slaves":{}}')['slaves'], {});
    const { frameworks } = read('{"frameworks":5,"frameworks":[{"tasks":{},"tasks":[1]}]}');
    assert.deepEqual(elementsOf((frameworks as { tasks: unknown }[])[0]?.tasks), [1]);
  });

  it('keeps the digits of long port numbers', () => {
    const [task] = elementsOf(read('{"slaves":[{"number":9007199254740993,"other":1}]}')['slaves']);
    assert.deepEqual(task, { number: '9007199254740993', other: 1 });
  });

  it('is whatever it is where that is no object', () => {
    assert.deepEqual(readLazily(Buffer.from(' [1] ')), [1]);
    assert.equal(readLazily(Buffer.from('null')), null);
  });
});

const leaf = fc.constantFrom('null', '5', '"x"', '"a\\ud800"', '[]', '{}', '[[]]', '{"tasks":[5]}', 'false');

/** JSON text of an object in which some members come twice, some under an escaped key, some with odd values. */
function objectText(members: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<string> {
  const one = fc.oneof(
    ...Object.entries(members).map(([key, value]) => {
      const escaped = `\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}`;
      return fc.tuple(
        fc.oneof({ weight: 4, arbitrary: fc.constant(key) }, fc.constant(escaped)),
        fc.oneof({ weight: 6, arbitrary: value }, leaf),
      );
    }),
    fc.tuple(fc.constantFrom('__proto__', 'constructor', 'completed_tasks'), leaf),
  );
  return fc.array(one, { maxLength: 10 }).map((list) => `{${list.map(([key, value]) => `"${key}": ${value}`).join()}}`);
}

function listText(element: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .array(fc.oneof({ weight: 6, arbitrary: element }, leaf), { maxLength: 4 })
    .map((list) => `[${list.join()} ]`);
}

const text = fc.constantFrom('"a"', '"b"', '"web.shop"', '"TASK_RUNNING"', '"x@10.0.0.1:5050"', '"[1-2, 4-4]"');
const task = objectText({
  id: text,
  name: text,
  slave_id: text,
  state: text,
  resources: objectText({ ports: text }),
  statuses: listText(objectText({ state: text, labels: leaf })),
  discovery: objectText({ name: text, ports: objectText({ ports: listText(objectText({ protocol: text })) }) }),
});
const framework = objectText({ id: text, name: text, pid: text, active: leaf, tasks: listText(task) });
const agent = objectText({ id: text, pid: text, hostname: text });
const documentText = fc.tuple(
  objectText({ slaves: listText(agent), frameworks: listText(framework), recovered_slaves: listText(agent) }),
  fc.boolean(),
);

function outcome(document: string): unknown {
  try {
    return parseState(document);
  } catch (error) {
    if (!(error instanceof MesosDnsError)) throw error;
    return error.message;
  }
}

describe('a state', () => {
  it('is the same from a document with duplicate members, escapes and oddities as from what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(documentText, ([members, last]) => {
        const leader = '"leader":"master@10.0.0.1:5050"';
        const inner = members.slice(1, -1);
        const parts = inner === '' ? [leader] : last ? [inner, leader] : [leader, inner];
        const document = `{${parts.join()}}`;
        assert.deepEqual(outcome(document), outcome(JSON.stringify(JSON.parse(document))));
      }),
      { numRuns: 500 },
    );
  });
});
