import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JsonScanner, JsonSyntaxError } from '../../src/state/json-scanner.ts';

/** Passes over the document as a whole. */
function isJson(bytes: Uint8Array): boolean {
  const scanner = new JsonScanner(bytes);
  try {
    scanner.scanDocument((at) => scanner.skipValue(at));
    return true;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    assert.match(error.message, /^(unexpected .* at offset \d+|it ends in the middle, after \d+ octets)$/);
    return false;
  }
}

/** Passes over the document member by member and element by element, and puts it together again. */
function walk(scanner: JsonScanner, at: number): { readonly value: unknown; readonly end: number } {
  if (scanner.isObjectAt(at)) {
    const entries: [string, unknown][] = [];
    const end = scanner.scanObject(at, (key, start) => {
      const member = walk(scanner, start);
      entries.push([key, member.value]);
      return member.end;
    });
    return { value: Object.fromEntries(entries), end };
  }
  if (scanner.isArrayAt(at)) {
    const elements: unknown[] = [];
    const end = scanner.scanArray(at, (start) => {
      const element = walk(scanner, start);
      elements.push(element.value);
      return element.end;
    });
    return { value: elements, end };
  }
  const end = scanner.skipValue(at);
  return { value: scanner.parse(at, end), end };
}

function walked(text: string): unknown {
  const scanner = new JsonScanner(Buffer.from(text));
  let value: unknown;
  scanner.scanDocument((at) => {
    const document = walk(scanner, at);
    value = document.value;
    return document.end;
  });
  return value;
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
  assert.equal(isJson(Buffer.from(text)), expected !== undefined, JSON.stringify(text));
  if (expected === undefined) assert.throws(() => walked(text), JsonSyntaxError);
  else assert.deepEqual(walked(text), expected);
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

describe('the scanner', () => {
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
    const complaint = (text: string) => () => walked(text);
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
      const scanner = new JsonScanner(Buffer.from(text));
      scanner.skipValue(0);
      assert.equal(scanner.hasLongNumber, isLong, text);
    }
  });
});
