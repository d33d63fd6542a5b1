import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ELEMENTS_LEFT } from '../../assembly/shared/rows.ts';
import {
  DocumentReader,
  type JsonReader,
  JsonSyntaxError,
  readDocument,
  type Walk,
} from '../../src/state/json-reader.ts';

/** Reads a document in pieces of a size. */
function readInPieces<T>(bytes: Uint8Array, size: number, read: (json: JsonReader) => Walk<T>): T {
  const document = new DocumentReader(read);
  for (let at = 0; at < bytes.length; at += size) document.add(bytes.subarray(at, at + size));
  return document.end();
}

/** Passes over the document as a whole. */
function isJson(bytes: Uint8Array, pieceSize = bytes.length): boolean {
  try {
    readInPieces(bytes, pieceSize, (json) => json.skip());
    return true;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    assert.match(error.message, /^(unexpected .* at offset \d+|it ends in the middle, after \d+ octets)$/);
    return false;
  }
}

/** Passes over the document member by member and element by element, and puts it together again. */
function* walk(json: JsonReader): Walk<unknown> {
  if (yield* json.isObject()) {
    const entries: [string, unknown][] = [];
    yield* json.object(function* (key) {
      entries.push([key, yield* walk(json)]);
    });
    return Object.fromEntries(entries);
  }
  if (yield* json.isList()) {
    const elements: unknown[] = [];
    yield* json.list(function* () {
      elements.push(yield* walk(json));
    });
    return elements;
  }
  return yield* json.value();
}

/** The same, save that the elements of lists come as rows. */
function* walkRows(json: JsonReader): Walk<unknown> {
  if (!(yield* json.isList())) return yield* json.value();
  const { list } = yield* json.elements<never>({ what: ELEMENTS_LEFT, read: () => null });
  return list.map((text) => JSON.parse(text) as unknown);
}

/** What JSON.parse says, or undefined, which it never does. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function assertSameVerdict(text: string): void {
  const expected = parsed(text);
  const bytes = Buffer.from(text);
  for (const pieceSize of [bytes.length, 1, 3]) {
    assert.equal(isJson(bytes, pieceSize), expected !== undefined, JSON.stringify(text));
    for (const read of [walk, walkRows]) {
      const walked = () => readInPieces(bytes, pieceSize, read);
      if (expected === undefined) assert.throws(walked, JsonSyntaxError);
      else assert.deepEqual(walked(), expected);
    }
  }
}

/** JSON text with white space, escapes and duplicate keys, which JSON.stringify never writes. */
const jsonText = fc.letrec<{ value: string; space: string; string: string }>((tie) => ({
  space: fc.oneof({ weight: 5, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\n', '\r\t')),
  string: fc.oneof(
    fc.constantFrom('"a"', '"\\u0061"', '"__proto__"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"'),
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  ),
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    tie('string'),
    fc.constantFrom('true', 'false', 'null', '0', '-0', '-1.50', '1e5', '1E+05', '0.1e-7', '12345678901234567890'),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
    fc
      .array(fc.tuple(tie('space'), tie('value'), tie('space')), { maxLength: 4 })
      .map((parts) => `[${parts.map((part) => part.join('')).join(',')}]`),
    fc
      .array(fc.tuple(tie('space'), tie('string'), tie('space'), tie('space'), tie('value'), tie('space')), {
        maxLength: 4,
      })
      .map((parts) => `{${parts.map(([a, key, b, c, value, d]) => `${a}${key}${b}:${c}${value}${d}`).join(',')}}`),
  ),
})).value;

describe('the reader', () => {
  it('accepts what JSON.parse accepts, and sees the same in it', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        assert.notEqual(parsed(text), undefined);
        assertSameVerdict(text);
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with JSON.parse about documents with one octet replaced, inserted or removed', () => {
    const octets = fc.oneof(
      fc.constantFrom(...'{}[]",:\\/-+.eE0159tfnu \n\t\0\x1f\x7f'),
      fc.integer({ min: 0, max: 127 }).map((code) => String.fromCharCode(code)),
    );
    fc.assert(
      fc.property(jsonText, fc.nat(), octets, fc.nat(2), (text, anywhere, octet, kind) => {
        const at = anywhere % text.length;
        const replaced = [octet, octet + text[at], ''][kind] ?? '';
        assertSameVerdict((text.slice(0, at) + replaced + text.slice(at + 1)).toWellFormed());
      }),
      { numRuns: 3000 },
    );
  });

  it('agrees with JSON.parse about documents that are cut', () => {
    fc.assert(
      fc.property(jsonText, fc.nat(), (text, end) => {
        assertSameVerdict(text.slice(0, end % text.length).toWellFormed());
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with JSON.parse about any short text', () => {
    const unit = fc.constantFrom(
      ...'{}[]",:\\-+.eE01tfnu ',
      'true',
      'false',
      'null',
      '"a"',
      '\\u00',
      '\ufeff',
      '\u00a0',
    );
    fc.assert(fc.property(fc.string({ unit, maxLength: 8 }), assertSameVerdict), { numRuns: 3000 });
  });

  for (const text of [
    ...['01', '-', '+1', '1.', '.5', '1e', '1e+', '-01', '0x1', '1_0', '--1', 'Infinity', 'NaN', '-Infinity'],
    ...['tru', 'truE', 'nul', 'nulll', 'False', 'undefined', "'a'", '"\\x41"', '"\\u12g4"', '"\\u123"', '"a\nb"'],
    ...['"a', '"a\\', '"\\u', '[1,]', '[,1]', '[1 2]', '{"a":1,}', '{a:1}', '{"a"}', '{"a":}', '{,}', '[}', '{]'],
    ...['{"a" 1}', '{"a":1 "b":2}', '{1:2}', '', ' ', '1 2', '[] []', '\ufeff1', '\u00a01', '/**/1', '\v1', '[1]]'],
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parsed(text), undefined);
      assertSameVerdict(text);
    });
  }

  it('says where a document ceases to be JSON', () => {
    const complaint = (text: string) => () => readInPieces(Buffer.from(text), 2, walk);
    assert.throws(complaint('{"a": x}'), /unexpected "x" at offset 6$/);
    assert.throws(complaint('["a\nb"]'), /unexpected octet 0xa at offset 3$/);
    assert.throws(complaint('{"a": [1'), /it ends in the middle, after 8 octets$/);
  });

  it('passes over any depth', () => {
    const depth = 500_000;
    const open = '[{"a":'.repeat(depth);
    assert.ok(isJson(Buffer.from(`${open}1${'}]'.repeat(depth)}`)));
    assert.ok(!isJson(Buffer.from(`${open}1${'}]'.repeat(depth - 1)}]}`)));
    assert.ok(!isJson(Buffer.from(open)));
  });

  it('notices numbers whose digits may get lost', () => {
    for (const [text, isLong] of [
      ['[123456789012345, 1.2345678901234567, "12345678901234567890"]', false],
      ['[1234567890123456]', true],
      ['[-1234567890123456]', true],
    ] as const) {
      for (const pieceSize of [text.length, 1]) {
        const { hasLongNumber } = readInPieces(Buffer.from(text), pieceSize, (json) =>
          json.elements<never>({ what: ELEMENTS_LEFT, read: () => null }),
        );
        assert.equal(hasLongNumber, isLong, text);
      }
    }
  });

  it('says the same of a document whatever pieces it comes in', () => {
    const outcome = (bytes: Uint8Array, cuts: readonly number[]) => {
      const document = new DocumentReader(walk);
      let from = 0;
      for (const cut of [...cuts, bytes.length]) {
        document.add(bytes.subarray(from, cut));
        from = cut;
      }
      try {
        return document.end();
      } catch (error) {
        return String(error);
      }
    };
    const mutated = fc.tuple(jsonText, fc.nat(), fc.constantFrom('', '"', ',', '}', '\\', '\u0000', 'é'));
    fc.assert(
      fc.property(mutated, fc.array(fc.nat(), { maxLength: 6 }), ([text, anywhere, octets], places) => {
        const at = anywhere % text.length;
        const bytes = Buffer.from(text.slice(0, at) + octets + text.slice(at));
        const cuts = places.map((place) => place % (bytes.length + 1)).sort((one, other) => one - other);
        assert.deepEqual(outcome(bytes, cuts), outcome(bytes, []));
      }),
      { numRuns: 3000 },
    );
  });

  it('reads elements that are larger than its window', () => {
    const list = Array.from({ length: 5 }, (_, i) => ({ text: String(i).repeat(400_000 * (i + 1)) }));
    for (const pieceSize of [10_000, 700_000, 20_000_000]) {
      assert.deepEqual(readInPieces(Buffer.from(JSON.stringify(list)), pieceSize, walkRows), list);
    }
  });

  it('is not in the way of another document', () => {
    const one = new DocumentReader(walk);
    one.add(Buffer.from('[1,'));
    assert.deepEqual(readDocument(Buffer.from('{"a":[2]}'), walk), { a: [2] });
    one.add(Buffer.from('3]'));
    assert.deepEqual(one.end(), [1, 3]);
  });
});
