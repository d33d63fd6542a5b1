// Reads single fields of unknown JSON: what has the wrong type is noted, null counts as absent.

import type { Oddities } from './oddities.ts';

export interface JsonObject {
  readonly [key: string]: unknown;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param called what a warning calls the field.
 * @returns '' where the field is absent, null (noted) where it is not a string. Half a surrogate pair (an escape such as
 *   `\ud800`) is U+FFFD to the original.
 */
export function readText(object: JsonObject, key: string, odd: Oddities, called = key): string | null {
  const value = object[key];
  if (typeof value === 'string') return value.toWellFormed();
  if (value === undefined || value === null) return '';
  odd.note(`${called} is ${typeName(value)}, not a string`);
  return null;
}

/** An absent or unreadable (noted) list has no elements. */
export function readList(object: JsonObject, key: string, odd: Oddities, called = key): readonly unknown[] {
  const value = object[key];
  if (Array.isArray(value)) return value;
  if (value !== undefined && value !== null) odd.note(`${called} is ${typeName(value)}, not a list`);
  return [];
}

/** @returns null where the field is absent or, noted, not an object. */
export function readObject(object: JsonObject, key: string, odd: Oddities, called = key): JsonObject | null {
  const value = object[key];
  if (isObject(value)) return value;
  if (value !== undefined && value !== null) odd.note(`${called} is ${typeName(value)}, not an object`);
  return null;
}

/** Anything that is not `false` is true: masters before the field existed knew only active elements. */
export function readActive(object: JsonObject): boolean {
  return object['active'] !== false;
}

export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
