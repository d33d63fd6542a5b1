// The JSON reader agrees with JSON.parse on what is JSON, and says more about what is not.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Json, JsonObject, JsonSyntaxError, parseJson } from '../../src/config/json.ts';

/** The value that JSON.parse makes of the same text. */
function plain(value: Json): unknown {
  if (value instanceof JsonObject) {
    const entries = value.members.map((member) => [member.key, plain(member.value)] as const);
    return Object.fromEntries(entries);
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

function outcome(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof JsonSyntaxError) return 'refused';
    throw error;
  }
}

describe('parseJson', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        assert.deepEqual(plain(parseJson(text)), JSON.parse(text));
      }),
    );
  });

  it('accepts and refuses what JSON.parse does', () => {
    const piece = fc.constantFrom(
      ...'{}[]:,"\\/\'-+.0123eEtrufalsn \n\t\u0000\u2028'.split(''),
      'true',
      'null',
      '"a"',
      '1.5e3',
      '\\u00e9',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        assert.deepEqual(
          outcome(() => plain(parseJson(text))),
          outcome(() => JSON.parse(text)),
        );
      }),
      { numRuns: 5000 },
    );
  });

  it('keeps repeated keys and their lines', () => {
    const document = parseJson('{"a": 1,\n"__proto__": 2, "a": 3}');
    assert.ok(document instanceof JsonObject);
    assert.deepEqual(
      document.members.map(({ key, line }) => [key, line]),
      [
        ['a', 1],
        ['__proto__', 2],
        ['a', 2],
      ],
    );
  });

  it('refuses nesting that could exhaust the stack', () => {
    assert.throws(() => parseJson('['.repeat(100_000)), JsonSyntaxError);
  });

  it('names the line and the column', () => {
    assert.throws(() => parseJson('{\r\n  "a": tru\r\n}'), { line: 2, column: 8 });
    assert.throws(() => parseJson('"never ends\n'), { line: 1, column: 1, message: /does not end in its line/ });
  });
});
