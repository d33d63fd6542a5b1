// Collects what is wrong or odd in a configuration, so that an operator sees all of it at once. Nothing here prints a
// password: values are quoted through `quote`, and those of secret keys are not quoted at all.

import { MesosDnsError } from '../errors.ts';
import { type Json, JsonObject } from './json.ts';

export class Problems {
  readonly errors: string[] = [];
  readonly warnings: string[] = [];

  /** Refuses a value: `where` is the key (with an index or a member), `got` what stands there, ready to print. */
  refuse(where: string, expected: string, got: string): void {
    this.errors.push(`${where}: expected ${expected}, got ${got}`);
  }

  warn(where: string, text: string): void {
    this.warnings.push(`${where}: ${text}`);
  }

  /**
   * Throws everything that was refused as one line, as a log carries it, and what is odd behind it: a mistyped key may be
   * why another one is missing. @throws MesosDnsError (ERR_CONFIG)
   */
  fail(file: string): never {
    const list = this.errors.map((error, index) => `(${index + 1}) ${error}`).join('; ');
    const text = this.errors.length === 1 ? this.errors.join() : `${this.errors.length} problems: ${list}`;
    const oddities = this.warnings.length === 0 ? '' : `; also: ${this.warnings.join('; ')}`;
    throw new MesosDnsError('ERR_CONFIG', `${file}: ${text}${oddities}`);
  }
}

const MAX_QUOTED_CHARACTERS = 100;

/** A value as a message shows it: strings and numbers as JSON, shortened; user:password@ masked; the rest by its type. */
export function quote(value: Json): string {
  if (typeof value !== 'string') return typeof value === 'number' ? String(value) : describe(value);
  const masked = value.replace(/^.*:.*@/s, '***@');
  const shown = masked.length > MAX_QUOTED_CHARACTERS ? `${masked.slice(0, MAX_QUOTED_CHARACTERS)}…` : masked;
  return JSON.stringify(shown);
}

/** The kind of a value, for those that must not be shown. */
export function describe(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (value instanceof JsonObject) return 'an object';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'a string' : 'a number';
}

/** A file system error in words, without a stack and without the path. */
export function fileTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'an unknown error';
  return WORDS[code] ?? code;
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file (a part of its path is not a directory)',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  EISDIR: 'it is a directory',
};
