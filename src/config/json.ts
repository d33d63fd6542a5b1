// Reads JSON and says in which line and column it stops being JSON. Unlike JSON.parse it keeps repeated keys, and its
// messages never quote the text, which may hold a password.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** An object's members in the order of the text; a key may stand there more than once. */
export class JsonObject {
  readonly members: readonly JsonMember[];

  constructor(members: readonly JsonMember[]) {
    this.members = members;
  }
}

export interface JsonMember {
  readonly key: string;
  readonly value: Json;
  /** Line of the key, from 1. */
  readonly line: number;
}

/** `line` and `column` count from 1; the message names them and what was expected there. */
export class JsonSyntaxError extends Error {
  readonly line: number;
  readonly column: number;

  constructor(line: number, column: number, expectation: string) {
    super(`not JSON in line ${line}, column ${column}: ${expectation}`);
    this.name = 'JsonSyntaxError';
    this.line = line;
    this.column = column;
  }
}

/** Far more than any configuration needs, and far less than the stack holds. */
const MAX_DEPTH = 100;

/** Accepts exactly what RFC 8259 calls a JSON text, up to 100 levels deep. @throws JsonSyntaxError */
export function parseJson(text: string): Json {
  return new Reader(text).document();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Json {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('expected nothing more after the end of the value');
    return value;
  }

  #value(depth: number): Json {
    if (depth > MAX_DEPTH) this.#fail(`expected at most ${MAX_DEPTH} levels of nesting`);
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return this.#wordOrNumber();
    }
  }

  #object(depth: number): JsonObject {
    const members: JsonMember[] = [];
    this.#at += 1;
    if (this.#take('}')) return new JsonObject(members);
    do {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') {
        this.#fail(
          members.length > 0 && this.#text[this.#at] === '}' ? AFTER_LAST_COMMA : 'expected a key in double quotes',
        );
      }
      const line = this.#position(this.#at).line;
      const key = this.#string();
      if (!this.#take(':')) this.#fail('expected a colon after the key');
      members.push({ key, value: this.#value(depth + 1), line });
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail('expected a comma or }');
    return new JsonObject(members);
  }

  #array(depth: number): readonly Json[] {
    const items: Json[] = [];
    this.#at += 1;
    if (this.#take(']')) return items;
    do {
      this.#skipSpace();
      if (items.length > 0 && this.#text[this.#at] === ']') this.#fail(AFTER_LAST_COMMA);
      items.push(this.#value(depth + 1));
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail('expected a comma or ]');
    return items;
  }

  #string(): string {
    const start = this.#at;
    const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
    for (this.#at += 1; this.#text[this.#at] !== '"'; ) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code) || code === 0x0a || code === 0x0d) {
        this.#at = start;
        this.#fail('this string does not end in its line');
      }
      if (code < 0x20) this.#fail('a control character in a string must be escaped');
      escaped.lastIndex = this.#at;
      if (code === 0x5c && !escaped.test(this.#text)) this.#fail('this is no escape sequence of JSON');
      this.#at = code === 0x5c ? escaped.lastIndex : this.#at + 1;
    }
    this.#at += 1;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #wordOrNumber(): Json {
    const token = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
    token.lastIndex = this.#at;
    const word = token.exec(this.#text)?.[0];
    if (word === undefined) this.#fail('expected a value');
    this.#at += word.length;
    return JSON.parse(word) as Json;
  }

  #take(mark: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    const space = /[ \t\r\n]*/y;
    space.lastIndex = this.#at;
    space.test(this.#text);
    this.#at = space.lastIndex;
  }

  #fail(expectation: string): never {
    const { line, column } = this.#position(this.#at);
    throw new JsonSyntaxError(line, column, expectation + hintAt(this.#text, this.#at));
  }

  #position(at: number): { line: number; column: number } {
    const before = this.#text.slice(0, at).split('\n');
    return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  }
}

const AFTER_LAST_COMMA = 'the last entry must not be followed by a comma';

/** What people write although it is not JSON. */
function hintAt(text: string, at: number): string {
  const found = text[at];
  if (found === undefined) return ', but the file ends here';
  if (found === '/' || found === '#') return ' (JSON has no comments)';
  if (found === "'") return ' (JSON has no single quotes)';
  return '';
}
