import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jsonChunks, pacedJson } from '../../src/http/json-stream.ts';

const whole = (value: unknown) => [...jsonChunks(value)].join('');

describe('jsonChunks', () => {
  it('writes plain data as JSON.stringify does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        assert.equal(whole(value), JSON.stringify(value));
      }),
    );
  });

  it('writes maps as objects and other iterables as arrays', () => {
    const value = {
      none: new Map(),
      names: new Map([['a"b.', ['1', '2']]]),
      made: (function* () {
        yield { x: 1 };
        yield new Set(['s']);
      })(),
    };
    assert.equal(whole(value), '{"none":{},"names":{"a\\"b.":["1","2"]},"made":[{"x":1},["s"]]}');
  });

  it('leaves out members that are undefined and writes null for such elements', () => {
    assert.equal(whole({ a: undefined, b: [undefined, {}] }), '{"b":[null,{}]}');
  });

  it('cuts a large document into pieces of bounded size', () => {
    const value = {
      Records: new Map(Array.from({ length: 20_000 }, (_, i) => [`task-${i}.marathon.mesos.`, ['10.0.0.1']])),
      list: Array.from({ length: 20_000 }, (_, i) => `value ${i}`),
    };
    const chunks = [...jsonChunks(value)];
    assert.ok(chunks.length > 10);
    for (const chunk of chunks) assert.ok(chunk.length < 70_000, String(chunk.length));
    assert.deepEqual(JSON.parse(chunks.join('')).list.length, 20_000);
  });

  it('reads no further than it is asked to', () => {
    let made = 0;
    const endless = (function* () {
      for (;;) {
        made += 1;
        yield { text: 'x'.repeat(1000) };
      }
    })();
    jsonChunks(endless).next();
    assert.ok(made < 100, String(made));
  });
});

describe('pacedJson', () => {
  it('lets the event loop turn between pieces', async () => {
    let turns = 0;
    const timer = setImmediate(function again() {
      turns += 1;
      next = setImmediate(again);
    });
    let next = timer;
    let pieces = 0;
    for await (const _ of pacedJson(Array.from({ length: 50_000 }, (_, i) => ({ name: `record ${i}` })))) pieces += 1;
    clearImmediate(next);
    assert.ok(pieces > 10);
    assert.ok(turns >= pieces - 1, `${turns} turns for ${pieces} pieces`);
  });
});
